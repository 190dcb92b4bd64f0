//! Pure decisions: from bindings and knowledge to the changes that target groups need, and the
//! reason for every task that needs none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv6Addr;

use serde::Serialize;

use crate::binding::{Binding, TargetGroupArn};
use crate::knowledge::{Knowledge, Known};
use crate::task::{Phase, TaskArn};

/// An address and port in a target group. ELB removes a target that was registered with a port
/// only if the same port is named, so there is no target without one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The target group.
    pub group: TargetGroupArn,
    /// The address at which a task serves.
    pub id: Ipv6Addr,
    /// The port on which it serves.
    pub port: u16,
}

/// A target that is to be registered or deregistered, and the task that is the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The task whose target it is.
    pub task: TaskArn,
    /// The target.
    pub target: Target,
}

/// Why a task needs no change, in words that stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No binding covers the task.
    NoBinding,
    /// Neither the events nor ECS give an IPv6 address (not awsvpc, or not a dual-stack subnet).
    NoAddress,
    /// The task has not begun to run.
    NotRunning,
    /// A newer state of the task is known, or its address serves a newer task.
    Superseded,
    /// ECS no longer knows the task.
    Gone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A task that needs no change, or an event that was overtaken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// The task.
    #[serde(rename = "taskArn")]
    pub task: TaskArn,
    /// Why.
    pub reason: Reason,
}

/// A task whose target cannot be named, because its binding leaves the port to the target group
/// and that port is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portless {
    /// The task.
    pub task: TaskArn,
    /// The target group whose port is missing.
    pub group: TargetGroupArn,
    /// The task's address.
    pub id: Ipv6Addr,
}

/// The ports of target groups whose bindings leave the port to them.
pub type Ports = BTreeMap<TargetGroupArn, u16>;

/// What has to be done, and why the rest has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Targets of serving tasks.
    pub register: Vec<Change>,
    /// Targets of leaving tasks that no serving task uses.
    pub deregister: Vec<Change>,
    /// Tasks without a change, with the reason.
    pub skipped: Vec<Skipped>,
    /// Tasks whose port is not known.
    pub portless: Vec<Portless>,
}

/// Decides what the bindings make of the tasks known.
pub fn plan(bindings: &[Binding], ports: &Ports, knowledge: &Knowledge) -> Plan {
    let mut plan = Plan::default();
    for known in knowledge.iter() {
        for reason in reasons(known) {
            plan.skipped.push(Skipped { task: known.task.arn.clone(), reason });
        }
        let Some((intent, id)) = intent(known) else { continue };
        let changes = changes(bindings, ports, known, id, &mut plan.portless);
        match intent {
            Intent::Register => plan.register.extend(changes),
            Intent::Deregister => plan.deregister.extend(changes),
        }
    }
    plan.spare_serving_targets();
    plan
}

/// The target groups whose own port is needed to plan for the tasks known.
pub fn groups_to_ask_for_their_port(
    bindings: &[Binding],
    knowledge: &Knowledge,
) -> BTreeSet<TargetGroupArn> {
    let acted_on = knowledge.iter().filter(|known| intent(known).is_some());
    acted_on
        .flat_map(|known| bindings.iter().filter(|binding| binding.covers(&known.task)))
        .filter(|binding| binding.port.is_none())
        .map(|binding| binding.target_group.clone())
        .collect()
}

enum Intent {
    Register,
    Deregister,
}

fn intent(known: &Known) -> Option<(Intent, Ipv6Addr)> {
    match (known.task.phase, known.gone) {
        (Phase::Serving, false) => Some((Intent::Register, known.task.address?)),
        (Phase::Leaving, _) => Some((Intent::Deregister, known.task.address?)),
        (Phase::Serving, true) | (Phase::Starting, _) => None,
    }
}

fn reasons(known: &Known) -> impl Iterator<Item = Reason> {
    let overtaken = known.superseded.then_some(Reason::Superseded);
    let idle = if known.gone {
        Some(Reason::Gone)
    } else if known.task.phase == Phase::Starting {
        Some(Reason::NotRunning)
    } else if known.task.address.is_none() {
        Some(Reason::NoAddress)
    } else {
        None
    };
    overtaken.into_iter().chain(idle)
}

fn changes(
    bindings: &[Binding],
    ports: &Ports,
    known: &Known,
    id: Ipv6Addr,
    portless: &mut Vec<Portless>,
) -> BTreeSet<Change> {
    let mut changes = BTreeSet::new();
    for binding in bindings.iter().filter(|binding| binding.covers(&known.task)) {
        let (task, group) = (known.task.arn.clone(), binding.target_group.clone());
        match binding.port.or_else(|| ports.get(&group).copied()) {
            Some(port) => _ = changes.insert(Change { task, target: Target { group, id, port } }),
            None => portless.push(Portless { task, group, id }),
        }
    }
    changes
}

impl Plan {
    /// The plan after a look at the tasks that were registered: the targets of those that leave
    /// by now are to be deregistered again. Nothing is added to what is to be registered.
    #[must_use]
    pub fn revised(mut self, knowledge: &Knowledge) -> Self {
        let (staying, leaving) = self.register.into_iter().partition(|change| {
            knowledge.get(&change.task).is_none_or(|known| known.task.phase != Phase::Leaving)
        });
        self.register = staying;
        for known in leaving.iter().filter_map(|change: &Change| knowledge.get(&change.task)) {
            let task = &known.task.arn;
            let skipped = reasons(known).map(|reason| Skipped { task: task.clone(), reason });
            self.skipped.extend(skipped);
        }
        self.deregister.extend(leaving);
        self.spare_serving_targets();
        self
    }

    /// An address can come back with a newer task. What serves is not deregistered for the one
    /// that left it.
    fn spare_serving_targets(&mut self) {
        let serving: BTreeSet<&Target> = self.register.iter().map(|c| &c.target).collect();
        let (spared, leaving): (Vec<Change>, _) = std::mem::take(&mut self.deregister)
            .into_iter()
            .partition(|change| serving.contains(&change.target));
        self.deregister = leaving;
        let superseded = |c: Change| Skipped { task: c.task, reason: Reason::Superseded };
        self.skipped.extend(spared.into_iter().map(superseded));
        self.skipped.sort();
        self.skipped.dedup();
    }
}
