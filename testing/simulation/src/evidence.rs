//! What ECS has shown of the tasks, in events delivered and in answers read.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sim::Task;

use crate::subject::{Stage, stage};

/// How old an event of a running task may be to be believed without asking ECS.
const FRESH: Duration = Duration::from_secs(60);

/// What was shown of one task, folded: the highest version counts, and leaving is final.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// The newest version.
    pub version: u64,
    /// The stage that amounts to.
    pub stage: Stage,
    /// Whether any of it told the address.
    pub addressed: bool,
    /// Whether ECS said that it knows no such task.
    pub gone: bool,
    /// Whether ECS itself was asked, or else the news was fresh.
    pub believable: bool,
}

/// What was shown of all tasks, by their places in the list.
#[derive(Clone, Debug, Default)]
pub struct Evidence(BTreeMap<usize, Shown>);

impl Evidence {
    /// What was shown of a task.
    pub fn of(&self, subject: usize) -> Option<Shown> {
        self.0.get(&subject).copied()
    }

    /// Whether a task was shown in this stage.
    pub fn has(&self, subject: usize, stage: Stage) -> bool {
        self.of(subject).is_some_and(|shown| shown.stage == stage)
    }

    /// The tasks shown.
    pub fn subjects(&self) -> impl Iterator<Item = usize> {
        self.0.keys().copied()
    }

    /// An event of `at` is delivered to an invocation that begins `now`.
    pub fn event(&mut self, sighting: &Sighting, now: SystemTime) {
        let fresh = now.duration_since(sighting.at).unwrap_or_default() <= FRESH;
        self.learn(sighting.subject, &sighting.task, fresh, sighting.addressed);
    }

    /// ECS answers with this state of a task, or that it knows no such task. `registered` tells
    /// whether the invocation has registered it: gone after that means that it leaves.
    pub fn answer(&mut self, subject: usize, answer: Option<&Task>, registered: bool) {
        match answer {
            Some(task) => {
                let told = task.ipv6().is_some() && task.last_status() != "PROVISIONING";
                self.learn(subject, task, true, told);
                if let Some(shown) = self.0.get_mut(&subject) {
                    shown.believable = true;
                }
            }
            None => {
                if let Some(shown) = self.0.get_mut(&subject) {
                    shown.gone = true;
                    if registered {
                        shown.stage = Stage::Leaving;
                    }
                }
            }
        }
    }

    /// ECS lists the tasks of a service that are meant to run, and leaves this one out.
    pub fn left_out(&mut self, subject: usize) {
        if let Some(shown) = self.0.get_mut(&subject) {
            shown.stage = Stage::Leaving;
        }
    }

    fn learn(&mut self, subject: usize, task: &Task, believable: bool, addressed: bool) {
        let new = Shown {
            version: task.version(),
            stage: stage(task),
            addressed,
            gone: false,
            believable,
        };
        let shown = self.0.entry(subject).or_insert(new);
        let leaving = shown.stage == Stage::Leaving || new.stage == Stage::Leaving;
        let newer = if new.version > shown.version { new } else { *shown };
        let same = new.version == shown.version;
        *shown = Shown {
            version: newer.version,
            stage: if leaving { Stage::Leaving } else { newer.stage },
            addressed: shown.addressed || addressed,
            gone: shown.gone,
            believable: newer.believable || (same && believable),
        };
    }
}

/// What one message says.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The task's place in the list.
    pub subject: usize,
    /// The state that it tells.
    pub task: Task,
    /// The envelope's time, in whole seconds.
    pub at: SystemTime,
    /// Whether it tells the address.
    pub addressed: bool,
}
