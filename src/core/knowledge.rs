//! What is known about the tasks of an invocation: events folded per task, then ECS's answers.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime};

use crate::core::binding::Binding;
use crate::core::task::{Phase, Task, TaskArn};

/// How old a RUNNING event may be to be believed without asking ECS. A redelivered or redriven
/// event is older, and its task may be long gone.
pub const FRESH: Duration = Duration::from_secs(60);

/// What an event reports about a task, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The task in the state that the event reports.
    pub task: Task,
    /// The envelope's `time`; redelivery does not change it.
    pub at: Option<SystemTime>,
    /// When the task entered that state (`updatedAt`); used only for metrics.
    pub changed: Option<SystemTime>,
}

/// A task according to the newest evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Everything reported about the task, folded.
    pub task: Task,
    /// The time of the newest event, if it has one.
    pub at: Option<SystemTime>,
    /// Whether an event was overtaken by newer knowledge.
    pub superseded: bool,
    /// Whether ECS answered that it knows no such task.
    pub gone: bool,
}

impl Known {
    fn fold(self, sighting: Sighting) -> Self {
        let newest = match sighting.task.version.cmp(&self.task.version) {
            Ordering::Less => self.at,
            Ordering::Equal => self.at.max(sighting.at),
            Ordering::Greater => sighting.at,
        };
        Self {
            superseded: self.superseded || sighting.task.version != self.task.version,
            at: newest,
            task: self.task.merge(sighting.task),
            gone: self.gone,
        }
    }

    /// Whether ECS should be asked before anything is decided: the task's RUNNING event is old, or
    /// its address is missing. No public capture shows the address in an event, while DescribeTasks
    /// is known to carry it, also for stopped tasks.
    pub fn is_doubtful(&self, now: SystemTime) -> bool {
        match self.task.phase {
            Phase::Starting => false,
            Phase::Serving => self.task.address.is_none() || !self.is_fresh(now),
            Phase::Leaving => self.task.address.is_none(),
        }
    }

    /// Whether ECS's `answer` lags behind what is known, and neither has the address: then its
    /// absence proves nothing. Version 0 means that ECS reported no version.
    pub fn is_left_open_by(&self, answer: &Task) -> bool {
        let lags = answer.version != 0 && answer.version < self.task.version;
        lags && self.task.address.is_none() && answer.address.is_none()
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        let Some(at) = self.at else { return false };
        match now.duration_since(at) {
            Ok(age) => age <= FRESH,
            Err(ahead) => ahead.duration() <= FRESH,
        }
    }
}

/// The tasks of an invocation, each with everything known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    tasks: BTreeMap<TaskArn, Known>,
}

impl Knowledge {
    /// Folds the sightings of each task; their order and repetitions make no difference.
    pub fn fold(sightings: impl IntoIterator<Item = Sighting>) -> Self {
        let mut tasks = BTreeMap::<TaskArn, Known>::new();
        for sighting in sightings {
            let arn = sighting.task.arn.clone();
            let known = match tasks.remove(&arn) {
                Some(known) => known.fold(sighting),
                None => {
                    Known { task: sighting.task, at: sighting.at, superseded: false, gone: false }
                }
            };
            tasks.insert(arn, known);
        }
        Self { tasks }
    }

    /// Knowledge from ECS's answers alone, without events.
    pub fn of(tasks: impl IntoIterator<Item = Task>) -> Self {
        Self::fold(tasks.into_iter().map(|task| Sighting { task, at: None, changed: None }))
    }

    /// Adds ECS's answers about other tasks.
    pub fn extend(&mut self, tasks: impl IntoIterator<Item = Task>) {
        let known = std::mem::take(&mut self.tasks).into_values().map(|known| known.task);
        *self = Self::of(known.chain(tasks));
    }

    /// The tasks in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.tasks.values()
    }

    /// What is known about one task.
    pub fn get(&self, arn: &TaskArn) -> Option<&Known> {
        self.tasks.get(arn)
    }

    /// Keeps the tasks that some binding covers and returns the others.
    pub fn split_off_unbound(&mut self, bindings: &[Binding]) -> Vec<Known> {
        // Tags can bind thousands of services, and a batch has 1,500 tasks: too many pairs.
        let bound: HashSet<_> = bindings.iter().map(Binding::key).collect();
        let is_bound = |Task { cluster, group, .. }: &Task| {
            let owner = group.split_once(':');
            owner.is_some_and(|(kind, name)| bound.contains(&(cluster.as_str(), kind, name)))
        };
        let unbound = self.tasks.extract_if(.., |_, known| !is_bound(&known.task));
        unbound.map(|(_, known)| known).collect()
    }

    /// Only the tasks that meet a condition.
    #[must_use]
    pub fn only(&self, holds: impl Fn(&Known) -> bool) -> Self {
        let tasks = self.tasks.iter().filter(|(_, known)| holds(known));
        Self { tasks: tasks.map(|(arn, known)| (arn.clone(), known.clone())).collect() }
    }

    /// Removes a task about which nothing can be decided now.
    pub fn remove(&mut self, arn: &TaskArn) -> Option<Known> {
        self.tasks.remove(arn)
    }

    /// Folds in ECS's answer about a task. If the answer contradicts an event, the event is marked
    /// as superseded. The address and group of a task never change, so ECS has the last word on
    /// them whatever the versions.
    pub fn learn(&mut self, answer: Task) {
        let Some(known) = self.tasks.remove(&answer.arn) else { return };
        let said = known.task.clone();
        let (address, group) = (answer.address, answer.group.clone());
        let mut task = known.task.merge(answer);
        task.address = address.or(task.address);
        if !group.is_empty() {
            task.group = group;
        }
        let differs = task.phase != said.phase
            || said.address.is_some_and(|address| task.address != Some(address))
            || !said.group.is_empty() && task.group != said.group;
        let superseded = known.superseded || differs;
        self.tasks.insert(task.arn.clone(), Known { task, superseded, ..known });
    }

    /// Takes in the address that a task is known to have.
    pub fn learn_address(&mut self, arn: &TaskArn, address: Ipv6Addr) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.task.address = Some(address);
        }
    }

    /// Records that ECS knows no such task.
    pub fn learn_gone(&mut self, arn: &TaskArn) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.gone = true;
        }
    }

    /// Records that ECS no longer knows a task that was believed to serve.
    pub fn learn_gone_meanwhile(&mut self, arn: &TaskArn) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.gone = true;
            known.task.phase = Phase::Leaving;
        }
    }
}

#[cfg(test)]
mod tests;
