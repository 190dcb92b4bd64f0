//! What a reconcile makes of a task's target in one target group, and why, in words. It decides
//! nothing: what is to be done is read from the plan that [`crate::core::drift`] makes.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::core::binding::Binding;
use crate::core::drift::{Findings, Prune};
use crate::core::health::{Health, Healths};
use crate::core::knowledge::Known;
use crate::core::plan::{Plan, Ports, Reason, target_of};
use crate::core::target::{Change, Target};
use crate::core::task::Phase;

/// What the next reconcile does about a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Would {
    /// It registers it.
    Register,
    /// It deregisters it.
    Deregister,
    /// It leaves it as it is.
    Nothing,
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// A serving task's target is not registered.
    Missing,
    /// A serving task's target drains.
    DrainsButServes,
    /// A serving task's target is registered.
    InStep,
    /// The task does not run yet.
    NotRunning,
    /// Neither events nor ECS have an IPv6 address of the task.
    NoAddress,
    /// The binding leaves the port to the target group, and that is not known.
    NoPort,
    /// A leaving task's target is still registered.
    LeftOver,
    /// A leaving task's target is not registered any more.
    Left,
    /// A leaving task's target has the address of another task, which does not leave.
    Shared,
    /// A leaving task's target is still registered, and PRUNE is never.
    NeverPruned,
    /// A leaving task's target is still registered in a group of which not everything is known.
    Incomplete,
    /// No task explains the target, and PRUNE is all.
    Pruned,
    /// No task explains the target.
    Unowned,
    /// No task explains the target in a group of which not all tasks are known.
    Unclear,
    /// No task that is known explains a target that drains.
    Drains,
}

impl Because {
    /// The reason for which a report skips such a task, if it does.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::NotRunning => Some(Reason::NotRunning),
            Self::NoAddress => Some(Reason::NoAddress),
            Self::Shared => Some(Reason::Superseded),
            _ => None,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "the task serves, and its target is not registered",
            Self::DrainsButServes => "the task serves, and its target drains",
            Self::InStep => "the task serves, and its target is registered",
            Self::NotRunning => "the task does not run yet",
            Self::NoAddress => {
                "the task has no IPv6 address; its network mode is not awsvpc, or its subnet is not \
                 dual-stack"
            }
            Self::NoPort => {
                "the binding names no port, and the target group's own could not be read"
            }
            Self::LeftOver => "the task is leaving, and its target is still registered",
            Self::Left => "the task is leaving, and its target is not registered any more",
            Self::Shared => "the target's address serves another task by now",
            Self::NeverPruned => {
                "the task is leaving and its target still registered, but PRUNE is never"
            }
            Self::Incomplete => {
                "the task is leaving and its target still registered, but not all tasks or tags of \
                 the group could be read, and until they can nothing is removed there"
            }
            Self::Pruned => "no task explains the target, and PRUNE is all",
            Self::Unowned => "no task of a binding explains the target, so it is left alone",
            Self::Unclear => {
                "not all tasks or tags of the group could be read, so whose target it is is not known"
            }
            Self::Drains => "the target was deregistered, and its connections come to an end",
        }
    }
}

/// The reason for a skip, if there is one, and the words.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(f, "{reason}: {}", self.words()),
            None => f.write_str(self.words()),
        }
    }
}

/// A target of a task, or the lack of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The target; `None` if the task's address or the port is not known.
    pub target: Option<Target>,
    /// What ELB says of it; `None` if it is not there.
    pub health: Option<Health>,
    /// What the next reconcile does about it.
    pub would: Would,
    /// Why.
    pub because: Because,
}

/// What was read and decided about target groups, for looking things up.
pub struct View<'a> {
    ports: &'a Ports,
    findings: &'a Findings,
    healths: &'a Healths,
    prune: Prune,
    register: BTreeSet<&'a Target>,
    deregister: BTreeSet<&'a Target>,
    unowned: BTreeSet<&'a Target>,
}

impl<'a> View<'a> {
    /// A view of what was read, and of the plan that was made of it.
    pub fn new(
        ports: &'a Ports,
        findings: &'a Findings,
        healths: &'a Healths,
        prune: Prune,
        plan: &'a Plan,
    ) -> Self {
        let targets = |changes: &'a [Change]| changes.iter().map(|change| &change.target).collect();
        let (register, deregister) = (targets(&plan.register), targets(&plan.deregister));
        let unowned = plan.unowned.iter().collect();
        Self { ports, findings, healths, prune, register, deregister, unowned }
    }

    /// What becomes of the target that a binding makes of a task that it covers. The binding's
    /// target group could be read.
    pub fn of_task(&self, known: &Known, binding: &Binding) -> Verdict {
        let task = &known.task;
        let Some(target) = target_of(binding, self.ports, task) else {
            let because = match (task.phase, task.address) {
                (Phase::Starting, _) => Because::NotRunning,
                (_, None) => Because::NoAddress,
                (_, Some(_)) => Because::NoPort,
            };
            return Verdict { target: None, health: None, would: Would::Nothing, because };
        };
        let health = self.health(&target);
        let drains = health.as_ref().is_some_and(|health| !health.is_present());
        let (would, because) = match (task.phase, self.would(&target)) {
            (Phase::Serving, Would::Register) if drains => {
                (Would::Register, Because::DrainsButServes)
            }
            (Phase::Serving, Would::Register) => (Would::Register, Because::Missing),
            (Phase::Serving, _) => (Would::Nothing, Because::InStep),
            (Phase::Starting, _) => (Would::Nothing, Because::NotRunning),
            (Phase::Leaving, Would::Deregister) => (Would::Deregister, Because::LeftOver),
            // It is for another task with the same address.
            (Phase::Leaving, Would::Register) => (Would::Nothing, Because::Shared),
            (Phase::Leaving, Would::Nothing) => (Would::Nothing, self.why_kept(&target, &health)),
        };
        Verdict { target: Some(target), health, would, because }
    }

    /// What becomes of a target that no task has.
    pub fn of_stranger(&self, target: Target) -> Verdict {
        let health = self.health(&target);
        let drains = health.as_ref().is_some_and(|health| !health.is_present());
        let would = self.would(&target);
        let because = match would {
            Would::Deregister => Because::Pruned,
            _ if drains => Because::Drains,
            _ if self.findings.incomplete.contains(&target.group) => Because::Unclear,
            _ => Because::Unowned,
        };
        Verdict { target: Some(target), health, would, because }
    }

    /// Why nothing is done about the target of a leaving task.
    fn why_kept(&self, target: &Target, health: &Option<Health>) -> Because {
        match health {
            None => Because::Left,
            Some(health) if !health.is_present() => Because::Left,
            Some(_) if self.prune == Prune::Never && self.unowned.contains(target) => {
                Because::NeverPruned
            }
            Some(_) if self.findings.incomplete.contains(&target.group) => Because::Incomplete,
            Some(_) => Because::Shared,
        }
    }

    fn health(&self, target: &Target) -> Option<Health> {
        self.healths.get(&target.group)?.get(&(target.id, target.port)).cloned()
    }

    fn would(&self, target: &Target) -> Would {
        if self.register.contains(target) {
            Would::Register
        } else if self.deregister.contains(target) {
            Would::Deregister
        } else {
            Would::Nothing
        }
    }
}

#[cfg(test)]
mod tests;
