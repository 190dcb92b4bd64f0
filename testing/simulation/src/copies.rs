//! The second way of a stop: a rule that hands it straight to the function, as a copy of the
//! message in the queue.

use std::sync::Arc;

use aws_sim::Task;
use serde_json::{Value, json};

use crate::coverage::Case;
use crate::delivery::{event, soon};
use crate::evidence::Sighting;
use crate::invocation::{Ending, InvocationKind};
use crate::invoke::invoke;
use crate::promises;
use crate::scenario::{Delivery, Queue};
use crate::tracked_task::{Phase, phase, words};
use crate::world::World;

/// A task has changed to this state. EventBridge sends a copy if the task stops.
pub fn emit(world: &Arc<World>, place: usize, task: &Task) {
    let Delivery::Queue(Queue { copies: true, .. }) = world.scenario.delivery else { return };
    if phase(task) != Phase::Leaving {
        return;
    }
    let rates = &world.scenario.fault_rates;
    if world.strikes(rates.drop) {
        world.cover(Case::CopyDropped);
        return;
    }
    for _ in 0..1 + usize::from(world.strikes(rates.duplicate)) {
        let delay = match world.strikes(rates.delay) {
            true => world.draw_seconds(1.0, 240.0),
            false => soon(world),
        };
        let (event, sighting) = event(world, place, task);
        let (world, going_on) = (world.clone(), world.deliveries.begin());
        tokio::task::spawn_local(async move {
            tokio::time::sleep(delay).await;
            hand_over(&world, event, sighting).await;
            drop(going_on);
        });
    }
}

/// Lambda's asynchronous invocation, which is not retried for copies.
async fn hand_over(world: &Arc<World>, event: Value, sighting: Sighting) {
    world.cover(Case::CopySent);
    world.note("lambda", || format!("gets a copy of {}", words(&sighting.task)));
    let payload = json!({"copy": "queued", "event": event});
    let (_, ending) = invoke(world, InvocationKind::Copy, payload, &[sighting]).await;
    let failed = match &ending {
        Ending::Answer(report) => report["failed"].as_array().is_none_or(|f| !f.is_empty()),
        Ending::Error(_) => true,
        Ending::Killed => false,
    };
    if failed {
        world.examine(|_| promises::broken("copies fail in silence", format!("{ending:?}")));
    }
}
