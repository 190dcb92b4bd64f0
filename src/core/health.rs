//! The health of targets, as a load balancer sees it.

use std::collections::BTreeMap;
use std::fmt;

use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::plan::{Ports, target_of};
use crate::core::target::{AddressPort, Target};
use crate::core::task::Task;

/// Why VPC Lattice does not check a target: its group "is not used in a service" (VPC Lattice API
/// reference, TargetSummary: UNUSED; the code is known from reports only).
pub const LATTICE_NOT_IN_USE: &str = "TargetGroupNotInUse";

/// What ELB says of a target (ELB API reference, TargetHealth), or VPC Lattice, in the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// For example `initial`, `healthy` or `unhealthy`.
    pub state: String,
    /// For example `Elb.RegistrationInProgress`; empty where ELB gives none.
    pub reason: String,
}

impl Health {
    /// Whether the target is registered. A running task whose target drains must be registered
    /// again. `unhealthy.draining` is another thing: a registered target that fails its health
    /// checks, on its way to `unhealthy` or back to `healthy` (ELB API reference,
    /// `target_health_state.unhealthy.draining_interval_seconds`).
    pub fn is_present(&self) -> bool {
        self.state != "draining"
    }

    /// Whether nothing more is to be waited for: the target is healthy, or no health is known of
    /// any target, because no listener or rule uses the group (`Target.NotInUse`, or with VPC
    /// Lattice `TargetGroupNotInUse`) or health checks are disabled (`unavailable`).
    pub fn is_ready(&self) -> bool {
        match self.state.as_str() {
            "healthy" | "unavailable" => true,
            "unused" => ["Target.NotInUse", LATTICE_NOT_IN_USE].contains(&&*self.reason),
            _ => false,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.state)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, " ({})", self.reason) }
    }
}

/// The health of all targets of the groups that could be read.
pub type Healths = BTreeMap<TargetGroupArn, BTreeMap<AddressPort, Health>>;

/// A target that a deployment waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The target group.
    pub group: TargetGroupArn,
    /// The task's target; `None` if its address or port is not known.
    pub target: Option<Target>,
    /// What ELB says of it; `None` if it is not registered, or its group could not be read.
    pub health: Option<Health>,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Some(target) => write!(f, "{target}")?,
            None => write!(f, "a target without address or port in {}", self.group.name())?,
        }
        match &self.health {
            Some(health) => write!(f, " is {health}"),
            None => f.write_str(" is not known to be registered"),
        }
    }
}

/// What a task still lacks in the groups of these bindings: its targets there that are not ready.
pub fn awaited(
    bindings: &[Binding],
    ports: &Ports,
    healths: &Healths,
    task: &Task,
) -> Vec<Awaited> {
    let covering = bindings.iter().filter(|binding| binding.covers(task));
    let judged = covering.filter_map(|binding| {
        let group = binding.target_group.clone();
        let target = target_of(binding, ports, task);
        let of_group = healths.get(&group);
        let health = target.as_ref().and_then(|t| of_group?.get(&(t.id, t.port)));
        let is_ready = health.is_some_and(Health::is_ready);
        (!is_ready).then(|| Awaited { group, health: health.cloned(), target })
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::{ADDRESS, binding, group, target, task};
    use crate::core::task::Phase;

    fn health(state: &str, reason: &str) -> Health {
        Health { state: state.to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn a_target_is_waited_for_unless_healthy_or_in_a_group_without_checks() {
        for (state, reason, present, ready) in [
            ("healthy", "", true, true),
            ("unavailable", "Target.HealthCheckDisabled", true, true),
            ("unused", "Target.NotInUse", true, true),
            ("unused", "TargetGroupNotInUse", true, true),
            ("unused", "Target.InvalidState", true, false),
            ("initial", "Elb.RegistrationInProgress", true, false),
            ("unhealthy", "Target.NotInUse", true, false),
            ("unhealthy.draining", "", true, false),
            ("draining", "Target.DeregistrationInProgress", false, false),
        ] {
            let health = health(state, reason);
            assert_eq!((health.is_present(), health.is_ready()), (present, ready), "{health}");
        }
    }

    #[test]
    fn a_task_lacks_its_targets_that_are_not_ready_and_no_others() {
        let bindings = [
            binding("demo", "demo", Some(80)),
            binding("demo", "own-port", None),
            binding("demo", "unread", Some(80)),
            binding("other", "other", Some(80)),
        ];
        let target = target();
        let states = |state| {
            let of_group = BTreeMap::from([((target.id, target.port), health(state, ""))]);
            Healths::from([(target.group.clone(), of_group)])
        };
        let task = task("c50e", Phase::Serving, ADDRESS);
        let lacking = |healths: &Healths| {
            let awaited = awaited(&bindings, &Ports::new(), healths, &task);
            awaited.iter().map(Awaited::to_string).collect::<Vec<_>>()
        };
        let others = [
            "a target without address or port in own-port is not known to be registered",
            "[::1]:80 in unread is not known to be registered",
        ];
        assert_eq!(lacking(&states("healthy")), others);
        assert_eq!(lacking(&states("initial"))[0], "[::1]:80 in demo is initial");
        assert_eq!(lacking(&states("initial"))[1..], others);
        assert_eq!(health("unused", "Target.NotInUse").to_string(), "unused (Target.NotInUse)");
        let ports = Ports::from([(group("own-port"), 80)]);
        assert_eq!(awaited(&bindings[1..2], &ports, &Healths::new(), &task)[0].health, None);
    }
}
