//! Thin adapter over Elastic Load Balancing v2: RegisterTargets and DeregisterTargets in chunks,
//! the targets of a group, and its port.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetGroup, TargetGroupIpAddressTypeEnum, TargetHealthDescription,
    TargetHealthReasonEnum, TargetHealthStateEnum, TargetTypeEnum,
};
use futures_util::future::{BoxFuture, join_all};
use tracing::debug;

use crate::aws::accounts::{Accounts, ElbClient, Reached};
use crate::aws::bisect::{Bisection, NotTried, Outcome, Refusal, RefusalBudget, Traits};
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::sts::ASSUME_ROLE;
use crate::core::access::Role;
use crate::core::binding::TargetGroupArn;
use crate::core::failure::{Code, Failure};
use crate::core::health::Health;
use crate::core::target::{AddressPort, Write};

/// Targets in one call. No maximum is documented; the AWS Load Balancer Controller sends as many.
const CHUNK: usize = 200;

/// How many targets refused alone are remembered, at some 200 bytes each.
const REMEMBERED: usize = 5_000;

const DESCRIBE_TARGET_GROUPS: &str = "DescribeTargetGroups";

/// Targets that were refused in calls of their own, and when: later is larger.
type RefusedAlone = BTreeMap<(Write, TargetGroupArn, AddressPort), u64>;

/// Changes targets, and knows the ports of target groups.
#[derive(Debug)]
pub struct Targets {
    accounts: Accounts,
    ports: Mutex<BTreeMap<TargetGroupArn, u16>>,
    refused_alone: Mutex<RefusedAlone>,
}

