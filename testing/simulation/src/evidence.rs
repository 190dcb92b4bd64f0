//! What ECS has shown of the tasks, in events delivered and in answers read: the knowledge that an
//! invocation should act on.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sim::Task;

use crate::tracked_task::{Phase, phase};

/// The age up to which an event of a running task is believed without asking ECS.
const FRESH: Duration = Duration::from_secs(60);

/// What was shown of one task, folded: the highest version wins, and leaving is final.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The highest version shown.
    pub version: u64,
    /// The phase that follows from all that was shown.
    pub phase: Phase,
    /// Whether the address was shown.
    pub addressed: bool,
    /// Whether ECS answered that it knows no such task.
    pub gone: bool,
    /// Whether ECS itself was asked, or the event was fresh.
    pub believable: bool,
}

/// What was shown of all tasks, by their places.
#[derive(Clone, Debug, Default)]
pub struct Evidence(BTreeMap<usize, Shown>);

/// What an answer of ECS shows, when it arrives.
#[derive(Debug)]
pub enum OnTheWay {
    /// These tasks, or that it knows no such task.
    Tasks(Vec<(usize, Option<Task>)>),
    /// That these are not meant to run.
    LeftOut(Vec<usize>),
}

/// A call of an invocation: when it arrived, and its parameters.
pub type Key = (usize, SystemTime, Vec<(String, String)>);

impl Evidence {
    /// What was shown of a task.
    pub fn of(&self, place: usize) -> Option<Shown> {
        self.0.get(&place).copied()
    }

    /// Whether a task was shown in this phase.
    pub fn has(&self, place: usize, phase: Phase) -> bool {
        self.of(place).is_some_and(|shown| shown.phase == phase)
    }

    /// Whether a task was shown as serving, and not by an old event alone.
    pub fn believes_in(&self, place: usize) -> bool {
        self.of(place).is_some_and(|shown| shown.believable && shown.phase == Phase::Serving)
    }

    /// The places of the tasks shown.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.0.keys().copied()
    }

    /// An event is delivered to an invocation that begins `now`.
    pub fn event(&mut self, sighting: &Sighting, now: SystemTime) {
        let fresh = now.duration_since(sighting.at).unwrap_or_default() <= FRESH;
        self.fold(sighting.place, &sighting.task, fresh, sighting.addressed);
    }

    /// ECS answers with this state of a task, or that it knows no such task. If the invocation has
    /// `registered` the task, an unknown task counts as leaving.
    pub fn answer(&mut self, place: usize, answer: Option<&Task>, registered: bool) {
        match answer {
            Some(task) => {
                let addressed = task.ipv6().is_some() && task.last_status() != "PROVISIONING";
                self.fold(place, task, true, addressed);
                if let Some(shown) = self.0.get_mut(&place) {
                    shown.believable = true;
                }
            }
            None => {
                if let Some(shown) = self.0.get_mut(&place) {
                    shown.gone = true;
                    if registered {
                        shown.phase = Phase::Leaving;
                    }
                }
            }
        }
    }

    /// ECS lists the tasks of a service that are meant to run, and this one is not among them.
    pub fn left_out(&mut self, place: usize) {
        if let Some(shown) = self.0.get_mut(&place) {
            shown.phase = Phase::Leaving;
        }
    }

    fn fold(&mut self, place: usize, task: &Task, believable: bool, addressed: bool) {
        let new = Shown {
            version: task.version(),
            phase: phase(task),
            addressed,
            gone: false,
            believable,
        };
        let shown = self.0.entry(place).or_insert(new);
        let leaving = shown.phase == Phase::Leaving || new.phase == Phase::Leaving;
        let newer = if new.version > shown.version { new } else { *shown };
        let same = new.version == shown.version;
        *shown = Shown {
            version: newer.version,
            phase: if leaving { Phase::Leaving } else { newer.phase },
            addressed: shown.addressed || addressed,
            gone: shown.gone,
            believable: newer.believable || (same && believable),
        };
    }
}

/// What one message says.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub place: usize,
    pub task: Task,
    /// The time of the envelope, in whole seconds.
    pub at: SystemTime,
    /// Whether the message has the address.
    pub addressed: bool,
}
