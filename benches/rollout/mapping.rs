//! The two ways of the template from a rollout's events to the function: batches out of the queue
//! by Lambda's event source mapping, and copies of stops straight to it.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::Task;
use aws_sim::events::sqs_batch;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use crate::rollout::{TIMEOUT, World};
use harness::count::GoingOn;
use harness::lambda::{self, QUIET, VISIBILITY};

/// The most that Lambda hands to an invocation, in bytes (Lambda developer guide, "Lambda quotas").
const PAYLOAD: usize = 6_000_000;

/// What a message takes of it besides its body, in bytes. The body itself grows by a tenth, as its
/// quotes are escaped.
const RECORD: usize = 900;

/// Fewer messages within a batching window are taken for the guide's "very low traffic"
/// ([`QUIET`]), which it does not put in numbers.
const LOW: usize = 10;

/// From EventBridge to the function.
const ON_THE_WAY: Duration = Duration::from_millis(200);

pub(crate) struct Message {
    id: String,
    event: String,
    _under_way: GoingOn,
}

/// An event goes into the queue and, if its task stops, also to the function.
pub(crate) fn send(world: &Arc<World>, task: &Task) {
    let event = task.event(world.aws.now());
    let id = {
        let numbers = &mut world.state().numbers;
        *numbers += 1;
        format!("m{numbers}")
    };
    let message = Message { id, event: event.to_string(), _under_way: world.under_way.begin() };
    world.state().queue.push_back(message);
    world.queued.notify_one();
    // As the template's StopRule has it: of a stop that ECS's scheduler asked for, the first event.
    if task.desired_status() == "STOPPED" && task.last_status() == "DEACTIVATING" {
        tokio::task::spawn_local(copy(world.clone(), event, world.under_way.begin()));
    }
}

/// Lambda's asynchronous invocation, which is tried once.
async fn copy(world: Arc<World>, event: Value, _under_way: GoingOn) {
    sleep(ON_THE_WAY).await;
    world.state().course.invocations += 1;
    let context = lambda::context(world.aws.now() + TIMEOUT);
    let payload = json!({"copy": "queued", "event": event});
    // What it could not do, the message will.
    let _ = world.function.invoke(LambdaEvent::new(payload, context)).await;
}

/// One of Lambda's pollers: gathers a batch, invokes the function, and starts again.
pub(crate) async fn poll(world: Arc<World>, window: Duration, batch: usize) {
    loop {
        while world.state().queue.is_empty() {
            world.queued.notified().await;
        }
        gather(&world, window, batch).await;
        let messages: Vec<Message> = {
            let queue = &mut world.state().queue;
            let mut bytes = 0;
            let fits = |message: &&Message| {
                bytes += RECORD + message.event.len() * 11 / 10;
                bytes <= PAYLOAD
            };
            let size = queue.iter().take(batch).take_while(fits).count();
            queue.drain(..size).collect()
        };
        if !messages.is_empty() {
            invoke(&world, messages).await;
        }
    }
}

/// Waits for the window to end or the batch to be full; and on, for up to 20 s, if there is next to
/// nothing to do.
async fn gather(world: &World, window: Duration, batch: usize) {
    const STEP: Duration = Duration::from_millis(50);
    let begin = Instant::now();
    let longest_wait = {
        let state = &mut *world.state();
        let quiet = state.handed_over_at.is_none_or(|at| at.elapsed() >= QUIET);
        let longest = state.dice.seconds(window.as_secs_f64(), QUIET.as_secs_f64());
        if quiet && !window.is_zero() { longest } else { window }
    };
    loop {
        let (waiting, passed) = (world.state().queue.len(), begin.elapsed());
        let is_low = waiting < LOW && passed < longest_wait;
        if waiting >= batch || (passed >= window && !is_low) {
            return;
        }
        sleep(STEP).await;
    }
}

async fn invoke(world: &Arc<World>, messages: Vec<Message>) {
    world.state().course.invocations += 1;
    world.state().handed_over_at = Some(Instant::now());
    let received = Instant::now();
    let payload = sqs_batch(messages.iter().map(|m| (m.id.as_str(), m.event.clone())));
    let context = lambda::context(world.aws.now() + TIMEOUT);
    let answer = world.function.invoke(LambdaEvent::new(payload, context)).await.ok();
    for message in messages.into_iter().filter(|m| lambda::returns(answer.as_ref(), &m.id)) {
        let world = world.clone();
        tokio::task::spawn_local(async move {
            sleep_until(received + VISIBILITY).await;
            world.state().queue.push_back(message);
            world.queued.notify_one();
        });
    }
}
