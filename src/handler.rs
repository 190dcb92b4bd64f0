//! One invocation: its input, the flow that handles it, and the answer.

mod answers;
mod batch;
mod look;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_config::SdkConfig;
use futures_util::future::LocalBoxFuture;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tracing::warn;

use crate::aws::accounts::Accounts;
use crate::aws::clients::Clients;
use crate::aws::deadline::Deadline;
use crate::aws::deployments::Deployments;
use crate::aws::ecs::Ecs;
use crate::aws::rate_limits::Limits;
use crate::aws::targets::Targets;
use crate::config::Config;
use crate::core::task::TaskArn;
use crate::doctor::{Doctor, tag};
use crate::error::Error;
use crate::flow::Settler;
use crate::flow::catch_up::{Memory, Patience};
use crate::flow::discovery::{Discovery, Snapshot};
use crate::flow::rounds::Reach;
use crate::flow::warm_up::warm_up;
use crate::handler::answers::{answer, answer_unless_failed};
use crate::input::deployment_event;
use crate::input::lifecycle_hook::LifecycleHook;
use crate::input::{Input, Payload, Release, task_event};
use crate::report::Report;
use crate::report::hook_answer::HookAnswer;
use crate::report::metrics::{self, EventTimes, InvocationKind};
use crate::report::page::DESCRIPTION;

/// The clock; a simulation brings its own.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Receives each log line of metrics.
pub type Sink = Box<dyn Fn(&str) + Send + Sync>;

/// Handles invocations. Between them it keeps facts that never change, recent refusals and
/// throttling, the tasks of recent copies, and what it found right when it settled whole groups.
pub struct Handler {
    config: Config,
    discovery: Discovery,
    clients: Clients,
    ecs: Ecs,
    deployments: Deployments,
    targets: Targets,
    accounts: Accounts,
    clock: Clock,
    metrics: Option<Sink>,
    /// Tasks whose stop a copy settled recently.
    copied: Mutex<BTreeSet<TaskArn>>,
    memory: Memory,
    patience: Patience,
}

/// Of no task is it known that nothing is new.
const NONE: &BTreeSet<TaskArn> = &BTreeSet::new();

/// How many tasks settled by copies are remembered. Forgetting one counts its time twice and does
/// nothing else.
const COPIED: usize = 200;

impl Handler {
    /// A handler with these settings, and AWS clients with the settings of `sdk`.
    pub fn new(config: Config, sdk: &SdkConfig, clock: Clock) -> Self {
        let clients = Clients::new(sdk);
        let tagging = config.discovers_tags.then(|| clients.tagging(sdk));
        let accesses = config.accesses.clone();
        let accounts = clients.accounts(sdk, accesses, &config.function, &clock);
        Self {
            discovery: Discovery::new(config.bindings.clone(), tagging),
            config,
            ecs: Ecs::new(&clients),
            deployments: Deployments::new(clients.ecs_calls.clone()),
            targets: Targets::new(accounts.clone(), clients.lattice.clone()),
            accounts,
            clients,
            clock,
            metrics: None,
            copied: Mutex::default(),
            memory: Memory::default(),
            patience: Patience::default(),
        }
    }

    /// The same handler, whose batches have this patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// What this instance remembers of settling whole groups.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The same handler, which also sends its metrics to `sink`.
    #[must_use]
    pub fn with_metrics(self, sink: Sink) -> Self {
        Self { metrics: Some(sink), ..self }
    }

    /// Connects to the services that the settings need, and checks the bindings. A failure here
    /// does not stop the handler from serving.
    pub async fn warm_up(&self) {
        warm_up(&self.discovery, (self.clock)(), &self.targets, &self.ecs).await;
    }

    /// Handles one invocation.
    pub async fn handle(&self, invocation: LambdaEvent<Payload>) -> Result<Value, Error> {
        let now = (self.clock)();
        self.clients.take_traffic();
        self.discovery.learn_home(&invocation.context.invoked_function_arn)?;
        let limits = Limits::new(
            Deadline::new(invocation.context.deadline(), now),
            self.clients.rates.current(),
        );
        let input = Input::of(invocation.payload).ok_or(Error::UnknownInput)?;
        // Erased, because the compiler gives up on futures that are nested too deeply, and callers
        // nest this one deeper.
        let answer: LocalBoxFuture<'_, _> = Box::pin(self.answer(input, now, &limits));
        answer.await
    }

    async fn answer(&self, input: Input, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        match input {
            Input::TaskStateChange(event) => self.event(event, now, limits).await,
            Input::Deployment(event) => self.deployment(event, now, limits).await,
            Input::LifecycleHook(hook) => self.gate(&hook, now, limits).await,
            Input::Copy(event) => self.copy(event, now, limits).await,
            Input::SqsBatch(messages) => self.batch(&messages, now, limits).await,
            Input::Scheduled => self.reconcile(Reach::Slice, now, limits).await,
            Input::Reconcile => self.reconcile(Reach::All, now, limits).await,
            Input::Plan => self.plan(now, limits).await,
            Input::Release(release) => self.release(&release, now, limits).await,
            Input::Doctor => self.doctor(now, limits).await,
            Input::Widget(widget) => self.page(widget, now, limits).await,
            Input::Describe => answer(&json!({"markdown": DESCRIPTION})),
            Input::Explain(task) => self.explain(&task, now, limits).await,
        }
    }

