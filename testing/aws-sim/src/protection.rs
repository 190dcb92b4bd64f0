//! Task scale-in protection.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// Until when tasks are protected, by their ARNs.
#[derive(Debug, Default)]
pub(crate) struct Protections(BTreeMap<String, SystemTime>);

impl Protections {
    /// The end of a task's protection, if it has not come.
    pub(crate) fn until(&self, arn: &str, now: SystemTime) -> Option<SystemTime> {
        self.0.get(arn).copied().filter(|until| now < *until)
    }

    pub(crate) fn protects(&self, arn: &str, now: SystemTime) -> bool {
        self.until(arn, now).is_some()
    }

    pub(crate) fn set(&mut self, arn: &str, until: Option<SystemTime>) {
        match until {
            Some(until) => self.0.insert(arn.to_owned(), until),
            None => self.0.remove(arn),
        };
    }
}
