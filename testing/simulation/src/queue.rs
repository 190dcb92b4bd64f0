//! The SQS queue and Lambda's poller: batches, visibility timeout, redelivery, dead-letter queue.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::events::sqs_batch;

use crate::coverage::Case;
use crate::delivery::{Message, bury, told};
use crate::evidence::Sighting;
use crate::invocation::{Ending, Kind, invoke};
use crate::promises;
use crate::run::Run;
use crate::scenario::Queue;
use harness::lambda::{self, QUIET, VISIBILITY};

/// Puts a message into the queue.
pub fn put(run: &Run, message: Message) {
    run.state().queue.push(message);
    run.queued.notify_one();
}

/// One of Lambda's pollers: takes a batch, invokes the function, and takes the next.
pub async fn poll(run: Arc<Run>, queue: &Queue) {
    loop {
        while run.state().queue.is_empty() {
            run.queued.notified().await;
        }
        tokio::time::sleep(gathering(&run, queue)).await;
        let batch: Vec<Message> = {
            let waiting = &mut run.state().queue;
            let size = waiting.len().min(queue.batch);
            waiting.drain(..size).collect()
        };
        if !run.state().queue.is_empty() {
            run.queued.notify_one();
        }
        if !batch.is_empty() {
            handle(&run, batch, queue).await;
        }
    }
}

/// How long a batch is gathered: for the window or, if there was next to nothing to do, for up to
/// 20 s.
fn gathering(run: &Run, queue: &Queue) -> Duration {
    let state = &mut *run.state();
    let since = state.handed_over_at.map_or(Duration::MAX, |at| run.elapsed() - at);
    if queue.window.is_zero() || since < QUIET || !state.dice.chance(0.7) {
        return queue.window;
    }
    state.coverage.note(Case::QuietQueue);
    let window = queue.window.as_secs_f64();
    state.dice.seconds(window, QUIET.as_secs_f64())
}

async fn handle(run: &Arc<Run>, mut batch: Vec<Message>, queue: &Queue) {
    let received = tokio::time::Instant::now();
    run.state().handed_over_at = Some(run.elapsed());
    for message in &mut batch {
        message.received += 1;
        if message.received > 1 {
            run.cover(Case::Redelivered);
        }
    }
    if batch.len() > 1 {
        run.cover(Case::BatchOfMany);
    }
    run.note("queue", || {
        let told: Vec<String> = batch.iter().map(|message| told(run, message)).collect();
        format!("hands over {}", told.join(", "))
    });
    let bodies = batch.iter().map(|message| (message.id.as_str(), message.event.to_string()));
    let payload = sqs_batch(bodies);
    let sightings: Vec<Sighting> = batch.iter().map(|message| message.sighting.clone()).collect();
    let (invocation, ending) = invoke(run, Kind::Events, payload, &sightings).await;
    let answer = match &ending {
        Ending::Answer(answer) => Some(answer),
        Ending::Error(_) | Ending::Killed => None,
    };
    let (failed, applied): (Vec<Message>, Vec<Message>) =
        batch.into_iter().partition(|message| lambda::returns(answer, &message.id));
    let sightings = |messages: &[Message]| -> Vec<Sighting> {
        messages.iter().map(|message| message.sighting.clone()).collect()
    };
    if matches!(ending, Ending::Answer(_)) {
        // What was refused is remembered by the instance, and only one that is alone gets every
        // try.
        let alone = run.function.made() == 1;
        let tried = failed.iter().map(|m| (&m.sighting, Some(if alone { m.received } else { 1 })));
        run.examine(|state| promises::isolated(state, &run.scenario, tried));
    }
    if !failed.is_empty() && !applied.is_empty() {
        run.cover(Case::PartialFailure);
    }
    let done = sightings(&applied);
    run.examine(|state| promises::nothing_swallowed(state, &invocation, &done));
    run.state().applied += applied.len();
    for message in failed {
        give_back(run, message, received, queue);
    }
}

/// A message becomes visible again when its time is over, or is put away.
fn give_back(run: &Arc<Run>, message: Message, received: tokio::time::Instant, queue: &Queue) {
    let receives = queue.receives;
    let run = run.clone();
    tokio::task::spawn_local(async move {
        tokio::time::sleep_until(received + VISIBILITY).await;
        if message.received < receives {
            return put(&run, message);
        }
        run.cover(Case::DeadLettered);
        run.note("queue", || format!("puts {} into the dead-letter queue", message.id));
        bury(&run, message);
    });
}
