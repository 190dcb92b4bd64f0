//! `BINDINGS`: a JSON array of entries, each read into a binding.

use std::fmt::Display;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::access;
use crate::config::error::{ConfigError, quoted};
use crate::core::access::{Access, Accesses};
use crate::core::arn::is_name;
use crate::core::binding::{Binding, Cluster, NotATargetGroup, Owner, Source, TargetGroupArn};
use crate::json::JsonObject;

pub const EXAMPLE: &str =
    r#"[{"cluster":"NAME","service":"NAME","targetGroupArn":"ARN","port":8080}]"#;

/// Reads all bindings: at least one, none twice, all in `region`; and how their groups are reached.
pub fn read(json: &str, region: &str) -> Result<(Vec<Binding>, Accesses), ConfigError> {
    let entries: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| {
        let problem = format!("not a JSON array ({error})");
        ConfigError::new("BINDINGS", problem, format!("set it to {EXAMPLE}"))
    })?;
    if entries.is_empty() {
        let fix = format!("name at least one: {EXAMPLE}");
        return Err(ConfigError::new("BINDINGS", "holds no binding", fix));
    }
    let entries = entries.into_iter().enumerate();
    let read = entries.map(|(index, entry)| Entry { index, region }.read(entry));
    let read: Vec<(Binding, Access)> = read.collect::<Result<_, _>>()?;
    let accesses = access::of_groups(&read)?;
    Ok((united(at_home(read))?, accesses))
}

/// The bindings, whose clusters are all in the function's own account: that of a group which takes
/// no role, if there is one. Else the first invocation has to say which it is.
fn at_home(read: Vec<(Binding, Access)>) -> Vec<Binding> {
    let own = read.iter().find(|(_, access)| access.role.is_none());
    let home = own.map(|(binding, _)| binding.target_group.account().to_owned());
    let bindings = read.into_iter().map(|(binding, _)| binding);
    match home {
        Some(home) => bindings.map(|binding| binding.at_home(&home)).collect(),
        None => bindings.collect(),
    }
}

fn united(read: Vec<Binding>) -> Result<Vec<Binding>, ConfigError> {
    for (index, binding) in read.iter().enumerate() {
        if let Some(first) = read[..index].iter().position(|earlier| earlier.repeats(binding)) {
            let problem = format!("the same binding as BINDINGS[{first}]");
            return Err(ConfigError::new(
                format!("BINDINGS[{index}]"),
                problem,
                "remove one of them",
            ));
        }
    }
    Ok(read)
}

/// An entry of `BINDINGS` before validation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    cluster: Option<String>,
    service: Option<String>,
    family: Option<String>,
    target_group_arn: Option<String>,
    port: Option<serde_json::Value>,
    hold: Option<serde_json::Value>,
    role_arn: Option<serde_json::Value>,
    external_id: Option<serde_json::Value>,
    zone: Option<serde_json::Value>,
}

/// The position of an entry in `BINDINGS`, for error messages.
pub(super) struct Entry<'a> {
    index: usize,
    region: &'a str,
}

