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
//! **Bindings that come and go** (in runs of bindings): the above holds for what the bindings were
//! at the time. Events go by tags that the index showed within a minute, and a reconcile by those
//! that it shows meanwhile; if reads of tags fail, both by those of up to 15 minutes before. Only
//! within that time are targets registered, and deregistered, for a binding that is lost. **A tag
//! that is lost loses no target** (`known_bindings`): a reconcile that has not read all tags prunes
//! nothing, and none prunes anything in a group whose tag is malformed or no longer binds the task.
//! *Admitted*: if an instance that never read all tags reads some pages before they break off, a
//! task that a known binding explains is done by that one alone; the next reconcile does the rest.
//!
//! **In force** (`known_bindings`): no call is signed with credentials that have expired. **A lost
//! role fails its own groups**, **each account for itself** and **tags that cannot be read**
//! (`source_trials`): a reconcile does its work in all groups but those of the role; targets in
//! other accounts are registered within 2 s while the function's own is throttled; and an event
//! goes by tags of a while ago, or comes back if they are older than 15 minutes.
//!
//! **Converged** (`convergence`, at the end, when the faults have ceased and the messages
//! have drained): the targets are exactly those of the serving tasks, by events alone. *Excused
//! until a reconcile* (`tracked_task::Excuse`): targets of a task with an event that was
//! dropped, never sent, or given up (unless the dead-letter queue was sent back); of a task of
//! which a read of ECS was so stale that it hid a later phase (the look after a register is only as
//! good as ECS's answer); of a task that ECS forgot before its last event was applied (nothing
//! shows any more that it has stopped); of a task that a reconcile, or a batch that has no message
//! of it, registered and could not look at again. Also targets edited by hand, reused addresses,
//! targets for which a full group has no room, and targets in a group whose tag was changed.
//!
//! **Reconciled** (after one undisturbed reconcile; two if a group was full, because a reconcile
//! registers before it deregisters): the targets are exactly those of the serving tasks, and no
//! others were removed. *Excused*: targets of tasks that ECS has forgotten, under `proven`, and of
//! all stopped tasks excused before, under `never`; and what is left in groups whose tag is
//! malformed or gone. A second reconcile then writes nothing.
//!
//! **Nothing lost** ([`nothing_lost`]): every message was answered or is in the dead-letter queue.
//! **Nothing swallowed** ([`nothing_swallowed`], at every answer): what was answered as done was
//! done, and AWS said so, or showed it as done by a read after the event. (If the same invocation
//! took a newer task for serving at a stopped task's address, the target is the newer task's. If
//! that one leaves as well and its deregister fails, its own message is received again.)
//!
//! **Isolated** ([`isolated`], at every answer in runs where no call goes wrong): the only messages
//! that fail are those whose own target no group accepts, or whose zone is full, unless tags and
//! roles are read so slowly that the invocation's time is over. With a crowd of
//! bad targets (`neighbours`) good ones of the same service may fail as well, but are in
//! by the fifth receive (checked where the function has one instance, which remembers what was
//! refused) or by the fifth undisturbed reconcile. Those of another service in the same group never
//! fail.
//!
//! **A hang stays with its binding** and **what needs no answer waits for none**
//! (`trials`): while a read about one binding hangs, a reconcile completes another binding
//! in another group, and a batch makes the changes that need no answer within 2 s. (Where writes
//! have to wait for ELB's rates, that comes on top: tests/catch_up.rs has this.)
//!
//! **A forged start is undone** (`forgery`): where ECS shows a task with another address
//! or owner than its event, the target that the event claims is gone when the invocation ends,
//! unless the invocation knows of another task that serves there.
//!
//! **Soon** (`trials`): a lone stop reaches DeregisterTargets within 2 s of its event,
//! wherever events or copies go straight to the function. **Copies fail in silence**
//! (`copies`): a copy never ends in a function error, and its report names no failure.
//!
//! **Explained** (`known_bindings`, at every answer to events): each task that no binding covers is
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
//! **Frugal** (`frugal`, at the end of every invocation): per target group one register, one
//! deregister, and one deregister after the look; for each second that answers took, one register
//! and one deregister of what waited for them; two more calls for each call that ELB refused
//! because of a bad target, and eight more where it refused many; and the SDK's retries. A group
//! that refuses everything of one service costs 46 refused calls, and one that accepts something
//! 72, besides the first ones for all and for each service; with several services 92 and 96. Where
//! a batch settles whole groups, all of this is allowed twice; where reads hang, a second search.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use ecs_ipv6_targets::core::drift::Prune;
use ecs_ipv6_targets::core::target::Write;

pub use crate::broken::{Broken, broken};
use crate::evidence::{Evidence, Sighting};
use crate::invocation::{Invocation, InvocationKind};
use crate::known_bindings::{bindings_of, may_prune};
use crate::observation::Observation;
use crate::scenario::{Scenario, Target};
use crate::tag_history::Span;
use crate::tracked_task::Phase;

/// Nothing wrong is written.
pub fn may_write(
    observed: &Observation,
    scenario: &Scenario,
    number: usize,
    write: Write,
    targets: &[Target],
    now: SystemTime,
) -> Result<(), Broken> {
    let Some(invocation) = observed.invocations.get(&number) else { return Ok(()) };
    if invocation.kind == InvocationKind::Question {
        return broken("questions only read", format!("{write:?}Targets was called"));
    }
    targets.iter().try_for_each(|target| match write {
        Write::Register => may_register(observed, scenario, invocation, target, now),
        Write::Deregister => may_deregister(observed, scenario, invocation, target, now),
    })
}

