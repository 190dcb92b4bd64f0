//! The metrics of an invocation, for CloudWatch. docs/metrics.md lists the metrics.
//!
//! Zeros are mostly left out, because CloudWatch charges for a metric by the hours in which it is
//! sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::core::binding::TargetGroupArn;
use crate::core::failure::Code;
use crate::core::knowledge::Sighting;
use crate::core::plan::Skipped;
use crate::core::task::{Phase, TaskArn};
use crate::report::Report;
use crate::report::emf::{self, Metric, Unit};
use crate::report::entry::Entry;
use crate::report::failed::Failed;
use crate::report::hold::HoldNumbers;

/// Counts of HTTP requests to AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// All requests, including retries.
    pub calls: u64,
    /// Requests that AWS throttled.
    pub throttles: u64,
}

/// What an invocation handled, beyond what the report contains.
#[derive(Clone, Debug)]
pub enum InvocationKind {
    /// It applied events.
    Events {
        /// The times in the events.
        heard: EventTimes,
        /// How many messages could not be read.
        unreadable: usize,
    },
    /// It looked at services in a deployment.
    Deployment,
    /// It took a target group out of use.
    Release,
    /// It settled target groups as a whole, because writes had to wait.
    CatchUp,
    /// It reconciled. Has the number of targets of serving tasks that each group already contained,
    /// for groups that could be read.
    Reconcile(BTreeMap<TargetGroupArn, usize>),
}

impl InvocationKind {
    /// How many messages could not be read.
    pub fn unreadable(&self) -> usize {
        match self {
            Self::Events { unreadable, .. } => *unreadable,
            Self::Deployment | Self::Release | Self::CatchUp | Self::Reconcile(_) => 0,
        }
    }

    /// Whether it applied events and could read them all.
    pub fn is_of_readable_events(&self) -> bool {
        matches!(self, Self::Events { unreadable: 0, .. })
    }
}

/// The times in events.
#[derive(Clone, Debug, Default)]
pub struct EventTimes {
    /// How old they were when the invocation began, in milliseconds.
    ages: Vec<u64>,
    /// Since when tasks serve or leave.
    since: BTreeMap<(TaskArn, Phase), SystemTime>,
}

impl EventTimes {
    /// The times in these events, for an invocation that begins `now`.
    pub fn of<'a>(sightings: impl Iterator<Item = &'a Sighting>, now: SystemTime) -> Self {
        let mut heard = Self::default();
        for Sighting { task, at, changed } in sightings {
            heard.ages.extend(at.map(|at| milliseconds(at, now)));
            if let Some(changed) = changed {
                let since = heard.since.entry((task.arn.clone(), task.phase)).or_insert(*changed);
                *since = (*since).min(*changed);
            }
        }
        heard
    }
}

/// The log lines with the metrics of one invocation.
pub fn lines(
    function: &str,
    end: SystemTime,
    work: &InvocationKind,
    report: &Report,
    traffic: Traffic,
) -> Vec<String> {
    let function = ("FunctionName", function);
    let invocation = Invocation { end, work, report };
    let mut whole = invocation.of_targets(None);
    invocation.add_what_is_told_once(traffic, &mut whole);
    let mut lines = emf::lines(end, &[function], &whole.0);
    for group in invocation.groups() {
        let metrics = invocation.of_targets(Some(group));
        lines.extend(emf::lines(end, &[function, ("TargetGroup", group.name())], &metrics.0));
    }
    let reasons = report.skipped.iter().map(|Skipped { reason, .. }| reason.to_string());
    let skipped = counted(reasons).into_iter().map(|counted| ("Skipped", "Reason", counted));
    let errors = counted(invocation.errors());
    let failed = errors.into_iter().map(|counted| ("Failed", "ErrorType", counted));
    for (name, dimension, (kind, count)) in skipped.chain(failed) {
        let mut metrics = Metrics::default();
        metrics.some(name, count);
        lines.extend(emf::lines(end, &[function, (dimension, &kind)], &metrics.0));
    }
    lines
}

struct Invocation<'a> {
    end: SystemTime,
    work: &'a InvocationKind,
    report: &'a Report,
}

