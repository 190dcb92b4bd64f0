//! What was observed of the tasks and of the function: plain data, which [`crate::promises`] and
//! [`crate::convergence`] judge.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::time::SystemTime;

use crate::evidence::Evidence;
use crate::invocation::Invocation;
use crate::scenario::{Scenario, Target};
use crate::seen_right::SeenRight;
use crate::tag_history::{Span, TagHistory};
use crate::tracked_task::{Origin, TrackedTask};

/// The observations of a run up to now.
#[derive(Debug, Default)]
pub struct Observation {
    /// Every task there ever was. A task's index here is its *place*, by which all else names it.
    pub tasks: Vec<TrackedTask>,
    /// What was shown to any invocation.
    pub newest: Evidence,
    /// In which states of tasks their targets were as they should be.
    pub seen_right: SeenRight,
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
    /// What the index showed of the tags of the groups that are bound by them.
    pub tags: BTreeMap<usize, TagHistory>,
    /// The groups whose role was taken away, when, and until when.
    pub lost_roles: Vec<(usize, SystemTime, Option<SystemTime>)>,
}

impl Observation {
    /// The places of the tasks that the bindings give this target.
    pub fn holders(&self, target: &Target) -> impl Iterator<Item = usize> {
        let holds = move |(_, tracked): &(usize, &TrackedTask)| tracked.targets.contains(target);
        self.tasks.iter().enumerate().filter(holds).map(|(place, _)| place)
    }

    /// Whether this bond of a group held at some moment of the span.
    pub fn had_bond(&self, bond: usize, group: usize, span: &Span) -> bool {
        let tags = self.tags.get(&group);
        tags.is_none_or(|tags| tags.during(span).any(|tag| tag.bonds.contains(&bond)))
    }

    /// Whether this bond of a group held at every moment of the span.
    pub fn kept_bond(&self, bond: usize, group: usize, span: &Span) -> bool {
        let tags = self.tags.get(&group);
        tags.is_none_or(|tags| tags.during(span).all(|tag| tag.bonds.contains(&bond)))
    }

    /// Whether a bond made this a target of this task at some moment of the span.
    pub fn was_bound(
        &self,
        scenario: &Scenario,
        place: usize,
        target: &Target,
        span: &Span,
    ) -> bool {
        let mut bonds = scenario.bonds_of(self.tasks[place].service, target);
        bonds.any(|bond| self.had_bond(bond, target.group, span))
    }

    /// Whether a bond made this a target of this task at every moment of the span.
    pub fn stayed_bound(
        &self,
        scenario: &Scenario,
        place: usize,
        target: &Target,
        span: &Span,
    ) -> bool {
        let mut bonds = scenario.bonds_of(self.tasks[place].service, target);
        bonds.any(|bond| self.kept_bond(bond, target.group, span))
    }

    /// Whether the group's tag had an entry that cannot be read at every moment of the span.
    pub fn stayed_malformed(&self, group: usize, span: &Span) -> bool {
        self.tags.get(&group).is_some_and(|tags| tags.during(span).all(|tag| tag.is_malformed))
    }

    /// Whether the bindings of a group never changed.
    pub fn is_stable(&self, group: usize) -> bool {
        self.tags.get(&group).is_none_or(TagHistory::is_stable)
    }

    /// Whether the group's role could not be assumed at some moment of the span.
    pub fn lacked_role(&self, group: usize, span: &Span) -> bool {
        self.lost_roles.iter().any(|(of, from, until)| {
            let over = until.is_some_and(|until| until < *span.start());
            *of == group && from <= span.end() && !over
        })
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
