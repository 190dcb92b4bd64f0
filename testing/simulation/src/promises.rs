//! What the function promises, as checks. Each is made while a run goes on or at its end; what a
//! fault makes impossible is said here and nowhere else.
//!
//! *Assumed*: a read of ECS lags by less time than a task takes to start. The function relies on it
//! where it takes a task that ECS does not know right after its register for gone, and where it
//! takes a task without an address for one that has none.
//!
//! **Nothing wrong is written** ([`may_write`], at every write that has an effect):
//! - A target is registered only for a task of a bound service that, by all that was shown to this
//!   invocation, serves. An event older than a minute does not show that; ECS must have been asked.
//! - A target is deregistered only if it was shown to this invocation that a task of a bound
//!   service leaves it (or, right after its register, that ECS knows no such task). Whoever else's
//!   target, registered by hand or left by a task that ECS has forgotten, is not touched. A
//!   reconcile under `PRUNE=never` deregisters only what it asked to register itself. Under
//!   `PRUNE=all` a reconcile removes what nothing shows to serve or to start.
//! - No target is deregistered whose task serves by the newest state that ECS has shown to any
//!   invocation. *Admitted*: an address that came back with another task. A stop is believed at any
//!   age, so a late one takes the next task's target, too (docs/behaviour.md, a stop delivered very
//!   late); nothing but asking ECS about every stop, and about every address, would change that.
//!   The next reconcile puts it right.
//!
//! **Converged** ([`crate::convergence`], at the end, when the faults have ceased and the messages
//! have drained): the targets are exactly those of the serving tasks, by events alone. *Excused
//! until a reconcile* (`excuse` there): targets of a task of which an event was dropped, never
//! sent, or given up (after the dead-letter queue was sent back, no longer); of which a read of ECS
//! was so stale that it hid a later stage (the look after a register is only as good as ECS's
//! answer); that ECS forgot before its last event was applied (nothing tells any more that it has
//! stopped); that a reconcile registered and could not look at again; targets edited by hand;
//! addresses that came back; and what a full group has no room for.
//!
//! **Reconciled** (after one undisturbed reconcile; two if a group was full, because a reconcile
//! registers before it deregisters): exactly those of the serving tasks, and nobody else's removed.
//! *Excused*: targets of tasks that ECS has forgotten, under `proven`, and of all stopped ones
//! excused before, under `never`. A second reconcile then writes nothing.
//!
//! **Nothing lost** ([`nothing_lost`]): every message was answered or lies in the dead-letter
//! queue. **Nothing swallowed** ([`nothing_swallowed`], at every answer): what was answered as done
//! was done, and AWS said so. (A stopped task's target that the same invocation registered for a
//! newer task, with the same address, is that one's: if it leaves, too, and that fails, its own
//! message comes back.)
//!
//! **Isolated** ([`isolated`], at every answer in runs where no call goes wrong): only messages
//! fail whose own target no group takes, or whose zone is full. With a crowd of bad targets
//! ([`crate::neighbours`]) good ones of the same service may fail as well, but are in by the fifth
//! receive (examined where the function has one instance, which remembers what was refused) or by
//! the fifth undisturbed reconcile; those of another service in the same group fail never.
//!
//! **A hang stays with its binding** and **what needs no answer waits for none**
//! ([`crate::trials`]): while a read about one binding hangs, a reconcile does all of another
//! binding in another group; and a batch makes within 2 s the changes that need no answer.
//!
//! **A forged start is undone** ([`crate::forgery`]): where ECS shows a task with another address
//! or owner than its event, the target that the event claims is gone when the invocation ends,
//! unless another task known to it serves there.
//!
//! **Soon** ([`crate::trials`]): a lone stop reaches DeregisterTargets within 2 s of its event,
//! wherever events go straight to the function or copies do. **Copies fail in silence**
//! ([`crate::copies`]): what comes of one is no function error, and its report names no failure.
//!
//! **Explained** ([`explained`], at every answer to events): each task that no binding covers is
//! skipped for `no-binding`, those of a cluster of the same name in another account or region among
//! them.
//!
//! **Register first** ([`register_first`], at every write): once an invocation has deregistered
//! anything from a group within its first second, it registers nothing there, so that a rollout
//! never leaves it with fewer targets than it needs. After a second without an answer, what needs
//! none is carried out first; and no stop waits for a search among refused starts.
//!
//! **In time** ([`in_time`]): every invocation answers before Lambda would end it.
//!
//! **Questions only read** ([`may_write`]): plan and doctor write nothing.
//!
//! **Frugal** ([`frugal`], at the end of every invocation): per target group one register, one
//! deregister, and one deregister after the look, and for each second that answers took, one
//! register and one deregister of what waited for them; two more calls for every one that a bad
//! target made ELB refuse, and eight where it refused many; and what the SDK tries again. A group
//! that refuses everything of one service costs 46 refused calls, and one that takes something 72,
//! beside the first ones for all and for each service; with several services 92 and 96.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use ecs_ipv6_targets::core::drift::Prune;

