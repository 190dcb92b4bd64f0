//! The SQS queue and Lambda's pollers: batches, visibility timeout, redelivery, dead-letter queue.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::events::sqs_batch;
use harness::lambda::{self, QUIET, VISIBILITY};

use crate::coverage::Case;
use crate::evidence::Sighting;
use crate::invocation::InvocationKind;
use crate::invoke::invoke;
use crate::message::Message;
use crate::promises;
use crate::scenario::Queue;
use crate::tracked_task::Excuse;
use crate::world::World;

/// Puts a message into the queue.
pub fn put(world: &World, message: Message) {
    world.state().queue.push(message);
    world.queued.notify_one();
}

/// Puts a message that could not be applied into the dead-letter queue, from which an operator may
/// send it back.
pub fn bury(world: &World, message: Message) {
    let state = &mut *world.state();
    state.observed.tasks[message.sighting.place].excuse.get_or_insert(Excuse::GivenUp);
    state.dead.push(Message { going_on: None, ..message });
}

/// One of Lambda's pollers: takes a batch, invokes the function, and takes the next.
pub async fn poll(world: Arc<World>, queue: &Queue) {
    loop {
        while world.state().queue.is_empty() {
            world.queued.notified().await;
        }
        tokio::time::sleep(gathering(&world, queue)).await;
        let batch: Vec<Message> = {
            let waiting = &mut world.state().queue;
            let size = waiting.len().min(queue.batch);
            waiting.drain(..size).collect()
        };
        if !world.state().queue.is_empty() {
            world.queued.notify_one();
        }
        if !batch.is_empty() {
            handle(&world, batch, queue).await;
        }
    }
}

/// How long a batch is gathered: for the window or, in a quiet queue, for up to 20 s.
fn gathering(world: &World, queue: &Queue) -> Duration {
    let state = &mut *world.state();
    let since = state.handed_over_at.map_or(Duration::MAX, |at| world.elapsed() - at);
    if queue.window.is_zero() || since < QUIET || !state.dice.chance(0.7) {
        return queue.window;
    }
    state.coverage.note(Case::QuietQueue);
    let window = queue.window.as_secs_f64();
    state.dice.seconds(window, QUIET.as_secs_f64())
}

async fn handle(world: &Arc<World>, mut batch: Vec<Message>, queue: &Queue) {
    let received = tokio::time::Instant::now();
    hand_over(world, &mut batch);
    let bodies = batch.iter().map(|message| (message.id.as_str(), message.event.to_string()));
    let payload = sqs_batch(bodies);
    let (invocation, ending) =
        invoke(world, InvocationKind::Events, payload, &sightings(&batch)).await;
    let answer = ending.answer();
    let (failed, applied): (Vec<Message>, Vec<Message>) =
        batch.into_iter().partition(|message| lambda::returns(answer, &message.id));
    let now = world.aws.now();
    if answer.is_some() {
        // Each instance remembers for itself what was refused, so a message is sure of every try
        // only where there is one instance.
        let alone = world.function.made() == 1;
        let tried = failed.iter().map(|m| (&m.sighting, Some(if alone { m.received } else { 1 })));
        let span = invocation.begun..=now;
        world.examine(|state| promises::isolated(&state.observed, &world.scenario, &span, tried));
    }
    if !failed.is_empty() && !applied.is_empty() {
        world.cover(Case::PartialFailure);
    }
    let done = sightings(&applied);
    world.examine(|state| {
        promises::nothing_swallowed(&state.observed, &world.scenario, &invocation, &done, now)
    });
    world.state().observed.applied += applied.len();
    for message in failed {
        give_back(world, message, received, queue);
    }
}

/// Counts and notes that the messages are received.
fn hand_over(world: &World, batch: &mut [Message]) {
    world.state().handed_over_at = Some(world.elapsed());
    for message in &mut *batch {
        message.received += 1;
        if message.received > 1 {
            world.cover(Case::Redelivered);
        }
    }
    if batch.len() > 1 {
        world.cover(Case::BatchOfMany);
    }
    world.note("queue", || {
        let words: Vec<String> = batch.iter().map(|m| m.words(world.aws.now())).collect();
        format!("hands over {}", words.join(", "))
    });
}

fn sightings(messages: &[Message]) -> Vec<Sighting> {
    messages.iter().map(|message| message.sighting.clone()).collect()
}

/// A message becomes visible again after its timeout, or goes to the dead-letter queue.
fn give_back(world: &Arc<World>, message: Message, received: tokio::time::Instant, queue: &Queue) {
    let receives = queue.receives;
    let world = world.clone();
    tokio::task::spawn_local(async move {
        tokio::time::sleep_until(received + VISIBILITY).await;
        if message.received < receives {
            return put(&world, message);
        }
        world.cover(Case::DeadLettered);
        world.note("queue", || format!("puts {} into the dead-letter queue", message.id));
        bury(&world, message);
    });
}
