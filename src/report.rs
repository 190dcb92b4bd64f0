//! What an invocation did, and why it did not do the rest: the answer, the log line, the error.

pub mod emf;
pub mod entry;
pub mod explanation;
pub mod failed;
pub mod hold;
pub mod hook_answer;
pub mod log;
pub mod metrics;
pub mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use tracing::{debug, error, info};

use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;
use crate::core::plan::{Reason, Skipped};
use crate::core::task::TaskArn;
use crate::report::entry::Entry;
use crate::report::failed::{AllGroups, Failed, FailedEntry};
use crate::report::hold::{Held, HoldNumbers, Released};

/// How many targets or failures a log line or an error spells out.
const SHOWN: usize = 10;

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
    pub failed: Vec<Failed>,
    /// Old tasks of deployments that were protected from being stopped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
    /// Tasks whose protection was cleared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<Released>,
    /// Holds in numbers.
    #[serde(skip)]
    pub hold_numbers: HoldNumbers,
    /// Target groups that a reconcile of all did not reach in its time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<TargetGroupArn>,
    /// Whether this is only what would have been done.
    pub dry_run: bool,
}

impl Report {
    /// Records that a change could not be made.
    pub fn fail(&mut self, entry: impl Into<Entry>, error: &Failure) {
        let (text, code) = (error.to_string(), error.code.clone());
        self.failed.push(Failed::Target(FailedEntry { entry: entry.into(), error: text, code }));
    }

    /// The tasks with whose targets something could not be done.
    pub fn failed_tasks(&self) -> BTreeSet<&TaskArn> {
        self.failed.iter().filter_map(Failed::task).collect()
    }

    /// Records that ELB does not know a target group that only a tag binds.
    pub fn skip_gone(&mut self, entry: Entry) {
        let (task, group) = (entry.task_arn, Some(entry.target_group_arn));
        let skipped = Skipped { task, group, reason: Reason::GroupGone };
        if !self.skipped.contains(&skipped) {
            self.skipped.push(skipped);
        }
    }

    /// Whether all that it says is that tasks are not bound.
    pub fn is_of_strangers(&self) -> bool {
        let others = [&self.registered, &self.deregistered, &self.unowned];
        others.iter().all(|entries| entries.is_empty())
            && self.failed.is_empty()
            && self.skipped.iter().all(|skipped| skipped.reason == Reason::NoBinding)
            && self.held.is_empty()
            && self.released.is_empty()
    }

    /// Adds what was done elsewhere.
    pub fn add(&mut self, other: Self) {
        let Self { registered, deregistered, unowned, skipped, left, .. } = &other;
        self.registered.extend_from_slice(registered);
        self.deregistered.extend_from_slice(deregistered);
        self.unowned.extend_from_slice(unowned);
        self.skipped.extend_from_slice(skipped);
        self.left.extend_from_slice(left);
        self.add_holds(other);
    }

    /// Adds what was done about holds.
    pub fn add_holds(&mut self, holds: Self) {
        self.failed.extend(holds.failed);
        self.held.extend(holds.held);
        self.released.extend(holds.released);
        self.hold_numbers.standing += holds.hold_numbers.standing;
        self.hold_numbers.seconds.extend(holds.hold_numbers.seconds);
        self.hold_numbers.expired += holds.hold_numbers.expired;
    }

    /// Writes the invocation's line to the log: counts, reasons, and the first few targets.
    ///
    /// A quiet line is one at level debug.
    pub fn log(&self, input: &str, unreadable: usize, is_quiet: bool) {
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
                    held = self.held.len(),
                    released = self.released.len(),
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
        for skipped in &self.skipped {
            debug!(%skipped, "skipped");
        }
        match self.failed.is_empty() && unreadable == 0 {
            true if is_quiet => line!(debug),
            true => line!(info),
            false => line!(error),
        }
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

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.task {
            write!(f, "task {}: ", task.id())?;
        }
        if let Some(group) = &self.group {
            write!(f, "target group {}: ", group.name())?;
        }
        write!(f, "{}", self.reason)
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

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e";

    fn task() -> TaskArn {
        TaskArn::parse(TASK).unwrap()
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
    fn skipped_tasks_are_counted_by_their_reasons() {
        let skipped = |reason| Skipped::task(task(), reason);
        assert_eq!(skipped(Reason::Gone).to_string(), "task c50e: gone");
        let skipped = [Reason::Gone, Reason::NoBinding, Reason::Gone].map(skipped).to_vec();
        let report = Report { skipped, ..Report::default() };
        assert_eq!(report.reasons(), "no-binding=1 gone=2");
    }
}