fn may_register(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    target: &Target,
    now: SystemTime,
) -> Result<(), Broken> {
    let span = bindings_of(scenario, invocation, now);
    let serves = |holder| {
        let shown = invocation.shown.of(holder);
        shown.is_some_and(|shown| shown.phase == Phase::Serving && shown.believable)
            && observed.was_bound(scenario, holder, target, &span)
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
    now: SystemTime,
) -> Result<(), Broken> {
    const PROMISE: &str = "nothing wrong is written";
    let words = target.words(scenario);
    let reconciles = invocation.kind == InvocationKind::Reconcile;
    let span = bindings_of(scenario, invocation, now);
    let leaves = |holder: usize| {
        invocation.shown.has(holder, Phase::Leaving)
            && observed.was_bound(scenario, holder, target, &span)
    };
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
    if reconciles && !own {
        may_prune(observed, scenario, invocation, target, now)?;
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

/// What was answered as done was done, as what was shown to the invocation has it, or what was
/// before it settled whole groups; or it was right already in a state that the messages do not
/// outdate. `sightings` are those of the messages that did not fail.
pub fn nothing_swallowed(
    observed: &Observation,
    scenario: &Scenario,
    invocation: &Invocation,
    sightings: &[Sighting],
    now: SystemTime,
) -> Result<(), Broken> {
    let span = bindings_of(scenario, invocation, now);
    let places: BTreeSet<usize> = sightings.iter().map(|sighting| sighting.place).collect();
    for place in places.iter().copied() {
        let is_known = |target: &Target| {
            let is_tagged = observed.tags.contains_key(&target.group);
            let stays = observed.stayed_bound(scenario, place, target, &span);
            stays && !(is_tagged && invocation.tags_broke_off)
        };
        let undone = |shown: &Evidence, target: &Target| {
            let shown = shown.of(place).filter(|shown| shown.addressed)?;
            let write = match shown.phase {
                Phase::Leaving => Write::Deregister,
                Phase::Serving if !shown.gone => Write::Register,
                Phase::Serving | Phase::Starting => return None,
            };
            let is_done = invocation.acknowledged.get(target).is_some_and(|w| w.contains(&write));
            let is_bound = |place| observed.stayed_bound(scenario, place, target, &span);
            let returns = |place| !places.contains(&place) && is_bound(place);
            let is_spared = || is_spared(observed, invocation, returns, write, target);
            let was_right = || observed.seen_right.knew(sightings, place, target, invocation.begun);
            (!is_done && !is_spared() && !was_right()).then_some(write)
        };
        let before = invocation.shown_before.as_ref();
        let mut targets = observed.tasks[place].targets.iter().filter(|target| is_known(target));
        let swallowed = targets.find_map(|target| {
            let write = undone(&invocation.shown, target)?;
            before.is_none_or(|before| undone(before, target).is_some()).then_some(write)
        });
        if let Some(write) = swallowed {
            let how = format!("t{place} was answered as done without {write:?}Targets");
            return broken("nothing swallowed", how);
        }
    }
    Ok(())
}

/// Whether a target is left where it is because it belongs to another task, which serves, or which
/// comes back to the queue.
fn is_spared(
    observed: &Observation,
    invocation: &Invocation,
    returns: impl Fn(usize) -> bool,
    write: Write,
    target: &Target,
) -> bool {
    let serves = |holder| invocation.shown.has(holder, Phase::Serving);
    let served = |holder| invocation.served.contains(&holder);
    let spares = |holder| serves(holder) || served(holder) && returns(holder);
    write == Write::Deregister && observed.holders(target).any(spares)
}

/// The broken promise if Lambda had to end an invocation.
pub fn in_time() -> Result<(), Broken> {
    broken("in time", "Lambda's deadline came before the answer")
}

/// When answers take longer than this, changes that need none are made first.
pub const SOON: Duration = Duration::from_secs(1);

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
/// are those that failed in an invocation of this `span`, with how often they were tried; none if
/// the message was alone in its invocation, where no other could make it fail.
pub fn isolated<'a>(
    observed: &Observation,
    scenario: &Scenario,
    span: &Span,
    failed: impl IntoIterator<Item = (&'a Sighting, Option<u32>)>,
) -> Result<(), Broken> {
    let fails = scenario.fault_rates.affect_calls() || scenario.sources.fail();
    if fails || scenario.is_short_of_time() {
        return Ok(());
    }
    for (Sighting { place, .. }, tried) in failed {
        let tracked = &observed.tasks[*place];
        let crowded = scenario.is_crowded(tracked.service) && tried.is_some_and(|t| t < TRIES);
        let no_room = tracked.targets.iter().any(|target| scenario.is_short_of_room(target));
        let lacks_role = tracked.targets.iter().any(|t| observed.lacked_role(t.group, span));
        if !tracked.bad_address && !no_room && !crowded && !lacks_role {
            return broken("isolated", format!("t{place} failed, and its target is good"));
        }
    }
    Ok(())
}

/// An invocation registers before it deregisters, group by group: what its messages ask for, and
/// then what whole groups need, if it settles these.
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