use crate::evidence::Sighting;
use crate::invocation::{Invocation, Kind, Write};
use crate::run::State;
use crate::scenario::{Scenario, Target};
use crate::subject::{Origin, Stage};

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub promise: &'static str,
    /// How.
    pub how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.how)
    }
}

/// A promise broken in this way.
pub fn broken(promise: &'static str, how: impl Into<String>) -> Result<(), Broken> {
    Err(Broken { promise, how: how.into() })
}

/// Nothing wrong is written.
pub fn may_write(
    state: &State,
    scenario: &Scenario,
    number: usize,
    write: Write,
    targets: &[Target],
) -> Result<(), Broken> {
    let Some(invocation) = state.invocations.get(&number) else { return Ok(()) };
    if invocation.kind == Kind::Question {
        return broken("questions only read", format!("{write:?}Targets was called"));
    }
    targets.iter().try_for_each(|target| match write {
        Write::Register => may_register(state, scenario, invocation, target),
        Write::Deregister => may_deregister(state, scenario, invocation, target),
    })
}

fn may_register(
    state: &State,
    scenario: &Scenario,
    invocation: &Invocation,
    target: &Target,
) -> Result<(), Broken> {
    let serves = |holder| {
        let shown = invocation.shown.of(holder);
        shown.is_some_and(|shown| shown.stage == Stage::Serving && shown.believable)
    };
    if state.holders(target).any(serves) || state.claimed.contains(target) {
        return Ok(());
    }
    let how =
        format!("{} was registered, and nothing shows that it serves", target.words(scenario));
    broken("nothing wrong is written", how)
}

fn may_deregister(
    state: &State,
    scenario: &Scenario,
    invocation: &Invocation,
    target: &Target,
) -> Result<(), Broken> {
    const PROMISE: &str = "nothing wrong is written";
    let words = target.words(scenario);
    let reconciles = invocation.kind == Kind::Reconcile;
    let leaves = |holder: usize| invocation.shown.has(holder, Stage::Leaving);
    let own = invocation.asked.contains(target);
    let undone = own && state.claimed.contains(target);
    let proven = undone || state.holders(target).any(leaves);
    let may_prune_all = reconciles && scenario.prune == Prune::All;
    if !proven && !may_prune_all {
        return broken(PROMISE, format!("{words} was deregistered without proof"));
    }
    if reconciles && scenario.prune == Prune::Never && !own {
        return broken(PROMISE, format!("{words} was pruned under PRUNE=never"));
    }
    let serves = |holder: &usize| state.newest.has(*holder, Stage::Serving);
    match state.holders(target).find(serves) {
        Some(holder) if state.users(target.id) == 1 => {
            broken(PROMISE, format!("{words} was deregistered while t{holder} serves"))
        }
        _ => Ok(()),
    }
}

/// Whether a deregister takes the target of a task that serves, as is admitted.
pub fn is_admitted(state: &State, write: Write, target: &Target) -> bool {
    let serves = |holder: usize| state.newest.has(holder, Stage::Serving);
    write == Write::Deregister && state.holders(target).any(serves)
}

