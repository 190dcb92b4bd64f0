//! What an invocation did, and why it did not do the rest: the answer, the log line, the error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV6};

use serde::Serialize;
use tracing::{debug, error, info};

use crate::binding::TargetGroupArn;
use crate::call::CallError;
use crate::plan::{Change, Portless, Reason, Skipped, Target};
use crate::task::TaskArn;

/// How many targets or failures a log line or an error spells out.
const SHOWN: usize = 10;

/// A target in a report. What is not known is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The task whose target it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<TaskArn>,
    /// The target group.
    pub target_group_arn: TargetGroupArn,
    /// The address in canonical text (RFC 5952).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Ipv6Addr>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A target with which something could not be done, and the cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The target, as far as it is known.
    #[serde(flatten)]
    pub entry: Entry,
    /// AWS's error code and message.
    pub error: String,
    /// The code alone, or ours where no answer came.
    #[serde(skip)]
    pub code: String,
}

/// The outcome of an invocation: every task and binding stands in one of the lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Targets of serving tasks, now registered.
    pub registered: Vec<Entry>,
    /// Targets of leaving tasks, now deregistered.
    pub deregistered: Vec<Entry>,
    /// Targets that no task explains and that were left alone.
    pub unowned: Vec<Entry>,
    /// Tasks that needed no change, and events that were overtaken.
    pub skipped: Vec<Skipped>,
    /// What could not be done.
    pub failed: Vec<Failure>,
    /// Whether this is only what would have been done.
    pub dry_run: bool,
}

impl Report {
    /// Notes that a change could not be made.
    pub fn fail(&mut self, entry: impl Into<Entry>, error: &CallError) {
        let (text, code) = (error.to_string(), error.code.clone());
        self.failed.push(Failure { entry: entry.into(), error: text, code });
    }

    /// The tasks with which something could not be done.
    pub fn failed_tasks(&self) -> BTreeSet<&TaskArn> {
        self.failed.iter().filter_map(|failure| failure.entry.task_arn.as_ref()).collect()
    }

    /// Writes the invocation's line to the log: counts, reasons, and the first few targets.
    pub fn log(&self, input: &str, unreadable: usize) {
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    input,
                    registered = self.registered.len(),
                    deregistered = self.deregistered.len(),
                    unowned = self.unowned.len(),
                    skipped = self.skipped.len(),
                    failed = self.failed.len(),
                    unreadable,
                    dry_run = self.dry_run,
                    registered_targets = %FirstFew(&self.registered),
                    deregistered_targets = %FirstFew(&self.deregistered),
                    unowned_targets = %FirstFew(&self.unowned),
                    skipped_for = %self.reasons(),
                    skipped_tasks = %FirstFew(&self.skipped),
                    errors = %AllGroups(&self.failed),
                    "settled"
                )
            };
        }
        for Skipped { task, reason } in &self.skipped {
            debug!(%task, %reason, "skipped");
        }
        if self.failed.is_empty() && unreadable == 0 { line!(info) } else { line!(error) }
    }

    fn reasons(&self) -> String {
        let mut counts = BTreeMap::<Reason, usize>::new();
        for skipped in &self.skipped {
            *counts.entry(skipped.reason).or_default() += 1;
        }
        let counts = counts.iter().map(|(reason, count)| format!("{reason}={count}"));
        counts.collect::<Vec<_>>().join(" ")
    }
}

impl From<Change> for Entry {
    fn from(change: Change) -> Self {
        Self {
            task_arn: change.task,
            target_group_arn: change.target.group,
            id: Some(change.target.id),
            port: Some(change.target.port),
        }
    }
}

impl From<Target> for Entry {
    fn from(target: Target) -> Self {
        Change { task: None, target }.into()
    }
}

impl From<Portless> for Entry {
    fn from(portless: Portless) -> Self {
        Self {
            task_arn: Some(portless.task),
            target_group_arn: portless.group,
            id: Some(portless.id),
            port: None,
        }
    }
}

impl Entry {
    /// The target in words: `[2001:db8::1]:8080`.
    fn target(&self) -> String {
        match (self.id, self.port) {
            (Some(id), Some(port)) => SocketAddrV6::new(id, port, 0, 0).to_string(),
            (Some(id), None) => id.to_string(),
            (None, _) => "unknown".to_owned(),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.target(), self.target_group_arn.name())?;
        match &self.task_arn {
            Some(task) => write!(f, " for task {}", task.id()),
            None => Ok(()),
        }
    }
}

/// In full, because this is what an operator reads in an error: task, group, target, cause.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.entry.task_arn {
            write!(f, "task {task}, ")?;
        }
        let Self { entry, error, .. } = self;
        write!(f, "target group {}, target {}: {error}", entry.target_group_arn, entry.target())
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}: {}", self.task.id(), self.reason)
    }
}

/// The first few of a list in words, and how many more there are.
pub struct FirstFew<'a, T>(pub &'a [T]);

impl<T: fmt::Display> fmt::Display for FirstFew<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{item}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Failures in words: every target group and cause, each with its first few targets.
pub struct AllGroups<'a>(pub &'a [Failure]);

impl fmt::Display for AllGroups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups = BTreeMap::<_, Vec<&Failure>>::new();
        for failure in self.0 {
            let group = (&failure.entry.target_group_arn, &failure.error);
            groups.entry(group).or_default().push(failure);
        }
        for (index, failures) in groups.values().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}", FirstFew(failures))?;
        }
        Ok(())
    }
}
