//! What happens when all has come to rest and nothing goes wrong: a task starts, a batch arrives,
//! the function reconciles. The end of a run and the trials after it are made of these.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::events::sqs_batch;
use aws_sim::{Action, Call, Outcome, Task};
use harness::lambda;
use serde_json::Value;

use crate::convergence::{After, Comparison};
use crate::evidence::Sighting;
use crate::invocation::{Ending, InvocationKind};
use crate::invoke::{self, invoke};
use crate::life::{become_known, enlist};
use crate::promises::broken;
use crate::scenario::Target;
use crate::tracked_task::{Excuse, Origin};
use crate::world::World;

/// Makes a reconcile and returns how many writes it made.
pub async fn reconcile(world: &Arc<World>, may_fail: bool) -> usize {
    world.note("operator", || "reconcile".to_owned());
    let (invocation, ending) = invoke::reconcile(world).await;
    if !may_fail && !matches!(ending, Ending::Answer(_)) {
        let how = format!("an undisturbed reconcile ended with {ending:?}");
        world.examine(|_| broken("reconciled", how));
    }
    invocation.tally.calls
}

/// Checks that the registered targets are those of the serving tasks.
pub fn compare(world: &World, after: After) {
    let (scenario, present, now) = (&world.scenario, world.registered(), world.aws.now());
    let comparison = Comparison { scenario, present, now, after };
    world.examine(|state| comparison.check(&mut state.observed, &mut state.coverage));
}

/// Starts a task of a service, which runs at once and without an event. Returns its place.
pub fn start(world: &World, service: usize) -> usize {
    let place = world.state().observed.tasks.len();
    let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 3, place as u16 + 1);
    let task = enlist(world, service, Some(address), Some(Excuse::NoEvent), Origin::Service);
    become_known(world, place, &task.pending().activating().running());
    place
}

/// The newest state of a task.
pub fn task(world: &World, place: usize) -> Task {
    world.state().observed.tasks[place].task.clone()
}

/// Checks that all of a task's targets are registered, or none of them.
pub fn expect(world: &World, promise: &'static str, place: usize, there: bool) {
    let present = world.registered();
    let targets = world.state().observed.tasks[place].targets.clone();
    let found = targets.iter().filter(|target| present.contains(target)).count();
    if found != if there { targets.len() } else { 0 } {
        let how = format!("{found} of {} targets of t{place} are registered", targets.len());
        world.examine(|_| broken(promise, how));
    }
}

/// How long it took until a target was in a call of this action that was applied; none if it never
/// was.
pub fn first(
    world: &World,
    target: &Target,
    action: Action,
    since: SystemTime,
) -> Option<Duration> {
    let name = format!("[{}]:{}", target.id, target.port);
    let is_it = |call: &&Call| {
        call.action == action
            && call.at >= since
            && call.outcome == Outcome::Ok
            && call.resource.as_ref() == Some(&world.arns[target.group])
            && call.targets.contains(&name)
    };
    let calls = world.aws.calls();
    calls.iter().find(is_it)?.at.duration_since(since).ok()
}

/// Hands the function a batch of events, each of a task in this state at this time. Returns for
/// each task whether its message was returned.
pub async fn hand_over(
    world: &Arc<World>,
    events: &[(usize, Task, SystemTime)],
) -> BTreeMap<usize, bool> {
    let id = |place: &usize| format!("trial-{place}");
    let bodies: Vec<(String, Value)> =
        events.iter().map(|(place, task, at)| (id(place), task.event(*at))).collect();
    let payload = sqs_batch(bodies.iter().map(|(id, body)| (id.as_str(), body.to_string())));
    let sighting = |(place, task, at): &(usize, Task, SystemTime)| Sighting {
        place: *place,
        task: task.clone(),
        at: *at,
        addressed: true,
    };
    let sightings: Vec<Sighting> = events.iter().map(sighting).collect();
    let (_, ending) = invoke(world, InvocationKind::Events, payload, &sightings).await;
    let returns = |place| lambda::returns(ending.answer(), &id(place));
    events.iter().map(|(place, ..)| (*place, returns(place))).collect()
}
