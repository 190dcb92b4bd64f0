//! Settling a plan: act, look again. Everything that writes to a target group is here.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use tracing::debug;

use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::failure::{Code, Failure};
use crate::core::knowledge::{Knowledge, Known};
use crate::core::plan::{Plan, Ports, target_of};
use crate::core::target::{AddressPort, Change, Write};
use crate::core::task::TaskArn;
use crate::flow::Settler;
use crate::flow::catch_up::Patience;
use crate::report::Report;

/// The result of each change that was tried.
pub type Outcomes = BTreeMap<(Write, Change), Result<(), Failure>>;

/// The writes to one group, registers first. Several tasks can be the reason for one.
pub type Writes<'a> = BTreeMap<Write, BTreeMap<AddressPort, Vec<&'a Change>>>;

impl Settler<'_> {
    /// Makes a plan's changes except those that have an outcome already, looks at the tasks again,
    /// and puts everything into the report. The plan was made from `knowledge`, which takes in what
    /// the look shows, and from `ports`. Returns the groups whose writes had to wait for the rates.
    pub async fn carry_out(
        self,
        plan: Plan,
        ports: &Ports,
        knowledge: &mut Knowledge,
        mut outcomes: Outcomes,
        report: &mut Report,
    ) -> BTreeSet<TargetGroupArn> {
        if self.dry_run {
            let first = [report.registered.len(), report.deregistered.len()];
            self.report_outcomes(plan, outcomes, report);
            self.name_bindings(ports, knowledge, first, report);
            return BTreeSet::new();
        }
        // Each step has a part of the time, so that writes that hang in one group leave the others
        // time for their look, and a look that hangs leaves time for what follows from another.
        let limits = self.limits.for_part(0.8);
        let acting = Settler { limits: &limits, ..self };
        let delayed = acting.act(&plan, knowledge, &mut outcomes).await;
        let limits = self.limits.for_part(0.6);
        Settler { limits: &limits, ..self }.look_again(knowledge, &mut outcomes).await;
        // Leaving is final, and so is a task's address, so all that can follow from the look is to
        // deregister, and after that there is nothing left to look for. A read that follows so soon
        // may not show the target yet.
        let plan = plan.revised(self.bindings, ports, knowledge);
        let undoing = Settler { patience: Patience::Endless, ..self };
        undoing.act(&plan, knowledge, &mut outcomes).await;
        self.report_outcomes(plan, outcomes, report);
        delayed
    }

    /// Makes the changes that were not tried yet and are not known to be made, unless this is a dry
    /// run. Returns the groups whose writes had to wait for the rates.
    pub async fn act(
        self,
        plan: &Plan,
        knowledge: &Knowledge,
        outcomes: &mut Outcomes,
    ) -> BTreeSet<TargetGroupArn> {
        if self.dry_run {
            return BTreeSet::new();
        }
        let mut groups = BTreeMap::<&TargetGroupArn, Writes>::new();
        let is_done = |task: &TaskArn| self.done.contains(task);
        for (write, change) in plan.changes() {
            let is_made = outcomes.contains_key(&(write, change.clone()));
            if !is_made && !change.task.as_ref().is_some_and(is_done) {
                let endpoint = (change.target.id, change.target.port);
                let writes = groups.entry(&change.target.group).or_default();
                writes.entry(write).or_default().entry(endpoint).or_default().push(change);
            }
        }
        let is_written = |group: &TargetGroupArn, id| {
            let of_group = groups.get(group).into_iter().flat_map(BTreeMap::values);
            of_group.into_iter().any(|of| of.range((id, 0)..=(id, u16::MAX)).next().is_some())
        };
        self.memory.caught_up().forget(is_written);
        let delayed = self.delayed(&groups);
        let hanging = Cell::new(0);
        let works = groups.into_iter().map(async |(group, mut writes)| {
            let mut outcomes = Outcomes::new();
            let is_delayed = delayed.contains(group);
            if is_delayed {
                outcomes = self.take_made(group, &mut writes, &hanging).await;
            }
            let delayed = (is_delayed && !writes.is_empty()).then(|| group.clone());
            outcomes.extend(self.act_on_group(group, writes, knowledge).await);
            (outcomes, delayed)
        });
        let (results, delayed): (Vec<_>, Vec<_>) = side_by_side(works).await.into_iter().unzip();
        outcomes.extend(results.into_iter().flatten());
        delayed.into_iter().flatten().collect()
    }

    async fn act_on_group(
        self,
        group: &TargetGroupArn,
        writes: Writes<'_>,
        knowledge: &Knowledge,
    ) -> Outcomes {
        let targets = writes.iter().map(|(write, of)| (*write, with_owners(of, knowledge)));
        let targets: Vec<_> = targets.collect();
        let results = self.targets.write(group, &targets, self.limits).await;
        let mut outcomes = Outcomes::new();
        for ((write, changes), results) in writes.into_iter().zip(results) {
            for (changes, result) in changes.into_values().zip(results) {
                for change in changes {
                    let task = change.task.as_ref().map(TaskArn::id);
                    debug!(?write, target = ?change.target, task, ?result);
                    outcomes.insert((write, change.clone()), result.clone());
                }
            }
        }
        outcomes
    }

    /// Asks ECS about what was just registered. The task may have begun to stop before its target
    /// was there, and whoever handled that found nothing to deregister; only a look after the
    /// register shows that.
    async fn look_again(self, knowledge: &mut Knowledge, outcomes: &mut Outcomes) {
        let registered: BTreeSet<TaskArn> = outcomes
            .iter()
            .filter(|((write, _), result)| *write == Write::Register && result.is_ok())
            .filter_map(|((_, change), _)| change.task.clone())
            .collect();
        let known = registered.iter().filter_map(|arn| knowledge.get(arn));
        let names = known.map(|known| (known.task.cluster.as_str(), &known.task.arn));
        let answers = self.ecs.describe_tasks(names, self.limits).await;
        for (arn, answer) in answers {
            match answer {
                Ok(Some(task)) => knowledge.learn(task),
                Ok(None) => knowledge.learn_gone_meanwhile(&arn),
                Err(error) => unconfirmed(&arn, &error, outcomes),
            }
        }
    }

    /// Puts the outcomes of a plan into the report. Without an outcome (in a dry run), reports what
    /// would be done.
    fn report_outcomes(self, plan: Plan, mut outcomes: Outcomes, report: &mut Report) {
        report.skipped.extend(plan.skipped);
        report.unowned.extend(plan.unowned.into_iter().map(Into::into));
        let register = plan.register.into_iter().map(|change| (Write::Register, change));
        let deregister = plan.deregister.into_iter().map(|change| (Write::Deregister, change));
        for change in register.chain(deregister) {
            let result = outcomes.remove(&change).unwrap_or(Ok(()));
            let (write, change) = change;
            match (result, write) {
                (Err(error), _) => self.fail(report, change, &error),
                (Ok(()), Write::Register) => report.registered.push(change.into()),
                (Ok(()), Write::Deregister) => report.deregistered.push(change.into()),
            }
        }
    }

    /// Says of the changes after the first ones where the binding stands that asks for them.
    fn name_bindings(
        self,
        ports: &Ports,
        knowledge: &Knowledge,
        [registered, deregistered]: [usize; 2],
        report: &mut Report,
    ) {
        if !self.names_bindings {
            return;
        }
        let registered = report.registered.iter_mut().skip(registered);
        for entry in registered.chain(report.deregistered.iter_mut().skip(deregistered)) {
            let known = entry.task_arn.as_ref().and_then(|task| knowledge.get(task));
            let Some(Known { task, .. }) = known else { continue };
            let asks = |binding: &&Binding| {
                let target = target_of(binding, ports, task);
                let port = target.filter(|t| t.group == entry.target_group_arn).map(|t| t.port);
                binding.covers(task) && port.is_some() && port == entry.port
            };
            entry.binding = self.bindings.iter().find(asks).map(Binding::source);
        }
    }
}

