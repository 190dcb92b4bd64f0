//! What a target is like, in a word and a sentence.

use crate::core::health::Health;
use crate::core::task::Phase;
use crate::core::verdict::{Because, Would};
use crate::report::page::Row;
use crate::report::page::html::{Html, Tone};
use crate::report::page::links;

/// What a target is like, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Its health checks fail.
    Unhealthy,
    /// A serving task's target is not there.
    Missing,
    /// A serving task has no IPv6 address.
    NoAddress,
    /// No load balancer uses it.
    Unused,
    /// Its task is leaving, and it is still registered.
    LeftOver,
    /// No task explains it.
    Unowned,
    /// Whose it is could not be read.
    Unclear,
    /// Its first health checks have not passed yet.
    Initial,
    /// Its task does not run yet.
    Starting,
    /// Its last connections come to an end.
    Draining,
    /// It gets clients.
    Healthy,
}

impl Condition {
    /// Its colour.
    pub fn tone(self) -> Tone {
        match self {
            Self::Unhealthy | Self::Missing | Self::NoAddress | Self::Unused => Tone::Bad,
            Self::LeftOver | Self::Unowned | Self::Unclear => Tone::Odd,
            Self::Initial => Tone::Wait,
            Self::Starting | Self::Draining => Tone::Idle,
            Self::Healthy => Tone::Good,
        }
    }

    /// The word for it: ELB's, where ELB has one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Missing => "missing",
            Self::NoAddress => "no address",
            Self::Unused => "unused",
            Self::LeftOver => "left over",
            Self::Unowned => "unowned",
            Self::Unclear => "unclear",
            Self::Initial => "initial",
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Healthy => "healthy",
        }
    }
}

impl Row {
    /// What it is like.
    pub fn condition(&self) -> Condition {
        match self.because {
            Because::Missing | Because::DrainsButServes | Because::NoPort => Condition::Missing,
            Because::NoAddress => Condition::NoAddress,
            Because::NotRunning => Condition::Starting,
            Because::LeftOver | Because::NeverPruned | Because::Incomplete => Condition::LeftOver,
            Because::Unclear => Condition::Unclear,
            Because::Left | Because::Drains => Condition::Draining,
            Because::Shared | Because::Unowned | Because::Pruned => Condition::Unowned,
            Because::InStep => match self.health.as_ref().map(|health| health.state.as_str()) {
                Some("healthy" | "unavailable") => Condition::Healthy,
                Some("initial") => Condition::Initial,
                Some("unused") => Condition::Unused,
                _ => Condition::Unhealthy,
            },
        }
    }

    /// Whether it is the target of a task that should get clients.
    pub fn is_serving(&self) -> bool {
        self.phase == Some(Phase::Serving)
    }
}

/// A row of a table, with links and sentences.
pub fn long(html: &mut Html, row: &Row, dry_run: bool) {
    html.raw("<tr><th scope=row>");
    match &row.task {
        Some(task) => match links::task(task) {
            Some(address) => html.link(&address, task.id()),
            None => html.text(task.id()),
        },
        None => html.raw("<i>no task</i>"),
    }
    cells(html, row);
    note(html, row, dry_run);
    if let Some(until) = row.held {
        html.raw("<small>kept until ");
        html.time(until);
        html.raw(" at the latest</small>");
    }
}

/// A row of a table that has very many.
pub fn short(html: &mut Html, row: &Row) {
    html.raw("<tr><th scope=row>");
    match &row.task {
        Some(task) => html.text(task.id()),
        None => html.raw("<i>no task</i>"),
    }
    cells(html, row);
}

fn cells(html: &mut Html, row: &Row) {
    html.raw("<td>");
    match row.id {
        Some(id) => html.text(&id.to_string()),
        None => html.raw("–"),
    }
    html.raw("<td>");
    match row.port {
        Some(port) => html.number(usize::from(port)),
        None => html.raw("–"),
    }
    html.raw("<td>");
    match row.since {
        Some(since) => html.time(since),
        None => html.raw("–"),
    }
    html.raw("<td>");
    let condition = row.condition();
    html.chip(condition.tone(), condition.word());
}

/// Why it is like that, and what becomes of it.
fn note(html: &mut Html, row: &Row, dry_run: bool) {
    let (because, of_elb) = because(row);
    if because.is_empty() && of_elb.is_empty() {
        return;
    }
    html.raw("<small>");
    html.text(because);
    if !of_elb.is_empty() {
        html.raw(" <code>");
        html.text(of_elb);
        html.raw("</code>");
    }
    html.raw(match (row.would, dry_run) {
        (Would::Nothing, _) => "",
        (Would::Register, false) => ". The next reconcile registers it.",
        (Would::Deregister, false) => ". The next reconcile deregisters it.",
        (_, true) => ". The next reconcile only says so: DRY_RUN is set.",
    });
    html.raw("</small>");
}

/// In our words, and ELB's reason.
fn because(row: &Row) -> (&str, &str) {
    let Health { state, reason } = match (&row.health, row.because) {
        (Some(health), Because::InStep) => health,
        (_, because) => return (because.words(), ""),
    };
    let words = match (state.as_str(), reason.as_str()) {
        ("healthy", _) => "",
        ("unavailable", _) => "health checks are off",
        ("initial", _) => "its first health checks have not passed yet",
        (_, "Target.FailedHealthChecks") => "its health checks fail",
        (_, "Target.NotInUse") => "no listener sends it clients",
        ("unhealthy.draining", _) => "its health checks fail, and its connections are closed",
        ("unused", _) => "it gets no clients",
        (state, _) => state,
    };
    (words, reason)
}
