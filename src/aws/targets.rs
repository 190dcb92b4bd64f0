//! The targets of target groups: what of them is remembered between invocations, and how the good
//! ones among them get in. The calls are made by an adapter for each kind of target group.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::aws::accounts::Accounts;
use crate::aws::bisect::{Bisection, NotTried, Outcome, RefusalBudget, Traits};
use crate::aws::elb::{CHUNK, DESCRIBE_TARGET_GROUPS, Elb, classify};
use crate::aws::rate_limits::Limits;
use crate::core::binding::TargetGroupArn;
use crate::core::failure::{Code, Failure};
use crate::core::health::Health;
use crate::core::target::{AddressPort, Write};

/// How many targets refused alone are remembered, at some 200 bytes each.
const REMEMBERED: usize = 5_000;

/// Targets that were refused in calls of their own, and when: later is larger.
type RefusedAlone = BTreeMap<(Write, TargetGroupArn, AddressPort), u64>;

/// Changes targets, and knows the ports of target groups.
#[derive(Debug)]
pub struct Targets {
    elb: Elb,
    ports: Mutex<BTreeMap<TargetGroupArn, u16>>,
    refused_alone: Mutex<RefusedAlone>,
}

impl Targets {
    /// An adapter over the clients of these accounts.
    pub fn new(accounts: Accounts) -> Self {
        Self { elb: Elb::new(accounts), ports: Mutex::default(), refused_alone: Mutex::default() }
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
                async |part: &[AddressPort]| self.elb.write(*write, group, part, limits).await;
            bisection.first_calls(&mut call, classify).await;
        }
        let mut budget = RefusalBudget::default();
        budget.halved = under_way.len() > 1;
        for (write, bisection) in under_way.iter_mut().rev() {
            let mut call =
                async |part: &[AddressPort]| self.elb.write(*write, group, part, limits).await;
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
        self.elb.health(group, limits).await
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

    /// Looks up the ports of target groups in few calls. Returns those groups that cannot take IPv6
    /// addresses, each in a few words; if a call failed, the first failure.
    pub async fn fetch_ports(
        &self,
        groups: &[&TargetGroupArn],
        limits: &Limits,
    ) -> Result<Vec<String>, Failure> {
        let described = self.elb.describe(groups, limits).await;
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
