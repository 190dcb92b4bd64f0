//! What a reconcile reads before it decides.
//!
//! Targets are read **before** tasks. A target that is added between the two reads, by an event
//! handled at the same time, is then not seen at all; the other way round no task would explain it.

use std::collections::BTreeSet;

use crate::aws::ecs::{Desired, TasksOfOwner};
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, Cluster, Owner, TargetGroupArn};
use crate::core::drift::{Findings, Prune, unexplained};
use crate::core::failure::Failure;
use crate::core::health::Healths;
use crate::core::plan::Ports;
use crate::core::target::{AddressPort, Target};
use crate::flow::Settler;
use crate::flow::ports::known_ports;
use crate::report::Report;
use crate::report::entry::Entry;

/// Whose tasks are read: once for all bindings that name them.
pub type Owners<'a> = Vec<(&'a Cluster, &'a Owner)>;

/// The result of reading their tasks.
type Tasks<'a> = Vec<((&'a Cluster, &'a Owner), TasksOfOwner)>;

/// What was read of target groups and of the tasks that bindings put there.
pub struct Survey {
    /// The bindings whose port and targets are known.
    pub readable: Vec<Binding>,
    /// The ports of groups whose bindings name none.
    pub ports: Ports,
    /// Targets and tasks.
    pub findings: Findings,
    /// The health of the targets, draining ones among them.
    pub healths: Healths,
    /// Groups that ELB does not know, and that only tags bind.
    pub gone: BTreeSet<TargetGroupArn>,
    /// What failed, and groups that were skipped.
    pub report: Report,
}

impl Settler<'_> {
    /// Reads what a reconcile of these bindings needs, which are all of their target groups. It
    /// takes two thirds of the time at most. From the groups in `kept` nothing may be removed, nor
    /// from those of which something could not be read.
    pub async fn survey(
        self,
        bindings: Vec<Binding>,
        kept: BTreeSet<TargetGroupArn>,
        prune: Prune,
    ) -> Survey {
        let mut survey = Survey {
            readable: bindings,
            ports: Ports::new(),
            findings: Findings { incomplete: kept, ..Findings::default() },
            healths: Healths::new(),
            gone: BTreeSet::new(),
            report: Report { dry_run: self.dry_run, ..Report::default() },
        };
        // Each read has a share of the time, so that one that hangs leaves time for the others: a
        // third for ports and targets, which do not wait for one another; of the rest a third each
        // for running tasks, stopped tasks, and what follows from them.
        let stage = self.limits.for_part(1.0 / 3.0);
        survey.read_ports_and_targets(Settler { limits: &stage, ..self }).await;
        let stage = self.limits.for_part(1.0 / 3.0);
        survey.read_running_tasks(Settler { limits: &stage, ..self }).await;
        let stage = self.limits.for_part(0.5);
        if prune != Prune::Never {
            survey.read_stopped_tasks(Settler { limits: &stage, ..self }).await;
        }
        survey
    }
}

impl Survey {
    async fn read_ports_and_targets(&mut self, settle: Settler<'_>) {
        let portless = self.readable.iter().filter(|binding| binding.port.is_none());
        let portless: BTreeSet<TargetGroupArn> =
            portless.map(|binding| binding.target_group.clone()).collect();
        let groups: BTreeSet<TargetGroupArn> =
            self.readable.iter().map(|binding| binding.target_group.clone()).collect();
        let (ports, targets) =
            tokio::join!(settle.own_ports(portless, settle.limits), settle.healths(groups));
        self.ports = known_ports(&ports);
        self.drop_broken(settle, |binding| {
            match (binding.port, ports.get(&binding.target_group)) {
                (None, Some(Err(error))) => Some(error.clone()),
                _ => None,
            }
        });
        self.drop_broken(settle, |binding| {
            targets.get(&binding.target_group)?.as_ref().err().cloned()
        });
        let bound: BTreeSet<&TargetGroupArn> =
            self.readable.iter().map(|binding| &binding.target_group).collect();
        let read = targets.into_iter().filter(|(group, _)| bound.contains(group));
        self.healths.extend(read.filter_map(|(group, health)| Some((group, health.ok()?))));
        let present = self.healths.iter().map(|(group, targets)| {
            let present = targets.iter().filter(|(_, health)| health.is_present());
            let target =
                |(&(id, port), _): (&AddressPort, _)| Target { group: group.clone(), id, port };
            (group.clone(), present.map(target).collect())
        });
        self.findings.present.extend(present);
    }

    async fn read_running_tasks(&mut self, settle: Settler<'_>) {
        let readable = self.readable.clone();
        let tasks = tasks_of(settle, owners(readable.iter()), Desired::Running).await;
        self.learn(settle, tasks);
    }

    /// Stopped tasks prove whose target it was. They are read only if a target that could be
    /// removed is unexplained.
    async fn read_stopped_tasks(&mut self, settle: Settler<'_>) {
        let unexplained = unexplained(&self.readable, &self.ports, &self.findings);
        let groups: BTreeSet<&TargetGroupArn> = unexplained.iter().map(|t| &t.group).collect();
        let readable = self.readable.clone();
        let concerned = readable.iter().filter(|binding| groups.contains(&&binding.target_group));
        let tasks = tasks_of(settle, owners(concerned), Desired::Stopped).await;
        self.learn(settle, tasks);
    }

    /// Takes in what was read. If tasks are missing, targets are still registered but not removed.
    fn learn(&mut self, settle: Settler<'_>, tasks: Tasks<'_>) {
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
                let entry = without_target(settle, binding);
                self.report.fail(entry, &failure);
            }
        }
        self.findings.knowledge.extend(tasks.into_iter().flat_map(|(_, found)| found.tasks));
        self.findings.knowledge.split_off_unbound(settle.bindings);
    }

    /// Fails the bindings for which `problem` returns a failure, and marks their groups as
    /// incomplete.
    fn drop_broken(&mut self, settle: Settler<'_>, problem: impl Fn(&Binding) -> Option<Failure>) {
        for binding in std::mem::take(&mut self.readable) {
            let Some(error) = problem(&binding) else {
                self.readable.push(binding);
                continue;
            };
            if settle.is_gone(&binding.target_group, &error) {
                self.gone.insert(binding.target_group.clone());
                self.report.skip_gone(binding.target_group.into());
                continue;
            }
            self.findings.incomplete.insert(binding.target_group.clone());
            let entry = without_target(settle, &binding);
            self.report.fail(entry, &error);
        }
    }
}

async fn tasks_of<'b>(settle: Settler<'_>, owners: Owners<'b>, desired: Desired) -> Tasks<'b> {
    let tasks = owners.into_iter().map(async |(cluster, owner)| {
        let Settler { ecs, limits, .. } = settle;
        ((cluster, owner), ecs.tasks_of(cluster, owner, desired, limits).await)
    });
    side_by_side(tasks).await
}

fn without_target(settle: Settler<'_>, binding: &Binding) -> Entry {
    let source = settle.names_bindings.then(|| binding.source());
    Entry { port: binding.port, binding: source, ..binding.target_group.clone().into() }
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
