//! What ECS knows of clusters and tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, SystemTime};

use crate::task::Task;

/// ECS docs: stopped tasks stay visible for at least an hour. Here it is an hour exactly.
const STOPPED_STAY_VISIBLE: Duration = Duration::from_secs(3600);

/// What ECS knows of clusters and tasks.
#[derive(Debug)]
pub(crate) struct Tasks {
    clusters: BTreeSet<String>,
    known: BTreeMap<String, Known>,
}

/// A task in its newest state.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) task: Task,
    /// When ECS came to know this state.
    pub(crate) since: SystemTime,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { clusters: BTreeSet::from(["demo-cluster".to_owned()]), known: BTreeMap::new() }
    }
}

impl Tasks {
    pub(crate) fn add_cluster(&mut self, name: &str) {
        self.clusters.insert(name.to_owned());
    }

    pub(crate) fn has_cluster(&self, name: &str) -> bool {
        self.clusters.contains(name)
    }

    /// Takes a state in, unless a newer one is known.
    pub(crate) fn put(&mut self, task: Task, now: SystemTime) {
        self.add_cluster(task.cluster_name());
        let known = self.known.get(&task.arn());
        if known.is_none_or(|known| known.task.version() <= task.version()) {
            self.known.insert(task.arn(), Known { task, since: now });
        }
    }

    pub(crate) fn forget(&mut self, arn: &str) {
        self.known.remove(arn);
    }

    pub(crate) fn get(&self, arn: &str, now: SystemTime) -> Option<&Known> {
        self.known.get(arn).filter(|known| known.is_visible(now))
    }

    /// All tasks, visible or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Task> {
        self.known.values().map(|known| &known.task)
    }

    /// The tasks of a cluster with their ARNs, sorted by these, from the one after `after`.
    pub(crate) fn of_cluster(
        &self,
        name: &str,
        after: &str,
        now: SystemTime,
    ) -> impl Iterator<Item = (&String, &Known)> {
        self.known
            .range::<str, _>((Bound::Excluded(after), Bound::Unbounded))
            .filter(move |(_, known)| known.task.cluster_name() == name && known.is_visible(now))
    }
}

impl Known {
    fn is_visible(&self, now: SystemTime) -> bool {
        self.task.last_status() != "STOPPED" || now < self.since + STOPPED_STAY_VISIBLE
    }
}
