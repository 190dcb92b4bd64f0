//! The targets of target groups: what of them is remembered between invocations, and how the good
//! ones among them get in. The calls are made by one of two adapters, as the kind of the target
//! group has it.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::aws::accounts::Accounts;
use crate::aws::bisect::{Bisection, NotTried, Outcome, Refusal, RefusalBudget, Traits};
use crate::aws::elb::{self, DESCRIBE_TARGET_GROUPS, Elb};
use crate::aws::lattice::{self, GET_TARGET_GROUP, Lattice};
use crate::aws::rate_limits::Limits;
use crate::core::binding::TargetGroupArn;
use crate::core::failure::{Code, Failure};
use crate::core::health::Health;
use crate::core::target::{AddressPort, Refused, Write};
use crate::core::target_group::GroupKind;

/// How many targets refused alone are remembered, at some 200 bytes each.
const REMEMBERED: usize = 5_000;

/// Targets that were refused in calls of their own, and when: later is larger.
type RefusedAlone = BTreeMap<(Write, TargetGroupArn, AddressPort), u64>;

/// Changes targets, and knows the ports of target groups.
#[derive(Debug)]
pub struct Targets {
    elb: Elb,
    lattice: Lattice,
    ports: Mutex<BTreeMap<TargetGroupArn, u16>>,
    refused_alone: Mutex<RefusedAlone>,
}

impl Targets {
    /// Those of Elastic Load Balancing, in these accounts, and those of VPC Lattice.
    pub fn new(accounts: Accounts, lattice: Lattice) -> Self {
        Self {
            elb: Elb::new(accounts),
            lattice,
            ports: Mutex::default(),
            refused_alone: Mutex::default(),
        }
    }

    /// Which writes have the same rates as those to a group: those to groups of its kind and, of
    /// ELB, those that are made in the same account.
    pub fn rates_of(&self, group: &TargetGroupArn) -> (GroupKind, Option<&str>) {
        match group.kind() {
            GroupKind::LoadBalancer => (GroupKind::LoadBalancer, self.elb.account_of_role(group)),
            GroupKind::Lattice => (GroupKind::Lattice, None),
        }
    }

    /// How long the last of so many writes with the rates of this group would wait for them, one
    /// at least.
    pub fn writes_wait(&self, group: &TargetGroupArn, writes: usize, limits: &Limits) -> Duration {
        self.elb.limits_for(group, limits).writes_wait(group.kind(), writes)
    }

