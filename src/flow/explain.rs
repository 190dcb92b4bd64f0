//! Everything about one task: what ECS says, which bindings cover it, its target in each group, and
//! what the next reconcile does there. It only reads.

use std::collections::BTreeSet;

use crate::aws::ecs::Described;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, Cluster, TargetGroupArn};
use crate::core::drift::{Prune, drift};
use crate::core::failure::Failure;
use crate::core::knowledge::Known;
use crate::core::task::Task;
use crate::core::verdict::{Verdict, View, Would};
use crate::flow::Settler;
use crate::flow::survey::Survey;
use crate::input::explain::TaskName;
use crate::report::explanation::{Explanation, OtherBinding, Protection, TargetState, TaskState};
use crate::report::failed::Failed;

/// How many bindings that do not cover the task are listed.
const OTHERS: usize = 20;

impl Settler<'_> {
    /// Explains a task. What cannot be read is told in the answer. From the groups in `kept`
    /// nothing is removed.
    pub async fn explain(
        self,
        name: &TaskName,
        kept: BTreeSet<TargetGroupArn>,
        prune: Prune,
    ) -> Explanation {
        let limits = self.limits.for_part(1.0 / 3.0);
        let found = Settler { limits: &limits, ..self }.find(name).await;
        let Described { task, last_status, desired_status, health_status } = match found {
            Ok(described) => described,
            Err(because) => {
                return Explanation { because: Some(because), ..Explanation::default() };
            }
        };
        let is_covering = |binding: &&Binding| binding.covers(&task);
        let covering: Vec<&Binding> = self.bindings.iter().filter(is_covering).collect();
        let (targets, protection) = tokio::join!(
            self.targets_of(&task, &covering, kept, prune),
            self.protection(&task, &covering)
        );
        Explanation {
            because: covering.is_empty().then(|| self.why_unbound(&task)),
            others: others(self.bindings, &task),
            bindings: targets,
            protection,
            task: Some(TaskState {
                started_by: task.origin.map(|origin| origin.started_by).unwrap_or_default(),
                task_arn: task.arn,
                cluster: task.cluster,
                group: task.group,
                last_status,
                desired_status,
                version: task.version,
                address: task.address,
                health_status,
            }),
        }
    }

    /// Asks for the task in its cluster, or in all clusters of the bindings.
    async fn find(self, name: &TaskName) -> Result<Described, String> {
        let own = match name {
            TaskName::Arn(arn) => arn.cluster_arn(),
            TaskName::Id(_) => None,
        };
        let clusters = match &own {
            Some(cluster) => vec![cluster.as_str()],
            None => clusters(self.bindings).into_iter().map(Cluster::as_str).collect(),
        };
        let asked = clusters.join(", ");
        let calls = clusters
            .into_iter()
            .map(async |cluster| self.ecs.describe_task(cluster, name.as_str(), self.limits).await);
        let mut failed = None;
        for answer in side_by_side(calls).await {
            match answer {
                Ok(Some(described)) => return Ok(described),
                Ok(None) => {}
                Err(failure) => failed = Some(failure),
            }
        }
        let is_bound =
            own.as_ref().is_none_or(|own| self.bindings.iter().any(|b| b.cluster.is(own)));
        Err(match failed {
            _ if asked.is_empty() => format!("no binding names a cluster{}", self.unless_unread()),
            Some(_) if !is_bound => {
                format!("no binding names the cluster {asked}{}", self.unless_unread())
            }
            Some(failure) => format!("ECS could not be asked: {failure}"),
            None => format!(
                "ECS knows no such task in {asked}: it stopped more than an hour ago, or never was"
            ),
        })
    }

    /// The task's target by each of the bindings that cover it, as the next reconcile sees it.
    async fn targets_of(
        self,
        task: &Task,
        covering: &[&Binding],
        kept: BTreeSet<TargetGroupArn>,
        prune: Prune,
    ) -> Vec<TargetState> {
        let is_concerned =
            |binding: &&Binding| covering.iter().any(|c| c.target_group == binding.target_group);
        let concerned = self.bindings.iter().filter(is_concerned).cloned().collect();
        let mut survey = Box::pin(self.survey(concerned, kept, prune)).await;
        survey.findings.knowledge.extend([task.clone()]);
        let Survey { readable, ports, findings, healths, gone, report } = &survey;
        let plan = drift(readable, ports, findings, prune);
        let view = View::new(ports, findings, healths, prune, &plan);
        let known = findings.knowledge.get(&task.arn);
        let states =
            covering.iter().map(|binding| match known.filter(|_| readable.contains(binding)) {
                Some(known) => self.state(known, binding, &view),
                None => {
                    let because = if gone.contains(&binding.target_group) {
                        "group-gone: ELB does not know the target group, which only a tag binds"
                            .to_owned()
                    } else {
                        unreadable(&report.failed, binding)
                    };
                    of_unread_group(task, binding, because)
                }
            });
        states.collect()
    }

    fn state(self, known: &Known, binding: &Binding, view: &View<'_>) -> TargetState {
        let Verdict { target, health, would, because } = view.of_task(known, binding);
        let would_only = self.dry_run && would != Would::Nothing;
        let only = if would_only { "; but DRY_RUN is set, and it only says so" } else { "" };
        let (state, reason) = match health {
            Some(health) => (health.state, health.reason),
            None => ("absent".to_owned(), String::new()),
        };
        TargetState {
            binding: binding.source(),
            target_group_arn: binding.target_group.clone(),
            id: known.task.address,
            port: target.map(|target| target.port).or(binding.port),
            state,
            reason,
            would,
            because: format!("{because}{only}"),
        }
    }

    /// Only with holds: else the function may not ask.
    async fn protection(self, task: &Task, covering: &[&Binding]) -> Option<Protection> {
        self.hold?;
        let cluster = &covering.first()?.cluster;
        let asked = self.deployments.protections(cluster, &[&task.arn], self.limits).await;
        let unknown = |failure: Failure| Protection::Unknown { error: failure.to_string() };
        match asked {
            Ok(known) => match known.unknown.into_iter().next() {
                Some((_, failure)) => Some(unknown(failure)),
                None => known
                    .protections
                    .get(&task.arn)
                    .map(|until| Protection::Until { until: *until }),
            },
            Err(failure) => Some(unknown(failure)),
        }
    }

    fn why_unbound(self, task: &Task) -> String {
        let Task { group, cluster, .. } = task;
        format!("no-binding: no binding covers {group} in {cluster}{}", self.unless_unread())
    }

    /// What could not be read is not "nothing".
    fn unless_unread(self) -> String {
        let gap = self.gap.map(|gap| format!("; but tags could not be read: {}", gap.failure));
        gap.unwrap_or_default()
    }
}

