//! The one handler: input by its shape → flow → answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde_json::Value;
use tracing::{debug, error, warn};

use crate::config::Config;
use crate::deadline::Deadline;
use crate::doctor::Doctor;
use crate::ecs::Ecs;
use crate::error::Error;
use crate::event;
use crate::knowledge::Sighting;
use crate::limits::{Allowance, Limits};
use crate::metrics::{self, Heard, Work};
use crate::object::Object;
use crate::report::Report;
use crate::settle::Settle;
use crate::targets::Targets;
use crate::task::TaskArn;
use crate::traffic::Counter;
use crate::warm_up::warm_up;

/// Tells the time. A simulation brings its own.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Takes the lines of metrics.
pub type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Handles invocations. What it keeps between them is what never changes, and how AWS throttled lately.
pub struct Handler {
    config: Config,
    ecs: Ecs,
    targets: Targets,
    sdk: SdkConfig,
    clock: Clock,
    counter: Counter,
    allowance: Allowance,
    metrics: Option<Sink>,
}

impl Handler {
    /// A handler with these settings, and AWS clients with those of `sdk`.
    pub fn new(config: Config, sdk: &SdkConfig, clock: Clock) -> Self {
        let of_elb = Counter::default();
        let of_ecs = of_elb.of_another_service();
        Self {
            config,
            ecs: Ecs::new(sdk, &of_ecs),
            targets: Targets::new(sdk, &of_elb),
            sdk: sdk.clone(),
            clock,
            allowance: Allowance::new(&of_elb, &of_ecs),
            counter: of_elb,
            metrics: None,
        }
    }

    /// The same handler, which tells its metrics to `sink`.
    #[must_use]
    pub fn telling_metrics(self, sink: Sink) -> Self {
        Self { metrics: Some(sink), ..self }
    }

    /// Makes the connections, and looks at the bindings. Whatever fails, the handler serves.
    pub async fn warm_up(&self) {
        warm_up(&self.config.bindings, &self.targets, &self.ecs).await;
    }

    /// Handles one invocation.
    pub async fn handle(&self, invocation: LambdaEvent<Value>) -> Result<Value, Error> {
        let now = (self.clock)();
        self.counter.take();
        let limits =
            Limits::new(Deadline::new(invocation.context.deadline(), now), self.allowance.rates());
        match Input::of(invocation.payload)? {
            Input::TaskStateChange(event) => self.event(event, now, &limits).await,
            Input::Copy(event) => self.copy(event, now, &limits).await,
            Input::SqsBatch(records) => self.batch(records, now, &limits).await,
            Input::Reconcile => self.reconcile(&limits).await,
            Input::Plan => self.plan(&limits).await,
            Input::Doctor => self.doctor(&limits).await,
        }
    }

    async fn event(&self, event: Value, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        let sighting = event::read(event)?;
        let heard = Heard::of([&sighting].into_iter(), now);
        let report = self.settle(limits).events([sighting], now).await;
        report.log("event", 0);
        self.tell_metrics(&Work::Events { heard, unreadable: 0 }, &report);
        answer_unless_failed(report)
    }

    /// The queue has the event as well, so that nothing about a copy is a function error: if it
    /// cannot be read, the queue's message is returned, and ends in the dead-letter queue.
    async fn copy(&self, event: Value, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        let sighting = match event::read(event) {
            Ok(sighting) => sighting,
            Err(problem) => {
                warn!(%problem, "copy left to the queue");
                return answer(&Report { dry_run: self.config.dry_run, ..Report::default() });
            }
        };
        let heard = Heard::of([&sighting].into_iter(), now);
        let report = self.settle(limits).copy(sighting, now, &self.allowance).await;
        report.log("copy", 0);
        self.tell_metrics(&Work::Events { heard, unreadable: 0 }, &report);
        answer(&report)
    }

    async fn reconcile(&self, limits: &Limits) -> Result<Value, Error> {
        let (report, in_step) = self.settle(limits).reconcile(self.config.prune).await;
        report.log("reconcile", 0);
        self.tell_metrics(&Work::Reconcile(in_step), &report);
        answer_unless_failed(report)
    }

    /// What failed stands in the report: there is nothing to be tried again, and the operator
    /// wants to see the rest.
    async fn plan(&self, limits: &Limits) -> Result<Value, Error> {
        let settle = Settle { dry_run: true, ..self.settle(limits) };
        let (report, _) = settle.reconcile(self.config.prune).await;
        report.log("plan", 0);
        answer(&report)
    }

    /// Its clients are made when they are needed, because no cold start should wait for them.
    async fn doctor(&self, limits: &Limits) -> Result<Value, Error> {
        let diagnosis = Doctor::new(&self.sdk).examine(&self.config.bindings, limits).await;
        diagnosis.log();
        answer(&diagnosis)
    }

