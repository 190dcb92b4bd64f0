//! Thin adapter over Elastic Load Balancing v2: RegisterTargets and DeregisterTargets, the targets
//! of a group, and what has to be known of a group before.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
};
use futures_util::future::{BoxFuture, join_all};
use tracing::debug;

use crate::aws::accounts::{Accounts, ElbClient, Reached};
use crate::aws::bisect::Refusal;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::sts::ASSUME_ROLE;
use crate::aws::xml::Element;
use crate::core::access::Role;
use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;
use crate::core::health::Health;
use crate::core::target::{AddressPort, Refused, Write};
use crate::core::target_group::Described;

/// Targets in one call. No maximum is documented; the AWS Load Balancer Controller sends as many.
pub const CHUNK: usize = 200;

/// The name of the call, for messages.
pub const DESCRIBE_TARGET_GROUPS: &str = "DescribeTargetGroups";

/// Calls Elastic Load Balancing, in the accounts that own the target groups.
#[derive(Debug)]
pub struct Elb {
    accounts: Accounts,
}

impl Elb {
    /// An adapter over the clients of these accounts.
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts }
    }

    /// The same time, and the rates of the account that owns a group.
    pub fn limits_for(&self, group: &TargetGroupArn, limits: &Limits) -> Limits {
        self.accounts.limits_for(group, limits)
    }

    /// The account of the role by which a group is reached; `None` if it is the function's own.
    pub fn account_of_role(&self, group: &TargetGroupArn) -> Option<&str> {
        self.accounts.role(group).map(Role::account)
    }

    /// Makes one call that registers or deregisters these targets of a group. ELB refuses no target
    /// by itself, but the whole call.
    pub async fn write(
        &self,
        write: Write,
        group: &TargetGroupArn,
        chunk: &[AddressPort],
        limits: &Limits,
    ) -> Result<Refused, Failure> {
        debug!(?write, target_group = group.name(), targets = chunk.len(), "writing targets");
        let reached = self.accounts.reach(group, limits).await?;
        let Reached { client: ElbClient { sdk: client, .. }, all_zones, .. } = &reached;
        let targets = Some(descriptions(chunk, *all_zones));
        match write {
            Write::Register => {
                let call = client.register_targets().target_group_arn(group.as_str());
                let call = call.set_targets(targets).send();
                reached.within(Kind::ElbWrite, write.action(), call).await.map(|_| Refused::new())
            }
            Write::Deregister => {
                let call = client.deregister_targets().target_group_arn(group.as_str());
                let call = call.set_targets(targets).send();
                reached.within(Kind::ElbWrite, write.action(), call).await.map(|_| Refused::new())
            }
        }
    }

    /// The targets of a group with their health, draining ones among them. ELB returns all of them
    /// in one answer. Addresses are parsed, because ELB does not document how it writes IPv6;
    /// anything that is not an IPv6 address is ignored.
    pub async fn health(
        &self,
        group: &TargetGroupArn,
        limits: &Limits,
    ) -> Result<BTreeMap<AddressPort, Health>, Failure> {
        const ACTION: &str = "DescribeTargetHealth";
        debug!(target_group = group.name(), ACTION);
        let reached = self.accounts.reach(group, limits).await?;
        let call =
            reached.client.sdk.describe_target_health().target_group_arn(group.as_str()).send();
        let answer = reached.within(Kind::ElbRead, ACTION, call).await?;
        let described = answer.target_health_descriptions().iter();
        Ok(described.filter_map(|d| Some((endpoint(d.target()?)?, health(d)))).collect())
    }

    /// What has to be known of these target groups: the answer of one call for each role.
    pub async fn describe(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Vec<Result<Vec<Described>, Failure>> {
        let mut by_role = BTreeMap::<Option<&Role>, Vec<&TargetGroupArn>>::new();
        for group in groups {
            by_role.entry(self.accounts.role(group)).or_default().push(group);
        }
        let calls = by_role
            .values()
            .map(|groups| -> BoxFuture<'_, _> { Box::pin(self.describe_by_role(groups, limits)) });
        join_all(calls).await
    }

    async fn describe_by_role(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Result<Vec<Described>, Failure> {
        debug!(target_groups = groups.len(), DESCRIBE_TARGET_GROUPS);
        let Some(first) = groups.first() else { return Ok(Vec::new()) };
        let reached = self.accounts.reach(*first, limits).await?;
        let names: Vec<String> =
            (1..=groups.len()).map(|n| format!("TargetGroupArns.member.{n}")).collect();
        let named = names.iter().map(String::as_str);
        let parameters: Vec<_> = named.zip(groups.iter().map(|group| group.as_str())).collect();
        let answer = reached.query(DESCRIBE_TARGET_GROUPS, &parameters).await?;
        let described = |described: &Element| {
            let arn = described.text("TargetGroupArn")?;
            let group = groups.iter().find(|group| group.as_str() == arn)?;
            let port = described.text("Port").and_then(|port| port.parse().ok());
            Some(Described { arn: (*group).clone(), port, unfit: unfit(described) })
        };
        let found = answer.first().into_iter().flat_map(|result| result.list("TargetGroups"));
        Ok(found.filter_map(described).collect())
    }
}

/// What keeps a target group from taking IPv6 addresses, if anything. An attribute that ELB leaves
/// out is not an obstacle.
fn unfit(group: &Element) -> Option<String> {
    let kind = group.text("TargetType").unwrap_or("ip");
    let family = group.text("IpAddressType").unwrap_or("ipv6");
    let name = group.text("TargetGroupName").unwrap_or_default();
    (kind != "ip" || family != "ipv6").then(|| {
        format!("{name} has target type {kind} and IP address type {family}, not ip and ipv6")
    })
}

fn health(described: &TargetHealthDescription) -> Health {
    let health = described.target_health();
    let state = health.and_then(|health| health.state()).map(TargetHealthStateEnum::as_str);
    let reason = health.and_then(|health| health.reason()).map(TargetHealthReasonEnum::as_str);
    Health {
        state: state.unwrap_or_default().to_owned(),
        reason: reason.unwrap_or_default().to_owned(),
    }
}

fn endpoint(target: &TargetDescription) -> Option<AddressPort> {
    Some((target.id()?.parse().ok()?, u16::try_from(target.port()?).ok()?))
}

/// Id and port always: a target that was registered with a port is only deregistered by naming
/// it. ELB refuses an Availability Zone for an address inside the VPC, and wants `all` for others.
fn descriptions(targets: &[AddressPort], all_zones: bool) -> Vec<TargetDescription> {
    let zone = all_zones.then(|| "all".to_owned());
    let describe = |(id, port): &AddressPort| {
        let target = TargetDescription::builder().id(id.to_string()).port(i32::from(*port));
        target.set_availability_zone(zone.clone()).build()
    };
    targets.iter().map(describe).collect()
}

/// What an error of RegisterTargets or DeregisterTargets says about its targets. One bad target
/// fails the whole call, with codes from ELB's API reference and, for a wrong family or zone, the
/// `ValidationError` that its models leave out.
pub fn classify(error: &Failure) -> Refusal {
    if error.action == ASSUME_ROLE {
        return Refusal::Hopeless;
    }
    match error.code.as_str() {
        "ValidationError" | "InvalidTarget" | "TooManyRegistrationsForTargetId" => Refusal::BadItem,
        "TooManyTargets" => Refusal::QuotaReached,
        "TargetGroupNotFound" | "AccessDenied" => Refusal::Hopeless,
        _ => Refusal::CallFailed,
    }
}
