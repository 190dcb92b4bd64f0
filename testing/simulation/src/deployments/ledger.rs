//! What the simulated AWS saw of deployments and protections: plain data, which
//! [`crate::deployments::promises`] judges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Notify;

/// The observations of a run up to now.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Of each service, in the setting's order.
    pub services: Vec<ServiceLog>,
    /// The last protection of each task, by the task's ARN, until it is cleared or seen to end.
    pub protections: BTreeMap<String, Protection>,
    /// The invocations under way, by their numbers.
    pub looks: BTreeMap<usize, Look>,
}

/// What happened to a service.
#[derive(Debug, Default)]
pub struct ServiceLog {
    /// Its deployments, in the order in which they became PRIMARY; after a rollback one again.
    pub primaries: Vec<Primary>,
    /// Its desired counts, and since when.
    pub desired: Vec<(SystemTime, usize)>,
    /// Tasks that the function released, with the PRIMARY deployment of that time.
    pub released: BTreeSet<(String, String)>,
    /// When a task crashed last.
    pub crashed: Option<SystemTime>,
    /// Whether an invocation without a fault saw the last rollback beside the failed deployment.
    pub rollback_seen: bool,
    /// Since when as many new tasks as desired are ready while some old ones are held.
    pub ready_since: Option<SystemTime>,
    /// Whether fewer targets than desired served at some time of a deployment.
    pub gap: bool,
}

/// A deployment that was PRIMARY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primary {
    pub id: String,
    pub since: SystemTime,
    pub created: SystemTime,
}

/// Who set a protection last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    Function,
    Application,
}

/// A task's protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    pub service: usize,
    pub by: Hand,
    pub since: SystemTime,
    pub until: SystemTime,
}

/// The kinds of invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookKind {
    /// One event, or a batch of messages.
    Events,
    Reconcile,
    Gate,
}

/// An invocation under way.
#[derive(Debug)]
pub struct Look {
    pub kind: LookKind,
    pub begun: SystemTime,
    pub kill: Arc<Notify>,
    /// The tasks whose protection it has read, and when.
    pub read: BTreeMap<String, SystemTime>,
    /// Old tasks that it saw to be protected, by service.
    pub protected: BTreeMap<usize, BTreeSet<String>>,
    /// Tasks that it asked to protect, by service.
    pub asked: BTreeMap<usize, BTreeSet<String>>,
    /// Services that it has read.
    pub described: BTreeSet<usize>,
    /// Those of them that were in a rollback, with the failed deployment.
    pub rolling_back: BTreeSet<usize>,
    /// Of a gate: the most new tasks of each service that were ready at one of its calls.
    pub ready: BTreeMap<usize, usize>,
    /// Whether a fault struck a call that only holds need.
    pub hold_struck: bool,
    /// Whether a fault struck any other call, or the invocation itself.
    pub other_struck: bool,
}

impl Look {
    /// An invocation that begins now.
    pub fn new(kind: LookKind, begun: SystemTime) -> Self {
        Self {
            kind,
            begun,
            kill: Arc::default(),
            read: BTreeMap::new(),
            protected: BTreeMap::new(),
            asked: BTreeMap::new(),
            described: BTreeSet::new(),
            rolling_back: BTreeSet::new(),
            ready: BTreeMap::new(),
            hold_struck: false,
            other_struck: false,
        }
    }

    /// When it read a task's protection; its begin, if it has not.
    pub fn read_at(&self, task: &str) -> SystemTime {
        self.read.get(task).copied().unwrap_or(self.begun)
    }
}

impl Ledger {
    /// How many tasks of a service are protected by the function's hand.
    pub fn held(&self, service: usize, now: SystemTime) -> usize {
        let protections = self.protections.values();
        let held = protections.filter(|known| {
            known.service == service && known.by == Hand::Function && known.until > now
        });
        held.count()
    }
}

impl ServiceLog {
    /// The present PRIMARY deployment.
    pub fn primary(&self) -> &Primary {
        self.primaries.last().expect("a service has a deployment from its begin")
    }

    /// The deployments that were PRIMARY at some time from this one on.
    pub fn primaries_since(&self, moment: SystemTime) -> impl Iterator<Item = &Primary> {
        let next = self.primaries.iter().skip(1).map(|next| next.since);
        let until = next.map(Some).chain([None]);
        let known = self.primaries.iter().zip(until);
        known.filter(move |(_, until)| until.is_none_or(|until| until >= moment)).map(|(p, _)| p)
    }

    /// When the newest deployment of all was created.
    pub fn newest(&self) -> SystemTime {
        self.primaries.iter().map(|primary| primary.created).max().expect("a deployment")
    }

    /// The most tasks that were desired at some time from this one on, and the least.
    pub fn desired_since(&self, moment: SystemTime) -> (usize, usize) {
        let next = self.desired.iter().skip(1).map(|(since, _)| *since);
        let until = next.map(Some).chain([None]);
        let known = self.desired.iter().zip(until);
        let known = known.filter(|(_, until)| until.is_none_or(|until| until >= moment));
        let counts: Vec<usize> = known.map(|((_, desired), _)| *desired).collect();
        let most = counts.iter().max().copied().unwrap_or_default();
        (most, counts.iter().min().copied().unwrap_or_default())
    }

    /// Whether its PRIMARY deployment is an older one again.
    pub fn is_rollback(&self) -> bool {
        self.primary().created < self.newest()
    }
}
