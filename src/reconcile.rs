//! The wide net: makes the target groups hold what serves, whatever events were lost.
//!
//! Targets are read **before** tasks. A target that is added between the two reads, by an event
//! handled at the same time, is then not seen at all; the other way round it would look like
//! nobody's.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};

use crate::binding::{Binding, Cluster, Owner, TargetGroupArn};
use crate::call::CallError;
use crate::drift::{Findings, Prune, drift, in_step, unexplained};
use crate::ecs::Desired;
use crate::plan::{Ports, Target};
use crate::report::{Entry, Report};
use crate::settle::{CONCURRENT, Settle, known_ports};
use crate::task::Task;

/// Whose tasks are read: once for all bindings that name them.
type Owners<'a> = Vec<(&'a Cluster, &'a Owner)>;

/// What came of reading an owner's tasks: those that could be read, and whether that is all.
type Tasks<'a> = Vec<((&'a Cluster, &'a Owner), (Vec<Task>, Result<(), CallError>))>;

/// A reconcile under way: what was found, and which bindings broke.
struct Survey<'a> {
    settle: Settle<'a>,
    /// The bindings whose port and targets are known.
    sound: Vec<Binding>,
    ports: Ports,
    findings: Findings,
    report: Report,
}

impl Settle<'_> {
    /// Reconciles all bindings. A binding of which something cannot be read fails, and nothing is
    /// removed from its target group; the others are done, and what could be read is registered.
    /// Tells beside the report how many targets of each group were right already.
    pub async fn reconcile(self, prune: Prune) -> (Report, BTreeMap<TargetGroupArn, usize>) {
        let mut survey = Survey {
            settle: self,
            sound: self.bindings.to_vec(),
            ports: Ports::new(),
            findings: Findings::default(),
            report: Report { dry_run: self.dry_run, ..Report::default() },
        };
        // The reads have two thirds of the time at most, one for each stage.
        let stage = self.limits.for_part(0.33);
        survey.settle.limits = &stage;
        survey.read_ports().await;
        survey.read_targets().await;
        let stage = self.limits.for_part(0.5);
        survey.settle.limits = &stage;
        survey.read_running_tasks().await;
        if prune != Prune::Never {
            survey.read_stopped_tasks().await;
        }
        let Survey { sound, ports, findings, mut report, .. } = survey;
        let in_step = in_step(&sound, &ports, &findings);
        let plan = drift(&sound, &ports, &findings, prune);
        self.carry_out(plan, findings.knowledge, &mut report).await;
        (report, in_step)
    }
}

impl Survey<'_> {
    async fn read_ports(&mut self) {
        let portless = self.sound.iter().filter(|binding| binding.port.is_none());
        let groups: BTreeSet<TargetGroupArn> = portless.map(|b| b.target_group.clone()).collect();
        let ports = self.settle.own_ports(groups).await;
        self.ports = known_ports(&ports);
        self.drop_broken(|binding| match (binding.port, ports.get(&binding.target_group)) {
            (None, Some(Err(error))) => Some(error.clone()),
            _ => None,
        });
    }

    async fn read_targets(&mut self) {
        let groups: BTreeSet<TargetGroupArn> =
            self.sound.iter().map(|binding| binding.target_group.clone()).collect();
        let targets = stream::iter(groups).map(async |group| {
            let endpoints = self.settle.targets.present(&group, self.settle.limits).await;
            let target = |(id, port)| Target { group: group.clone(), id, port };
            let targets = endpoints.map(|endpoints| endpoints.into_iter().map(target).collect());
            (group, targets)
        });
        let targets: BTreeMap<_, Result<BTreeSet<Target>, _>> =
            targets.buffer_unordered(CONCURRENT).collect().await;
        self.drop_broken(|binding| targets.get(&binding.target_group)?.as_ref().err().cloned());
        for (group, targets) in targets {
            if let Ok(targets) = targets {
                self.findings.present.insert(group, targets);
            }
        }
    }

    async fn read_running_tasks(&mut self) {
        let sound = self.sound.clone();
        let tasks = self.tasks_of(owners(sound.iter()), Desired::Running).await;
        self.learn(tasks);
    }

    /// Stopped tasks prove whose a target was. They are only read where a target that could be
    /// removed wants explaining.
    async fn read_stopped_tasks(&mut self) {
        let unexplained = unexplained(&self.sound, &self.ports, &self.findings);
        let groups: BTreeSet<&TargetGroupArn> = unexplained.iter().map(|t| &t.group).collect();
        let sound = self.sound.clone();
        let concerned = sound.iter().filter(|binding| groups.contains(&&binding.target_group));
        let tasks = self.tasks_of(owners(concerned), Desired::Stopped).await;
        self.learn(tasks);
    }

    async fn tasks_of<'b>(&self, owners: Owners<'b>, desired: Desired) -> Tasks<'b> {
        let tasks = stream::iter(owners).map(async |(cluster, owner)| {
            let Settle { ecs, limits, .. } = self.settle;
            ((cluster, owner), ecs.tasks_of(cluster, owner, desired, limits).await)
        });
        tasks.buffer_unordered(CONCURRENT).collect().await
    }

    /// Learns what was read. Where that is not all, registering goes on and removing does not.
    fn learn(&mut self, tasks: Tasks<'_>) {
        for binding in &self.sound {
            let read =
                tasks.iter().find(|((cluster, owner), _)| is_read_by(binding, cluster, owner));
            let Some(((cluster, owner), (_, Err(CallError { action, code, message })))) = read
            else {
                continue;
            };
            let message = format!("{message} ({owner} in cluster {cluster})");
            self.findings.incomplete.insert(binding.target_group.clone());
            self.report.fail(without_target(binding), &CallError::new(action, code, message));
        }
        self.findings.knowledge.extend(tasks.into_iter().flat_map(|(_, (tasks, _))| tasks));
        self.findings.knowledge.split_off_unbound(self.settle.bindings);
    }

    /// Fails the bindings that `problem` finds one with. Their groups are no longer known whole.
    fn drop_broken(&mut self, problem: impl Fn(&Binding) -> Option<CallError>) {
        for binding in std::mem::take(&mut self.sound) {
            let Some(error) = problem(&binding) else {
                self.sound.push(binding);
                continue;
            };
            self.findings.incomplete.insert(binding.target_group.clone());
            self.report.fail(without_target(&binding), &error);
        }
    }
}

fn without_target(binding: &Binding) -> Entry {
    let Binding { target_group, port, .. } = binding;
    Entry { task_arn: None, target_group_arn: target_group.clone(), id: None, port: *port }
}

fn owners<'b>(bindings: impl Iterator<Item = &'b Binding>) -> Owners<'b> {
    let mut owners = Owners::new();
    for binding in bindings {
        if !owners.iter().any(|(cluster, owner)| is_read_by(binding, cluster, owner)) {
            owners.push((&binding.cluster, &binding.owner));
        }
    }
    owners
}

fn is_read_by(binding: &Binding, cluster: &Cluster, owner: &Owner) -> bool {
    binding.owner == *owner && binding.cluster.overlaps(cluster)
}
