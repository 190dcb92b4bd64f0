//! Thin adapter over VPC Lattice: RegisterTargets and DeregisterTargets, the targets of a group,
//! and the group itself. These calls are made without an SDK client, which would make the package
//! larger by a twentieth.
//!
//! What differs from Elastic Load Balancing: a call takes 100 targets, says of each by itself
//! whether it was accepted, and lists targets by pages of 100. (All shapes and codes: VPC Lattice
//! API reference, as botocore models it.)

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::debug;

use crate::aws::bisect::Refusal;
use crate::aws::endpoints::LATTICE;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::side_by_side::side_by_side;
use crate::aws::signed_call::{Request, SignedClient, encoded};
use crate::aws::traffic::Counter;
use crate::core::failure::{Code, Failure};
use crate::core::health::{Health, LATTICE_NOT_IN_USE};
use crate::core::target::{AddressPort, Refused, Write};
use crate::core::target_group::{Described, TargetGroupArn};

/// The most targets in one call.
pub const CHUNK: usize = 100;

/// The most targets on a page.
const PAGE: usize = 100;

/// The most targets that ListTargets can be asked about.
const NAMED: usize = 20;

/// The names of the calls, for messages.
pub const GET_TARGET_GROUP: &str = "GetTargetGroup";
const LIST_TARGETS: &str = "ListTargets";

/// Calls VPC Lattice.
#[derive(Clone, Debug)]
pub struct Lattice(SignedClient);

/// A target group (GetTargetGroup).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    pub name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub status: Option<String>,
    pub service_arns: Vec<String>,
    pub config: Config,
}

/// Its configuration (TargetGroupConfig).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    pub port: Option<u16>,
    pub protocol: Option<String>,
    pub protocol_version: Option<String>,
    ip_address_type: Option<String>,
    pub vpc_identifier: Option<String>,
    pub health_check: HealthCheck,
}

/// How its targets are checked (HealthCheckConfig).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthCheck {
    pub enabled: Option<bool>,
    pub protocol: Option<String>,
    pub port: Option<u16>,
}

/// What a write did with each of its targets.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    successful: Vec<Told>,
    unsuccessful: Vec<Told>,
}

/// A page of targets.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    items: Vec<Told>,
    next_token: Option<String>,
}

/// A target in an answer (Target, TargetFailure, TargetSummary).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    id: String,
    port: Option<u16>,
    status: String,
    reason_code: Option<String>,
    failure_code: Option<String>,
    failure_message: Option<String>,
}

impl Lattice {
    /// Calls with the settings of the SDK's clients; `counter` counts their requests.
    pub fn new(sdk: &SdkConfig, counter: Counter) -> Self {
        Self(SignedClient::new(sdk, &LATTICE, counter))
    }

    /// Registers or deregisters these targets of a group, and returns those that it did not change:
    /// those that VPC Lattice lists as unsuccessful, or not at all.
    ///
    /// Whether a target that is not there counts as deregistered is not documented; here it does.
    /// If that cannot be read, it is as VPC Lattice said. One that is there after all may have been
    /// registered since, so it is deregistered once more.
    pub async fn write(
        &self,
        write: Write,
        group: &TargetGroupArn,
        chunk: &[AddressPort],
        limits: &Limits,
    ) -> Result<Refused, Failure> {
        let mut refused = self.write_once(write, group, chunk, limits).await?;
        if write == Write::Register || refused.is_empty() {
            return Ok(refused);
        }
        let again = self.still_there(group, &mut refused, limits).await;
        if !again.is_empty()
            && let Ok(mut since) = self.write_once(write, group, &again, limits).await
        {
            self.still_there(group, &mut since, limits).await;
            again.iter().for_each(|target| drop(refused.remove(target)));
            refused.extend(since);
        }
        Ok(refused)
    }

    /// Makes one such call.
    async fn write_once(
        &self,
        write: Write,
        group: &TargetGroupArn,
        chunk: &[AddressPort],
        limits: &Limits,
    ) -> Result<Refused, Failure> {
        let verb = match write {
            Write::Register => "registertargets",
            Write::Deregister => "deregistertargets",
        };
        let body = targets(chunk);
        let action = write.action();
        let written: Written =
            self.call(Kind::LatticeWrite, action, group, verb, Some(body), limits).await?;
        let message = "VPC Lattice left the target out of its answer";
        let left_out = Failure::new(action, Code::TargetFailed, message);
        let mut refused: Refused = chunk.iter().map(|target| (*target, left_out.clone())).collect();
        for target in written.successful.iter().filter_map(Told::target) {
            refused.remove(&target);
        }
        for told in written.unsuccessful {
            if let Some(target) = told.target() {
                refused.insert(target, told.failure(action));
            }
        }
        Ok(refused)
    }

    /// Takes those out of the refused targets that are not registered, and returns those that are.
    /// Those that cannot be read stay.
    async fn still_there(
        &self,
        group: &TargetGroupArn,
        refused: &mut Refused,
        limits: &Limits,
    ) -> Vec<AddressPort> {
        let mut there = Vec::new();
        let targets: Vec<AddressPort> = refused.keys().copied().collect();
        for some in targets.chunks(NAMED) {
            let Ok(listed) = self.list(group, some, limits).await else { continue };
            for target in some {
                if listed.get(target).is_some_and(Health::is_present) {
                    there.push(*target);
                } else {
                    refused.remove(target);
                }
            }
        }
        there
    }

