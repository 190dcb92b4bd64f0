//! A reconcile of all bindings, however many: those of `BINDINGS` at once, those of tags in slices,
//! so that ELB's rates are left to others.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use tracing::warn;

use crate::core::binding::{Binding, Source, TargetGroupArn};
use crate::core::drift::Prune;
use crate::core::slices::{of_minute, slices};
use crate::flow::Settler;
use crate::flow::discovery::{Discovery, News, Snapshot};
use crate::flow::reconcile::InStep;
use crate::report::Report;
use crate::report::failed::{Failed, FailedTags};

/// How many groups that tags bind a reconcile of all takes at a time. It begins with as many only
/// if there is time for them.
const AT_A_TIME: usize = 20;

/// How long a reconcile needs for a group at least: a read of its targets at ELB's 10 calls a
/// second, for which there is a third of the time.
const OF_A_GROUP: Duration = Duration::from_millis(330);

/// How many of the target groups that tags bind a reconcile takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The slice of this minute.
    Slice,
    /// All, until the time is up.
    All,
}

impl Settler<'_> {
    /// Reconciles the bindings of a snapshot that was just read. Malformed tags fail, and so does
    /// the whole if not all tags could be read: then nothing is removed anywhere.
    pub async fn reconcile_all(
        self,
        discovery: &Discovery,
        snapshot: &Snapshot,
        reach: Reach,
        prune: Prune,
        now: SystemTime,
    ) -> (Report, InStep) {
        let news = discovery.news();
        let (mut report, mut in_step) = (self.spoilt(snapshot), InStep::new());
        let kept = snapshot.kept();
        let rounds = rounds(snapshot, &news.new, reach, now);
        let work = async |bindings| {
            // Boxed, because it is large, and part of this future's caller and the caller's caller.
            let round = Box::pin(self.reconcile(bindings, kept.clone(), prune, now));
            let (round, contained) = round.await;
            report.add(round);
            in_step.extend(contained);
        };
        let (reached, left) = self.in_rounds(rounds, snapshot, work).await;
        report.left = left;
        if !report.left.is_empty() {
            warn!(left = report.left.len(), "target groups left for want of time");
        }
        if !self.names_bindings {
            self.mourn(&news.gone).await;
            discovery.forget_news(&News { new: reached, gone: news.gone });
        }
        (report, in_step)
    }

    /// Works on the bindings of all groups, in rounds and as long as there is time.
    /// Returns the groups that were reached, and those that were not.
    pub async fn in_rounds(
        self,
        rounds: Vec<BTreeSet<TargetGroupArn>>,
        snapshot: &Snapshot,
        mut work: impl AsyncFnMut(Vec<Binding>),
    ) -> (BTreeSet<TargetGroupArn>, Vec<TargetGroupArn>) {
        let (mut reached, mut left) = (BTreeSet::new(), Vec::new());
        let mut longest = Duration::ZERO;
        for groups in rounds {
            let needed = OF_A_GROUP.saturating_mul(groups.len() as u32);
            let needed = needed.max(longest.mul_f64(1.5));
            if !reached.is_empty() && needed > self.limits.deadline.left() {
                left.extend(groups);
                continue;
            }
            let begin = Instant::now();
            let bound = |binding: &&Binding| groups.contains(&binding.target_group);
            work(snapshot.bindings.iter().filter(bound).cloned().collect()).await;
            reached.extend(groups);
            longest = longest.max(begin.elapsed());
        }
        (reached, left)
    }

    fn spoilt(self, snapshot: &Snapshot) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        for (group, mistake) in &snapshot.mistakes {
            report.fail(group.clone(), mistake);
        }
        if let Some(gap) = &snapshot.gap {
            report.failed.push(Failed::Tags(FailedTags::new(None, &gap.failure)));
        }
        report
    }

    /// Says of groups whose tag is gone how many targets stay there, for nobody looks after these
    /// any more.
    async fn mourn(self, groups: &BTreeSet<TargetGroupArn>) {
        for (group, health) in self.healths(groups.clone()).await {
            let left = match health {
                Ok(health) => health.values().filter(|health| health.is_present()).count(),
                Err(error) if self.is_gone(&group, &error) => continue,
                Err(error) => {
                    warn!(target_group = group.name(), %error, "tag is gone, targets unknown");
                    continue;
                }
            };
            warn!(target_group = group.name(), left, "tag is gone: its targets are left alone");
        }
    }
}

/// The groups of each round: in the first those of `BINDINGS`, and a slice of the others.
pub fn rounds(
    snapshot: &Snapshot,
    new: &BTreeSet<TargetGroupArn>,
    reach: Reach,
    now: SystemTime,
) -> Vec<BTreeSet<TargetGroupArn>> {
    let groups = |of_tags: bool| {
        let of = snapshot.bindings.iter().filter(move |b| (b.source == Source::Tag) == of_tags);
        of.map(|binding| binding.target_group.clone()).collect::<BTreeSet<_>>()
    };
    let own = groups(false);
    let tagged: BTreeSet<TargetGroupArn> = groups(true).difference(&own).cloned().collect();
    let slices = match reach {
        Reach::Slice => vec![of_minute(&tagged, new, minute(now))],
        Reach::All => slices(&tagged, AT_A_TIME).into_iter().map(BTreeSet::from_iter).collect(),
    };
    let mut rounds = slices;
    match rounds.first_mut() {
        Some(first) => first.extend(own),
        None => rounds.push(own),
    }
    rounds
}

fn minute(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60
}
