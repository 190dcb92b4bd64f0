//! What the function promises, as checks. Each runs during a run or at its end. What a fault makes
//! impossible is documented here and nowhere else.
//!
//! *Assumed*: a read of ECS lags by less time than a task takes to start. The function relies on
//! this in two places: a task that ECS does not know right after its register counts as gone, and a
//! task that ECS shows without an address has none.
//!
//! **Nothing wrong is written** ([`may_write`], at every write that has an effect):
//! - A target is registered only for a task of a bound service that serves, by everything that was
//!   shown to this invocation. An event older than a minute does not show that; ECS must have been
//!   asked.
//! - A target is deregistered only if this invocation was shown that a task of a bound service is
//!   leaving (or, right after the register, that ECS knows no such task). Other targets, registered
//!   by hand or left behind by a task that ECS has forgotten, are not touched. A reconcile under
//!   `PRUNE=never` deregisters only what it asked to register itself. Under `PRUNE=all` a reconcile
//!   removes every target without a task that is shown to serve or to start.
//! - No target is deregistered whose task serves by the newest state that ECS has shown to any
//!   invocation. *Admitted*: an address that was reused by another task. A stop is believed at any
//!   age, so a late one also removes the next task's target (docs/behaviour.md, a stop delivered
//!   very late). Only asking ECS about every stop, and about every address, would prevent that. The
//!   next reconcile restores the target.
//!
//! **Converged** (`convergence`, at the end, when the faults have ceased and the messages
//! have drained): the targets are exactly those of the serving tasks, by events alone. *Excused
//! until a reconcile* (`tracked_task::Excuse`): targets of a task with an event that was
//! dropped, never sent, or given up (unless the dead-letter queue was sent back); of a task of
//! which a read of ECS was so stale that it hid a later phase (the look after a register is only as
//! good as ECS's answer); of a task that ECS forgot before its last event was applied (nothing
//! shows any more that it has stopped); of a task that a reconcile registered and could not look at
//! again. Also targets edited by hand, reused addresses, and targets for which a full group has no
//! room.
//!
//! **Reconciled** (after one undisturbed reconcile; two if a group was full, because a reconcile
//! registers before it deregisters): the targets are exactly those of the serving tasks, and no
//! others were removed. *Excused*: targets of tasks that ECS has forgotten, under `proven`, and of
//! all stopped tasks excused before, under `never`. A second reconcile then writes nothing.
//!
//! **Nothing lost** ([`nothing_lost`]): every message was answered or is in the dead-letter queue.
//! **Nothing swallowed** ([`nothing_swallowed`], at every answer): what was answered as done was
//! done, and AWS said so. (If the same invocation registered a stopped task's target for a newer
//! task with the same address, the target is the newer task's. If that one leaves as well and its
//! deregister fails, its own message is received again.)
//!
//! **Isolated** ([`isolated`], at every answer in runs where no call goes wrong): the only messages
//! that fail are those whose own target no group accepts, or whose zone is full. With a crowd of
//! bad targets (`neighbours`) good ones of the same service may fail as well, but are in
//! by the fifth receive (checked where the function has one instance, which remembers what was
//! refused) or by the fifth undisturbed reconcile. Those of another service in the same group never
//! fail.
//!
//! **A hang stays with its binding** and **what needs no answer waits for none**
//! (`trials`): while a read about one binding hangs, a reconcile completes another binding
//! in another group, and a batch makes the changes that need no answer within 2 s.
//!
//! **A forged start is undone** (`forgery`): where ECS shows a task with another address
//! or owner than its event, the target that the event claims is gone when the invocation ends,
//! unless the invocation knows of another task that serves there.
//!
//! **Soon** (`trials`): a lone stop reaches DeregisterTargets within 2 s of its event,
//! wherever events or copies go straight to the function. **Copies fail in silence**
//! (`copies`): a copy never ends in a function error, and its report names no failure.
//!
//! **Explained** ([`explained`], at every answer to events): each task that no binding covers is
//! skipped for `no-binding`, including tasks of a cluster of the same name in another account or
//! region.
//!
//! **Register first** ([`register_first`], at every write): once an invocation has deregistered
//! anything from a group within its first second, it registers nothing there, so that a rollout
//! never leaves the group with fewer targets than it needs. After a second without an answer, the
//! changes that need no answer are made first; and no stop waits for a search among refused starts.
//!
//! **In time** ([`in_time`]): every invocation answers before Lambda would end it.
//!
//! **Questions only read** ([`may_write`]): plan and doctor write nothing.
//!
//! **Frugal** ([`frugal`], at the end of every invocation): per target group one register, one
//! deregister, and one deregister after the look; for each second that answers took, one register
//! and one deregister of what waited for them; two more calls for each call that ELB refused
//! because of a bad target, and eight more where it refused many; and the SDK's retries. A group
//! that refuses everything of one service costs 46 refused calls, and one that accepts something
//! 72, besides the first ones for all and for each service; with several services 92 and 96.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use ecs_ipv6_targets::core::drift::Prune;
use ecs_ipv6_targets::core::target::Write;

