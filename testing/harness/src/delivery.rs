//! The ways of the template from events to the function: batches out of the queue by Lambda's event
//! source mapping, copies of stops straight to it, and the schedule.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sim::Aws;
use aws_sim::events::sqs_batch;
use ecs_ipv6_targets::error::Error;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until};

use crate::count::{Count, GoingOn};
use crate::dice::Dice;
use crate::function::Instances;
use crate::lambda::{self, QUIET, VISIBILITY};

/// Lambda's timeout, as in the template.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most that Lambda hands to an invocation, in bytes (Lambda developer guide, "Lambda quotas").
const PAYLOAD: usize = 6_000_000;

/// What a message takes of it besides its body, in bytes. The body itself grows by a tenth, as its
/// quotes are escaped.
const RECORD: usize = 900;

/// Fewer messages within a batching window are taken for the guide's "very low traffic"
/// ([`QUIET`]), which it does not put in numbers.
const LOW: usize = 10;

/// The states of a task whose events the template's rule passes.
const PASSED: [&str; 5] = ["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"];

/// From EventBridge to the function.
const ON_THE_WAY: Duration = Duration::from_millis(200);

/// How often the template's schedule reconciles.
const MINUTE: Duration = Duration::from_secs(60);

/// How messages are taken out of the queue.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// The most invocations at once.
    pub concurrency: usize,
    /// How long a batch is gathered.
    pub window: Duration,
    /// The most messages of a batch.
    pub batch: usize,
}

impl Queue {
    /// The queue of template.yaml.
    pub const TEMPLATE: Self = Self { concurrency: 2, window: Duration::from_secs(2), batch: 1500 };
}

/// Brings events to a function. It lives on a [`tokio::task::LocalSet`].
pub struct Delivery {
    aws: Aws,
    function: Instances,
    queued: Notify,
    /// Messages in the queue or in an invocation, copies, and what else a caller counts.
    under_way: Arc<Count>,
    state: Mutex<State>,
}

struct State {
    dice: Dice,
    queue: VecDeque<Message>,
    /// When the queue last handed messages over.
    handed_over_at: Option<Instant>,
    messages: usize,
    invocations: usize,
}

struct Message {
    id: String,
    event: String,
    _under_way: GoingOn,
}

impl Delivery {
    /// To this function, which works on this AWS. Nothing is delivered before [`Self::open`].
    pub fn to(function: Instances, aws: &Aws, seed: u64) -> Arc<Self> {
        let state = State {
            dice: Dice::of(seed),
            queue: VecDeque::new(),
            handed_over_at: None,
            messages: 0,
            invocations: 0,
        };
        Arc::new(Self {
            aws: aws.clone(),
            function,
            queued: Notify::new(),
            under_way: Arc::default(),
            state: Mutex::new(state),
        })
    }

    /// Begins to take messages out of the queue, and to reconcile every minute from `phase` on.
    pub fn open(self: &Arc<Self>, queue: Queue, phase: Duration) {
        for _ in 0..queue.concurrency {
            spawn_local(self.clone().poll(queue));
        }
        spawn_local(self.clone().reconcile(phase));
    }

    /// An `ECS Task State Change` event goes into the queue, if the template's rule passes it, and,
    /// if its task stops, also to the function.
    pub fn send(self: &Arc<Self>, event: Value) {
        let detail = &event["detail"];
        if !PASSED.iter().any(|status| detail["lastStatus"] == *status) {
            return;
        }
        // As the template's StopRule has it: of a stop that ECS's scheduler asked for, the first
        // event.
        let is_stop =
            detail["desiredStatus"] == "STOPPED" && detail["lastStatus"] == "DEACTIVATING";
        let id = {
            let state = &mut *self.state();
            state.messages += 1;
            format!("m{}", state.messages)
        };
        let message = Message { id, event: event.to_string(), _under_way: self.begin() };
        self.state().queue.push_back(message);
        self.queued.notify_one();
        if is_stop {
            spawn_local(self.clone().copy(event, self.begin()));
        }
    }

    /// An invocation, with the time that the template gives it.
    pub async fn invoke(&self, payload: Value) -> Result<Value, Error> {
        self.state().invocations += 1;
        let context = lambda::context(self.aws.now() + TIMEOUT);
        self.function.invoke(lambda::event(&payload, context)).await
    }

    /// How many invocations there were.
    pub fn invocations(&self) -> usize {
        self.state().invocations
    }

    /// Something else is under way, for which [`Self::calm`] is to wait.
    pub fn begin(&self) -> GoingOn {
        self.under_way.begin()
    }

    /// Waits until nothing is under way.
    pub async fn calm(&self) {
        self.under_way.calm().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lambda's asynchronous invocation, which is tried once.
    async fn copy(self: Arc<Self>, event: Value, _under_way: GoingOn) {
        sleep(ON_THE_WAY).await;
        // What it could not do, the message will.
        let _ = self.invoke(json!({"copy": "queued", "event": event})).await;
    }

    async fn reconcile(self: Arc<Self>, phase: Duration) {
        sleep(phase).await;
        loop {
            let next = Instant::now() + MINUTE;
            // What it could not do, the next one will.
            let _ = self.invoke(json!({"action": "reconcile"})).await;
            sleep_until(next).await;
        }
    }

    /// One of Lambda's pollers: gathers a batch, invokes the function, and starts again.
    async fn poll(self: Arc<Self>, Queue { window, batch, .. }: Queue) {
        loop {
            while self.state().queue.is_empty() {
                self.queued.notified().await;
            }
            self.gather(window, batch).await;
            let messages: Vec<Message> = {
                let queue = &mut self.state().queue;
                let mut bytes = 0;
                let fits = |message: &&Message| {
                    bytes += RECORD + message.event.len() * 11 / 10;
                    bytes <= PAYLOAD
                };
                let size = queue.iter().take(batch).take_while(fits).count();
                queue.drain(..size).collect()
            };
            if !messages.is_empty() {
                self.hand_over(messages).await;
            }
        }
    }

    /// Waits for the window to end or the batch to be full; and on, for up to 20 s, if there is
    /// next to nothing to do.
    async fn gather(&self, window: Duration, batch: usize) {
        const STEP: Duration = Duration::from_millis(50);
        let begin = Instant::now();
        let longest_wait = {
            let state = &mut *self.state();
            let quiet = state.handed_over_at.is_none_or(|at| at.elapsed() >= QUIET);
            let longest = state.dice.seconds(window.as_secs_f64(), QUIET.as_secs_f64());
            if quiet && !window.is_zero() { longest } else { window }
        };
        loop {
            let (waiting, passed) = (self.state().queue.len(), begin.elapsed());
            let is_low = waiting < LOW && passed < longest_wait;
            if waiting >= batch || (passed >= window && !is_low) {
                return;
            }
            sleep(STEP).await;
        }
    }

    async fn hand_over(self: &Arc<Self>, messages: Vec<Message>) {
        self.state().handed_over_at = Some(Instant::now());
        let received = Instant::now();
        let payload = sqs_batch(messages.iter().map(|m| (m.id.as_str(), m.event.clone())));
        let answer = self.invoke(payload).await.ok();
        for message in messages.into_iter().filter(|m| lambda::returns(answer.as_ref(), &m.id)) {
            let own = self.clone();
            spawn_local(async move {
                sleep_until(received + VISIBILITY).await;
                own.state().queue.push_back(message);
                own.queued.notify_one();
            });
        }
    }
}