fn clusters(bindings: &[Binding]) -> Vec<&Cluster> {
    let mut clusters = Vec::<&Cluster>::new();
    for Binding { cluster, .. } in bindings {
        if !clusters.iter().any(|known| known.is_same(cluster)) {
            clusters.push(cluster);
        }
    }
    clusters
}

/// The bindings that are nearest to covering the task first: of its cluster, then of its owner.
fn others(bindings: &[Binding], task: &Task) -> Vec<OtherBinding> {
    let others = bindings.iter().filter(|binding| !binding.covers(task));
    let mut others: Vec<(bool, bool, &Binding)> = others
        .map(|binding| {
            (!binding.cluster.is(&task.cluster), !binding.owner.owns(&task.group), binding)
        })
        .collect();
    others.sort_by_key(|(elsewhere, of_others, _)| (*elsewhere, *of_others));
    let others = others.into_iter().take(OTHERS).map(|(elsewhere, of_others, binding)| {
        let owner = of_others.then(|| format!("it is for {}", binding.owner));
        let cluster = elsewhere.then(|| format!("it is for the cluster {}", binding.cluster));
        let why: Vec<String> = owner.into_iter().chain(cluster).collect();
        OtherBinding { binding: binding.to_string(), because: why.join(", and ") }
    });
    others.collect()
}

fn unreadable(failed: &[Failed], binding: &Binding) -> String {
    let of_group = failed.iter().find_map(|failed| match failed {
        Failed::Target(failed) if failed.entry.target_group_arn == binding.target_group => {
            Some(failed.error.as_str())
        }
        _ => None,
    });
    format!("the target group could not be read: {}", of_group.unwrap_or("no answer"))
}

fn of_unread_group(task: &Task, binding: &Binding, because: String) -> TargetState {
    TargetState {
        binding: binding.source(),
        target_group_arn: binding.target_group.clone(),
        id: task.address,
        port: binding.port,
        state: "unknown".to_owned(),
        reason: String::new(),
        would: Would::Nothing,
        because,
    }
}
