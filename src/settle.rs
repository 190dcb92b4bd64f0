//! Settling tasks: know, act, look again. Everything that writes to a target group is here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt};
use tracing::debug;

use crate::binding::{Binding, TargetGroupArn};
use crate::call::CallError;
use crate::deadline::Deadline;
use crate::ecs::Ecs;
use crate::event::Sighting;
use crate::knowledge::{Knowledge, Known};
use crate::plan::{self, Change, Plan, Ports, Reason, Skipped, plan};
use crate::report::{Entry, Report};
use crate::targets::{Endpoint, Targets, Write};
use crate::task::TaskArn;

/// Target groups worked on at the same time; all callers of an account share 10 ELB calls a
/// second (ELB docs, "Request throttling for the ELB API").
const CONCURRENT: usize = 4;

/// What came of each change that was tried.
type Outcomes = BTreeMap<(Write, Change), Result<(), CallError>>;

/// The writes to one group, registers first. Several tasks can be the reason for one.
type Writes<'a> = BTreeMap<Write, BTreeMap<Endpoint, Vec<&'a Change>>>;

/// One invocation's settling.
#[derive(Clone, Copy)]
pub struct Settle<'a> {
    /// Which tasks belong to which target group.
    pub bindings: &'a [Binding],
    /// Where tasks are asked for.
    pub ecs: &'a Ecs,
    /// Where targets are changed.
    pub targets: &'a Targets,
    /// When to stop.
    pub deadline: Deadline,
    /// Whether to decide and report only.
    pub dry_run: bool,
}

