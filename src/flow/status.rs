//! What the status page shows: what a reconcile would read, and what it would make of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::aws::deployments::TaskProtections;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::deployment::{self, is_deploying};
use crate::core::drift::{Prune, drift};
use crate::core::health::Healths;
use crate::core::hold::Protections;
use crate::core::knowledge::{Knowledge, Known};
use crate::core::plan::{Plan, Ports};
use crate::core::target::Target;
use crate::core::task::{Task, TaskArn};
use crate::core::verdict::{Because, Verdict, View};
use crate::flow::Settler;
use crate::flow::discovery::Snapshot;
use crate::flow::rollout::{ServiceName, distinct};
use crate::flow::rounds::{Reach, rounds};
use crate::flow::survey::Survey;
use crate::report::failed::Failed;
use crate::report::page::{Group, Rollout, Row};

/// What was found.
#[derive(Debug, Default)]
pub struct Status {
    /// The target groups that were reached in time.
    pub groups: Vec<Group>,
    /// How many were not.
    pub left: usize,
    /// What failed and concerns no single target group.
    pub failures: Vec<String>,
    /// Services in deployment.
    pub rollouts: Vec<Rollout>,
}

/// What all surveys together found, for a look at deployments.
#[derive(Default)]
struct Found {
    tasks: Vec<Task>,
    ports: Ports,
    healths: Healths,
}

impl Settler<'_> {
    /// Looks at the targets of all bindings.
    pub async fn status(self, snapshot: &Snapshot, prune: Prune, now: SystemTime) -> Status {
        let (mut status, mut found) = (Status::default(), Found::default());
        let kept = snapshot.kept();
        let rounds = rounds(snapshot, &BTreeSet::new(), Reach::All, now);
        let work = async |bindings: Vec<Binding>| {
            let survey = Box::pin(self.survey(bindings.clone(), kept.clone(), prune)).await;
            let plan = drift(&survey.readable, &survey.ports, &survey.findings, prune);
            status.groups.extend(groups(&bindings, &survey, &plan, prune));
            let tasks = survey.findings.knowledge.iter().map(|known| known.task.clone());
            found.tasks.extend(tasks);
            found.ports.extend(survey.ports);
            found.healths.extend(survey.healths);
        };
        let (_, left) = self.in_rounds(rounds, snapshot, work).await;
        status.left = left.len();
        let gap = snapshot.gap.as_ref();
        status.failures.extend(gap.map(|gap| format!("Tags cannot be read: {}", gap.failure)));
        for (group, mistake) in &snapshot.mistakes {
            let own = status.groups.iter_mut().find(|own| own.arn == *group);
            match own {
                Some(own) => own.failures.push(mistake.to_string()),
                None => status.groups.push(Group {
                    arn: group.clone(),
                    bindings: Vec::new(),
                    rows: Vec::new(),
                    failures: vec![mistake.to_string()],
                }),
            }
        }
        self.add_rollouts(&found, &mut status).await;
        status
    }

    /// Looks at the services among whose tasks some are new, and others old.
    async fn add_rollouts(self, found: &Found, status: &mut Status) {
        let looks = distinct(self.bindings.iter()).into_iter().filter_map(|service| {
            let bindings = service.gating(self.bindings);
            let is_own = |task: &&Task| bindings.iter().any(|binding| binding.covers(task));
            let own: Vec<Task> = found.tasks.iter().filter(is_own).cloned().collect();
            let is_deployed = is_deploying(own.iter());
            is_deployed.then(|| self.rollout(service, bindings.clone(), own, found))
        });
        for rollout in side_by_side(looks).await {
            match rollout {
                Ok((rollout, protections)) => {
                    status.rollouts.extend(rollout);
                    mark_held(&mut status.groups, &protections);
                }
                Err(failure) => status.failures.push(failure),
            }
        }
    }

    /// How far a deployment is, and which tasks are protected. Only with holds these are asked for:
    /// else the function may not.
    async fn rollout(
        self,
        service: ServiceName<'_>,
        bindings: Vec<Binding>,
        tasks: Vec<Task>,
        found: &Found,
    ) -> Result<(Option<Rollout>, Protections), String> {
        let name = service.name;
        let described = self.deployments.service(service.cluster, name, self.limits).await;
        let described = described.map_err(|failure| format!("{name} is deployed: {failure}"))?;
        let Some(described) = described else { return Ok((None, Protections::new())) };
        let Found { ports, healths, .. } = found;
        let sorted = deployment::Rollout::of(&described, &tasks, &bindings, ports, healths);
        let old: Vec<&TaskArn> = sorted.old.iter().map(|(task, _)| &task.arn).collect();
        let protections = match self.hold {
            Some(_) => self.deployments.protections(service.cluster, &old, self.limits).await,
            None => Ok(TaskProtections::default()),
        };
        let protections = protections.map_err(|failure| format!("{name}: {failure}"))?.protections;
        let held = protections.len();
        let rollout = Rollout {
            service: name.to_owned(),
            desired: described.desired,
            ready: sorted.ready.len(),
            waiting: sorted.waiting.len(),
            old: old.len(),
            held: (held > 0).then_some(held),
        };
        Ok((Some(rollout), protections))
    }
}

