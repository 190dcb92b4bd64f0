//! Tags of resources.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// The tags of all resources, as the API's index shows them: late, and those of deleted resources
/// too.
#[derive(Debug, Default)]
pub(crate) struct Tags {
    /// By ARN and key.
    values: BTreeMap<(String, String), Values>,
    pub(crate) lag: Duration,
    /// The most resources of a page, if fewer than the caller allows.
    pub(crate) page: Option<usize>,
}

/// The values of one tag (or none) in the order in which they were set, and since when the index
/// shows each.
type Values = Vec<(SystemTime, Option<String>)>;

impl Tags {
    pub(crate) fn set(&mut self, arn: &str, key: &str, value: Option<&str>, now: SystemTime) {
        let values = self.values.entry((arn.to_owned(), key.to_owned())).or_default();
        values.push((now + self.lag, value.map(str::to_owned)));
    }

    /// What the index shows at this time.
    pub(crate) fn shown(&self, now: SystemTime) -> BTreeMap<&str, Vec<(&str, &str)>> {
        let mut shown = BTreeMap::<&str, Vec<(&str, &str)>>::new();
        for ((arn, key), values) in &self.values {
            let value = values.iter().rev().find(|(since, _)| *since <= now);
            if let Some((_, Some(value))) = value {
                shown.entry(arn).or_default().push((key, value));
            }
        }
        shown
    }
}
