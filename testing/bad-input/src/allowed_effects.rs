//! The effects that an input may have: whether a call or a changed target follows from what the
//! input says and ECS shows.

use std::net::{Ipv6Addr, SocketAddrV6};

use aws_sim::{Action, Call};
use ecs_ipv6_targets::core::target::Write;

use crate::answer::Target;
use crate::fixture::{Bound, Fixture};
use crate::hook_answers;
use crate::oracle::{Claim, Phase, Reading, Sight};

/// The effects that are allowed in one fixture.
pub struct AllowedEffects<'a> {
    /// The fixture of the case.
    pub fixture: &'a Fixture,
    /// Whether the function was configured to write nothing.
    pub dry: bool,
}

impl AllowedEffects<'_> {
    /// Each of these targets may be changed by a reader of the sights.
    pub fn targets(
        &self,
        write: Write,
        targets: &[Target],
        sights: &[&Sight],
    ) -> Result<(), String> {
        for (task, group, address, port) in targets {
            let allowed = task
                .as_ref()
                .is_some_and(|task| self.may(write, task, group, *address, *port, sights));
            if !allowed {
                return Err(format!(
                    "{task:?} {address} port {port} in {group} follows from nothing"
                ));
            }
        }
        Ok(())
    }

    fn may(
        &self,
        write: Write,
        task: &str,
        group: &str,
        address: Ipv6Addr,
        port: u16,
        sights: &[&Sight],
    ) -> bool {
        let of_task: Vec<&&Sight> = sights.iter().filter(|sight| sight.arn == task).collect();
        let in_ecs = self.fixture.tasks.iter().find(|known| known.arn == task);
        // ECS is only asked about the tasks of bindings. Then the group that it shows counts, too.
        let mut all = sights.to_vec();
        all.extend(in_ecs.filter(|_| !self.bound(sights, task).is_empty()));
        let bound = self.bound(&all, task).iter().any(|b| b.group == group && b.port == port);
        let claimed = of_task.iter().any(|sight| sight.addresses.contains(&address));
        let known = in_ecs.is_some_and(|known| known.addresses.contains(&address));
        let serving = of_task.iter().any(|sight| sight.phase == Phase::Serving);
        let mut leaving = of_task.iter().filter(|sight| sight.phase == Phase::Leaving);
        let stays = in_ecs.is_some_and(|known| known.phase == Phase::Serving);
        let fits = match write {
            Write::Register => serving && leaving.all(|sight| !sight.certain),
            // What an event claims and ECS does not show is undone.
            Write::Deregister => leaving.next().is_some() || (serving && (!stays || !known)),
        };
        bound && (claimed || known) && fits
    }

    /// The bindings that may cover a task with these sights.
    pub fn bound(&self, sights: &[&Sight], task: &str) -> Vec<&Bound> {
        let of_task = || sights.iter().filter(|sight| sight.arn == task);
        let covers = |bound: &&Bound| {
            let at_home = "arn:aws:ecs:us-east-2:123456789012:cluster/";
            let is_it = |cluster: &str| cluster.strip_prefix(at_home) == Some(bound.cluster);
            of_task().any(|sight| sight.group == bound.owner)
                && of_task().any(|sight| is_it(&sight.cluster))
        };
        self.fixture.bound.iter().filter(covers).collect()
    }

    /// Whether a task with these sights may fail. There are two reasons: the simulated AWS refuses
    /// an address outside the groups' VPC; and where neither the event nor ECS has an address, ECS
    /// may not have caught up with the event.
    pub fn may_fail(&self, sights: &[&Sight]) -> bool {
        let outside = |address: &Ipv6Addr| address.segments()[..2] != [0x2001, 0xdb8];
        let refused = |sight: &&Sight| !self.dry && sight.addresses.iter().any(outside);
        let open = |sight: &&Sight| {
            sight.addresses.is_empty()
                && self.fixture.tasks.iter().any(|t| t.arn == sight.arn && t.addresses.is_empty())
        };
        let bound = sights.iter().any(|sight| !self.bound(sights, &sight.arn).is_empty());
        bound && sights.iter().any(|sight| refused(sight) || open(sight))
    }

    /// Every call follows from one of the claims.
    pub fn calls(&self, reading: &Reading, calls: &[Call]) -> Result<(), String> {
        let nobody = calls.first().map(|call| format!("{} follows from nothing", call.action));
        let mut verdict = nobody.map_or(Ok(()), Err);
        for claim in &reading.claims {
            if verdict.is_ok() {
                break;
            }
            verdict = calls.iter().try_for_each(|call| self.call(claim, call));
        }
        verdict
    }

    fn call(&self, claim: &Claim, call: &Call) -> Result<(), String> {
        if let Claim::Release(release) = claim {
            let is_bound = self.fixture.bound.iter().any(|bound| bound.group == release.group);
            let follows = is_bound && !call.action.is_write();
            let problem = || format!("{} follows from nothing", call.action);
            return if follows { Ok(()) } else { Err(problem()) };
        }
        if let Claim::Hook(hook) = claim {
            let looks =
                hook_answers::is_bound(hook, &self.fixture.bound) && !call.action.is_write();
            let follows = looks && !hook.is_rollback;
            return if follows {
                Ok(())
            } else {
                Err(format!("{} follows from nothing", call.action))
            };
        }
        let sights: Vec<&Sight> = match claim {
            Claim::Event(event) | Claim::Copy(event) => event.sight.iter().collect(),
            Claim::Batch(messages) => {
                messages.iter().filter_map(|message| message.event.sight.as_ref()).collect()
            }
            Claim::Deployment(_) | Claim::Hook(_) | Claim::Release(_) | Claim::Describe => {
                Vec::new()
            }
            Claim::Reconcile | Claim::Plan | Claim::Doctor | Claim::Explain(_) | Claim::Widget => {
                self.fixture.tasks.iter().collect()
            }
        };
        let question =
            matches!(claim, Claim::Plan | Claim::Doctor | Claim::Explain(_) | Claim::Widget);
        let surveys = question || matches!(claim, Claim::Reconcile);
        let concerned = sights.iter().any(|sight| !self.bound(&sights, &sight.arn).is_empty());
        if !surveys && !concerned {
            return Err(format!("{} follows from nothing", call.action));
        }
        let write = match call.action {
            Action::RegisterTargets => Write::Register,
            Action::DeregisterTargets => Write::Deregister,
            _ => return Ok(()),
        };
        let group = call.resource.as_deref().unwrap_or_default();
        for target in &call.targets {
            let endpoint: SocketAddrV6 =
                target.parse().map_err(|_| format!("{target} has no port"))?;
            let follows = |sight: &&Sight| {
                self.may(write, &sight.arn, group, *endpoint.ip(), endpoint.port(), &sights)
            };
            if self.dry || question || !sights.iter().any(follows) {
                return Err(format!("{} of {target} follows from nothing", call.action));
            }
        }
        Ok(())
    }
}
