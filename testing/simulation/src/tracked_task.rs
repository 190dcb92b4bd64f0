//! A task as the simulation knows it: the truth, whatever the events and answers of ECS said.

use std::time::{Duration, SystemTime};

use aws_sim::Task;

use crate::scenario::Target;

/// ECS shows a stopped task for an hour (`aws-sim` does so exactly).
const SHOWN_WHEN_STOPPED: Duration = Duration::from_secs(3600);

/// The phase of a task's life. Defined here again, and not taken from the function, because the
/// function is what is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The task does not run yet.
    Starting,
    /// The task runs and is meant to.
    Serving,
    /// The task is meant to stop, or has stopped.
    Leaving,
}

/// The phase of a task in this state.
pub fn phase(task: &Task) -> Phase {
    match (task.last_status(), task.desired_status()) {
        (_, "STOPPED") => Phase::Leaving,
        ("RUNNING", _) => Phase::Serving,
        _ => Phase::Starting,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// ECS stops it.
    Asked,
    /// Its container dies.
    Crash,
}

/// A task with everything that happened to it.
#[derive(Debug)]
pub struct TrackedTask {
    /// The place of its service in the scenario.
    pub service: usize,
    pub task: Task,
    /// The targets that the bindings make of it; none if it is unbound.
    pub targets: Vec<Target>,
    /// Every state so far, and since when.
    pub past: Vec<(SystemTime, Task)>,
    /// How it ends, once that is decided.
    pub stop: Option<Stop>,
    /// Whether no target group accepts its address.
    pub bad_address: bool,
    /// When ECS forgot it, if that was before the hour was over.
    pub forgotten: Option<SystemTime>,
    /// Why the function may not know about it.
    pub excuse: Option<Excuse>,
    pub origin: Origin,
}

/// Where a task comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its service started it as part of its usual changes.
    Service,
    /// It started with many others, and stays to the end.
    Crowd,
    /// It runs in another account or region, in a cluster of the same name.
    Foreign,
}

/// Why the targets of a task may be wrong until a reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse {
    /// An event of it was dropped, or it ran before there was a rule.
    NoEvent,
    /// A message about it was given up, or is in the dead-letter queue.
    GivenUp,
    /// A read of ECS was so stale that it hid a later phase.
    StaleRead,
    /// ECS forgot it before its last event was applied.
    Forgotten,
    /// A reconcile, or a batch that settles whole groups, registered it without its message and did
    /// not get to look again. No message is received again for that; the next reconcile looks.
    NoLook,
    /// It was handled by what was known of the tags before their pages broke off.
    TagsBrokeOff,
}

impl TrackedTask {
    /// Whether ECS knew it at that moment and did not list it as a task that is meant to run.
    pub fn is_left_out(&self, moment: SystemTime, now: SystemTime) -> bool {
        let known = self.past.first().is_some_and(|(since, _)| *since <= moment);
        known && self.as_of(moment, now).is_none_or(|task| phase(task) == Phase::Leaving)
    }

    pub fn phase(&self) -> Phase {
        phase(&self.task)
    }

    /// Its state as ECS showed it at that moment, if ECS showed it at all.
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
