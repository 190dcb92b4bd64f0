//! Task scale-in protection.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

/// Until when tasks are protected, by their ARNs.
#[derive(Debug, Default)]
pub(crate) struct Protections {
    ends: BTreeMap<String, SystemTime>,
    /// Tasks of which the next change fails.
    failing: BTreeSet<String>,
}

impl Protections {
    /// The end of a task's protection, if it has not come.
    pub(crate) fn until(&self, arn: &str, now: SystemTime) -> Option<SystemTime> {
        self.ends.get(arn).copied().filter(|until| now < *until)
    }

    pub(crate) fn protects(&self, arn: &str, now: SystemTime) -> bool {
        self.until(arn, now).is_some()
    }

    pub(crate) fn set(&mut self, arn: &str, until: Option<SystemTime>) {
        match until {
            Some(until) => self.ends.insert(arn.to_owned(), until),
            None => self.ends.remove(arn),
        };
    }

    /// The next change of the task's protection fails.
    pub(crate) fn fail_next(&mut self, arn: &str) {
        self.failing.insert(arn.to_owned());
    }

    /// No change fails.
    pub(crate) fn fail_none(&mut self) {
        self.failing.clear();
    }

    /// Whether this change of the task's protection is to fail.
    pub(crate) fn fails(&mut self, arn: &str) -> bool {
        self.failing.remove(arn)
    }
}
