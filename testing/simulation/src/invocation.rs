//! One invocation of the function, as the simulation sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use aws_sim::Task;
use ecs_ipv6_targets::core::target::Write;
use serde_json::Value;
use tokio::sync::Notify;

use crate::evidence::Evidence;
use crate::scenario::Target;

tokio::task_local! {
    /// The number of the invocation that makes a call or writes a log line.
    pub static NUMBER: usize;
}

/// The kinds of invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationKind {
    /// One event, or a batch of messages.
    Events,
    /// A copy of an event that is in the queue as well.
    Copy,
    Reconcile,
    /// A plan or doctor, which only read.
    Question,
}

/// An invocation under way.
#[derive(Debug)]
pub struct Invocation {
    /// What it was invoked for.
    pub kind: InvocationKind,
    /// What was shown to it.
    pub shown: Evidence,
    /// Tasks of its messages that it took for serving when it had all of these, or later.
    pub served: BTreeSet<usize>,
    /// What it had been shown before it began to settle whole groups beside its messages.
    pub shown_before: Option<Evidence>,
    /// For each target, the last write whose answer it received, and writes that reads since then
    /// show as made.
    pub acknowledged: BTreeMap<Target, BTreeSet<Write>>,
    /// Targets that it asked to register.
    pub asked: BTreeSet<Target>,
    /// Targets that it registered, whether it received the answer or not.
    pub registered: BTreeSet<Target>,
    /// Targets that it registered and whose task it has not looked at since.
    pub unlooked: BTreeSet<Target>,
    pub begun: SystemTime,
    /// Groups that it deregistered from within its first second.
    pub shrunk: BTreeSet<usize>,
    /// Writes that have not taken effect yet.
    pub in_flight: Vec<(Write, Target)>,
    /// Whether its last call for tags was answered.
    pub has_read_tags: bool,
    /// Whether a call for tags failed after pages that were answered.
    pub tags_broke_off: bool,
    pub tally: Tally,
    pub kill: Arc<Notify>,
}

impl Invocation {
    /// An invocation that begins now, having been shown this.
    pub fn new(
        kind: InvocationKind,
        shown: Evidence,
        begun: SystemTime,
        kill: Arc<Notify>,
    ) -> Self {
        let served = shown.places().filter(|place| takes_for_serving(&shown, *place)).collect();
        Self {
            kind,
            shown,
            served,
            shown_before: None,
            acknowledged: BTreeMap::new(),
            asked: BTreeSet::new(),
            registered: BTreeSet::new(),
            unlooked: BTreeSet::new(),
            begun,
            shrunk: BTreeSet::new(),
            in_flight: Vec::new(),
            has_read_tags: false,
            tags_broke_off: false,
            tally: Tally::default(),
            kill,
        }
    }

    /// Whether it registered a target of this task, or left its register out because a read showed
    /// it as made.
    pub fn takes_for_registered(&self, target: &Target, place: usize) -> bool {
        let left_out = self.kind != InvocationKind::Reconcile
            && self.shown_before.is_none()
            && self.shown.believes_in(place);
        let made = self.acknowledged.get(target);
        self.registered.contains(target)
            || left_out && made.is_some_and(|made| made.contains(&Write::Register))
    }

    /// ECS has answered with this state of a task, or that it knows no such task.
    pub fn is_shown(&mut self, place: usize, answer: Option<&Task>, registered: bool) {
        self.shown.answer(place, answer, registered);
        if self.shown_before.is_none() && takes_for_serving(&self.shown, place) {
            self.served.insert(place);
        }
    }

    /// It settles whole groups from now on. What was shown to it until now is what its messages go
    /// by.
    pub fn catches_up(&mut self) {
        if self.kind != InvocationKind::Reconcile && self.shown_before.is_none() {
            self.shown_before = Some(self.shown.clone());
            self.shrunk.clear();
        }
    }
}

/// Whether an invocation that was shown this takes a task for serving at an address it knows.
fn takes_for_serving(shown: &Evidence, place: usize) -> bool {
    shown.believes_in(place) && shown.of(place).is_some_and(|shown| shown.addressed)
}

/// The writes of an invocation. Each attempt of the SDK counts as a call.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls made.
    pub calls: usize,
    /// Calls that were refused because of their targets, by group.
    pub refused: BTreeMap<usize, usize>,
    /// Groups that accepted some target.
    pub accepted: BTreeSet<usize>,
    /// Calls that were applied and answered.
    pub answered: usize,
}

#[derive(Clone, Debug)]
pub enum Ending {
    Answer(Value),
    Error(String),
    Killed,
}

impl Ending {
    /// The answer, if there is one.
    pub fn answer(&self) -> Option<&Value> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Error(_) | Self::Killed => None,
        }
    }
}
