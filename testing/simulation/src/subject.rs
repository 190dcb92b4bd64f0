//! A task as the simulation knows it: the truth, whatever anybody was told.

use std::time::{Duration, SystemTime};

use aws_sim::Task;

use crate::scenario::Target;

/// ECS shows a stopped task for an hour (`aws-sim` does so exactly).
const SHOWN_WHEN_STOPPED: Duration = Duration::from_secs(3600);

/// Where a task stands in its life. Said here once more, and not taken from the function, because
/// the function is what is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It does not run yet.
    Starting,
    /// It runs and is meant to.
    Serving,
    /// It is meant to stop, or has.
    Leaving,
}

/// The stage of a task in this state.
pub fn stage(task: &Task) -> Stage {
    match (task.last_status(), task.desired_status()) {
        (_, "STOPPED") => Stage::Leaving,
        ("RUNNING", _) => Stage::Serving,
        _ => Stage::Starting,
    }
}

/// How a task is told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// ECS stops it.
    Asked,
    /// Its container dies.
    Crash,
}

/// A task with everything that happened to it.
#[derive(Debug)]
pub struct Subject {
    /// Its service's place in the list.
    pub service: usize,
    /// Its newest state.
    pub task: Task,
    /// The targets that the bindings make of it; none if it is unbound.
    pub targets: Vec<Target>,
    /// Every state, and since when.
    pub past: Vec<(SystemTime, Task)>,
    /// How it is to end, once that is decided.
    pub stop: Option<Stop>,
    /// Whether no target group takes its address.
    pub bad_address: bool,
    /// Since when ECS has forgotten it, if it did so before the hour.
    pub forgotten: Option<SystemTime>,
    /// What may have kept the function from knowing about it.
    pub blemish: Option<Blemish>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a task comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its service started it in the course of things.
    Service,
    /// It came up with many others, and stays to the end.
    Crowd,
    /// It runs in another account or region, in a cluster of the same name.
    Foreign,
}

/// Why the targets of a task may be wrong until a reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blemish {
    /// An event of it was dropped, or it ran before there was a rule.
    Untold,
    /// A message about it was given up, or lies in the dead-letter queue.
    GivenUp,
    /// A read of ECS was so stale that it hid that the task stops.
    StaleRead,
    /// ECS forgot it before its last event was applied.
    Forgotten,
    /// A reconcile registered it and was cut short before it had looked again. No message comes
    /// back for that; the next reconcile looks.
    ReconcileCut,
}

impl Subject {
    /// Whether ECS knew it at that moment and did not list it among the tasks meant to run.
    pub fn is_left_out(&self, moment: SystemTime, now: SystemTime) -> bool {
        let known = self.past.first().is_some_and(|(since, _)| *since <= moment);
        known && self.as_of(moment, now).is_none_or(|task| stage(task) == Stage::Leaving)
    }

    /// Its newest stage.
    pub fn stage(&self) -> Stage {
        stage(&self.task)
    }

    /// Its state as ECS showed it at that moment; none if ECS did not show it.
    pub fn as_of(&self, moment: SystemTime, now: SystemTime) -> Option<&Task> {
        let (since, task) = self.past.iter().rev().find(|(since, _)| *since <= moment)?;
        let expired = task.last_status() == "STOPPED" && *since + SHOWN_WHEN_STOPPED <= now;
        let forgotten = self.forgotten.is_some_and(|since| since <= moment);
        (!expired && !forgotten).then_some(task)
    }

    /// Whether ECS still shows it.
    pub fn is_shown(&self, now: SystemTime) -> bool {
        self.as_of(now, now).is_some()
    }

    /// The task in few words.
    pub fn words(&self) -> String {
        words(&self.task)
    }
}

/// A task's state in few words: `web/t3 RUNNING→STOPPED v4`.
pub fn words(task: &Task) -> String {
    let group = task.group();
    let owner = group.split(':').nth(1).unwrap_or_default();
    let wish = if task.last_status() == task.desired_status() || task.desired_status() == "RUNNING"
    {
        String::new()
    } else {
        format!("→{}", task.desired_status())
    };
    format!("{owner}/{} {}{wish} v{}", task.id(), task.last_status(), task.version())
}
