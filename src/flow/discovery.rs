//! Which bindings hold for an invocation: those of `BINDINGS`, and those that are read from the
//! tags of target groups.
//!
//! An instance keeps what it read of the tags. Events do with what is up to a minute old; a
//! reconcile always reads. What could not be read is never taken for "no binding".

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tracing::{debug, warn};

use crate::aws::rate_limits::Limits;
use crate::aws::tagging::{Tagged, Tagging};
use crate::core::arn::Arn;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::failure::Failure;
use crate::core::tags;

/// How old a snapshot may be for events.
const FRESH: Duration = Duration::from_secs(60);

/// How old a snapshot may be if a newer one cannot be read.
const USABLE: Duration = Duration::from_secs(15 * 60);

/// How long events wait for a newer snapshot if there is a usable one: a stopping task gets SIGTERM
/// within seconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// The bindings that hold, and what is known about them.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Those of `BINDINGS`, then those of tags that repeat none of them.
    pub bindings: Vec<Binding>,
    /// The target groups that have the tag.
    pub tagged: BTreeSet<TargetGroupArn>,
    /// Target groups with malformed entries in their tag, and each such entry.
    pub mistakes: Vec<(TargetGroupArn, Failure)>,
    /// Why bindings may be missing, if they may.
    pub gap: Option<Gap>,
}

impl Snapshot {
    /// The groups from which nothing may be removed, because bindings of theirs may be unknown.
    pub fn kept(&self) -> BTreeSet<TargetGroupArn> {
        match self.gap {
            Some(_) => self.bindings.iter().map(|b| b.target_group.clone()).collect(),
            None => self.mistakes.iter().map(|(group, _)| group.clone()).collect(),
        }
    }
}

/// Why bindings may be missing.
#[derive(Clone, Debug)]
pub struct Gap {
    /// What failed.
    pub failure: Failure,
    /// Whether nothing of any tag is known.
    pub is_blind: bool,
}

/// What changed in the tags since the last reconcile of this instance.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Target groups that have the tag now.
    pub new: BTreeSet<TargetGroupArn>,
    /// Target groups that no longer have it.
    pub gone: BTreeSet<TargetGroupArn>,
}

/// What an instance remembers of the tags.
#[derive(Debug, Default)]
struct Memory {
    /// The last snapshot without a gap, and when it was read.
    last: Option<(SystemTime, Arc<Snapshot>)>,
    news: News,
}

/// A cluster is bound by its name, and the account it is in is not known.
#[derive(Debug, thiserror::Error)]
#[error(
    "{source_of_binding}: a cluster by name is in the function's own account, which the invocation \
     does not name (its function ARN is {arn:?}): give the cluster's ARN"
)]
pub struct AccountUnknown {
    source_of_binding: String,
    arn: String,
}

/// Knows the bindings.
#[derive(Debug)]
pub struct Discovery {
    configured: RwLock<Arc<Snapshot>>,
    tagging: Option<Tagging>,
    memory: Mutex<Memory>,
}

impl Discovery {
    /// These bindings, and, with `tagging`, those of tags.
    pub fn new(configured: Vec<Binding>, tagging: Option<Tagging>) -> Self {
        let configured = Snapshot { bindings: configured, ..Snapshot::default() };
        Self { configured: RwLock::new(Arc::new(configured)), tagging, memory: Mutex::default() }
    }

    /// Takes the function's own account, where clusters are that are bound by name, from the ARN of
    /// the function, if it is not known from `BINDINGS`.
    pub fn learn_home(&self, function: &str) -> Result<(), AccountUnknown> {
        let configured = self.configured();
        let lacks = |binding: &&Binding| binding.cluster.lacks_account();
        let Some(lacking) = configured.bindings.iter().find(lacks) else { return Ok(()) };
        let arn = Arn::parse(function).ok_or_else(|| AccountUnknown {
            source_of_binding: lacking.source(),
            arn: function.to_owned(),
        })?;
        let bindings = configured.bindings.iter().cloned();
        let bindings = bindings.map(|binding| binding.at_home(arn.account)).collect();
        let at_home = Snapshot { bindings, ..Snapshot::default() };
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(at_home);
        // What was read of tags meanwhile was united with the others.
        self.memory().last = None;
        Ok(())
    }

    /// Whether bindings are read from tags.
    pub fn is_on(&self) -> bool {
        self.tagging.is_some()
    }

