//! What was observed of the tasks and of the function: plain data, which [`crate::promises`] and
//! [`crate::convergence`] judge.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use crate::evidence::Evidence;
use crate::invocation::Invocation;
use crate::scenario::Target;
use crate::tracked_task::{Origin, TrackedTask};

/// The observations of a run up to now.
#[derive(Debug, Default)]
pub struct Observation {
    /// Every task there ever was. A task's index here is its *place*, by which all else names it.
    pub tasks: Vec<TrackedTask>,
    /// What was shown to any invocation.
    pub newest: Evidence,
    /// The invocations under way, by their numbers.
    pub invocations: BTreeMap<usize, Invocation>,
    /// How many messages were sent.
    pub sent: usize,
    /// How many messages were answered without a failure.
    pub applied: usize,
    /// Targets that somebody edited by hand.
    pub edited: BTreeSet<Target>,
    /// Targets that a forged event claims.
    pub claimed: BTreeSet<Target>,
    /// Targets that were wrong at an earlier comparison, and excused.
    pub wrong: BTreeSet<Target>,
}

impl Observation {
    /// The places of the tasks that the bindings give this target.
    pub fn holders(&self, target: &Target) -> impl Iterator<Item = usize> {
        let holds = move |(_, tracked): &(usize, &TrackedTask)| tracked.targets.contains(target);
        self.tasks.iter().enumerate().filter(holds).map(|(place, _)| place)
    }

    /// How many tasks of this account had this address, bound or not.
    pub fn users(&self, address: Ipv6Addr) -> usize {
        let own = self.tasks.iter().filter(|tracked| tracked.origin != Origin::Foreign);
        own.filter(|tracked| tracked.task.ipv6() == Some(address)).count()
    }

    /// The place of the task with this ARN; ids are `t` and the place.
    pub fn place(&self, arn: &str) -> Option<usize> {
        let place = arn.rsplit('/').next()?.strip_prefix('t')?.parse().ok()?;
        (place < self.tasks.len()).then_some(place)
    }
}
