//! The function's settings, read from environment variables. All validation is here; a mistake
//! is one line that names the variable, the entry and the mend.

use std::fmt::Display;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arn::is_name;
use crate::binding::{Binding, Cluster, NotATargetGroup, Owner, TargetGroupArn};
use crate::drift::Prune;
use crate::object::Object;

/// What the operator has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which tasks belong to which target groups: at least one binding, none twice.
    pub bindings: Vec<Binding>,
    /// What a reconcile may remove.
    pub prune: Prune,
    /// Whether to decide, report and log, but write nothing.
    pub dry_run: bool,
    /// The region of the function, its clusters and its target groups.
    pub region: String,
    /// The function's name, by which its metrics are told from other functions'.
    pub function: String,
}

/// A mistake in the settings, as one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}; {mend}")]
pub struct Mistake {
    variable: String,
    problem: String,
    mend: String,
}

impl Mistake {
    /// Names what is wrong with which variable (or entry of it) and what to do about it.
    pub fn new(
        variable: impl Into<String>,
        problem: impl Display,
        mend: impl Into<String>,
    ) -> Self {
        let one_line = |text: String| text.replace(['\n', '\r'], " ");
        Self {
            variable: variable.into(),
            problem: one_line(problem.to_string()),
            mend: one_line(mend.into()),
        }
    }
}

const EXAMPLE: &str = r#"[{"cluster":"NAME","service":"NAME","targetGroupArn":"ARN","port":8080}]"#;

impl Config {
    /// Reads the settings; `variable` gives an environment variable's value if it is set.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Mistake> {
        // CloudFormation can hardly leave a variable out, so an empty one counts as not set.
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.ok_or_else(|| {
            Mistake::new("AWS_REGION", "not set", "Lambda sets it; elsewhere set it to the region")
        })?;
        let bindings = variable("BINDINGS")
            .ok_or_else(|| Mistake::new("BINDINGS", "not set", format!("set it to {EXAMPLE}")))?;
        Ok(Self {
            bindings: read_bindings(&bindings, &region)?,
            prune: read_prune(variable("PRUNE").as_deref())?,
            dry_run: read_dry_run(variable("DRY_RUN").as_deref())?,
            region,
            function: variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned()),
        })
    }
}

fn read_prune(value: Option<&str>) -> Result<Prune, Mistake> {
    match value {
        None | Some("proven") => Ok(Prune::Proven),
        Some("all") => Ok(Prune::All),
        Some("never") => Ok(Prune::Never),
        Some(other) => {
            let problem = format!("{} is not known", quoted(other));
            Err(Mistake::new("PRUNE", problem, "set it to proven, all or never"))
        }
    }
}

fn read_dry_run(value: Option<&str>) -> Result<bool, Mistake> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            let problem = format!("{} is neither true nor false", quoted(other));
            Err(Mistake::new("DRY_RUN", problem, "set it to true or false"))
        }
    }
}

fn read_bindings(json: &str, region: &str) -> Result<Vec<Binding>, Mistake> {
    let entries: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| {
        let problem = format!("not a JSON array ({error})");
        Mistake::new("BINDINGS", problem, format!("set it to {EXAMPLE}"))
    })?;
    if entries.is_empty() {
        let mend = format!("name at least one: {EXAMPLE}");
        return Err(Mistake::new("BINDINGS", "holds no binding", mend));
    }
    let mut bindings: Vec<Binding> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let binding = Entry { index, region }.read(entry)?;
        if let Some(first) = bindings.iter().position(|earlier| earlier.repeats(&binding)) {
            let problem = format!("the same binding as BINDINGS[{first}]");
            return Err(Mistake::new(format!("BINDINGS[{index}]"), problem, "remove one of them"));
        }
        bindings.push(binding);
    }
    Ok(bindings)
}

/// An entry of `BINDINGS` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Fields {
    cluster: Option<String>,
    service: Option<String>,
    family: Option<String>,
    target_group_arn: Option<String>,
    port: Option<serde_json::Value>,
}

/// Where an entry of `BINDINGS` stands, for its mistakes.
struct Entry<'a> {
    index: usize,
    region: &'a str,
}