/// What was answered as done was done. `sightings` are those of the messages that did not fail.
pub fn nothing_swallowed(
    state: &State,
    invocation: &Invocation,
    sightings: &[Sighting],
) -> Result<(), Broken> {
    let subjects: BTreeSet<usize> = sightings.iter().map(|sighting| sighting.subject).collect();
    for subject in subjects.iter().copied() {
        let Some(shown) = invocation.shown.of(subject) else { continue };
        let write = match shown.stage {
            Stage::Leaving => Write::Deregister,
            Stage::Serving if !shown.gone => Write::Register,
            Stage::Serving | Stage::Starting => continue,
        };
        for target in state.subjects[subject].targets.iter().filter(|_| shown.addressed) {
            let serves = |holder| invocation.shown.has(holder, Stage::Serving);
            let returns = |holder| {
                let registered = invocation.registered.contains(target);
                registered && invocation.shown.of(holder).is_some() && !subjects.contains(&holder)
            };
            let spared = write == Write::Deregister
                && state.holders(target).any(|holder| serves(holder) || returns(holder));
            if !spared && invocation.acknowledged.get(target) != Some(&write) {
                let how = format!("t{subject} was answered as done without {write:?}Targets");
                return broken("nothing swallowed", how);
            }
        }
    }
    Ok(())
}

/// What is to be said if Lambda had to end an invocation.
pub fn in_time() -> Result<(), Broken> {
    broken("in time", "Lambda's deadline came before the answer")
}

/// When answers take longer, what needs none is carried out first.
pub const SOON: Duration = Duration::from_secs(1);

/// So many refused calls find one bad target among 200.
const FEW: usize = 8;

/// Where many are bad, good ones are looked for by calls that double in size as long as they are
/// accepted: from 1 to 200.
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

/// How many refused calls a group is worth in an invocation, beside the first one for all and for
/// each service.
fn most_refusals(scenario: &Scenario, group: usize, accepted: bool) -> usize {
    let bound = scenario.bonds.iter().filter(|bond| bond.group == group);
    let owners: BTreeSet<usize> = bound.map(|bond| bond.service).collect();
    // One for all, and for each owner one, and one for what was refused before.
    let first = 1 + 2 * scenario.services.len();
    first
        + match (accepted, owners.len() > 1) {
            (true, true) => 96,
            (true, false) => 72,
            (false, true) => 92,
            (false, false) => 46,
        }
}

/// Every event of a task that no binding covers is skipped for that reason. `told` is how many are,
/// if that was heard.
pub fn explained(
    state: &State,
    scenario: &Scenario,
    invocation: &Invocation,
    told: Option<usize>,
) -> Result<(), Broken> {
    let is_unbound = |place: &usize| {
        let subject = &state.subjects[*place];
        let foreign = subject.origin == Origin::Foreign;
        foreign || !scenario.is_bound(subject.service)
    };
    let unbound = invocation.shown.subjects().filter(is_unbound).count();
    match told {
        Some(told) if told != unbound && state.claimed.is_empty() => {
            let how =
                format!("{told} tasks were skipped for no-binding, and {unbound} are unbound");
            broken("explained", how)
        }
        _ => Ok(()),
    }
}

/// Every message was answered, or lies in the dead-letter queue.
pub fn nothing_lost(state: &State) -> Result<(), Broken> {
    let State { sent, applied, dead, .. } = state;
    if *sent == applied + dead.len() {
        return Ok(());
    }
    broken("nothing lost", format!("{sent} messages, {applied} applied, {} put away", dead.len()))
}

/// Whatever is good gets in within so many tries of the same work.
pub const TRIES: u32 = 5;

/// Only messages fail whose own target no group takes, as long as no call goes wrong. `failed` are
/// those that failed, with how often they were tried; none if nothing beside them could keep them
/// out.
pub fn isolated<'a>(
    state: &State,
    scenario: &Scenario,
    failed: impl IntoIterator<Item = (&'a Sighting, Option<u32>)>,
) -> Result<(), Broken> {
    if scenario.trouble.befalls_calls() {
        return Ok(());
    }
    for (Sighting { subject: place, .. }, tried) in failed {
        let subject = &state.subjects[*place];
        let crowded = scenario.is_crowded(subject.service) && tried.is_some_and(|t| t < TRIES);
        let no_room = subject.targets.iter().any(|target| scenario.is_short_of_room(target));
        if !subject.bad_address && !no_room && !crowded {
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