use crate::evidence::Sighting;
use crate::invocation::{Invocation, InvocationKind};
use crate::observation::Observation;
use crate::scenario::{Scenario, Target};
use crate::tracked_task::{Origin, Phase};

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise, as it is named at the top of this file.
    pub promise: &'static str,
    /// How it was broken.
    pub how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.how)
    }
}

/// The error that this promise was broken in this way.
pub fn broken(promise: &'static str, how: impl Into<String>) -> Result<(), Broken> {
    Err(Broken { promise, how: how.into() })
}

/// Nothing wrong is written.
pub fn may_write(
    observed: &Observation,
    scenario: &Scenario,
    number: usize,
    write: Write,
    targets: &[Target],
) -> Result<(), Broken> {
    let Some(invocation) = observed.invocations.get(&number) else { return Ok(()) };
    if invocation.kind == InvocationKind::Question {
        return broken("questions only read", format!("{write:?}Targets was called"));
    }
    targets.iter().try_for_each(|target| match write {
        Write::Register => may_register(observed, scenario, invocation, target),
        Write::Deregister => may_deregister(observed, scenario, invocation, target),
    })
}

fn may_register(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    target: &Target,
) -> Result<(), Broken> {
    let serves = |holder| {
        let shown = invocation.shown.of(holder);
        shown.is_some_and(|shown| shown.phase == Phase::Serving && shown.believable)
    };
    if observed.holders(target).any(serves) || observed.claimed.contains(target) {
        return Ok(());
    }
    let how =
        format!("{} was registered, and nothing shows that it serves", target.words(scenario));
    broken("nothing wrong is written", how)
}

fn may_deregister(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    target: &Target,
) -> Result<(), Broken> {
    const PROMISE: &str = "nothing wrong is written";
    let words = target.words(scenario);
    let reconciles = invocation.kind == InvocationKind::Reconcile;
    let leaves = |holder: usize| invocation.shown.has(holder, Phase::Leaving);
    let own = invocation.asked.contains(target);
    let undone = own && observed.claimed.contains(target);
    let proven = undone || observed.holders(target).any(leaves);
    let may_prune_all = reconciles && scenario.prune == Prune::All;
    if !proven && !may_prune_all {
        return broken(PROMISE, format!("{words} was deregistered without proof"));
    }
    if reconciles && scenario.prune == Prune::Never && !own {
        return broken(PROMISE, format!("{words} was pruned under PRUNE=never"));
    }
    let serves = |holder: &usize| observed.newest.has(*holder, Phase::Serving);
    match observed.holders(target).find(serves) {
        Some(holder) if observed.users(target.id) == 1 => {
            broken(PROMISE, format!("{words} was deregistered while t{holder} serves"))
        }
        _ => Ok(()),
    }
}

/// Whether a deregister removes the target of a task that serves, which is admitted for reused
/// addresses.
pub fn is_admitted(observed: &Observation, write: Write, target: &Target) -> bool {
    let serves = |holder: usize| observed.newest.has(holder, Phase::Serving);
    write == Write::Deregister && observed.holders(target).any(serves)
}

/// What was answered as done was done. `sightings` are those of the messages that did not fail.
pub fn nothing_swallowed(
    observed: &Observation,
    invocation: &Invocation,
    sightings: &[Sighting],
) -> Result<(), Broken> {
    let places: BTreeSet<usize> = sightings.iter().map(|sighting| sighting.place).collect();
    for place in places.iter().copied() {
        let Some(shown) = invocation.shown.of(place) else { continue };
        let write = match shown.phase {
            Phase::Leaving => Write::Deregister,
            Phase::Serving if !shown.gone => Write::Register,
            Phase::Serving | Phase::Starting => continue,
        };
        for target in observed.tasks[place].targets.iter().filter(|_| shown.addressed) {
            let serves = |holder| invocation.shown.has(holder, Phase::Serving);
            let returns = |holder| {
                let registered = invocation.registered.contains(target);
                registered && invocation.shown.of(holder).is_some() && !places.contains(&holder)
            };
            let spared = write == Write::Deregister
                && observed.holders(target).any(|holder| serves(holder) || returns(holder));
            if !spared && invocation.acknowledged.get(target) != Some(&write) {
                let how = format!("t{place} was answered as done without {write:?}Targets");
                return broken("nothing swallowed", how);
            }
        }
    }
    Ok(())
}

