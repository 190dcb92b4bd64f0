//! The promises about bindings that come and go; [`crate::promises`] says them in words.

use std::time::{Duration, SystemTime};

use crate::broken::{Broken, broken};
use crate::invocation::{Invocation, InvocationKind};
use crate::observation::Observation;
use crate::scenario::{Scenario, Target};
use crate::tag_history::Span;
use crate::tracked_task::Origin;

/// A reconcile removes something that it has not registered itself.
pub fn may_prune(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    target: &Target,
    now: SystemTime,
) -> Result<(), Broken> {
    const PROMISE: &str = "a tag that is lost loses no target";
    let (words, span) = (target.words(scenario), invocation.begun..=now);
    if scenario.is_tagged() && !invocation.has_read_tags {
        return broken(PROMISE, format!("{words} was pruned, and not all tags were read"));
    }
    if observed.stayed_malformed(target.group, &span) {
        return broken(PROMISE, format!("{words} was pruned in a group whose tag is malformed"));
    }
    let bound = |holder| observed.was_bound(scenario, holder, target, &span);
    if observed.tags.contains_key(&target.group) && !observed.holders(target).any(bound) {
        return broken(PROMISE, format!("{words} was pruned in a group that no tag binds"));
    }
    Ok(())
}

/// The age of tags up to which events are handled by them without another read.
const FRESH: Duration = Duration::from_secs(60);

/// The age up to which tags are used if they cannot be read anew.
pub const USABLE: Duration = Duration::from_secs(15 * 60);

/// The span of time in which the tags were shown that an invocation may go by.
pub fn bindings_of(scenario: &Scenario, invocation: &Invocation, now: SystemTime) -> Span {
    let age = if scenario.fault_rates.affect_calls() || scenario.sources.fail() {
        USABLE
    } else if invocation.kind == InvocationKind::Reconcile {
        Duration::ZERO
    } else {
        FRESH
    };
    invocation.begun - age..=now
}

/// Credentials of a role are replaced before they expire. `code` is that of a call's error.
pub fn in_force(code: &str) -> Result<(), Broken> {
    if code == "ExpiredToken" {
        return broken("in force", "a call was signed with credentials that had expired");
    }
    Ok(())
}

/// Every event of a task that no binding covers is skipped for that reason. `logged` is how many
/// tasks were, by the invocation's log line; none if the line was not captured.
pub fn explained(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    logged: Option<usize>,
    now: SystemTime,
) -> Result<(), Broken> {
    let span = bindings_of(scenario, invocation, now);
    let bonds = |place: usize| {
        let tracked = &observed.tasks[place];
        let own = tracked.origin != Origin::Foreign;
        let bonds = scenario.bonds.iter().enumerate();
        bonds.filter(move |(_, bond)| own && bond.service == tracked.service)
    };
    let had = |place| bonds(place).any(|(n, bond)| observed.had_bond(n, bond.group, &span));
    let kept = |place| bonds(place).any(|(n, bond)| observed.kept_bond(n, bond.group, &span));
    let has_ghost = |place: usize| {
        let tracked = &observed.tasks[place];
        scenario.has_ghost(tracked.service) && tracked.origin != Origin::Foreign
    };
    // Where tags cannot be read, what no known entry explains comes back.
    let comes_back =
        scenario.is_tagged() && (scenario.fault_rates.affect_calls() || scenario.sources.fail());
    let least =
        invocation.shown.places().filter(|p| !comes_back && !had(*p) && !has_ghost(*p)).count();
    let most = invocation.shown.places().filter(|p| !kept(*p) && !has_ghost(*p)).count();
    match logged {
        Some(logged) if !(least..=most).contains(&logged) && observed.claimed.is_empty() => {
            let how = format!(
                "{logged} tasks were skipped for no-binding, and {least} to {most} are unbound"
            );
            broken("explained", how)
        }
        _ => Ok(()),
    }
}
