//! What is known of the tasks at hand: events folded per task, then what ECS answered.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::binding::Binding;
use crate::task::{Phase, Task, TaskArn};

/// How old the news of a running task may be to be believed without asking ECS. A redelivered or
/// redriven event is older, and the task may be long gone.
pub const FRESH: Duration = Duration::from_secs(60);

/// What an event says of a task, and when it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The task in the state that the event reports.
    pub task: Task,
    /// The envelope's `time`; redelivery does not change it.
    pub at: Option<SystemTime>,
    /// When the task came into that state (`updatedAt`). Only for measuring.
    pub changed: Option<SystemTime>,
}

/// A task as the newest evidence has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Everything said of the task, folded.
    pub task: Task,
    /// When the newest event was, as far as it said so.
    pub at: Option<SystemTime>,
    /// Whether an event was overtaken by newer knowledge.
    pub superseded: bool,
    /// Whether ECS said that it knows no such task.
    pub gone: bool,
}

impl Known {
    fn fold(self, sighting: Sighting) -> Self {
        let newest = if sighting.task.version == self.task.version {
            self.at.max(sighting.at)
        } else if sighting.task.version > self.task.version {
            sighting.at
        } else {
            self.at
        };
        Self {
            superseded: self.superseded || sighting.task.version != self.task.version,
            at: newest,
            task: self.task.merge(sighting.task),
            gone: self.gone,
        }
    }

    /// Whether ECS should be asked before anything is decided: the news that it serves is old,
    /// or its address is missing. No public capture shows the address in an event, while
    /// DescribeTasks is known to carry it, also for stopped tasks.
    pub fn is_doubtful(&self, now: SystemTime) -> bool {
        match self.task.phase {
            Phase::Starting => false,
            Phase::Serving => self.task.address.is_none() || !self.is_fresh(now),
            Phase::Leaving => self.task.address.is_none(),
        }
    }

    /// Whether ECS's `answer` lags behind what is known, and neither has the address: what it does
    /// not say then proves nothing. A version of 0 is one that was not told.
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

/// The tasks at hand, each as far as it is known.
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

    /// What ECS answered about tasks nobody reported.
    pub fn of(tasks: impl IntoIterator<Item = Task>) -> Self {
        Self::fold(tasks.into_iter().map(|task| Sighting { task, at: None, changed: None }))
    }

    /// Adds what ECS answered about other tasks.
    pub fn extend(&mut self, tasks: impl IntoIterator<Item = Task>) {
        let known = std::mem::take(&mut self.tasks).into_values().map(|known| known.task);
        *self = Self::of(known.chain(tasks));
    }

    /// The tasks in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.tasks.values()
    }

    /// What is known of one task.
    pub fn get(&self, arn: &TaskArn) -> Option<&Known> {
        self.tasks.get(arn)
    }

    /// Keeps the tasks that some binding covers and returns the others.
    pub fn split_off_unbound(&mut self, bindings: &[Binding]) -> Vec<Known> {
        let (bound, unbound) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|(_, known)| bindings.iter().any(|binding| binding.covers(&known.task)));
        self.tasks = bound;
        unbound.into_values().collect()
    }

    /// Takes out a task about which nothing can be decided now.
    pub fn remove(&mut self, arn: &TaskArn) -> Option<Known> {
        self.tasks.remove(arn)
    }

    /// Folds in what ECS answered about a task. If that takes away what an event said of it, the
    /// event is marked as superseded.
    pub fn learn(&mut self, answer: Task) {
        let Some(known) = self.tasks.remove(&answer.arn) else { return };
        let said = known.task.phase;
        let task = known.task.merge(answer);
        let superseded = known.superseded || task.phase != said;
        self.tasks.insert(task.arn.clone(), Known { task, superseded, ..known });
    }

    /// Notes that ECS knows no such task.
    pub fn learn_gone(&mut self, arn: &TaskArn) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.gone = true;
        }
    }

    /// Notes that a task that was taken for serving is no longer known to ECS.
    pub fn learn_gone_meanwhile(&mut self, arn: &TaskArn) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.gone = true;
            known.task.phase = Phase::Leaving;
        }
    }
}
