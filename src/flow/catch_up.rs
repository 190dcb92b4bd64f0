//! What a batch does if its writes have to wait for the rates, as in a large rollout over many
//! groups: it leaves out what is made already, and makes at once what later batches would.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::time::{Duration, Instant};
use tracing::warn;

use crate::aws::rate_limits::Limits;
use crate::aws::targets::Targets;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::caught_up::CaughtUp;
use crate::core::drift::{Prune, drift};
use crate::core::failure::Code;
use crate::core::health::{Health, Healths};
use crate::core::knowledge::{Knowledge, Known};
use crate::core::plan::Ports;
use crate::core::target::{AddressPort, Write};
use crate::core::task::{Phase, Task, TaskArn};
use crate::flow::Settler;
use crate::flow::settle::{Outcomes, Writes};
use crate::flow::survey::Survey;
use crate::report::Report;
use crate::report::failed::Failed;

/// How long such a read may take, once it is due: writes wait for it.
const READ_BEFORE_WRITE: Duration = Duration::from_secs(1);

/// After so many of them that took too long, one after the other, reads are taken to hang, and no
/// more are made. A throttled one can take too long as well.
const HANGS: usize = 4;

/// How many groups are settled as a whole at a time.
const AT_A_TIME: usize = 5;

/// How long a read of what they need may take, once it is due.
const READ: Duration = Duration::from_secs(3);

/// How long after the batch, and after tags were read again, the last of them are begun with: until
/// they are settled, Lambda hears nothing of the batch, and the instance takes no other.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// How much time of the invocation must be left for them.
const OF_A_ROUND: Duration = Duration::from_secs(6);

/// How much time they have at most. Ten writes at half of the account's rate take five seconds.
const LONGEST_ROUND: Duration = Duration::from_secs(10);

/// How long writes may wait for the rates before reads are worth their while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// However long: they are not a batch's.
    Endless,
    /// Some time.
    #[default]
    Usual,
    /// Not at all, so that each batch that writes settles whole groups: for simulations.
    None,
}

impl Patience {
    const USUAL: Duration = Duration::from_secs(1);

    fn is_over(self, wait: Duration) -> bool {
        match self {
            Self::Endless => false,
            Self::Usual => wait > Self::USUAL,
            Self::None => true,
        }
    }
}

/// What an instance remembers of settling whole groups.
#[derive(Debug, Default)]
pub struct Memory {
    /// The last of them, so that the instance comes to all groups in turn.
    last: Mutex<Option<TargetGroupArn>>,
    caught_up: Mutex<CaughtUp>,
}

impl Memory {
    /// The tasks whose targets were as they should be.
    pub fn caught_up(&self) -> MutexGuard<'_, CaughtUp> {
        self.caught_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These groups, from the next one on. Another instance does the same: each begins somewhere,
    /// and finds done what the other did.
    fn order(&self, groups: BTreeSet<TargetGroupArn>) -> Vec<TargetGroupArn> {
        let mut groups: Vec<TargetGroupArn> = groups.into_iter().collect();
        let before = match &*self.last() {
            Some(last) => groups.partition_point(|group| group <= last),
            None => fastrand::usize(..=groups.len()),
        };
        groups.rotate_left(before);
        groups
    }

    fn took(&self, groups: &[TargetGroupArn]) {
        *self.last() = groups.last().cloned();
    }

    fn last(&self) -> MutexGuard<'_, Option<TargetGroupArn>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What settling whole groups after a batch goes by.
pub struct Basis<'a> {
    /// What the batch knows of its tasks.
    pub known: &'a Knowledge,
    /// Groups from which nothing may be removed.
    pub kept: BTreeSet<TargetGroupArn>,
    /// What may be removed from the others.
    pub prune: Prune,
    /// When it begins.
    pub now: SystemTime,
}

/// Whether there is time to settle some groups as a whole.
pub fn has_time_to_catch_up(limits: &Limits) -> bool {
    limits.deadline.left() >= OF_A_ROUND
}