impl Targets {
    /// An adapter over the clients of these accounts.
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, ports: Mutex::default(), refused_alone: Mutex::default() }
    }

    /// Makes the writes to one group, each for targets with the numbers of their owners, in as few
    /// calls as possible, and returns each target's result, in order.
    ///
    /// Registers before it deregisters. But if calls are refused, the search among the targets to
    /// be registered does not delay the deregistrations.
    pub async fn write(
        &self,
        group: &TargetGroupArn,
        writes: &[(Write, Vec<(AddressPort, usize)>)],
        limits: &Limits,
    ) -> Vec<Vec<Result<(), Failure>>> {
        let targets: Vec<Vec<AddressPort>> = writes.iter().map(|(_, of)| addresses(of)).collect();
        let traits = writes.iter().map(|(write, targets)| self.traits(*write, group, targets));
        let traits: Vec<Vec<Traits>> = traits.collect();
        let pairs = targets.iter().zip(&traits);
        let mut under_way: Vec<(Write, Bisection<'_, AddressPort, Failure>)> = writes
            .iter()
            .zip(pairs)
            .map(|((write, _), (targets, traits))| (*write, Bisection::new(targets, traits, CHUNK)))
            .collect();
        for (write, bisection) in &mut under_way {
            let mut call =
                async |part: &[AddressPort]| self.call(*write, group, part, limits).await;
            bisection.first_calls(&mut call, classify).await;
        }
        let mut budget = RefusalBudget::default();
        budget.halved = under_way.len() > 1;
        for (write, bisection) in under_way.iter_mut().rev() {
            let mut call =
                async |part: &[AddressPort]| self.call(*write, group, part, limits).await;
            bisection.search(&mut budget, &mut call, classify).await;
            budget.halved = false;
        }
        let under_way = under_way.into_iter().zip(&targets);
        under_way
            .map(|((write, bisection), targets)| {
                let outcome = bisection.finish(|reason| not_tried(write, reason));
                self.remember(write, group, targets, &outcome);
                outcome.results
            })
            .collect()
    }

    async fn call(
        &self,
        write: Write,
        group: &TargetGroupArn,
        chunk: &[AddressPort],
        limits: &Limits,
    ) -> Result<(), Failure> {
        debug!(?write, target_group = group.name(), targets = chunk.len(), "writing targets");
        let reached = self.accounts.reach(group, limits).await?;
        let Reached { client: ElbClient { sdk: client, .. }, all_zones, .. } = &reached;
        let targets = Some(descriptions(chunk, *all_zones));
        match write {
            Write::Register => {
                let call = client.register_targets().target_group_arn(group.as_str());
                let call = call.set_targets(targets).send();
                reached.within(Kind::ElbWrite, write.action(), call).await.map(drop)
            }
            Write::Deregister => {
                let call = client.deregister_targets().target_group_arn(group.as_str());
                let call = call.set_targets(targets).send();
                reached.within(Kind::ElbWrite, write.action(), call).await.map(drop)
            }
        }
    }

    fn traits(
        &self,
        write: Write,
        group: &TargetGroupArn,
        targets: &[(AddressPort, usize)],
    ) -> Vec<Traits> {
        let refused = self.refused_alone();
        let traits = |(endpoint, owner): &(AddressPort, usize)| Traits {
            owner: *owner,
            subnet: subnet(endpoint.0),
            refused_alone: refused.get(&(write, group.clone(), *endpoint)).copied(),
        };
        targets.iter().map(traits).collect()
    }

    /// Remembers which targets are to be tried last from now on. Forgetting them costs calls and
    /// nothing else.
    fn remember(
        &self,
        write: Write,
        group: &TargetGroupArn,
        endpoints: &[AddressPort],
        outcome: &Outcome<Failure>,
    ) {
        let mut refused = self.refused_alone();
        if refused.is_empty() && outcome.refused_alone.is_empty() {
            return;
        }
        let results = endpoints.iter().zip(&outcome.results);
        for (endpoint, _) in results.filter(|(_, result)| result.is_ok()) {
            refused.remove(&(write, group.clone(), *endpoint));
        }
        if refused.len() + outcome.refused_alone.len() > REMEMBERED {
            refused.clear();
        }
        let next = refused.values().max().map_or(0, |last| last + 1);
        for (tick, place) in (next..).zip(&outcome.refused_alone) {
            refused.insert((write, group.clone(), endpoints[*place]), tick);
        }
    }

    fn refused_alone(&self) -> MutexGuard<'_, RefusedAlone> {
        self.refused_alone.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The port a target group gives to targets that name none. It never changes (ELB API
    /// reference, ModifyTargetGroup takes no port), so it is looked up once.
    pub async fn own_port(&self, group: &TargetGroupArn, limits: &Limits) -> Result<u16, Failure> {
        if let Some(port) = self.port_at_hand(group) {
            return Ok(port);
        }
        self.fetch_ports(&[group], limits).await?;
        self.port_at_hand(group).ok_or_else(|| {
            Failure::new(
                DESCRIBE_TARGET_GROUPS,
                Code::NoPort,
                "the target group has no port: name one in its binding",
            )
        })
    }

    /// The port of a target group, if it was looked up before.
    pub fn port_at_hand(&self, group: &TargetGroupArn) -> Option<u16> {
        self.ports().get(group).copied()
    }

    /// Looks up the ports of target groups in one call for each role. Returns those groups that
    /// cannot take IPv6 addresses, each in a few words; if a call failed, the first failure.
    pub async fn fetch_ports(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Result<Vec<String>, Failure> {
        let mut by_role = BTreeMap::<Option<&Role>, Vec<&TargetGroupArn>>::new();
        for group in groups {
            by_role.entry(self.accounts.role(group)).or_default().push(group);
        }
        let calls = by_role.values().map(|groups| -> BoxFuture<'_, _> {
            Box::pin(self.fetch_ports_by_role(groups, limits))
        });
        let unfit: Result<Vec<_>, _> = join_all(calls).await.into_iter().collect();
        unfit.map(|unfit| unfit.concat())
    }

    async fn fetch_ports_by_role(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Result<Vec<String>, Failure> {
        debug!(target_groups = groups.len(), DESCRIBE_TARGET_GROUPS);
        let Some(first) = groups.first() else { return Ok(Vec::new()) };
        let reached = self.accounts.reach(*first, limits).await?;
        let arns = groups.iter().map(|group| group.as_str().to_owned()).collect();
        let call =
            reached.client.sdk.describe_target_groups().set_target_group_arns(Some(arns)).send();
        let answer = reached.within(Kind::ElbRead, DESCRIBE_TARGET_GROUPS, call).await?;
        let known = |described: &TargetGroup| {
            let port = u16::try_from(described.port()?).ok()?;
            let arn = described.target_group_arn()?;
            let group = groups.iter().find(|group| group.as_str() == arn)?;
            Some(((*group).clone(), port))
        };
        self.ports().extend(answer.target_groups().iter().filter_map(known));
        Ok(answer.target_groups().iter().filter_map(unfit).collect())
    }

    fn ports(&self) -> MutexGuard<'_, BTreeMap<TargetGroupArn, u16>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What keeps a target group from taking IPv6 addresses, if anything. An attribute that ELB leaves
/// out is not an obstacle.
fn unfit(group: &TargetGroup) -> Option<String> {
    let kind = group.target_type().map_or("ip", TargetTypeEnum::as_str);
    let family = group.ip_address_type().map_or("ipv6", TargetGroupIpAddressTypeEnum::as_str);
    let name = group.target_group_name().unwrap_or_default();
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

fn addresses(targets: &[(AddressPort, usize)]) -> Vec<AddressPort> {
    targets.iter().map(|(target, _)| *target).collect()
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
fn classify(error: &Failure) -> Refusal {
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

fn not_tried(write: Write, reason: NotTried) -> Failure {
    let message = match reason {
        NotTried::BudgetOver => "not tried: too many calls for the target group were refused",
        NotTried::SubnetFull => "not tried: no room for another target of its subnet (/64)",
    };
    Failure::new(write.action(), Code::NotTried, message)
}

/// The /64 that an address is in: the size of a subnet, as a rule (VPC user guide, "Subnet CIDR
/// blocks"). A larger subnet only means some more calls.
fn subnet(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}