    async fn event(&self, event: Value, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        let sighting = task_event::read(event)?;
        let heard = EventTimes::of([&sighting].into_iter(), now);
        let bound = self.discovery.recent(now, limits).await;
        let report = self.settle(&bound, limits).events([sighting], now).await.report;
        self.tell("event", &InvocationKind::Events { heard, unreadable: 0 }, &report);
        answer_unless_failed(report)
    }

    /// The queue has the event as well, so nothing about a copy is a function error. If the event
    /// cannot be read, its message in the queue fails too, and ends in the dead-letter queue.
    async fn copy(&self, event: Value, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        let sighting = match task_event::read(event) {
            Ok(sighting) => sighting,
            Err(problem) => {
                warn!(%problem, "copy left to the queue");
                return answer(&Report { dry_run: self.config.dry_run, ..Report::default() });
            }
        };
        let heard = EventTimes::of([&sighting].into_iter(), now);
        let task = sighting.task.arn.clone();
        let bound = self.discovery.recent(now, limits).await;
        let report = self.settle(&bound, limits).copy(sighting, now, &self.clients.rates).await;
        if !report.deregistered.is_empty() {
            let copied = &mut *self.copied();
            if copied.len() >= COPIED {
                copied.clear();
            }
            copied.insert(task);
        }
        self.tell("copy", &InvocationKind::Events { heard, unreadable: 0 }, &report);
        answer(&report)
    }

    async fn reconcile(
        &self,
        reach: Reach,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let bound = self.anew(now, limits).await;
        let settle = self.settle(&bound, limits);
        let reconcile =
            settle.reconcile_all(&self.discovery, &bound, reach, self.config.prune, now);
        let (report, in_step) = reconcile.await;
        self.tell("reconcile", &InvocationKind::Reconcile(in_step), &report);
        answer_unless_failed(report)
    }

    /// Failures are in the report: there is nothing to retry, and the operator wants to see the
    /// rest.
    async fn plan(&self, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        let bound = self.anew(now, limits).await;
        let names_bindings = self.discovery.is_on();
        let settle = Settler { dry_run: true, names_bindings, ..self.settle(&bound, limits) };
        let plan =
            settle.reconcile_all(&self.discovery, &bound, Reach::All, self.config.prune, now);
        let (report, _) = plan.await;
        report.log("plan", 0, false);
        answer(&report)
    }

    async fn release(
        &self,
        release: &Release,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let bound = self.anew(now, limits).await;
        let dry_run = self.config.dry_run || release.dry_run;
        let settle = Settler { dry_run, ..self.settle(&bound, limits) };
        let report = settle.release(&release.group).await;
        self.tell("release", &InvocationKind::Release, &report);
        answer_unless_failed(report)
    }

    async fn doctor(&self, now: SystemTime, limits: &Limits) -> Result<Value, Error> {
        let bound = self.anew(now, limits).await;
        let doctor = Doctor::new(&self.clients, self.accounts.clone());
        let diagnosis = doctor.examine(&bound.bindings, self.config.hold, limits).await;
        let unread = bound.gap.as_ref().map(|gap| &gap.failure);
        let diagnosis = diagnosis.after(tag::checks(&bound.tagged, &bound.mistakes, unread));
        diagnosis.log();
        answer(&diagnosis)
    }

    async fn deployment(
        &self,
        event: Value,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let Some(service) = deployment_event::read(event)? else {
            return answer(&Report { dry_run: self.config.dry_run, ..Report::default() });
        };
        let bound = self.discovery.recent(now, limits).await;
        let report = self.settle(&bound, limits).deployment(&service, now).await;
        self.tell("deployment", &InvocationKind::Deployment, &report);
        answer_unless_failed(report)
    }

    /// A closed gate rolls the deployment back, so it is not closed by bindings of a minute ago.
    async fn gate(
        &self,
        hook: &LifecycleHook,
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        let bound = if hook.is_rollback {
            self.discovery.configured()
        } else {
            self.anew(now, limits).await
        };
        answer(&HookAnswer::from(self.settle(&bound, limits).gate(hook).await))
    }

    async fn anew(&self, now: SystemTime, limits: &Limits) -> Arc<Snapshot> {
        self.discovery.anew(now, &limits.for_part(1.0 / 3.0)).await
    }

    fn copied(&self) -> MutexGuard<'_, BTreeSet<TaskArn>> {
        self.copied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes log line and metrics. Of events that are none of ours there can be millions, if all
    /// clusters' come in, so those leave no line.
    fn tell(&self, input: &str, work: &InvocationKind, report: &Report) {
        let traffic = self.clients.take_traffic();
        let is_of_strangers = work.is_of_readable_events() && report.is_of_strangers();
        let is_quiet = self.discovery.is_on() && is_of_strangers;
        report.log(input, work.unreadable(), is_quiet);
        let Some(sink) = &self.metrics else { return };
        if is_quiet && traffic.calls == 0 {
            return;
        }
        let end = (self.clock)();
        let lines = metrics::lines(&self.config.function, end, work, report, traffic);
        lines.iter().for_each(|line| sink(line));
    }

    fn settle<'a>(&'a self, bound: &'a Snapshot, limits: &'a Limits) -> Settler<'a> {
        Settler {
            bindings: &bound.bindings,
            gap: bound.gap.as_ref(),
            ecs: &self.ecs,
            deployments: &self.deployments,
            targets: &self.targets,
            limits,
            hold: self.config.hold,
            dry_run: self.config.dry_run,
            patience: Patience::Endless,
            memory: &self.memory,
            done: NONE,
            names_bindings: false,
        }
    }
}
