//! Pure decisions: from bindings and knowledge to the changes that target groups need, and the
//! reason for every task that needs none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv6Addr;

use serde::Serialize;

use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::knowledge::{Knowledge, Known};
use crate::core::target::{Change, Target, Write};
use crate::core::task::{Phase, Task, TaskArn};

/// Why a task needs no change; the names are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No binding covers the task.
    NoBinding,
    /// Neither the events nor ECS have an IPv6 address (not awsvpc, or not a dual-stack subnet).
    NoAddress,
    /// The task is not running yet.
    NotRunning,
    /// A newer state of the task is known, or its address serves a newer task.
    Superseded,
    /// ECS no longer knows the task.
    Gone,
    /// A copied event was left to the queue, which has the event as well.
    Queued,
    /// ELB does not know the target group, which only a tag binds: the index of tags still shows
    /// groups that were deleted.
    GroupGone,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A task that needs no change, an event that was overtaken, or a target group that is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// The task, if it is about one.
    #[serde(rename = "taskArn", skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskArn>,
    /// The target group, if it is about one.
    #[serde(rename = "targetGroupArn", skip_serializing_if = "Option::is_none")]
    pub group: Option<TargetGroupArn>,
    /// Why nothing was done.
    pub reason: Reason,
}

impl Skipped {
    /// A task for which nothing was done in any target group.
    pub fn task(task: TaskArn, reason: Reason) -> Self {
        Self { task: Some(task), group: None, reason }
    }
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

/// What has to be done, and why some tasks need nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Targets of serving tasks.
    pub register: Vec<Change>,
    /// Targets of leaving tasks that no serving task uses.
    pub deregister: Vec<Change>,
    /// Targets that no task explains and that are left alone.
    pub unowned: Vec<Target>,
    /// Tasks that need no change, with the reason.
    pub skipped: Vec<Skipped>,
    /// Tasks whose port is not known.
    pub portless: Vec<Portless>,
}

/// Decides which changes the known tasks need under these bindings.
pub fn plan(bindings: &[Binding], ports: &Ports, knowledge: &Knowledge) -> Plan {
    let mut plan = Plan::default();
    for known in knowledge.iter() {
        plan.skipped.extend(skips(known));
        let Some(intent) = intent(known) else { continue };
        plan.portless.extend(portless(bindings, ports, known));
        let task = Some(known.task.arn.clone());
        let targets = targets_of(bindings, ports, known).into_iter();
        let changes = targets.map(|target| Change { task: task.clone(), target });
        match intent {
            Intent::Register => plan.register.extend(changes),
            Intent::Deregister => plan.deregister.extend(changes),
        }
    }
    plan.spare_serving_targets();
    plan
}

/// The target groups whose own port may be needed to plan for the known tasks. Tasks without an
/// address count too: ECS may still have to be asked for it.
pub fn groups_to_ask_for_their_port(
    bindings: &[Binding],
    knowledge: &Knowledge,
) -> BTreeSet<TargetGroupArn> {
    let acted_on = knowledge.iter().filter(|known| known.task.phase != Phase::Starting);
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

fn intent(known: &Known) -> Option<Intent> {
    match (known.task.phase, known.gone) {
        (Phase::Serving, false) => Some(Intent::Register),
        (Phase::Leaving, _) => Some(Intent::Deregister),
        (Phase::Serving, true) | (Phase::Starting, _) => None,
    }
}

fn skips(known: &Known) -> impl Iterator<Item = Skipped> {
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
    let reasons = overtaken.into_iter().chain(idle);
    reasons.map(|reason| Skipped::task(known.task.arn.clone(), reason))
}

/// The targets of a task under the bindings, except those whose port is not known.
pub fn targets_of(bindings: &[Binding], ports: &Ports, known: &Known) -> BTreeSet<Target> {
    let covering = bindings.iter().filter(|binding| binding.covers(&known.task));
    covering.filter_map(|binding| target_of(binding, ports, &known.task)).collect()
}

/// The target that a binding makes of a task's address, if address and port are known.
pub fn target_of(binding: &Binding, ports: &Ports, task: &Task) -> Option<Target> {
    let group = binding.target_group.clone();
    let port = binding.port.or_else(|| ports.get(&group).copied())?;
    Some(Target { group, id: task.address?, port })
}

fn portless(bindings: &[Binding], ports: &Ports, known: &Known) -> Vec<Portless> {
    let Some(id) = known.task.address else { return Vec::new() };
    let covering = bindings.iter().filter(|binding| binding.covers(&known.task));
    let open = covering.filter(|b| b.port.is_none() && !ports.contains_key(&b.target_group));
    let task = &known.task.arn;
    let portless = |b: &Binding| Portless { task: task.clone(), group: b.target_group.clone(), id };
    open.map(portless).collect()
}

impl Plan {
    /// The changes, registers first.
    pub fn changes(&self) -> impl Iterator<Item = (Write, &Change)> {
        let register = self.register.iter().map(|change| (Write::Register, change));
        register.chain(self.deregister.iter().map(|change| (Write::Deregister, change)))
    }

    /// The plan after a look at the tasks that were registered. Targets of tasks that are leaving
    /// by now are to be deregistered again, and so are targets that turn out not to be the task's:
    /// ECS shows another address, service or family than the event. Nothing more is to be
    /// registered.
    #[must_use]
    pub fn revised(mut self, bindings: &[Binding], ports: &Ports, knowledge: &Knowledge) -> Self {
        let register = std::mem::take(&mut self.register);
        for change in register {
            let known = change.task.as_ref().and_then(|task| knowledge.get(task));
            let has_target = |known: &&Known| {
                known.task.phase != Phase::Leaving
                    && targets_of(bindings, ports, known).contains(&change.target)
            };
            match known.filter(|known| !has_target(known)) {
                None => self.register.push(change),
                Some(known) => {
                    self.skipped.extend(skips(known));
                    if !bindings.iter().any(|binding| binding.covers(&known.task)) {
                        let task = known.task.arn.clone();
                        self.skipped.push(Skipped::task(task, Reason::NoBinding));
                    }
                    self.deregister.push(change);
                }
            }
        }
        self.spare_serving_targets();
        self
    }

    /// An address can come back with a newer task. The target of a serving task is not deregistered
    /// for an older one that left.
    fn spare_serving_targets(&mut self) {
        let serving: BTreeSet<&Target> = self.register.iter().map(|c| &c.target).collect();
        let (spared, leaving): (Vec<Change>, _) = std::mem::take(&mut self.deregister)
            .into_iter()
            .partition(|change| serving.contains(&change.target));
        self.deregister = leaving;
        let tasks = spared.into_iter().filter_map(|change| change.task);
        let superseded = |task| Skipped::task(task, Reason::Superseded);
        self.skipped.extend(tasks.map(superseded));
        self.skipped.sort();
        self.skipped.dedup();
    }
}

#[cfg(test)]
mod tests;
