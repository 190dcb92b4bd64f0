//! The SQS queue and Lambda's pollers: batches, visibility timeout, redelivery.

use std::sync::Arc;

use aws_sim::events::sqs_batch;
use harness::lambda::{self, VISIBILITY};
use tokio::time::Instant;

use crate::deployments::invoke::invoke;
use crate::deployments::ledger::{Look, LookKind};
use crate::deployments::message::{About, Message};
use crate::deployments::promises;
use crate::deployments::setting::Queue;
use crate::deployments::situation::Situation;
use crate::deployments::stage::Stage;
use crate::promises::broken;

/// Puts a message into the queue.
pub fn put(stage: &Stage, message: Message) {
    stage.state().queue.push(message);
    stage.queued.notify_one();
}

/// One of Lambda's pollers: takes a batch, invokes the function, and takes the next.
pub async fn poll(stage: Arc<Stage>, queue: Queue) {
    loop {
        while stage.state().queue.is_empty() {
            stage.queued.notified().await;
        }
        tokio::time::sleep(queue.window).await;
        let batch: Vec<Message> = {
            let waiting = &mut stage.state().queue;
            let size = waiting.len().min(queue.batch);
            waiting.drain(..size).collect()
        };
        if !stage.state().queue.is_empty() {
            stage.queued.notify_one();
        }
        if !batch.is_empty() && stage.is_alive() {
            handle(&stage, batch, queue).await;
        }
    }
}

async fn handle(stage: &Arc<Stage>, mut batch: Vec<Message>, queue: Queue) {
    let received = Instant::now();
    hand_over(stage, &mut batch);
    let bodies = batch.iter().map(|message| (message.id.as_str(), message.event.to_string()));
    let (look, ending) = invoke(stage, LookKind::Events, sqs_batch(bodies)).await;
    let answer = ending.answer();
    let (failed, applied): (Vec<Message>, Vec<Message>) =
        batch.into_iter().partition(|message| lambda::returns(answer, &message.id));
    let task_failed = failed.iter().any(|message| message.about == About::Task);
    stage.examine(|_| promises::fails_alone(&look, task_failed));
    let is_task = |message: &Message| message.about == About::Task;
    if !task_failed && !failed.is_empty() && applied.iter().any(is_task) {
        stage.cover(Situation::FailedHoldInBatch);
    }
    applied.iter().for_each(|message| is_done(stage, &look, message.about));
    for message in failed {
        tokio::task::spawn_local(give_back(stage.clone(), message, received, queue));
    }
}

/// Counts and notes that the messages are received.
fn hand_over(stage: &Stage, batch: &mut [Message]) {
    for message in &mut *batch {
        message.received += 1;
        if message.received > 1 {
            stage.cover(Situation::Redelivered);
        }
    }
    if batch.len() > 1 {
        stage.cover(Situation::BatchOfMany);
    }
    let tasks = batch.iter().filter(|message| message.about == About::Task).count();
    if tasks > 0 && batch.iter().any(|message| matches!(message.about, About::Begin(..))) {
        stage.cover(Situation::MixedBatch);
    }
    stage.note("queue", || {
        let words: Vec<String> = batch.iter().map(Message::words).collect();
        format!("hands over {}", words.join(", "))
    });
}

/// A message was answered as done. That a deployment begins is done when its service was looked at,
/// if it may be held.
pub fn is_done(stage: &Stage, look: &Look, about: About) {
    let About::Begin(service) = about else { return };
    let is_held = stage.setting.may_hold(service);
    if !is_held {
        stage.cover(Situation::LookedWithoutHold);
    }
    stage.examine(|_| {
        if is_held && !look.described.contains(&service) {
            return broken("looked at", "a deployment's begin was answered without a look");
        }
        Ok(())
    });
}

/// A message becomes visible again after its timeout, or goes to the dead-letter queue.
async fn give_back(stage: Arc<Stage>, message: Message, received: Instant, queue: Queue) {
    tokio::time::sleep_until(received + VISIBILITY).await;
    if stage.is_alive() && message.received < queue.receives {
        put(&stage, message);
    }
}
