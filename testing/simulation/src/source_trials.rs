//! What some runs of bindings try at the end, when all has come to rest and nothing else goes
//! wrong: tags that cannot be read any more, and accounts that fail or throttle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::{Action, Call};

use crate::convergence::After;
use crate::coverage::Case;
use crate::group_owners::{give_back, is_first, lose_role, write};
use crate::known_bindings::USABLE;
use crate::life::become_known;
use crate::promises::broken;
use crate::scenario::Target;
use crate::sources::{By, Flaw, Trial};
use crate::undisturbed::{compare, first, hand_over, reconcile, start, task};
use crate::world::World;
use crate::writing::Writing;

/// A target in an account that does not throttle is registered within this time.
const SOON: Duration = Duration::from_secs(2);

/// Makes the trial that the seed draws.
pub async fn hold(world: &Arc<World>) {
    let Some(trial) = world.scenario.sources.trial else { return };
    world.note("simulation", || format!("tries {trial:?}"));
    match trial {
        Trial::Unread(minutes) => unread(world, Duration::from_secs(60 * minutes)).await,
        Trial::Unproven(flaw) => unproven(world, flaw).await,
        Trial::RoleLost => role_lost(world).await,
        Trial::OwnAccountThrottled => own_account_throttled(world).await,
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    reconcile(world, true).await;
    compare(world, After::Reconcile);
}

/// Starts a task of every bound service.
fn start_all(world: &World) -> Vec<usize> {
    let services = 0..world.scenario.services.len();
    services.filter(|s| world.scenario.is_bound(*s)).map(|s| start(world, s)).collect()
}

/// Hands the function a batch with the start of each of these tasks.
async fn hand_over_all(world: &Arc<World>, places: &[usize]) -> BTreeMap<usize, bool> {
    let now = world.aws.now();
    let events: Vec<_> = places.iter().map(|place| (*place, task(world, *place), now)).collect();
    hand_over(world, &events).await
}

/// Checks that those targets of a task are registered that a binding gives it and that pass this
/// test, and no others.
fn expect(world: &World, promise: &'static str, place: usize, test: impl Fn(&Target) -> bool) {
    let (present, now) = (world.registered(), world.aws.now());
    world.examine(|state| {
        let wrong = |target: &&Target| {
            let bound = state.observed.was_bound(&world.scenario, place, target, &(now..=now));
            present.contains(target) != (bound && test(target))
        };
        match state.observed.tasks[place].targets.iter().find(wrong) {
            Some(target) => {
                let is = if present.contains(target) { "is" } else { "is not" };
                broken(promise, format!("{} {is} registered", target.words(&world.scenario)))
            }
            None => Ok(()),
        }
    });
}

/// Tags cannot be read any more. Those of up to a quarter of an hour ago are used, and after that
/// what no other binding explains comes back.
async fn unread(world: &Arc<World>, time: Duration) {
    const PROMISE: &str = "tags that cannot be read";
    reconcile(world, true).await;
    world.state().refused = Some(is_tag_read);
    tokio::time::sleep(time).await;
    let places = start_all(world);
    let failed = hand_over_all(world, &places).await;
    world.state().refused = None;
    let is_usable = time < USABLE;
    world.cover(if is_usable { Case::OldTagsUsed } else { Case::OldTagsUnused });
    let is_tag = |target: &Target| world.scenario.groups[target.group].by == By::Tag;
    for place in places {
        expect(world, PROMISE, place, |target| is_usable || !is_tag(target));
        let needs_tag = !is_usable && world.scenario.is_tagged();
        let is_known = {
            let state = world.state();
            !state.observed.tasks[place].targets.iter().all(is_tag)
        };
        if needs_tag && !is_known && !failed[&place] {
            let how = format!("t{place} was answered as done, and its binding may be unknown");
            world.examine(|_| broken(PROMISE, how));
        }
    }
}

/// A task stops without an event, and its target stays as long as its tag is gone or malformed or
/// not all tags can be read.
async fn unproven(world: &Arc<World>, flaw: Flaw) {
    let tagged: Vec<usize> = world.state().observed.tags.keys().copied().collect();
    let Some(group) = tagged.first().copied() else { return };
    let bond = world.scenario.bonds.iter().find(|bond| bond.group == group);
    let Some(bond) = bond else { return };
    tagged.iter().for_each(|group| write(world, *group, Writing::Right, Duration::ZERO));
    let place = start(world, bond.service);
    reconcile(world, true).await;
    match flaw {
        Flaw::Gone => write(world, group, Writing::Absent, Duration::ZERO),
        Flaw::Spoilt => write(world, group, Writing::Spoilt, Duration::ZERO),
        Flaw::BreaksOff => {
            world.aws.tag_page(1);
            // Of a single page nothing is left.
            world.state().refused =
                Some(if tagged.len() == 1 { is_tag_read } else { is_later_page });
        }
    }
    become_known(world, place, &task(world, place).stopped());
    world.cover(Case::Unproven);
    reconcile(world, true).await;
    world.state().refused = None;
    let (present, targets) =
        (world.registered(), world.state().observed.tasks[place].targets.clone());
    let lost = targets.iter().find(|t| t.group == group && !present.contains(t));
    if let Some(target) = lost {
        let how = format!("{} was removed, flaw {flaw:?}", target.words(&world.scenario));
        world.examine(|_| broken("a tag that is lost loses no target", how));
    }
    write(world, group, Writing::Right, Duration::ZERO);
}

fn is_tag_read(call: &Call) -> bool {
    call.action == Action::GetResources
}

fn is_later_page(call: &Call) -> bool {
    is_tag_read(call) && !is_first(call)
}

/// A role cannot be assumed, and a reconcile does its work in all other groups.
async fn role_lost(world: &Arc<World>) {
    let Some(lost) = role_group(world) else { return };
    world.cover(Case::RoleLost);
    reconcile(world, true).await;
    let places = start_all(world);
    lose_role(world, lost);
    // New instances have no credentials left.
    world.function.cool();
    reconcile(world, true).await;
    for place in places {
        expect(world, "a lost role fails its own groups", place, |target| target.group != lost);
    }
    give_back(world, lost);
}

fn role_group(world: &World) -> Option<usize> {
    world.scenario.groups.iter().position(|group| group.by == By::Role)
}

/// ELB throttles the function's own account. Targets in other accounts do not wait for that.
async fn own_account_throttled(world: &Arc<World>) {
    if role_group(world).is_none() {
        return;
    }
    world.cover(Case::OwnAccountThrottled);
    reconcile(world, true).await;
    let places = start_all(world);
    let since = world.aws.now();
    world.state().refused = Some(is_own_elb);
    hand_over_all(world, &places).await;
    world.state().refused = None;
    for place in places {
        let targets = world.state().observed.tasks[place].targets.clone();
        let elsewhere = |target: &&Target| world.scenario.groups[target.group].by == By::Role;
        for target in targets.iter().filter(elsewhere) {
            in_time(world, target, since);
        }
    }
}

fn in_time(world: &World, target: &Target, since: SystemTime) {
    let took = first(world, target, Action::RegisterTargets, since);
    if took.is_none_or(|took| took > SOON) {
        let how = format!("{} was registered after {took:?}", target.words(&world.scenario));
        world.examine(|_| broken("each account for itself", how));
    }
}

fn is_own_elb(call: &Call) -> bool {
    let of_elb = [
        Action::RegisterTargets,
        Action::DeregisterTargets,
        Action::DescribeTargetHealth,
        Action::DescribeTargetGroups,
    ];
    of_elb.contains(&call.action) && call.account == By::Setting.account(0)
}