impl Settle<'_> {
    /// Settles the tasks that these events report. `now` tells fresh news from old.
    pub async fn events(
        self,
        sightings: impl IntoIterator<Item = Sighting>,
        now: SystemTime,
    ) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        let mut knowledge = Knowledge::fold(sightings);
        for known in knowledge.split_off_unbound(self.bindings) {
            report.skipped.push(Skipped { task: known.task.arn, reason: Reason::NoBinding });
        }
        self.ask_about_doubtful(&mut knowledge, now, &mut report).await;
        let ports = self.own_ports(&knowledge).await;
        let known_ports = known_ports(&ports);

        let first = plan(self.bindings, &known_ports, &knowledge);
        let mut outcomes = Outcomes::new();
        if !self.dry_run {
            self.act(&first, &mut outcomes).await;
            self.look_again(&mut knowledge, &mut outcomes).await;
        }
        // Leaving is final, so all that can follow from the look is to deregister, and after that
        // there is nothing left to look for.
        let last = plan(self.bindings, &known_ports, &knowledge);
        if !self.dry_run {
            self.act(&last, &mut outcomes).await;
        }
        self.tell(last, &ports, outcomes, &mut report);
        report
    }

    /// Asks ECS about the tasks whose event is not enough. A task about which no answer comes is
    /// not acted on, but fails.
    async fn ask_about_doubtful(
        &self,
        knowledge: &mut Knowledge,
        now: SystemTime,
        report: &mut Report,
    ) {
        let doubtful: Vec<&Known> = knowledge.iter().filter(|k| k.is_doubtful(now)).collect();
        let names = doubtful.iter().map(|known| (known.task.cluster.as_str(), &known.task.arn));
        let answers = self.ecs.describe_tasks(names, self.deadline).await;
        for (arn, answer) in answers {
            match answer {
                Ok(Some(task)) => knowledge.learn(task),
                Ok(None) => knowledge.learn_gone(&arn),
                Err(error) => {
                    let Some(known) = knowledge.remove(&arn) else { continue };
                    for binding in self.bindings.iter().filter(|b| b.covers(&known.task)) {
                        report.fail(undecided(&known, binding), &error);
                    }
                }
            }
        }
    }

    /// The ports of the target groups whose bindings leave the port to them.
    async fn own_ports(
        &self,
        knowledge: &Knowledge,
    ) -> BTreeMap<TargetGroupArn, Result<u16, CallError>> {
        let groups = plan::groups_to_ask_for_their_port(self.bindings, knowledge);
        let ports = stream::iter(groups).map(async |group| {
            let port = self.targets.own_port(&group, self.deadline).await;
            (group, port)
        });
        ports.buffer_unordered(CONCURRENT).collect().await
    }

    /// Makes the changes that were not tried yet.
    async fn act(&self, plan: &Plan, outcomes: &mut Outcomes) {
        let mut groups = BTreeMap::<&TargetGroupArn, Writes>::new();
        let register = plan.register.iter().map(|change| (Write::Register, change));
        let deregister = plan.deregister.iter().map(|change| (Write::Deregister, change));
        for (write, change) in register.chain(deregister) {
            if !outcomes.contains_key(&(write, change.clone())) {
                let endpoint = (change.target.id, change.target.port);
                let writes = groups.entry(&change.target.group).or_default();
                writes.entry(write).or_default().entry(endpoint).or_default().push(change);
            }
        }
        let done = stream::iter(groups)
            .map(|(group, writes)| self.act_on_group(group, writes))
            .buffer_unordered(CONCURRENT)
            .flat_map(stream::iter);
        outcomes.extend(done.collect::<Vec<_>>().await);
    }

    async fn act_on_group(&self, group: &TargetGroupArn, writes: Writes<'_>) -> Outcomes {
        let mut outcomes = Outcomes::new();
        for (write, changes) in writes {
            let endpoints: Vec<Endpoint> = changes.keys().copied().collect();
            let results = self.targets.write(write, group, &endpoints, self.deadline).await;
            for (changes, result) in changes.into_values().zip(results) {
                for change in changes {
                    debug!(?write, target = ?change.target, task = change.task.id(), ?result);
                    outcomes.insert((write, change.clone()), result.clone());
                }
            }
        }
        outcomes
    }

    /// Asks ECS about what was just registered. The task may have begun to stop before its target
    /// was there, and whoever handled that found nothing to deregister; only a look after the
    /// register can tell.
    async fn look_again(&self, knowledge: &mut Knowledge, outcomes: &mut Outcomes) {
        let registered: BTreeSet<TaskArn> = outcomes
            .iter()
            .filter(|((write, _), result)| *write == Write::Register && result.is_ok())
            .map(|((_, change), _)| change.task.clone())
            .collect();
        let known = registered.iter().filter_map(|arn| knowledge.get(arn));
        let names = known.map(|known| (known.task.cluster.as_str(), &known.task.arn));
        let answers = self.ecs.describe_tasks(names, self.deadline).await;
        for (arn, answer) in answers {
            match answer {
                Ok(Some(task)) => knowledge.learn(task),
                Ok(None) => knowledge.learn_gone_meanwhile(&arn),
                Err(error) => unconfirmed(&arn, &error, outcomes),
            }
        }
    }

    /// Puts what came of the last plan into the report.
    fn tell(
        &self,
        plan: Plan,
        ports: &BTreeMap<TargetGroupArn, Result<u16, CallError>>,
        mut outcomes: Outcomes,
        report: &mut Report,
    ) {
        report.skipped.extend(plan.skipped);
        for portless in plan.portless {
            if let Some(Err(error)) = ports.get(&portless.group) {
                report.fail(portless.into(), error);
            }
        }
        let register = plan.register.into_iter().map(|change| (Write::Register, change));
        let deregister = plan.deregister.into_iter().map(|change| (Write::Deregister, change));
        for change in register.chain(deregister) {
            // A dry run has no outcomes: it tells what would be done.
            let result = outcomes.remove(&change).unwrap_or(Ok(()));
            let (write, change) = change;
            match (result, write) {
                (Err(error), _) => report.fail(change.into(), &error),
                (Ok(()), Write::Register) => report.registered.push(change.into()),
                (Ok(()), Write::Deregister) => report.deregistered.push(change.into()),
            }
        }
    }
}

/// Why a registered target whose task could not be looked at again has to be retried.
fn unconfirmed(arn: &TaskArn, error: &CallError, outcomes: &mut Outcomes) {
    let message = format!("registered, but whether the task still runs is not known: {error}");
    let error = CallError::new("Unconfirmed", message);
    for ((write, change), result) in outcomes {
        if *write == Write::Register && change.task == *arn && result.is_ok() {
            *result = Err(error.clone());
        }
    }
}

fn undecided(known: &Known, binding: &Binding) -> Entry {
    Entry {
        task_arn: Some(known.task.arn.clone()),
        target_group_arn: binding.target_group.clone(),
        id: known.task.address,
        port: binding.port,
    }
}

fn known_ports(ports: &BTreeMap<TargetGroupArn, Result<u16, CallError>>) -> Ports {
    let known =
        ports.iter().filter_map(|(group, port)| Some((group.clone(), *port.as_ref().ok()?)));
    known.collect()
}