    /// The bindings of `BINDINGS` alone.
    pub fn configured(&self) -> Arc<Snapshot> {
        self.configured.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The bindings for events, which are no older than a minute unless they cannot be read.
    pub async fn recent(&self, now: SystemTime, limits: &Limits) -> Arc<Snapshot> {
        let Some(tagging) = &self.tagging else { return self.configured() };
        if let Some(fresh) = self.last(now, FRESH) {
            return fresh;
        }
        let Some(usable) = self.last(now, USABLE) else {
            return self.read(tagging, now, &limits.for_part(0.5)).await;
        };
        let read = self.read(tagging, now, &limits.for_part(0.25).at_most(PATIENCE)).await;
        let Some(Gap { failure, .. }) = &read.gap else { return read };
        warn!(%failure, "tags cannot be read: bindings are those of a while ago");
        usable
    }

    /// The bindings as they are now. If not all can be read, those of a while ago, and the gap.
    pub async fn anew(&self, now: SystemTime, limits: &Limits) -> Arc<Snapshot> {
        let Some(tagging) = &self.tagging else { return self.configured() };
        let read = self.read(tagging, now, limits).await;
        match (&read.gap, self.last(now, USABLE)) {
            (Some(gap), Some(usable)) => {
                let gap = Gap { is_blind: false, ..gap.clone() };
                Arc::new(Snapshot { gap: Some(gap), ..Snapshot::clone(&usable) })
            }
            _ => read,
        }
    }

    /// What changed since this was last taken.
    pub fn news(&self) -> News {
        self.memory().news.clone()
    }

    /// Forgets what a reconcile has dealt with.
    pub fn forget_news(&self, dealt_with: &News) {
        let news = &mut self.memory().news;
        news.new.retain(|group| !dealt_with.new.contains(group));
        news.gone.retain(|group| !dealt_with.gone.contains(group));
    }

    /// The last snapshot without a gap, if it is no older than this. A clock that was set back
    /// makes it older.
    fn last(&self, now: SystemTime, age: Duration) -> Option<Arc<Snapshot>> {
        let memory = self.memory();
        let (read_at, snapshot) = memory.last.as_ref()?;
        let is_recent = now.duration_since(*read_at).is_ok_and(|passed| passed <= age);
        is_recent.then(|| snapshot.clone())
    }

    async fn read(&self, tagging: &Tagging, now: SystemTime, limits: &Limits) -> Arc<Snapshot> {
        let (groups, failure) = tagging.target_groups(limits).await;
        let gap = failure.map(|failure| Gap { failure, is_blind: groups.is_empty() });
        let snapshot = Arc::new(Snapshot { gap, ..self.unite(groups) });
        debug!(tagged = snapshot.tagged.len(), gap = ?snapshot.gap, "read tags");
        if snapshot.gap.is_none() {
            self.remember(now, &snapshot);
        }
        snapshot
    }

    fn unite(&self, groups: Vec<Tagged>) -> Snapshot {
        let configured = self.configured();
        let mut snapshot = Snapshot::clone(&configured);
        let own = &configured.bindings;
        for Tagged { arn, value } in groups {
            let Ok(group) = TargetGroupArn::parse(&arn) else {
                debug!(arn, "tagged, but no target group that can be bound");
                continue;
            };
            let tag = tags::read(&value, &group);
            let others = tag.bindings.into_iter();
            let others = others.filter(|binding| !own.iter().any(|own| own.repeats(binding)));
            snapshot.bindings.extend(others);
            snapshot.mistakes.extend(tag.mistakes.into_iter().map(|m| (group.clone(), m)));
            snapshot.tagged.insert(group);
        }
        snapshot
    }

    fn remember(&self, now: SystemTime, snapshot: &Arc<Snapshot>) {
        let memory = &mut *self.memory();
        if let Some((_, last)) = &memory.last {
            let configured = self.configured();
            let bound: BTreeSet<&TargetGroupArn> =
                configured.bindings.iter().map(|binding| &binding.target_group).collect();
            let (before, after) = (&last.tagged, &snapshot.tagged);
            let gone = before.difference(after).filter(|group| !bound.contains(group));
            memory.news.gone.extend(gone.cloned());
            memory.news.new.extend(after.difference(before).cloned());
            memory.news.gone.retain(|group| !after.contains(group));
            memory.news.new.retain(|group| after.contains(group));
        }
        memory.last = Some((now, snapshot.clone()));
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
