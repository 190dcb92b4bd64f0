//! The wide net: makes the target groups contain the serving tasks, whatever events were lost.
//!
//! Targets are read **before** tasks. A target that is added between the two reads, by an event
//! handled at the same time, is then not seen at all; the other way round no task would explain it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::aws::ecs::{Desired, TasksOfOwner};
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, Cluster, Owner, TargetGroupArn};
use crate::core::drift::{Findings, Prune, drift, in_step, unexplained};
use crate::core::failure::Failure;
use crate::core::health::Healths;
use crate::core::plan::Ports;
use crate::core::target::{AddressPort, Target};
use crate::flow::Settler;
use crate::flow::ports::known_ports;
use crate::flow::rollout::Seen;
use crate::flow::settle::Outcomes;
use crate::report::Report;
use crate::report::entry::Entry;

/// How many targets of serving tasks each group contains.
pub type InStep = BTreeMap<TargetGroupArn, usize>;

/// Whose tasks are read: once for all bindings that name them.
pub type Owners<'a> = Vec<(&'a Cluster, &'a Owner)>;

/// The result of reading their tasks.
type Tasks<'a> = Vec<((&'a Cluster, &'a Owner), TasksOfOwner)>;

/// A reconcile in progress: what was found, and which bindings failed.
struct Survey<'a> {
    settle: Settler<'a>,
    /// The target groups that it is about.
    surveyed: BTreeSet<TargetGroupArn>,
    /// The bindings whose port and targets are known.
    readable: Vec<Binding>,
    ports: Ports,
    findings: Findings,
    healths: Healths,
    /// Groups that ELB does not know, and that only tags bind.
    gone: BTreeSet<TargetGroupArn>,
    report: Report,
}

impl Settler<'_> {
    /// Reconciles these bindings, which are all of their target groups; nothing is removed from
    /// the groups in `kept`. A binding fails if something about it cannot be read: then nothing
    /// is removed from its target group, but tasks that could be read are registered. Other
    /// bindings are not affected. Also returns how many targets of serving tasks each group already
    /// contained.
    pub async fn reconcile(
        self,
        bindings: Vec<Binding>,
        kept: BTreeSet<TargetGroupArn>,
        prune: Prune,
        now: SystemTime,
    ) -> (Report, InStep) {
        let mut survey = Survey {
            settle: self,
            surveyed: bindings.iter().map(|binding| binding.target_group.clone()).collect(),
            readable: bindings,
            ports: Ports::new(),
            findings: Findings { incomplete: kept, ..Findings::default() },
            healths: Healths::new(),
            gone: BTreeSet::new(),
            report: Report { dry_run: self.dry_run, ..Report::default() },
        };
        // Each read has a share of the time, so that one that hangs leaves time for the others: a
        // third for ports and targets, which do not wait for one another; of the rest a third each
        // for running tasks, stopped tasks, and the writes.
        let stage = self.limits.for_part(1.0 / 3.0);
        survey.settle.limits = &stage;
        survey.read_ports_and_targets().await;
        let stage = self.limits.for_part(1.0 / 3.0);
        survey.settle.limits = &stage;
        survey.read_running_tasks().await;
        let stage = self.limits.for_part(0.5);
        survey.settle.limits = &stage;
        if prune != Prune::Never {
            survey.read_stopped_tasks().await;
        }
        let Survey { readable, ports, findings, healths, gone, surveyed, mut report, .. } = survey;
        let in_step = in_step(&readable, &ports, &findings);
        let plan = drift(&readable, &ports, &findings, prune);
        let tasks = findings.knowledge.iter().filter(|_| self.hold.is_some());
        let tasks = tasks.map(|known| known.task.clone()).collect();
        let seen = Seen { tasks, ports: ports.clone(), healths, gone, failures: Vec::new() };
        let outcomes = Outcomes::new();
        // Neither waits for the other: a hold keeps no target from being registered.
        let ((), holds) = tokio::join!(
            self.carry_out(plan, &ports, findings.knowledge, outcomes, &mut report),
            self.holds(seen, &surveyed, now),
        );
        report.add_holds(holds);
        (report, in_step)
    }
}