/// The targets, each with the number of its owner (a service or family): what is wrong with one
/// target is likely to be wrong with all of its owner's.
fn with_owners(
    changes: &BTreeMap<AddressPort, Vec<&Change>>,
    knowledge: &Knowledge,
) -> Vec<(AddressPort, usize)> {
    let mut numbers = BTreeMap::<Option<(&str, &str)>, usize>::new();
    let mut number = |changes: &[&Change]| {
        let known = changes.iter().find_map(|change| knowledge.get(change.task.as_ref()?));
        let owner = known.map(|known| (known.task.cluster.as_str(), known.task.group.as_str()));
        let next = numbers.len();
        *numbers.entry(owner).or_insert(next)
    };
    changes.iter().map(|(endpoint, changes)| (*endpoint, number(changes))).collect()
}

/// Why a registered target whose task could not be looked at again has to be retried.
fn unconfirmed(arn: &TaskArn, error: &Failure, outcomes: &mut Outcomes) {
    let message = format!("registered, but whether the task still runs is not known: {error}");
    let error = Failure::new("RegisterTargets", Code::Unconfirmed, message);
    for ((write, change), result) in outcomes {
        if *write == Write::Register && change.task.as_ref() == Some(arn) && result.is_ok() {
            *result = Err(error.clone());
        }
    }
}
