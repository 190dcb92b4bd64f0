//! The part of the handle that changes tags.

use std::time::Duration;

use crate::aws::Aws;

impl Aws {
    /// Tags a resource, whether it exists or not.
    pub fn tag(&self, arn: &str, key: &str, value: &str) {
        let world = &mut self.world();
        let now = world.now();
        world.tags.set(arn, key, Some(value), now);
    }

    /// Takes a tag away. A deleted resource keeps its tags in the index, as long as nobody does so.
    pub fn untag(&self, arn: &str, key: &str) {
        let world = &mut self.world();
        let now = world.now();
        world.tags.set(arn, key, None, now);
    }

    /// From now on the index shows a change of tags so much later.
    pub fn tag_lag(&self, lag: Duration) {
        self.world().tags.lag = lag;
    }

    /// From now on a page of the index has at most so many resources, whatever the caller allows
    /// (Resource Groups Tagging API reference, GetResources: fewer may be returned even if there
    /// are more).
    pub fn tag_page(&self, most: usize) {
        self.world().tags.page = Some(most);
    }
}
