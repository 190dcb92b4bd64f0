//! What an invocation did, and why it did not do the rest: the answer, the log line, the error.

pub mod emf;
pub mod log;
pub mod metrics;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV6};

use serde::Serialize;
use tracing::{debug, error, info};

use crate::core::binding::TargetGroupArn;
use crate::core::failure::{Code, Failure};
use crate::core::plan::{Portless, Reason, Skipped};
use crate::core::target::{Change, Target};
use crate::core::task::TaskArn;

/// How many targets or failures a log line or an error spells out.
const SHOWN: usize = 10;

/// A target in a report. Unknown fields are left out.
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

/// Something that could not be done with a target, and the cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedEntry {
    /// The target; its unknown fields are left out.
    #[serde(flatten)]
    pub entry: Entry,
    /// AWS's error code and message.
    pub error: String,
    /// The code alone, or ours where no answer came.
    #[serde(skip)]
    pub code: Code,
}

/// The outcome of an invocation: every task and binding is in one of the lists.
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
    pub failed: Vec<FailedEntry>,
    /// Whether this is only what would have been done.
    pub dry_run: bool,
}

impl Report {
    /// Records that a change could not be made.
    pub fn fail(&mut self, entry: impl Into<Entry>, error: &Failure) {
        let (text, code) = (error.to_string(), error.code.clone());
        self.failed.push(FailedEntry { entry: entry.into(), error: text, code });
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
                    // The name by which the simulation finds these lines, wherever this file is.
                    target: "ecs_ipv6_targets::report",
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
impl fmt::Display for FailedEntry {
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
pub struct AllGroups<'a>(pub &'a [FailedEntry]);

impl fmt::Display for AllGroups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups = BTreeMap::<_, Vec<&FailedEntry>>::new();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::group;

    const TASK: &str = "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e";

    fn task() -> TaskArn {
        TaskArn::parse(TASK).unwrap()
    }

    fn target() -> Target {
        Target { group: group("demo"), id: Ipv6Addr::LOCALHOST, port: 80 }
    }

    #[test]
    fn a_target_is_shown_as_far_as_it_is_known() {
        let change = Entry::from(Change { task: Some(task()), target: target() });
        assert_eq!(change.to_string(), "[::1]:80 in demo for task c50e");
        assert_eq!(Entry::from(target()).to_string(), "[::1]:80 in demo");
        let portless = Portless { task: task(), group: group("demo"), id: Ipv6Addr::LOCALHOST };
        assert_eq!(Entry::from(portless).to_string(), "::1 in demo for task c50e");
        let none = Entry { id: None, ..Entry::from(target()) };
        assert_eq!(none.to_string(), "unknown in demo");
    }

    #[test]
    fn a_failure_names_the_task_the_group_the_target_and_the_cause_in_full() {
        let mut report = Report::default();
        let error = Failure::new("RegisterTargets", Code::of_aws(Some("AccessDenied")), "no");
        report.fail(target(), &error);
        assert_eq!(report.failed_tasks(), BTreeSet::new());
        report.fail(Change { task: Some(task()), target: target() }, &error);
        assert_eq!(report.failed_tasks(), BTreeSet::from([&task()]));
        let group = group("demo");
        let of_none =
            format!("target group {group}, target [::1]:80: RegisterTargets: AccessDenied: no");
        let told: Vec<String> = report.failed.iter().map(ToString::to_string).collect();
        assert_eq!(told, [of_none.clone(), format!("task {TASK}, {of_none}")]);
    }

    #[test]
    fn ten_are_spelled_out_and_the_others_counted() {
        let few = |count: usize| FirstFew(&(0..count).collect::<Vec<_>>()).to_string();
        assert_eq!(few(0), "");
        assert_eq!(few(2), "0; 1");
        assert_eq!(few(10), "0; 1; 2; 3; 4; 5; 6; 7; 8; 9");
        assert_eq!(few(12), "0; 1; 2; 3; 4; 5; 6; 7; 8; 9; and 2 more");
    }

    #[test]
    fn every_group_and_cause_is_shown_however_many_targets_failed() {
        let failure = |name: &str, error: &str| {
            let entry = Target { group: group(name), ..target() }.into();
            FailedEntry { entry, error: error.to_owned(), code: Code::Timeout }
        };
        let mut failures = vec![failure("a", "no"); 11];
        failures.extend([failure("b", "no"), failure("a", "gone")]);
        let [a_gone, a_no, b_no] = [12, 0, 11].map(|index| failures[index].to_string());
        let a_no = format!("{}; and 1 more", vec![a_no; 10].join("; "));
        assert_eq!(AllGroups(&failures).to_string(), format!("{a_gone}; {a_no}; {b_no}"));
    }

    #[test]
    fn skipped_tasks_are_counted_by_their_reasons() {
        let skipped = |reason| Skipped { task: task(), reason };
        assert_eq!(skipped(Reason::Gone).to_string(), "task c50e: gone");
        let skipped = [Reason::Gone, Reason::NoBinding, Reason::Gone].map(skipped).to_vec();
        let report = Report { skipped, ..Report::default() };
        assert_eq!(report.reasons(), "no-binding=1 gone=2");
    }
}