    /// How many calls it takes to write so many targets to a group.
    pub fn calls(group: &TargetGroupArn, targets: usize) -> usize {
        targets.div_ceil(adapter(group).0)
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
        let (chunk, classify) = adapter(group);
        let targets: Vec<Vec<AddressPort>> = writes.iter().map(|(_, of)| addresses(of)).collect();
        let traits = writes.iter().map(|(write, targets)| self.traits(*write, group, targets));
        let traits: Vec<Vec<Traits>> = traits.collect();
        let pairs = targets.iter().zip(&traits);
        let mut under_way: Vec<(Write, Bisection<'_, AddressPort, Failure>)> = writes
            .iter()
            .zip(pairs)
            .map(|((write, _), (targets, traits))| (*write, Bisection::new(targets, traits, chunk)))
            .collect();
        let mut refused = BTreeMap::new();
        for (write, bisection) in &mut under_way {
            let mut call = async |part: &[AddressPort]| {
                self.call(*write, group, part, limits, &mut refused).await
            };
            bisection.first_calls(&mut call, classify).await;
        }
        let mut budget = RefusalBudget::default();
        budget.halved = under_way.len() > 1;
        for (write, bisection) in under_way.iter_mut().rev() {
            let mut call = async |part: &[AddressPort]| {
                self.call(*write, group, part, limits, &mut refused).await
            };
            bisection.search(&mut budget, &mut call, classify).await;
            budget.halved = false;
        }
        let under_way = under_way.into_iter().zip(&targets);
        under_way
            .map(|((write, bisection), targets)| {
                let outcome = bisection.finish(|reason| not_tried(write, reason));
                self.remember(write, group, targets, &outcome);
                let results = outcome.results.into_iter().zip(targets);
                let by_itself = |(result, target): (Result<(), Failure>, &AddressPort)| {
                    result.and(refused.remove(&(write, *target)).map_or(Ok(()), Err))
                };
                results.map(by_itself).collect()
            })
            .collect()
    }

    /// Makes one call. What it refuses as a whole is its failure; the targets that it refuses one
    /// by one are added to `refused`, and concern no other target.
    async fn call(
        &self,
        write: Write,
        group: &TargetGroupArn,
        part: &[AddressPort],
        limits: &Limits,
        refused: &mut BTreeMap<(Write, AddressPort), Failure>,
    ) -> Result<(), Failure> {
        let of_call: Refused = match group.kind() {
            GroupKind::LoadBalancer => self.elb.write(write, group, part, limits).await?,
            GroupKind::Lattice => self.lattice.write(write, group, part, limits).await?,
        };
        refused.extend(of_call.into_iter().map(|(target, why)| ((write, target), why)));
        Ok(())
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

    /// The targets of a group with their health, draining ones among them. Anything that is not an
    /// IPv6 address is ignored.
    pub async fn health(
        &self,
        group: &TargetGroupArn,
        limits: &Limits,
    ) -> Result<BTreeMap<AddressPort, Health>, Failure> {
        match group.kind() {
            GroupKind::LoadBalancer => self.elb.health(group, limits).await,
            GroupKind::Lattice => self.lattice.health(group, limits).await,
        }
    }

    /// The port a target group gives to targets that name none. It never changes (ELB API
    /// reference, ModifyTargetGroup, and VPC Lattice API reference, UpdateTargetGroup, take no
    /// port), so it is looked up once.
    pub async fn own_port(&self, group: &TargetGroupArn, limits: &Limits) -> Result<u16, Failure> {
        if let Some(port) = self.port_at_hand(group) {
            return Ok(port);
        }
        self.fetch_ports(&[group], limits).await?;
        self.port_at_hand(group).ok_or_else(|| {
            let action = match group.kind() {
                GroupKind::LoadBalancer => DESCRIBE_TARGET_GROUPS,
                GroupKind::Lattice => GET_TARGET_GROUP,
            };
            let message = "the target group has no port: name one in its binding";
            Failure::new(action, Code::NoPort, message)
        })
    }

    /// The port of a target group, if it was looked up before.
    pub fn port_at_hand(&self, group: &TargetGroupArn) -> Option<u16> {
        self.ports().get(group).copied()
    }

    /// Looks up the ports of target groups in few calls. Returns those groups that cannot take IPv6
    /// addresses, each in a few words; if a call failed, the first failure.
    pub async fn fetch_ports(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Result<Vec<String>, Failure> {
        let (mut lattice, elb): (Vec<&TargetGroupArn>, Vec<_>) =
            groups.iter().partition(|group| group.is_lattice());
        // Of ELB all are read in one call, or fail together; these are read one by one.
        lattice.retain(|group| self.port_at_hand(group).is_none());
        let (mut described, others) =
            tokio::join!(self.elb.describe(&elb, limits), self.lattice.describe(&lattice, limits),);
        described.extend(others);
        let (mut unfit, mut failed) = (Vec::new(), None);
        for described in described {
            match described {
                Ok(groups) => {
                    let ports = groups.iter().filter_map(|g| Some((g.arn.clone(), g.port?)));
                    self.ports().extend(ports);
                    unfit.extend(groups.into_iter().filter_map(|group| group.unfit));
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(unfit), Err)
    }

    fn ports(&self) -> MutexGuard<'_, BTreeMap<TargetGroupArn, u16>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many targets one call takes, and what its errors say about them.
fn adapter(group: &TargetGroupArn) -> (usize, fn(&Failure) -> Refusal) {
    match group.kind() {
        GroupKind::LoadBalancer => (elb::CHUNK, elb::classify),
        GroupKind::Lattice => (lattice::CHUNK, lattice::classify),
    }
}

fn addresses(targets: &[(AddressPort, usize)]) -> Vec<AddressPort> {
    targets.iter().map(|(target, _)| *target).collect()
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