impl Invocation<'_> {
    /// The metrics of each target group, and of all together.
    fn of_targets(&self, group: Option<&TargetGroupArn>) -> Metrics {
        let Report { registered, deregistered, unowned, failed, dry_run, .. } = self.report;
        let of_group = |entry: &&Entry| group.is_none_or(|group| entry.target_group_arn == *group);
        let [registered, deregistered, unowned] = [registered, deregistered, unowned]
            .map(|entries| entries.iter().filter(of_group).collect::<Vec<_>>());
        let holds = failed.iter().filter(|failed| failed.target().is_none()).count();
        let failed = failed.iter().filter_map(Failed::target);
        let failed: Vec<&Entry> = failed.filter(of_group).collect();
        let mut metrics = Metrics::default();
        if !dry_run {
            metrics.some("Registered", registered.len());
            metrics.some("Deregistered", deregistered.len());
            metrics.times("TimeToRegister", self.times(&registered, Phase::Serving));
            metrics.times("TimeToDeregister", self.times(&deregistered, Phase::Leaving));
        }
        let others = if group.is_none() { self.work.unreadable() + holds } else { 0 };
        metrics.some("Failed", failed.len() + others);
        metrics.some("Unowned", unowned.len());
        if let InvocationKind::Reconcile(in_step) = self.work {
            let undone = failed.iter().filter(|entry| entry.id.is_some()).count();
            let drift = registered.len() + deregistered.len() + undone;
            match group {
                None => {
                    metrics.count("Drift", drift);
                    metrics.count("InStep", in_step.values().sum());
                }
                Some(group) => {
                    metrics.some("Drift", drift);
                    in_step.get(group).into_iter().for_each(|n| metrics.count("InStep", *n));
                }
            }
        }
        metrics
    }

    fn add_what_is_told_once(&self, traffic: Traffic, metrics: &mut Metrics) {
        metrics.some("Skipped", self.report.skipped.len());
        metrics.some("ApiCalls", traffic.calls as usize);
        metrics.some("Throttles", traffic.throttles as usize);
        self.add_holds(metrics);
        match self.work {
            InvocationKind::Reconcile(_) => metrics.count("Reconciles", 1),
            InvocationKind::Deployment | InvocationKind::Release | InvocationKind::CatchUp => {}
            InvocationKind::Events { heard, unreadable } => {
                metrics.times("EventAge", heard.ages.clone());
                let Report { registered, deregistered, failed, held, released, .. } = self.report;
                let changes = registered.len() + deregistered.len() + held.len() + released.len();
                let idle = self.report.dry_run || changes == 0;
                let idle = idle && failed.is_empty() && *unreadable == 0;
                metrics.some("IdleInvocations", usize::from(idle));
            }
        }
    }

    fn add_holds(&self, metrics: &mut Metrics) {
        let HoldNumbers { standing, seconds, expired } = &self.report.hold_numbers;
        if !self.report.dry_run {
            metrics.some("Held", *standing);
            metrics.some("Released", self.report.released.len());
            metrics.values("HoldSeconds", Unit::Seconds, seconds.clone());
            metrics.some("HoldExpired", *expired);
        }
    }

    fn groups(&self) -> BTreeSet<&TargetGroupArn> {
        let Report { registered, deregistered, unowned, failed, .. } = self.report;
        let entries = registered.iter().chain(deregistered).chain(unowned);
        let entries = entries.chain(failed.iter().filter_map(Failed::target));
        let groups = entries.map(|entry| &entry.target_group_arn);
        match self.work {
            InvocationKind::Reconcile(in_step) => groups.chain(in_step.keys()).collect(),
            _ => groups.collect(),
        }
    }

    /// How long it took from the change of each target's task to the end of the invocation, if an
    /// event reported that change.
    fn times(&self, entries: &[&Entry], phase: Phase) -> Vec<u64> {
        let InvocationKind::Events { heard, .. } = self.work else { return Vec::new() };
        let tasks = entries.iter().filter_map(|entry| entry.task_arn.clone());
        let since = tasks.filter_map(|task| heard.since.get(&(task, phase)));
        since.map(|since| milliseconds(*since, self.end)).collect()
    }

    /// The error code of everything that failed.
    fn errors(&self) -> impl Iterator<Item = String> {
        let unreadable = std::iter::repeat_n(&Code::UnreadableMessage, self.work.unreadable());
        let failed = self.report.failed.iter().map(Failed::code);
        failed.chain(unreadable).map(Code::to_string)
    }
}

#[derive(Default)]
struct Metrics(Vec<Metric>);

impl Metrics {
    /// Adds a count even if it is zero.
    fn count(&mut self, name: &'static str, count: usize) {
        self.0.push(Metric { name, unit: Unit::Count, values: vec![count as u64] });
    }

    fn some(&mut self, name: &'static str, count: usize) {
        if count > 0 {
            self.count(name, count);
        }
    }

    fn times(&mut self, name: &'static str, values: Vec<u64>) {
        self.values(name, Unit::Milliseconds, values);
    }

    fn values(&mut self, name: &'static str, unit: Unit, values: Vec<u64>) {
        if !values.is_empty() {
            self.0.push(Metric { name, unit, values });
        }
    }
}

fn counted(kinds: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    kinds.for_each(|kind| *counts.entry(kind).or_default() += 1);
    counts
}

/// Clocks differ, so a negative duration counts as zero.
fn milliseconds(from: SystemTime, to: SystemTime) -> u64 {
    to.duration_since(from).unwrap_or_default().as_millis() as u64
}
