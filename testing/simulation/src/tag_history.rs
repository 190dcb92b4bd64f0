//! What the index showed of the tag of a target group, and when.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::SystemTime;

/// A span of time.
pub type Span = RangeInclusive<SystemTime>;

/// What a tag says; without a tag, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// The bonds of its entries, by their places in the scenario.
    pub bonds: BTreeSet<usize>,
    /// Whether some entry cannot be read.
    pub is_malformed: bool,
}

/// The tags of one group, in the order in which they were written, and since when the index shows
/// each. What was written later hides what was written earlier.
#[derive(Debug)]
pub struct TagHistory(Vec<(SystemTime, Tag)>);

impl TagHistory {
    /// It has shown this from the beginning.
    pub fn beginning(at: SystemTime, tag: Tag) -> Self {
        Self(vec![(at, tag)])
    }

    /// The index will show this from that moment on.
    pub fn write(&mut self, shown_at: SystemTime, tag: Tag) {
        self.0.push((shown_at, tag));
    }

    /// What it shows at that moment.
    pub fn at(&self, moment: SystemTime) -> &Tag {
        let shown = self.0.iter().rev().find(|(since, _)| *since <= moment);
        &shown.unwrap_or(&self.0[0]).1
    }

    /// Everything that it shows in that span.
    pub fn during(&self, span: &Span) -> impl Iterator<Item = &Tag> {
        let changes = self.0.iter().map(|(since, _)| *since).filter(|since| span.contains(since));
        [*span.start()].into_iter().chain(changes).map(|moment| self.at(moment))
    }

    /// Whether it has never been written anew.
    pub fn is_stable(&self) -> bool {
        self.0.len() == 1
    }
}
