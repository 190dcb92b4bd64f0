//! What some runs try at the end, when all has come to rest and nothing else goes wrong, so that
//! the right result is known exactly.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::Action;
use ecs_ipv6_targets::core::drift::Prune;

use crate::convergence::After;
use crate::coverage::Case;
use crate::forgery;
use crate::hung_call::HungCall;
use crate::invocation::Ending;
use crate::invoke;
use crate::life::{self, become_known};
use crate::promises::broken;
use crate::rare::{Hung, Trial};
use crate::scenario::{Delivery, Group, Queue};
use crate::tracked_task::{Phase, Stop, phase};
use crate::undisturbed::{compare, expect, first, hand_over, reconcile, start, task};
use crate::world::World;

/// Changes that need no answer from the call that hangs are made within this time.
const SOON: Duration = Duration::from_secs(2);

/// Makes the trials that the seed draws. Where there may be no room for a target, there are none,
/// because the right result is not known.
pub async fn hold(world: &Arc<World>) {
    let short = world.scenario.rare.zone_quota.is_some()
        || world.scenario.groups.iter().any(Group::is_small);
    if short || world.scenario.rare.crowd.is_some() {
        return;
    }
    for trial in &world.scenario.rare.trials {
        world.note("simulation", || format!("tries {trial:?}"));
        match *trial {
            Trial::HungReconcile(hung) => hung_reconcile(world, hung).await,
            Trial::HungBatch(hung) => hung_batch(world, hung).await,
            Trial::Forged(forgery) => forgery::forge(world, forgery).await,
            Trial::LoneStop => lone_stop(world).await,
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        reconcile(world, true).await;
        compare(world, After::Reconcile);
    }
}

fn begin_to_hang(world: &World, hung: Hung) {
    let call = HungCall::new(hung, &world.scenario, &world.arns[0]);
    world.state().hung = Some(call);
}

/// While a read about the first service's binding hangs, the second one's is reconciled.
async fn hung_reconcile(world: &Arc<World>, hung: Hung) {
    const PROMISE: &str = "a hang stays with its binding";
    let [_broken, dead] = [0, 1].map(|service| start(world, service));
    reconcile(world, true).await;
    become_known(world, dead, &task(world, dead).stopped());
    let new = start(world, 1);
    if hung == Hung::Port {
        world.function.cool();
    }
    world.cover(Case::ReconcileHung);
    begin_to_hang(world, hung);
    let (_, ending) = invoke::reconcile(world).await;
    world.state().hung = None;
    // The error also names the other group if a bad target of its own failed.
    let has_bad = {
        let state = world.state();
        state.observed.tasks.iter().any(|tracked| tracked.bad_address && tracked.service == 1)
    };
    let named = |text: &str| world.arns.iter().map(|arn| text.contains(arn)).collect::<Vec<_>>();
    match &ending {
        Ending::Error(text) if named(text) == [true, has_bad && named(text)[1]] => {}
        _ => world.examine(|_| broken(PROMISE, format!("the reconcile ended with {ending:?}"))),
    }
    expect(world, PROMISE, new, true);
    if world.scenario.prune != Prune::Never {
        expect(world, PROMISE, dead, false);
    }
}

/// While a read hangs that some messages of a batch need, the changes of the others are made.
async fn hung_batch(world: &Arc<World>, hung: Hung) {
    const PROMISE: &str = "what needs no answer waits for none";
    let number = world.state().dice.number(1..=3);
    let old: Vec<usize> = (0..number).map(|_| start(world, 0)).collect();
    let [other, leaving] = [0, 1].map(|service| start(world, service));
    let began = world.aws.now();
    reconcile(world, true).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let new = start(world, 1);
    let mut certain = vec![(leaving, Action::DeregisterTargets), (new, Action::RegisterTargets)];
    if hung == Hung::Port {
        world.function.cool();
    } else {
        certain.push((other, Action::DeregisterTargets));
    }
    let now = world.aws.now();
    for (place, _) in certain.iter().filter(|(_, action)| *action == Action::DeregisterTargets) {
        become_known(world, *place, &task(world, *place).stopping());
    }
    let events = old.iter().map(|place| (*place, task(world, *place), began));
    let events = events.chain(certain.iter().map(|(place, _)| (*place, task(world, *place), now)));
    let events: Vec<_> = events.collect();
    world.cover(Case::BatchHung);
    begin_to_hang(world, hung);
    let failed = hand_over(world, &events).await;
    world.state().hung = None;
    for (place, action) in certain {
        let took = first_of_all(world, place, action, now);
        if took.is_none_or(|took| took > SOON) || (failed[&place] && place != new) {
            let how =
                format!("{action} for t{place} came after {took:?}; failed: {}", failed[&place]);
            world.examine(|_| broken(PROMISE, how));
        }
    }
}

/// How long it took until every target of a task was in a call of this action that was applied;
/// none if some target never was.
fn first_of_all(
    world: &World,
    place: usize,
    action: Action,
    since: SystemTime,
) -> Option<Duration> {
    let targets = world.state().observed.tasks[place].targets.clone();
    let times = targets.iter().map(|target| first(world, target, action, since));
    times.collect::<Option<Vec<Duration>>>()?.into_iter().max()
}

/// One task stops after a minute or more without writes.
async fn lone_stop(world: &Arc<World>) {
    let direct = match world.scenario.delivery {
        Delivery::Direct => true,
        Delivery::Queue(Queue { copies, .. }) => copies,
    };
    if !direct {
        return;
    }
    let place = start(world, 0);
    reconcile(world, true).await;
    tokio::time::sleep(world.draw_seconds(61.0, 300.0)).await;
    let since = world.aws.now();
    let how = world.state().dice.pick(&[Stop::Asked, Stop::Crash]);
    world.cover(Case::LoneStop);
    life::stop(world.clone(), place, how).await;
    world.deliveries.calm().await;
    debug_assert_eq!(phase(&task(world, place)), Phase::Leaving);
    let took = first_of_all(world, place, Action::DeregisterTargets, since);
    if took.is_none_or(|took| took > SOON) {
        let how = format!("t{place} was deregistered after {took:?}");
        world.examine(|_| broken("soon", how));
    }
}