    async fn batch(
        &self,
        records: Vec<Value>,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let messages: Vec<Message> = records.into_iter().map(Message::read).collect();
        let sightings = messages.iter().filter_map(|message| message.sighting.as_ref());
        let heard = Heard::of(sightings.clone(), now);
        let unreadable = messages.len() - sightings.clone().count();
        let report = self.settle(limits).events(sightings.cloned(), now).await;
        report.log("sqs", unreadable);
        self.tell_metrics(&Work::Events { heard, unreadable }, &report);
        answer(&failures(&messages, &report)?)
    }

    fn tell_metrics(&self, work: &Work, report: &Report) {
        let Some(sink) = &self.metrics else { return };
        let (end, traffic) = ((self.clock)(), self.counter.take());
        let lines = metrics::lines(&self.config.function, end, work, report, traffic);
        lines.iter().for_each(|line| sink(line));
    }

    fn settle<'a>(&'a self, limits: &'a Limits) -> Settle<'a> {
        Settle {
            bindings: &self.config.bindings,
            ecs: &self.ecs,
            targets: &self.targets,
            limits,
            dry_run: self.config.dry_run,
        }
    }
}

/// What an invocation brings.
enum Input {
    TaskStateChange(Value),
    /// An event that the queue has as well.
    Copy(Value),
    SqsBatch(Vec<Value>),
    Reconcile,
    Plan,
    Doctor,
}

impl Input {
    fn of(mut payload: Value) -> Result<Self, Error> {
        if event::is_task_state_change(&payload) {
            return Ok(Self::TaskStateChange(payload));
        }
        if event::is_scheduled(&payload) {
            return Ok(Self::Reconcile);
        }
        if let Some(copy) = payload.get("copy") {
            let is_queued = copy == "queued";
            let event = payload.get_mut("event").map(Value::take).unwrap_or_default();
            let is_known = is_queued && event::is_task_state_change(&event);
            return is_known.then_some(Self::Copy(event)).ok_or(Error::UnknownInput);
        }
        match payload.get("action").map(Value::as_str) {
            Some(Some("reconcile")) => return Ok(Self::Reconcile),
            Some(Some("plan")) => return Ok(Self::Plan),
            Some(Some("doctor")) => return Ok(Self::Doctor),
            Some(_) => return Err(Error::UnknownInput),
            None => {}
        }
        match payload.get_mut("Records").map(Value::take) {
            Some(Value::Array(records))
                if records.is_empty() || records.iter().any(is_sqs_message) =>
            {
                Ok(Self::SqsBatch(records))
            }
            _ => Err(Error::UnknownInput),
        }
    }
}

/// Other sources' records name another `eventSource`, or have no `messageId`.
fn is_sqs_message(record: &Value) -> bool {
    match record.get("eventSource") {
        Some(source) => source == "aws:sqs",
        None => record["messageId"].is_string(),
    }
}

/// A message of a batch, and what it reports if it can be read.
struct Message {
    id: Option<String>,
    sighting: Option<Sighting>,
}

impl Message {
    fn read(record: Value) -> Self {
        let id = record["messageId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let sighting = sighting(record)
            .inspect_err(|problem| error!(message_id = id, problem, "message cannot be read"))
            .inspect(|sighting| debug!(message_id = id, task = sighting.task.arn.id(), "message"));
        Self { id, sighting: sighting.ok() }
    }

    fn failed(&self, failed: &BTreeSet<&TaskArn>) -> bool {
        self.sighting.as_ref().is_none_or(|sighting| failed.contains(&sighting.task.arn))
    }
}

fn sighting(record: Value) -> Result<Sighting, String> {
    let Object(message): Object<SqsMessage> =
        serde_json::from_value(record).map_err(|e| e.to_string())?;
    let body = message.body.unwrap_or_default();
    if let Some(sighting) = event::read_text(&body) {
        return Ok(sighting);
    }
    let event: Value = serde_json::from_str(&body).map_err(|e| format!("body is no JSON: {e}"))?;
    if !event::is_task_state_change(&event) {
        return Err("body is no ECS Task State Change event of aws.ecs".to_owned());
    }
    event::read(event).map_err(|error| error.to_string())
}

/// The messages to be returned to the queue: those whose task failed, and those that cannot be
/// read (Lambda developer guide, "Implementing partial batch responses").
fn failures(messages: &[Message], report: &Report) -> Result<SqsBatchResponse, Error> {
    let failed_tasks = report.failed_tasks();
    let mut response = SqsBatchResponse::default();
    for message in messages.iter().filter(|message| message.failed(&failed_tasks)) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.id.clone().ok_or(Error::NamelessMessage)?;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

fn answer_unless_failed(report: Report) -> Result<Value, Error> {
    if report.failed.is_empty() {
        answer(&report)
    } else {
        Err(Error::TargetsFailed(report.failed))
    }
}

fn answer(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(Error::AnswerNotWritten)
}