impl Settler<'_> {
    /// The groups whose writes share rates for which the last of them would have to wait.
    pub fn delayed(
        self,
        groups: &BTreeMap<&TargetGroupArn, Writes<'_>>,
    ) -> BTreeSet<TargetGroupArn> {
        let mut calls = BTreeMap::<_, (usize, &TargetGroupArn)>::new();
        for (group, writes) in groups {
            let of_group = writes.values().map(|targets| Targets::calls(group, targets.len()));
            let of_rates = calls.entry(self.targets.rates_of(group)).or_insert((0, group));
            of_rates.0 += of_group.sum::<usize>();
        }
        calls.retain(|_, (calls, group)| {
            self.patience.is_over(self.targets.writes_wait(group, *calls, self.limits))
        });
        let is_delayed =
            |group: &&TargetGroupArn| calls.contains_key(&self.targets.rates_of(group));
        groups.keys().copied().filter(is_delayed).cloned().collect()
    }

    /// Takes those changes out of the writes to a group that a read of its targets shows as made:
    /// at that moment their write would change nothing. If the group cannot be read, takes none.
    /// `hanging` counts the reads that took too long since the last that did not.
    pub async fn take_made(
        self,
        group: &TargetGroupArn,
        writes: &mut Writes<'_>,
        hanging: &Cell<usize>,
    ) -> Outcomes {
        let mut made = Outcomes::new();
        if hanging.get() >= HANGS {
            return made;
        }
        let limits = self.limits.with_calls_of(READ_BEFORE_WRITE);
        let read = self.targets.health(group, &limits).await;
        let took_too_long = read.as_ref().is_err_and(|error| error.code == Code::DeadlineReached);
        hanging.set(if took_too_long { hanging.get() + 1 } else { 0 });
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
    /// as far as there is time, so that the messages still in the queue find their work done. What
    /// there is no time for is left to them.
    pub async fn catch_up(self, delayed: BTreeSet<TargetGroupArn>, basis: &Basis<'_>) -> Report {
        let mut report = Report::default();
        let begun = Instant::now();
        for groups in self.memory.order(delayed).chunks(AT_A_TIME) {
            if begun.elapsed() > BEGIN_WITHIN || !has_time_to_catch_up(self.limits) {
                break;
            }
            // Boxed, because it is large, and part of this future's caller.
            let limits = self.limits.at_most(LONGEST_ROUND);
            let settler = Settler { limits: &limits, ..self };
            let round = Box::pin(settler.catch_up_some(groups, basis));
            let (round, hangs) = round.await;
            report.add(round);
            self.memory.took(groups);
            if hangs {
                break;
            }
        }
        report
    }

    /// Also returns whether a read of what these groups need took too long.
    async fn catch_up_some(self, groups: &[TargetGroupArn], basis: &Basis<'_>) -> (Report, bool) {
        // What nothing explains is left to a reconcile.
        let prune = if basis.prune == Prune::Never { Prune::Never } else { Prune::Proven };
        let limits = self.limits.with_calls_of(READ);
        let bindings = self.bindings.iter().filter(|b| groups.contains(&b.target_group));
        let reading = Settler { limits: &limits, ..self };
        let survey = reading.survey(bindings.cloned().collect(), basis.kept.clone(), prune).await;
        let Survey { readable, ports, mut findings, mut report, .. } = survey;
        let took_too_long = |failed: &mut Failed| *failed.code() == Code::DeadlineReached;
        let hangs = report.failed.extract_if(.., took_too_long).count() > 0;
        if hangs {
            warn!(?groups, "left to their messages: what these groups need was not read in time");
        }
        // Reads of ECS can lag behind the events. But what it does not list may be gone: that is
        // left to the messages.
        let listed: BTreeSet<TaskArn> =
            findings.knowledge.iter().map(|k| k.task.arn.clone()).collect();
        findings.knowledge.extend(basis.known.iter().map(|of_batch| of_batch.task.clone()));
        let mut plan = drift(&readable, &ports, &findings, prune);
        plan.register.retain(|change| change.task.as_ref().is_some_and(|t| listed.contains(t)));
        let outcomes = Outcomes::new();
        self.carry_out(plan, &ports, &mut findings.knowledge, outcomes, &mut report).await;
        if !hangs {
            // A task whose look failed may have stopped before its register, and one that ECS does
            // not list may be gone.
            let failed = report.failed_tasks();
            let tasks = findings.knowledge.iter().map(|Known { task, .. }| {
                let is_known = task.phase == Phase::Leaving || listed.contains(&task.arn);
                (task, is_known && !failed.contains(&task.arn))
            });
            reading.remember(&readable, &ports, tasks, basis.now).await;
        }
        (report, hangs)
    }

    /// Remembers those of these tasks whose targets a read shows to be as they should be. Each has
    /// with it whether its state is sure.
    async fn remember(
        self,
        bindings: &[Binding],
        ports: &Ports,
        tasks: impl Iterator<Item = (&Task, bool)>,
        now: SystemTime,
    ) {
        let groups = bindings.iter().map(|binding| binding.target_group.clone()).collect();
        let read = self.healths(groups).await.into_iter();
        let mut healths = Healths::new();
        healths.extend(read.filter_map(|(group, health)| Some((group, health.ok()?))));
        self.memory.caught_up().remember(bindings, ports, tasks, &healths, now);
    }
}