impl Entry<'_> {
    fn read(&self, entry: &RawValue) -> Result<Binding, Mistake> {
        let Object(fields): Object<Fields> =
            serde_json::from_str(entry.get()).map_err(|error| {
                let mend = "give cluster, service (or family), targetGroupArn and, if wanted, port";
                self.mistake("", error, mend)
            })?;
        let target_group = self.target_group(fields.target_group_arn)?;
        Ok(Binding {
            cluster: self.cluster(fields.cluster, &target_group)?,
            owner: self.owner(fields.service, fields.family)?,
            target_group,
            port: self.port(fields.port)?,
        })
    }

    fn cluster(&self, text: Option<String>, group: &TargetGroupArn) -> Result<Cluster, Mistake> {
        let mend = "give the cluster's name or its ARN";
        let text = text.ok_or_else(|| self.mistake(".cluster", "missing", mend))?;
        let cluster = Cluster::parse(&text, group).ok_or_else(|| {
            self.mistake(".cluster", format!("{} names no cluster", quoted(&text)), mend)
        })?;
        match cluster.region() {
            region if region == self.region => Ok(cluster),
            other => Err(self.other_region(".cluster", "the cluster", other)),
        }
    }

    fn owner(&self, service: Option<String>, family: Option<String>) -> Result<Owner, Mistake> {
        let (field, name) = match (&service, &family) {
            (Some(name), None) => (".service", name),
            (None, Some(name)) => (".family", name),
            (Some(_), Some(_)) => {
                let mend = "keep service, or family for standalone tasks";
                return Err(self.mistake("", "both service and family are given", mend));
            }
            (None, None) => {
                let mend = "give service, or family for standalone tasks";
                return Err(self.mistake("", "neither service nor family is given", mend));
            }
        };
        if !is_name(name) {
            let mend = "give the bare name, not an ARN and without a revision";
            return Err(self.mistake(field, format!("{} is not a name", quoted(name)), mend));
        }
        let owner = service.map(Owner::Service).or(family.map(Owner::Family));
        owner.ok_or_else(|| self.mistake(field, "missing", "give it"))
    }

    fn target_group(&self, text: Option<String>) -> Result<TargetGroupArn, Mistake> {
        let field = ".targetGroupArn";
        let mend = "give arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID, as \
                    `aws elbv2 describe-target-groups` prints it";
        let text = text.ok_or_else(|| self.mistake(field, "missing", mend))?;
        let group = TargetGroupArn::parse(&text).map_err(|why| {
            let why = match why {
                NotATargetGroup::Malformed => "is a malformed ARN",
                NotATargetGroup::OtherResource => "is not an ELBv2 target group",
            };
            self.mistake(field, format!("{} {why}", quoted(&text)), mend)
        })?;
        if group.region() != self.region {
            return Err(self.other_region(field, "the target group", group.region()));
        }
        Ok(group)
    }

    fn port(&self, value: Option<serde_json::Value>) -> Result<Option<u16>, Mistake> {
        let Some(value) = value else { return Ok(None) };
        let port = value.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|p| *p > 0);
        let port = port.ok_or_else(|| {
            let mend = "give a number from 1 to 65535, or leave it out for the group's own port";
            self.mistake(".port", format!("{} is not a port", quoted(&value.to_string())), mend)
        })?;
        Ok(Some(port))
    }

    fn other_region(&self, field: &str, what: &str, region: &str) -> Mistake {
        let problem = format!("{what} is in {region}, the function in {}", self.region);
        self.mistake(field, problem, format!("deploy the function in {region}, or bind one here"))
    }

    fn mistake(&self, field: &str, problem: impl Display, mend: impl Into<String>) -> Mistake {
        Mistake::new(format!("BINDINGS[{}]{field}", self.index), problem, mend)
    }
}

/// A value in quotes, cut if it is long.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(120).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";

    fn binding(cluster: &str, port: &str) -> String {
        let group = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo/6d0e";
        format!(
            r#"{{"cluster":"{cluster}","service":"demo","targetGroupArn":"{group}","port":{port}}}"#
        )
    }

    fn read(settings: &[(&str, &str)]) -> Result<Config, Mistake> {
        let bindings = format!("[{}]", binding("demo-cluster", "80"));
        let defaults = [("AWS_REGION", "us-east-2"), ("BINDINGS", bindings.as_str())];
        Config::read(|name| {
            let mut settings = settings.iter().chain(&defaults);
            settings.find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn what_is_not_set_or_empty_has_its_default() {
        let default = read(&[]).unwrap();
        assert_eq!((default.prune, default.dry_run), (Prune::Proven, false));
        assert_eq!(default.bindings[0].port, Some(80));
        assert_eq!(read(&[("PRUNE", ""), ("DRY_RUN", " ")]).unwrap(), default);
        assert_eq!(read(&[("PRUNE", "proven"), ("DRY_RUN", "false")]).unwrap(), default);
        assert!(read(&[("DRY_RUN", "true")]).unwrap().dry_run);
        for (value, prune) in [("all", Prune::All), ("never", Prune::Never)] {
            assert_eq!(read(&[("PRUNE", value)]).unwrap().prune, prune);
        }
        let elsewhere = [("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "us-east-2")];
        assert_eq!(read(&elsewhere).unwrap(), default);
    }

    #[test]
    fn bindings_that_differ_in_anything_are_several() {
        let bindings = [("demo-cluster", "80"), ("demo-cluster", "81"), ("other", "80")];
        let read = |bindings: &[(&str, &str)]| {
            let bindings: Vec<String> = bindings.iter().map(|(c, port)| binding(c, port)).collect();
            read(&[("BINDINGS", &format!("[{}]", bindings.join(",")))])
        };
        assert_eq!(read(&bindings).unwrap().bindings.len(), 3);
        let mistake = read(&[bindings[0], bindings[1], (CLUSTER, "80")]).unwrap_err();
        assert!(mistake.to_string().starts_with("BINDINGS[2]: the same binding as BINDINGS[0]"));
    }

    #[test]
    fn a_cluster_in_another_region_is_a_mistake() {
        let elsewhere = binding(&CLUSTER.replace("us-east-2", "eu-west-1"), "80");
        let mistake = read(&[("BINDINGS", &format!("[{elsewhere}]"))]).unwrap_err().to_string();
        assert!(mistake.contains("the cluster is in eu-west-1, the function in us-east-2"));
    }

    #[test]
    fn a_port_is_a_number_from_1_to_65535() {
        for (port, expected) in [("1", Some(1)), ("65535", Some(65535)), ("null", None)] {
            let bindings = format!("[{}]", binding(CLUSTER, port));
            let config = read(&[("BINDINGS", &bindings)]).unwrap();
            assert_eq!(config.bindings[0].port, expected, "{port}");
        }
        for port in ["0", "-1", "65536", "80.5", r#""80""#] {
            let bindings = format!("[{}]", binding(CLUSTER, port));
            let mistake = read(&[("BINDINGS", &bindings)]).unwrap_err().to_string();
            assert!(mistake.starts_with("BINDINGS[0].port: "), "{mistake}");
        }
    }

    #[test]
    fn a_long_value_is_cut_in_the_mistake() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        let longest = "é".repeat(120);
        assert_eq!(quoted(&longest), format!("{longest:?}"));
        assert_eq!(quoted(&format!("{longest}é")), format!("{longest:?}…"));
    }
}
