//! The way of an event to the function: late, held back or in time, by the queue or as Lambda's
//! asynchronous invocation; and the invocations of the schedule and of people.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sim::Task;
use harness::count::GoingOn;
use harness::lambda::TRIES_AFTER;
use serde_json::{Value, json};

use crate::coverage::Case;
use crate::evidence::Sighting;
use crate::invocation::{Ending, InvocationKind};
use crate::invoke::{self, invoke};
use crate::message::Message;
use crate::promises;
use crate::queue;
use crate::scenario::Delivery;
use crate::tracked_task::{Phase, phase};
use crate::world::World;

/// The event that EventBridge makes of a task's state, and what the event says.
pub fn event(world: &World, place: usize, task: &Task) -> (Value, Sighting) {
    let now = world.aws.now();
    let silent = world.strikes(world.scenario.fault_rates.addressless);
    let shown = if silent { task.clone().without_address() } else { task.clone() };
    if silent {
        world.cover(Case::EventWithoutAddress);
    }
    let whole = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let sighting = Sighting {
        place,
        task: task.clone(),
        at: UNIX_EPOCH + Duration::from_secs(whole),
        addressed: !silent && task.last_status() != "PROVISIONING",
    };
    (shown.event(now), sighting)
}

/// Sends the event of a task's state on its way, late or not.
pub fn send(world: &Arc<World>, place: usize, task: &Task) {
    let message = message(world, place, task);
    let rates = &world.scenario.fault_rates;
    if phase(task) != Phase::Leaving && world.strikes(rates.hold) {
        world.cover(Case::EventHeld);
        world.state().held.entry(place).or_default().push(message);
        return;
    }
    let delay = if world.strikes(rates.linger) {
        world.cover(Case::EventVeryLate);
        world.draw_seconds(3700.0, 4200.0)
    } else if world.strikes(rates.delay) {
        world.cover(Case::EventDelayed);
        world.draw_seconds(1.0, 240.0)
    } else {
        soon(world)
    };
    deliver_after(world, delay, message);
}

fn message(world: &World, place: usize, task: &Task) -> Message {
    let (event, sighting) = event(world, place, task);
    let state = &mut *world.state();
    state.observed.sent += 1;
    Message { id: format!("m{}", state.number()), event, sighting, received: 0, going_on: None }
}

/// Sends on the messages that were held back, those about one task or all.
pub fn release(world: &Arc<World>, place: Option<usize>) {
    let held = {
        let state = &mut *world.state();
        match place {
            Some(place) => state.held.remove(&place).unwrap_or_default(),
            None => std::mem::take(&mut state.held).into_values().flatten().collect(),
        }
    };
    for message in held {
        deliver_after(world, soon(world), message);
    }
}

/// The usual delay of an event. It is often the same, so that events meet that should not.
pub fn soon(world: &World) -> Duration {
    world.state().dice.pick(&[100, 100, 130, 400].map(Duration::from_millis))
}

fn deliver_after(world: &Arc<World>, delay: Duration, message: Message) {
    let message = Message { going_on: Some(world.deliveries.begin()), ..message };
    let world = world.clone();
    tokio::task::spawn_local(async move {
        tokio::time::sleep(delay).await;
        deliver(&world, message).await;
    });
}

/// Puts a message into the queue, or invokes the function with its event, as the scenario has it.
pub async fn deliver(world: &Arc<World>, message: Message) {
    match world.scenario.delivery {
        Delivery::Queue(_) => queue::put(world, message),
        Delivery::Direct => invoke_with(world, message).await,
    }
}

/// Lambda's asynchronous invocation: up to three tries.
async fn invoke_with(world: &Arc<World>, message: Message) {
    let sightings = std::slice::from_ref(&message.sighting);
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        world.note("lambda", || format!("gets {}", message.words(world.aws.now())));
        let event = message.event.clone();
        let (invocation, ending) = invoke(world, InvocationKind::Events, event, sightings).await;
        let (scenario, now) = (&world.scenario, world.aws.now());
        if let Ending::Answer(_) = ending {
            world.examine(|state| {
                let observed = &state.observed;
                promises::nothing_swallowed(observed, scenario, &invocation, sightings, now)
            });
            world.state().observed.applied += 1;
            return;
        }
        // A single event has no others in its invocation that could keep it out.
        let failed = [(&message.sighting, None)];
        let span = invocation.begun..=now;
        world.examine(|state| promises::isolated(&state.observed, scenario, &span, failed));
        if let Some(wait) = wait {
            tokio::time::sleep(*wait).await;
        }
    }
    world.cover(Case::GivenUp);
    world.note("lambda", || format!("gives up {}", message.id));
    queue::bury(world, message);
}

/// The schedule's reconcile, which Lambda also tries up to three times.
pub async fn reconcile(world: Arc<World>, _going_on: GoingOn) {
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        world.note("schedule", || "reconcile".to_owned());
        let (_, ending) = invoke::reconcile(&world).await;
        match (ending, wait) {
            (Ending::Answer(_), _) | (_, None) => return,
            (_, Some(wait)) => tokio::time::sleep(*wait).await,
        }
    }
}

/// Somebody asks for a plan or for the doctor's checks.
pub async fn question(world: Arc<World>, _going_on: GoingOn) {
    let action = world.state().dice.pick(&["plan", "doctor"]);
    world.cover(Case::Asked);
    world.note("somebody", || action.to_owned());
    invoke(&world, InvocationKind::Question, json!({ "action": action }), &[]).await;
}