/// The broken promise if Lambda had to end an invocation.
pub fn in_time() -> Result<(), Broken> {
    broken("in time", "Lambda's deadline came before the answer")
}

/// When answers take longer than this, changes that need none are made first.
pub const SOON: Duration = Duration::from_secs(1);

/// This many refused calls find one bad target among 200.
const FEW: usize = 8;

/// Where many targets are bad, the search for good ones makes calls that double in size as long as
/// they are accepted: from 1 to 200.
const DOUBLINGS: usize = 8;

/// No more writes than there is reason for.
pub fn frugal(invocation: &Invocation, took: Duration, scenario: &Scenario) -> Result<(), Broken> {
    let tally = &invocation.tally;
    let refused: usize = tally.refused.values().sum();
    let tried_again = tally.calls - refused - tally.answered;
    let searched = tally.refused.values().filter(|refused| **refused > FEW).count();
    let per_group = 3 + 2 * took.as_secs().min(15) as usize;
    let most = per_group * scenario.groups.len() + 2 * refused + searched * DOUBLINGS + tried_again;
    if tally.calls > most {
        return broken("frugal", format!("{} writes where {most} would do", tally.calls));
    }
    for (group, refused) in &tally.refused {
        let most = most_refusals(scenario, *group, tally.accepted.contains(group));
        if *refused > most {
            let name = scenario.groups[*group].name;
            return broken("frugal", format!("{name} refused {refused} writes, not just {most}"));
        }
    }
    Ok(())
}

/// The most refused calls to a group in one invocation.
fn most_refusals(scenario: &Scenario, group: usize, accepted: bool) -> usize {
    let bound = scenario.bonds.iter().filter(|bond| bond.group == group);
    let owners: BTreeSet<usize> = bound.map(|bond| bond.service).collect();
    // One call with all targets; and two for each owner, one of them with targets refused before.
    let first = 1 + 2 * scenario.services.len();
    first
        + match (accepted, owners.len() > 1) {
            (true, true) => 96,
            (true, false) => 72,
            (false, true) => 92,
            (false, false) => 46,
        }
}

/// Every event of a task that no binding covers is skipped for that reason. `logged` is how many
/// tasks were, by the invocation's log line; none if the line was not captured.
pub fn explained(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    logged: Option<usize>,
) -> Result<(), Broken> {
    let is_unbound = |place: &usize| {
        let tracked = &observed.tasks[*place];
        let foreign = tracked.origin == Origin::Foreign;
        foreign || !scenario.is_bound(tracked.service)
    };
    let unbound = invocation.shown.places().filter(is_unbound).count();
    match logged {
        Some(logged) if logged != unbound && observed.claimed.is_empty() => {
            let how =
                format!("{logged} tasks were skipped for no-binding, and {unbound} are unbound");
            broken("explained", how)
        }
        _ => Ok(()),
    }
}

/// Every message was answered, or is among the `dead` ones in the dead-letter queue.
pub fn nothing_lost(observed: &Observation, dead: usize) -> Result<(), Broken> {
    let Observation { sent, applied, .. } = observed;
    if *sent == applied + dead {
        return Ok(());
    }
    broken("nothing lost", format!("{sent} messages, {applied} applied, {dead} dead letters"))
}

/// Every good target is registered within this many tries of the same work.
pub const TRIES: u32 = 5;

/// As long as no call goes wrong, only messages fail whose own target no group accepts. `failed`
/// are those that failed, with how often they were tried; none if the message was alone in its
/// invocation, where no other could make it fail.
pub fn isolated<'a>(
    observed: &Observation,
    scenario: &Scenario,
    failed: impl IntoIterator<Item = (&'a Sighting, Option<u32>)>,
) -> Result<(), Broken> {
    if scenario.fault_rates.affect_calls() {
        return Ok(());
    }
    for (Sighting { place, .. }, tried) in failed {
        let tracked = &observed.tasks[*place];
        let crowded = scenario.is_crowded(tracked.service) && tried.is_some_and(|t| t < TRIES);
        let no_room = tracked.targets.iter().any(|target| scenario.is_short_of_room(target));
        if !tracked.bad_address && !no_room && !crowded {
            return broken("isolated", format!("t{place} failed, and its target is good"));
        }
    }
    Ok(())
}

/// An invocation registers before it deregisters, group by group.
pub fn register_first(invocation: &Invocation, write: Write, group: usize) -> Result<(), Broken> {
    let searches = invocation.tally.refused.contains_key(&group);
    if write == Write::Register && invocation.shrunk.contains(&group) && !searches {
        return broken(
            "register first",
            "a group was registered to after it was deregistered from",
        );
    }
    Ok(())
}