    /// The targets of a group with their health, draining ones among them: all pages, or a failure.
    pub async fn health(
        &self,
        group: &TargetGroupArn,
        limits: &Limits,
    ) -> Result<BTreeMap<AddressPort, Health>, Failure> {
        self.list(group, &[], limits).await
    }

    /// Likewise; of these targets only, if any are named.
    async fn list(
        &self,
        group: &TargetGroupArn,
        named: &[AddressPort],
        limits: &Limits,
    ) -> Result<BTreeMap<AddressPort, Health>, Failure> {
        let body = if named.is_empty() { json!({}) } else { targets(named) };
        let mut path = format!("listtargets?maxResults={PAGE}");
        let mut found = BTreeMap::new();
        loop {
            let (kind, body) = (Kind::LatticeRead, Some(body.clone()));
            let page: Page = self.call(kind, LIST_TARGETS, group, &path, body, limits).await?;
            found
                .extend(page.items.iter().filter_map(|told| Some((told.target()?, told.health()))));
            let Some(token) = page.next_token.filter(|token| !token.is_empty()) else {
                return Ok(found);
            };
            path = format!("listtargets?maxResults={PAGE}&nextToken={}", encoded(&token));
        }
    }

    /// A target group.
    pub async fn group(&self, group: &TargetGroupArn, limits: &Limits) -> Result<Group, Failure> {
        self.call(Kind::LatticeRead, GET_TARGET_GROUP, group, "", None, limits).await
    }

    /// What has to be known of these target groups: a call for each.
    pub async fn describe(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Vec<Result<Vec<Described>, Failure>> {
        let calls = groups.iter().map(async |arn| {
            let group = self.group(arn, limits).await?;
            Ok::<_, Failure>(vec![Described {
                arn: (*arn).clone(),
                port: group.config.port,
                unfit: group.unfit(),
            }])
        });
        side_by_side(calls).await
    }

    /// Calls an operation on a group, which is named by its id: VPC Lattice takes no group of
    /// another account.
    async fn call<T: DeserializeOwned>(
        &self,
        kind: Kind,
        action: &'static str,
        group: &TargetGroupArn,
        operation: &str,
        body: Option<Value>,
        limits: &Limits,
    ) -> Result<T, Failure> {
        debug!(target_group = group.name(), action);
        let slash = if operation.is_empty() { "" } else { "/" };
        let path = format!("/targetgroups/{}{slash}{operation}", group.name());
        let request = Request::rest_json(path, body.map(|body| body.to_string()));
        self.0.call(limits, kind, action, request).await
    }
}

impl Group {
    /// `IPV4` or `IPV6`; the former if VPC Lattice does not say, as it is the default.
    pub fn family(&self) -> &str {
        self.config.ip_address_type.as_deref().unwrap_or("IPV4")
    }

    /// What keeps it from taking IPv6 addresses, if anything.
    fn unfit(&self) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let (name, family) = (self.name.as_deref().unwrap_or_default(), self.family());
        ((kind, family) != ("IP", "IPV6")).then(|| {
            format!("{name} has type {kind} and IP address type {family}, not IP and IPV6")
        })
    }
}

impl Told {
    /// The target, if it is an IPv6 address. How VPC Lattice writes one is not documented.
    fn target(&self) -> Option<AddressPort> {
        Some((self.id.parse().ok()?, self.port?))
    }

    fn failure(self, action: &'static str) -> Failure {
        let message = self.failure_message.unwrap_or_else(|| "no message".to_owned());
        Failure::new(action, Code::of_aws(self.failure_code.as_deref()), message)
    }

    /// In the words that Elastic Load Balancing has for the same states: its names are those of VPC
    /// Lattice in lower case.
    fn health(&self) -> Health {
        let state = self.status.to_ascii_lowercase();
        let reason = self.reason_code.clone().unwrap_or_default();
        let is_unused = state == "unused" && reason.is_empty();
        Health { state, reason: if is_unused { LATTICE_NOT_IN_USE.to_owned() } else { reason } }
    }
}

/// Id and port always: a target is known by both.
fn targets(targets: &[AddressPort]) -> Value {
    let target = |(id, port): &AddressPort| json!({"id": id.to_string(), "port": port});
    json!({"targets": targets.iter().map(target).collect::<Vec<_>>()})
}

/// What an error of RegisterTargets or DeregisterTargets says about its targets. Whether an address
/// of the wrong family fails the whole call is not documented.
pub fn classify(error: &Failure) -> Refusal {
    match error.code.as_str() {
        "ValidationException" => Refusal::BadItem,
        "ServiceQuotaExceededException" => Refusal::QuotaReached,
        "ResourceNotFoundException" | "AccessDeniedException" => Refusal::Hopeless,
        _ => Refusal::CallFailed,
    }
}
