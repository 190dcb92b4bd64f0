//! Whether the target groups hold the targets of the serving tasks once everything has come to
//! rest. What is promised and what is excused is in [`crate::promises`].

use std::collections::BTreeSet;
use std::time::SystemTime;

use ecs_ipv6_targets::core::drift::Prune;

use crate::coverage::{Case, Coverage};
use crate::observation::Observation;
use crate::promises::{Broken, broken};
use crate::scenario::{Scenario, Target};
use crate::tracked_task::Phase;

/// When the targets are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// After the events alone.
    Events,
    /// After one of the reconciles that a crowd of bad targets may need.
    Try,
    /// After an undisturbed reconcile.
    Reconcile,
}

/// The state of the target groups that is compared with the tasks.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// What the groups should be like.
    pub scenario: &'a Scenario,
    pub present: BTreeSet<Target>,
    pub now: SystemTime,
    pub after: After,
}

impl Comparison<'_> {
    /// The targets are those of the serving tasks. Notes which cases occurred.
    pub fn check(&self, observed: &mut Observation, coverage: &mut Coverage) -> Result<(), Broken> {
        let of_tasks = observed.tasks.iter().flat_map(|tracked| tracked.targets.iter().copied());
        let all: BTreeSet<Target> = of_tasks.chain(self.present.iter().copied()).collect();
        for target in &all {
            let is_there = self.present.contains(target);
            let should_be = self.should_be_there(observed, target, is_there);
            let excused = self.is_excused(observed, target);
            if is_there == should_be {
                if self.after == After::Events && !excused {
                    coverage.note(Case::TargetHeld);
                }
                if observed.wrong.remove(target) {
                    coverage.note(Case::TargetHealed);
                }
            } else if excused {
                let case = match self.after {
                    After::Events => Case::TargetExcused,
                    After::Try | After::Reconcile => Case::LeftUnproven,
                };
                coverage.note(case);
                observed.wrong.insert(*target);
            } else {
                return self.broken(target, is_there);
            }
        }
        Ok(())
    }

    fn broken(&self, target: &Target, is_there: bool) -> Result<(), Broken> {
        let problem = if is_there { "is registered and does not serve" } else { "is missing" };
        let promise = match self.after {
            After::Events => "converged",
            After::Try => "isolated",
            After::Reconcile => "reconciled",
        };
        broken(promise, format!("{} {problem}", target.words(self.scenario)))
    }

    /// Whether a target should be in its group. That of a task should if the task serves; a target
    /// without a task stays where it is, unless a reconcile removes what nothing explains.
    fn should_be_there(&self, observed: &Observation, target: &Target, is_there: bool) -> bool {
        let mut holders = observed.holders(target).peekable();
        if holders.peek().is_some() {
            return holders.any(|holder| {
                let tracked = &observed.tasks[holder];
                tracked.phase() == Phase::Serving
                    && !tracked.bad_address
                    && self.is_bound(observed, holder, target)
            });
        }
        let removed = self.scenario.prune == Prune::All && self.after != After::Events;
        is_there && observed.edited.contains(target) && !removed
    }

    /// Whether a binding makes this a target of the task, as far as the index of tags shows.
    fn is_bound(&self, observed: &Observation, holder: usize, target: &Target) -> bool {
        observed.was_bound(self.scenario, holder, target, &(self.now..=self.now))
    }

    /// Whether a target may be wrong; [`crate::promises`] says when.
    fn is_excused(&self, observed: &Observation, target: &Target) -> bool {
        let is_there = self.present.contains(target);
        if is_there && self.is_left_alone(observed, target) {
            return true;
        }
        if !is_there && self.is_full(target) {
            return true;
        }
        let of_holder = |holder: usize| observed.tasks[holder].excuse.is_some();
        let by_events = observed.holders(target).any(of_holder)
            || observed.edited.contains(target)
            || !observed.is_stable(target.group)
            || observed.users(target.id) > 1;
        match (self.after, self.scenario.prune) {
            (After::Events, _) => by_events,
            (After::Try, _) if !is_there && self.is_crowded(observed, target) => true,
            (_, Prune::Never) => is_there && by_events,
            (_, Prune::Proven) => is_there && by_events && !self.is_shown(observed, target),
            (_, Prune::All) => is_there && by_events && self.is_of_unknown_family(observed, target),
        }
    }

    /// Whether a tag that is lost or malformed leaves the target where it is.
    fn is_left_alone(&self, observed: &Observation, target: &Target) -> bool {
        let unbound = |holder| !self.is_bound(observed, holder, target);
        let is_tagged = observed.tags.contains_key(&target.group);
        observed.stayed_malformed(target.group, &(self.now..=self.now))
            || (is_tagged && observed.holders(target).all(unbound))
    }

    /// Whether the target's group, or its zone in the group, is full.
    fn is_full(&self, target: &Target) -> bool {
        let in_group = || self.present.iter().filter(|other| other.group == target.group);
        let in_zone = in_group().filter(|other| self.scenario.is_short_of_room(other)).count();
        let zone_full = self.scenario.rare.zone_quota.is_some_and(|quota| in_zone >= quota);
        in_group().count() >= self.scenario.groups[target.group].quota
            || (zone_full && self.scenario.is_short_of_room(target))
    }

    /// Whether ECS still shows a task with this target.
    fn is_shown(&self, observed: &Observation, target: &Target) -> bool {
        observed.holders(target).any(|holder| observed.tasks[holder].is_shown(self.now))
    }

    /// Whether the target belongs to a task whose service has a crowd of bad ones.
    fn is_crowded(&self, observed: &Observation, target: &Target) -> bool {
        let service = |holder: usize| observed.tasks[holder].service;
        observed.holders(target).any(|holder| self.scenario.is_crowded(service(holder)))
    }

    /// Whether the target's group is bound to a family of which ECS shows no task at all. Its name
    /// may be mistyped, so nothing unproven is removed.
    fn is_of_unknown_family(&self, observed: &Observation, target: &Target) -> bool {
        let bound = self.scenario.bonds.iter().filter(|bond| bond.group == target.group);
        let mut families = bound.filter(|bond| self.scenario.services[bond.service].standalone);
        families.any(|bond| {
            let mut of_it = observed.tasks.iter().filter(|tracked| tracked.service == bond.service);
            !of_it.any(|tracked| tracked.is_shown(self.now))
        })
    }
}
