//! What must hold. The promises are those of `testing/simulation/src/promises.rs`, put for a world
//! so small that little has to be excused.

use crate::bounds::{Bounds, HOLD_MINUTES};
use crate::function::{End, Function, Node};
use crate::knowledge::Shown;
use crate::message::{Event, Input};
use crate::names::{STRANGER, Set, TASKS, members};
use crate::stage::Stage;
use crate::world::{Broken, World};

fn broken<T>(promise: &'static str, how: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { promise, how: how.into() })
}

/// The tasks of a target.
fn holders(bounds: &Bounds, target: usize) -> impl Iterator<Item = usize> {
    (0..TASKS).filter(move |place| bounds.target_of(*place) == target)
}

/// Nothing is registered without evidence that its task serves; and nothing after something was
/// deregistered, unless answers are slow or refused targets make a search necessary.
pub fn may_register(bounds: &Bounds, shown: &Shown, targets: Set) -> Result<(), Broken> {
    for target in members(targets) {
        if !holders(bounds, target).any(|place| shown.serving & 1 << place != 0) {
            let how = format!("target {target} was registered, and nothing shows that it serves");
            return broken("no harm", how);
        }
    }
    match shown.has_deregistered && !shown.has_waited && !shown.searches {
        true => broken("register first", "targets were registered after others were removed"),
        false => Ok(()),
    }
}

/// Nothing is deregistered without evidence that its task leaves, and no target of a task that
/// serves. Returns whether the latter is the case and admitted: the target's address has come back
/// with a task that was not shown to the invocation. `PRUNE=all` needs no evidence.
pub fn may_deregister(
    world: &World,
    bounds: &Bounds,
    (shown, input): (&Shown, Input),
    target: usize,
) -> Result<bool, Broken> {
    let is_reconcile = matches!(input, Input::Reconcile(_));
    let evidence = shown.leaving | shown.gone;
    let is_proven = holders(bounds, target).any(|place| evidence & 1 << place != 0);
    let needs_evidence = !(is_reconcile && bounds.prunes_all);
    if needs_evidence && !is_proven {
        return broken("no harm", format!("target {target} was deregistered without evidence"));
    }
    let serves = |place: &usize| world.stages[*place] == Stage::Serving;
    let Some(place) = holders(bounds, target).find(serves) else { return Ok(false) };
    let was_shown = shown.staying & !shown.leaving & 1 << place != 0;
    let is_admitted =
        if bounds.reuses_address { !was_shown } else { world.excused & 1 << target != 0 };
    match is_admitted {
        true => Ok(true),
        false => {
            broken("no harm", format!("target {target} was deregistered while t{place} serves"))
        }
    }
}

/// An invocation one of whose calls failed fails, and without failed calls only what is bad fails.
pub fn may_end(world: &World, bounds: &Bounds, node: &Node, end: End) -> Result<(), Broken> {
    let failed = end.failed.contains(&true);
    if node.shown.has_failed && !failed {
        return broken("nothing swallowed", "a call failed, and its invocation did not");
    }
    let is_bad = |event| bounds.has_bad_target && event == Event::Runs(1);
    let mut messages = node.input.messages().into_iter().flatten().zip(end.failed);
    let is_undisturbed = !node.shown.has_failed && world.left.stale == bounds.budget.stale;
    if is_undisturbed && messages.any(|(message, failed)| failed && !is_bad(message.event)) {
        return broken("isolated", "a message failed although no call for it did");
    }
    Ok(())
}

/// A task is protected once, only an old one, and no longer than the hold lasts.
pub fn may_protect(shown: &Shown, place: usize, until: u8) -> Result<(), Broken> {
    if place != 0 {
        return broken("hold", "a new task was protected");
    }
    if shown.protected & 1 << place != 0 {
        return broken("hold", "a protection was renewed");
    }
    match until > HOLD_MINUTES {
        true => broken("hold", format!("a protection lasts until minute {until}")),
        false => Ok(()),
    }
}

/// ECS stops the old task only when the new one's target is healthy, or when the hold is over.
pub fn no_gap(world: &World) -> Result<(), Broken> {
    match world.is_looked_at && world.minute < HOLD_MINUTES && world.healthy & 1 << 1 == 0 {
        true => broken("no gap", "the old task was stopped before the new one's target is healthy"),
        false => Ok(()),
    }
}

/// What must hold whenever nothing runs and no message waits: the targets are right already, save
/// those that only a reconcile makes right; and after a reconcile all are.
pub fn at_rest(world: &World, bounds: &Bounds, function: &mut Function) -> Result<(), Broken> {
    right(world, bounds, "converged", |target, is_present| {
        let excused = world.excused | if is_present { world.unlooked } else { 0 };
        excused & 1 << target != 0
    })?;
    after_reconciles(world, bounds, function).map_err(|Broken { promise, how }| {
        let how = format!("in an undisturbed reconcile after this, or after it: {how}");
        Broken { promise, how }
    })
}

/// After a reconcile all targets are right, another one writes nothing, and no task is held without
/// need.
fn after_reconciles(world: &World, bounds: &Bounds, function: &mut Function) -> Result<(), Broken> {
    let (after, _) = world.reconciled(bounds, function)?;
    right(&after, bounds, "reconciled", |target, _| is_left_alone(world, bounds, target))?;
    if after.present & 1 << STRANGER != 0 && !is_left_alone(world, bounds, STRANGER) {
        return broken("reconciled", "PRUNE=all left a target that nothing explains");
    }
    let (after, writes) = after.reconciled(bounds, function)?;
    if writes > 0 {
        return broken("frugal", "a second reconcile wrote something");
    }
    let is_healthy = after.healthy & after.present & 1 << 1 != 0;
    let is_held = after.stages[0] == Stage::Serving && after.until[0] > after.minute;
    match is_healthy && after.stages[1] == Stage::Serving && is_held {
        true => broken("hold", "the old task is held although the new one's target is healthy"),
        false => Ok(()),
    }
}

/// Whether a reconcile may leave a target that no task uses: one of its tasks is about to, or
/// nothing shows whose it was. Under `PRUNE=all` the latter counts only while any task starts.
fn is_left_alone(world: &World, bounds: &Bounds, target: usize) -> bool {
    let any = |stage| holders(bounds, target).any(|place| world.stages[place] == stage);
    if any(Stage::Serving) || any(Stage::Leaving) {
        return any(Stage::Starting) && !any(Stage::Serving);
    }
    !bounds.prunes_all || world.stages.contains(&Stage::Starting)
}

/// Whether the targets are those of the serving tasks, save the excused ones.
fn right(
    world: &World,
    bounds: &Bounds,
    promise: &'static str,
    excused: impl Fn(usize, bool) -> bool,
) -> Result<(), Broken> {
    let is_present = |target: usize| world.present & 1 << target != 0;
    for target in (0..TASKS).filter(|target| !excused(*target, is_present(*target))) {
        let serves = holders(bounds, target).any(|place| world.stages[place] == Stage::Serving);
        let is_present = is_present(target);
        if is_present != (serves && !bounds.is_bad(target)) {
            let what = if is_present { "is there, and no task serves" } else { "is missing" };
            return broken(promise, format!("target {target} {what}"));
        }
    }
    Ok(())
}
