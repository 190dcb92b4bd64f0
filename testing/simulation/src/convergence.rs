//! Whether the target groups hold what serves, once everything has come to rest. What is promised,
//! and what is excused, stands in [`crate::promises`].

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use ecs_ipv6_targets::core::drift::Prune;

use crate::coverage::Case;
use crate::promises::{Broken, broken};
use crate::run::{Run, State};
use crate::scenario::Target;
use crate::subject::Stage;

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

/// The targets are those of the serving tasks.
pub fn converged(run: &Run, state: &mut State, after: After) -> Result<(), Broken> {
    let present = present(run);
    let now = run.aws.now();
    let of_tasks = state.subjects.iter().flat_map(|subject| subject.targets.iter().copied());
    let all: BTreeSet<Target> = of_tasks.chain(present.iter().copied()).collect();
    for target in &all {
        let is_there = present.contains(target);
        let should_be = should_be_there(run, state, target, after, is_there);
        let excused = excuse(run, state, target, &present, now, after);
        if is_there == should_be {
            if after == After::Events && !excused {
                state.coverage.note(Case::TargetHeld);
            }
            if state.wrong.remove(target) {
                state.coverage.note(Case::TargetHealed);
            }
        } else if excused {
            let case = match after {
                After::Events => Case::TargetExcused,
                After::Try | After::Reconcile => Case::LeftUnproven,
            };
            state.coverage.note(case);
            state.wrong.insert(*target);
        } else {
            let problem = if is_there { "is registered and serves not" } else { "is missing" };
            let promise = match after {
                After::Events => "converged",
                After::Try => "isolated",
                After::Reconcile => "reconciled",
            };
            return broken(promise, format!("{} {problem}", run.words(target)));
        }
    }
    Ok(())
}

/// What is registered.
pub fn present(run: &Run) -> BTreeSet<Target> {
    let targets = |(group, arn): (usize, &String)| {
        let registered = run.aws.registered(arn).into_iter();
        registered.filter_map(move |(id, port)| match id {
            IpAddr::V6(id) => Some(Target { group, id, port }),
            IpAddr::V4(_) => None,
        })
    };
    run.arns.iter().enumerate().flat_map(targets).collect()
}

/// Whether a target should be in its group: that of a task that serves; somebody else's where it
/// is, unless a reconcile removes whatever nothing explains.
fn should_be_there(
    run: &Run,
    state: &State,
    target: &Target,
    after: After,
    is_there: bool,
) -> bool {
    let mut holders = state.holders(target).peekable();
    if holders.peek().is_some() {
        return holders.any(|holder| {
            let subject = &state.subjects[holder];
            subject.stage() == Stage::Serving && !subject.bad_address
        });
    }
    let removed = run.scenario.prune == Prune::All && after != After::Events;
    is_there && state.edited.contains(target) && !removed
}

/// Whether a target may be wrong. See the top of this file.
fn excuse(
    run: &Run,
    state: &State,
    target: &Target,
    present: &BTreeSet<Target>,
    now: SystemTime,
    after: After,
) -> bool {
    let is_there = present.contains(target);
    let in_group = present.iter().filter(|other| other.group == target.group).count();
    let in_zone = present
        .iter()
        .filter(|other| other.group == target.group && run.scenario.is_short_of_room(other));
    let zone_full = run.scenario.rare.zone_quota.is_some_and(|quota| in_zone.count() >= quota);
    let full = in_group >= run.scenario.groups[target.group].quota
        || (zone_full && run.scenario.is_short_of_room(target));
    if !is_there && full {
        return true;
    }
    let blemished = state.holders(target).any(|holder| state.subjects[holder].blemish.is_some());
    let by_events = blemished || state.edited.contains(target) || state.users(target.id) > 1;
    match after {
        After::Events => by_events,
        After::Try if !is_there && is_crowded(run, state, target) => true,
        After::Try | After::Reconcile => {
            let shown = state.holders(target).any(|holder| state.subjects[holder].is_shown(now));
            match run.scenario.prune {
                Prune::Never => is_there && by_events,
                Prune::Proven => is_there && by_events && !shown,
                Prune::All => {
                    is_there && by_events && is_of_unknown_family(run, state, target, now)
                }
            }
        }
    }
}

/// Whether a target is that of a task whose service has a crowd of bad ones.
fn is_crowded(run: &Run, state: &State, target: &Target) -> bool {
    let service = |holder: usize| state.subjects[holder].service;
    state.holders(target).any(|holder| run.scenario.is_crowded(service(holder)))
}

/// Whether the target's group is bound to a family of which ECS shows no task at all: its name may
/// be mistyped, so nothing unproven is removed.
fn is_of_unknown_family(run: &Run, state: &State, target: &Target, now: SystemTime) -> bool {
    let bound = run.scenario.bonds.iter().filter(|bond| bond.group == target.group);
    let mut families = bound.filter(|bond| run.scenario.services[bond.service].standalone);
    families.any(|bond| {
        let mut of_it = state.subjects.iter().filter(|subject| subject.service == bond.service);
        !of_it.any(|subject| subject.is_shown(now))
    })
}