fn mark_held(groups: &mut [Group], protections: &Protections) {
    for row in groups.iter_mut().flat_map(|group| &mut group.rows) {
        let until = row.task.as_ref().and_then(|task| protections.get(task));
        row.held = until.copied().or(row.held);
    }
}

/// The target groups of a survey with their targets.
fn groups(bindings: &[Binding], survey: &Survey, plan: &Plan, prune: Prune) -> Vec<Group> {
    let Survey { ports, findings, healths, gone, readable, .. } = survey;
    let view = View::new(ports, findings, healths, prune, plan);
    let arns: BTreeSet<&TargetGroupArn> = bindings.iter().map(|b| &b.target_group).collect();
    let groups = arns.into_iter().filter(|arn| !gone.contains(*arn)).map(|arn| {
        let own = bindings.iter().filter(|binding| binding.target_group == *arn);
        let is_readable = readable.iter().any(|binding| binding.target_group == *arn);
        let rows = is_readable.then(|| rows(arn, readable, survey, &view));
        Group {
            arn: arn.clone(),
            bindings: own.map(ToString::to_string).collect(),
            rows: rows.unwrap_or_default(),
            failures: failures(&survey.report.failed, arn),
        }
    });
    groups.collect()
}

fn failures(failed: &[Failed], group: &TargetGroupArn) -> Vec<String> {
    let mut failures = Vec::new();
    for failed in failed {
        if let Failed::Target(failed) = failed
            && failed.entry.target_group_arn == *group
            && !failures.contains(&failed.error)
        {
            failures.push(failed.error.clone());
        }
    }
    failures
}

/// The targets that tasks have or should have in a group, and then those of no task.
fn rows(
    group: &TargetGroupArn,
    bindings: &[Binding],
    survey: &Survey,
    view: &View<'_>,
) -> Vec<Row> {
    let own: Vec<&Binding> = bindings.iter().filter(|b| b.target_group == *group).collect();
    let mut rows = BTreeMap::<Target, Row>::new();
    let mut without_target = Vec::new();
    let knowledge: &Knowledge = &survey.findings.knowledge;
    for known in knowledge.iter() {
        for binding in own.iter().filter(|binding| binding.covers(&known.task)) {
            let verdict = view.of_task(known, binding);
            let is_over = verdict.because == Because::Left && verdict.health.is_none();
            if is_over || verdict.because == Because::Shared {
                continue;
            }
            let target = verdict.target.clone();
            let row = row(Some(known), verdict);
            match target {
                None => without_target.push(row),
                // Of two tasks with one address the one that stays is shown.
                Some(target) => {
                    let place = rows.entry(target).or_insert_with(|| row.clone());
                    if row.phase < place.phase {
                        *place = row;
                    }
                }
            }
        }
    }
    for (id, port) in survey.healths.get(group).into_iter().flat_map(BTreeMap::keys) {
        let target = Target { group: group.clone(), id: *id, port: *port };
        let stranger = || row(None, view.of_stranger(target.clone()));
        rows.entry(target.clone()).or_insert_with(stranger);
    }
    rows.into_values().chain(without_target).collect()
}

fn row(known: Option<&Known>, verdict: Verdict) -> Row {
    let task = known.map(|known| &known.task);
    let Verdict { target, health, would, because } = verdict;
    Row {
        task: task.map(|task| task.arn.clone()),
        id: target.as_ref().map(|target| target.id).or(task.and_then(|task| task.address)),
        port: target.map(|target| target.port),
        since: task.and_then(|task| task.origin.as_ref()?.started),
        phase: task.map(|task| task.phase),
        health,
        would,
        because,
        held: None,
    }
}
