//! What a batch does if its writes have to wait for the rates, as in a large rollout over many
//! groups: it leaves out what is made already, and makes at once what later batches would.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Duration;

use crate::core::binding::TargetGroupArn;
use crate::core::drift::{Prune, drift};
use crate::core::failure::Code;
use crate::core::health::Health;
use crate::core::knowledge::Knowledge;
use crate::core::target::{AddressPort, Change, Write};
use crate::flow::Settler;
use crate::flow::settle::{Outcomes, Writes};
use crate::flow::survey::Survey;
use crate::report::Report;

/// How long writes may wait for the rates before it is worth a read of their groups.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long such a read may take, once it is due: writes wait for it.
const READ_BEFORE_WRITE: Duration = Duration::from_secs(1);

/// How long a read of what a whole group needs may take, once it is due.
const READ: Duration = Duration::from_secs(3);

/// How many groups are settled as a whole at a time.
const AT_A_TIME: usize = 5;

/// How much time of the invocation must be left for that.
const OF_A_ROUND: Duration = Duration::from_secs(6);

/// What became of the reads of groups before writes to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// None has ended yet.
    UnderWay,
    /// At least one was answered or refused. Others may take long because they are throttled.
    ComeBack,
    /// None was, when the first took too long.
    Hang,
}

impl Settler<'_> {
    /// The groups whose writes would have to wait for the rates. Each account has rates of its own,
    /// and so has each kind of groups.
    pub fn late(self, groups: &BTreeMap<&TargetGroupArn, Writes<'_>>) -> BTreeSet<TargetGroupArn> {
        let mut counts = BTreeMap::<_, usize>::new();
        for (group, writes) in groups {
            *counts.entry((group.kind(), group.account())).or_default() += writes.len();
        }
        let is_late = |group: &&TargetGroupArn| {
            let writes = counts.get(&(group.kind(), group.account())).copied().unwrap_or_default();
            self.targets.writes_wait(group, writes, self.limits) > PATIENCE
        };
        groups.keys().copied().filter(is_late).cloned().collect()
    }

    /// Takes those changes out of the writes to a group that a read of its targets shows as made:
    /// at that moment their write would change nothing. If the group cannot be read, takes none,
    /// and so it does as long as reads of other groups hang.
    pub async fn take_made(
        self,
        group: &TargetGroupArn,
        writes: &mut Writes<'_>,
        reads: &Cell<Reads>,
    ) -> Outcomes {
        let mut made = Outcomes::new();
        if reads.get() == Reads::Hang {
            return made;
        }
        let limits = self.limits.with_calls_of(READ_BEFORE_WRITE);
        let read = self.targets.health(group, &limits).await;
        let took_too_long = read.as_ref().is_err_and(|error| error.code == Code::DeadlineReached);
        match (took_too_long, reads.get()) {
            (false, _) => reads.set(Reads::ComeBack),
            (true, Reads::UnderWay) => reads.set(Reads::Hang),
            (true, Reads::ComeBack | Reads::Hang) => {}
        }
        let Ok(targets) = read else { return made };
        let is_present = |target: &AddressPort| targets.get(target).is_some_and(Health::is_present);
        for (write, of_write) in &mut *writes {
            let is_made = |target: &AddressPort| is_present(target) == (*write == Write::Register);
            for (_, changes) in of_write.extract_if(.., |target, _| is_made(target)) {
                made.extend(changes.into_iter().map(|change| ((*write, change.clone()), Ok(()))));
            }
        }
        writes.retain(|_, of_write| !of_write.is_empty());
        made
    }

    /// Settles target groups as a whole after a batch whose writes there had to wait for the rates,
    /// as far as there is time, so that the messages still in the queue find their work done.
    ///
    /// `known` is what the batch knows of its tasks. They are not registered again: what failed of
    /// them comes back with a message.
    pub async fn catch_up(
        self,
        late: BTreeSet<TargetGroupArn>,
        known: &Knowledge,
        kept: &BTreeSet<TargetGroupArn>,
        prune: Prune,
    ) -> Report {
        let mut report = Report::default();
        // What nothing explains is left to a reconcile.
        let prune = if prune == Prune::Never { Prune::Never } else { Prune::Proven };
        // Another instance does the same: each begins elsewhere, and finds the other's groups done.
        let mut late: Vec<TargetGroupArn> = late.into_iter().collect();
        fastrand::shuffle(&mut late);
        for groups in late.chunks(AT_A_TIME) {
            if self.limits.deadline.left() < OF_A_ROUND {
                break;
            }
            // Boxed, because it is large, and part of this future's caller.
            let round = Box::pin(self.catch_up_some(groups, known, kept, prune)).await;
            let hangs = round.failed.iter().any(|failed| *failed.code() == Code::DeadlineReached);
            report.add(round);
            if hangs {
                break;
            }
        }
        report
    }

    async fn catch_up_some(
        self,
        groups: &[TargetGroupArn],
        known: &Knowledge,
        kept: &BTreeSet<TargetGroupArn>,
        prune: Prune,
    ) -> Report {
        let limits = self.limits.with_calls_of(READ);
        let bindings = self.bindings.iter().filter(|b| groups.contains(&b.target_group));
        let survey = Settler { limits: &limits, ..self };
        let survey = survey.survey(bindings.cloned().collect(), kept.clone(), prune).await;
        let Survey { readable, ports, mut findings, mut report, .. } = survey;
        // Reads of ECS can lag behind the events.
        findings.knowledge.extend(known.iter().map(|known| known.task.clone()));
        let mut plan = drift(&readable, &ports, &findings, prune);
        let is_of_batch =
            |change: &Change| change.task.as_ref().is_some_and(|task| known.get(task).is_some());
        plan.register.retain(|change| !is_of_batch(change));
        let outcomes = Outcomes::new();
        self.carry_out(plan, &ports, &mut findings.knowledge, outcomes, &mut report).await;
        report
    }
}