impl Survey<'_> {
    async fn read_ports_and_targets(&mut self) {
        let Settler { limits, .. } = self.settle;
        let portless = self.readable.iter().filter(|binding| binding.port.is_none());
        let portless: BTreeSet<TargetGroupArn> =
            portless.map(|binding| binding.target_group.clone()).collect();
        let groups: BTreeSet<TargetGroupArn> =
            self.readable.iter().map(|binding| binding.target_group.clone()).collect();
        let (ports, targets) =
            tokio::join!(self.settle.own_ports(portless, limits), self.settle.healths(groups));
        self.ports = known_ports(&ports);
        self.drop_broken(|binding| match (binding.port, ports.get(&binding.target_group)) {
            (None, Some(Err(error))) => Some(error.clone()),
            _ => None,
        });
        self.drop_broken(|binding| targets.get(&binding.target_group)?.as_ref().err().cloned());
        let bound: BTreeSet<&TargetGroupArn> =
            self.readable.iter().map(|binding| &binding.target_group).collect();
        let read = targets.into_iter().filter(|(group, _)| bound.contains(group));
        self.healths = read.filter_map(|(group, health)| Some((group, health.ok()?))).collect();
        let present = self.healths.iter().map(|(group, targets)| {
            let present = targets.iter().filter(|(_, health)| health.is_present());
            let target =
                |(&(id, port), _): (&AddressPort, _)| Target { group: group.clone(), id, port };
            (group.clone(), present.map(target).collect())
        });
        self.findings.present = present.collect();
    }

    async fn read_running_tasks(&mut self) {
        let readable = self.readable.clone();
        let tasks = self.tasks_of(owners(readable.iter()), Desired::Running).await;
        self.learn(tasks);
    }

    /// Stopped tasks prove whose target it was. They are read only if a target that could be
    /// removed is unexplained.
    async fn read_stopped_tasks(&mut self) {
        let unexplained = unexplained(&self.readable, &self.ports, &self.findings);
        let groups: BTreeSet<&TargetGroupArn> = unexplained.iter().map(|t| &t.group).collect();
        let readable = self.readable.clone();
        let concerned = readable.iter().filter(|binding| groups.contains(&&binding.target_group));
        let tasks = self.tasks_of(owners(concerned), Desired::Stopped).await;
        self.learn(tasks);
    }

    async fn tasks_of<'b>(&self, owners: Owners<'b>, desired: Desired) -> Tasks<'b> {
        let tasks = owners.into_iter().map(async |(cluster, owner)| {
            let Settler { ecs, limits, .. } = self.settle;
            ((cluster, owner), ecs.tasks_of(cluster, owner, desired, limits).await)
        });
        side_by_side(tasks).await
    }

    /// Takes in what was read. If tasks are missing, targets are still registered but not removed.
    fn learn(&mut self, tasks: Tasks<'_>) {
        for binding in &self.readable {
            let read =
                tasks.iter().find(|((cluster, owner), _)| is_read_by(binding, cluster, owner));
            let Some(((cluster, owner), found)) = read else { continue };
            if found.has_gap {
                self.findings.incomplete.insert(binding.target_group.clone());
            }
            if let Some(failure) = &found.error {
                let message = format!("{} ({owner} in cluster {cluster})", failure.message);
                let failure = Failure { message, ..failure.clone() };
                let entry = self.without_target(binding);
                self.report.fail(entry, &failure);
            }
        }
        self.findings.knowledge.extend(tasks.into_iter().flat_map(|(_, found)| found.tasks));
        self.findings.knowledge.split_off_unbound(self.settle.bindings);
    }

    /// Fails the bindings for which `problem` returns a failure, and marks their groups as
    /// incomplete.
    fn drop_broken(&mut self, problem: impl Fn(&Binding) -> Option<Failure>) {
        for binding in std::mem::take(&mut self.readable) {
            let Some(error) = problem(&binding) else {
                self.readable.push(binding);
                continue;
            };
            if self.settle.is_gone(&binding.target_group, &error) {
                self.gone.insert(binding.target_group.clone());
                self.report.skip_gone(binding.target_group.into());
                continue;
            }
            self.findings.incomplete.insert(binding.target_group.clone());
            let entry = self.without_target(&binding);
            self.report.fail(entry, &error);
        }
    }

    fn without_target(&self, binding: &Binding) -> Entry {
        let source = self.settle.names_bindings.then(|| binding.source());
        Entry { port: binding.port, binding: source, ..binding.target_group.clone().into() }
    }
}

/// The services and families of these bindings, each once.
pub fn owners<'b>(bindings: impl Iterator<Item = &'b Binding>) -> Owners<'b> {
    let mut owners = Owners::new();
    for binding in bindings {
        if !owners.iter().any(|(cluster, owner)| is_read_by(binding, cluster, owner)) {
            owners.push((&binding.cluster, &binding.owner));
        }
    }
    owners
}

fn is_read_by(binding: &Binding, cluster: &Cluster, owner: &Owner) -> bool {
    binding.owner == *owner && binding.cluster.is_same(cluster)
}