impl Entry<'_> {
    fn read(&self, entry: &RawValue) -> Result<(Binding, Access), ConfigError> {
        let JsonObject(fields): JsonObject<Fields> =
            serde_json::from_str(entry.get()).map_err(|error| {
                let fix = "give cluster, service (or family), targetGroupArn and, if wanted, port";
                self.mistake("", error, fix)
            })?;
        let target_group = self.target_group(fields.target_group_arn)?;
        let role = self.role(fields.role_arn, fields.external_id, &target_group)?;
        let access = Access { role, all_zones: self.all_zones(fields.zone, &target_group)? };
        let binding = Binding {
            cluster: self.cluster(fields.cluster, &target_group, access.role.is_some())?,
            owner: self.owner(fields.service, fields.family)?,
            target_group,
            port: self.port(fields.port)?,
            hold: self.hold(fields.hold)?,
            source: Source::Entry(self.index),
        };
        Ok((binding, access))
    }

    fn cluster(
        &self,
        text: Option<String>,
        group: &TargetGroupArn,
        is_elsewhere: bool,
    ) -> Result<Cluster, ConfigError> {
        let fix = "give the cluster's name or its ARN";
        let text = text.ok_or_else(|| self.mistake(".cluster", "missing", fix))?;
        let cluster = match is_elsewhere && !text.starts_with("arn:") {
            true => Cluster::of_unknown_account(&text, group),
            false => Cluster::parse(&text, group),
        };
        let cluster = cluster.ok_or_else(|| {
            self.mistake(".cluster", format!("{} names no cluster", quoted(&text)), fix)
        })?;
        match cluster.region() {
            region if region == self.region => Ok(cluster),
            other => Err(self.other_region(".cluster", "the cluster", other)),
        }
    }

    fn owner(&self, service: Option<String>, family: Option<String>) -> Result<Owner, ConfigError> {
        let (field, name) = match (&service, &family) {
            (Some(name), None) => (".service", name),
            (None, Some(name)) => (".family", name),
            (Some(_), Some(_)) => {
                let fix = "keep service, or family for standalone tasks";
                return Err(self.mistake("", "both service and family are given", fix));
            }
            (None, None) => {
                let fix = "give service, or family for standalone tasks";
                return Err(self.mistake("", "neither service nor family is given", fix));
            }
        };
        if !is_name(name) {
            let fix = "give the bare name, not an ARN and without a revision";
            return Err(self.mistake(field, format!("{} is not a name", quoted(name)), fix));
        }
        let owner = service.map(Owner::Service).or(family.map(Owner::Family));
        owner.ok_or_else(|| self.mistake(field, "missing", "give it"))
    }

    fn target_group(&self, text: Option<String>) -> Result<TargetGroupArn, ConfigError> {
        let field = ".targetGroupArn";
        let fix = "give arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID, as \
                    `aws elbv2 describe-target-groups` prints it, or \
                    arn:aws:vpc-lattice:REGION:ACCOUNT:targetgroup/tg-ID, as `aws vpc-lattice \
                    list-target-groups` does";
        let text = text.ok_or_else(|| self.mistake(field, "missing", fix))?;
        let group = TargetGroupArn::parse(&text).map_err(|why| {
            let why = match why {
                NotATargetGroup::Malformed => "is a malformed ARN",
                NotATargetGroup::OtherResource => {
                    "is not an ELBv2 target group, nor one of VPC Lattice"
                }
            };
            self.mistake(field, format!("{} {why}", quoted(&text)), fix)
        })?;
        if group.region() != self.region {
            return Err(self.other_region(field, "the target group", group.region()));
        }
        Ok(group)
    }

    fn port(&self, value: Option<serde_json::Value>) -> Result<Option<u16>, ConfigError> {
        let Some(value) = value else { return Ok(None) };
        let port = value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|p| *p > 0);
        let port = port.ok_or_else(|| {
            let fix = "give a number from 1 to 65535, or leave it out for the group's own port";
            self.mistake(".port", format!("{} is not a port", quoted(&value.to_string())), fix)
        })?;
        Ok(Some(port))
    }

    fn hold(&self, value: Option<serde_json::Value>) -> Result<bool, ConfigError> {
        match value {
            None => Ok(true),
            Some(serde_json::Value::Bool(hold)) => Ok(hold),
            Some(other) => {
                let fix = "give false to exempt the binding from holds, or leave it out";
                let problem = format!("{} is neither true nor false", quoted(&other.to_string()));
                Err(self.mistake(".hold", problem, fix))
            }
        }
    }

    fn other_region(&self, field: &str, what: &str, region: &str) -> ConfigError {
        let problem = format!("{what} is in {region}, the function in {}", self.region);
        self.mistake(field, problem, format!("deploy the function in {region}, or bind one here"))
    }

    pub(super) fn mistake(
        &self,
        field: &str,
        problem: impl Display,
        fix: impl Into<String>,
    ) -> ConfigError {
        ConfigError::new(format!("BINDINGS[{}]{field}", self.index), problem, fix)
    }
}
