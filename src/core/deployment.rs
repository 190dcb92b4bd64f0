//! A service in a deployment: which of its tasks are new, which are old, and what the new ones
//! still wait for.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::core::binding::{Binding, Cluster, Owner};
use crate::core::health::{Awaited, Healths, awaited};
use crate::core::plan::Ports;
use crate::core::task::{Phase, Task, TaskArn};

/// A service as ECS describes it, as far as its deployments are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its ARN.
    pub arn: String,
    /// How many tasks it should run.
    pub desired: usize,
    /// Its deployments, from the newest state to older ones that still have tasks.
    pub deployments: Vec<Deployment>,
    /// The most tasks that may run in a deployment, in percent of `desired`; `None` for the
    /// blue/green strategies, which start all new tasks beside the old ones.
    pub maximum_percent: Option<usize>,
    /// Whether each instance runs one task (scheduling strategy DAEMON).
    pub is_daemon: bool,
    /// Whether somebody else than ECS runs its deployments (deployment controller EXTERNAL).
    pub is_external: bool,
}

/// A deployment of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// For example `ecs-svc/1234567890123456789`. The tasks that it starts have it as `startedBy`.
    pub id: String,
    /// Whether its tasks are the ones that should stay (status PRIMARY).
    pub is_primary: bool,
    /// When it began.
    pub created: SystemTime,
}

impl Service {
    /// The deployment whose tasks are to stay.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.is_primary)
    }

    /// When the newest of its deployments began. In a rollback that is not the primary one.
    pub fn newest(&self) -> Option<SystemTime> {
        self.deployments.iter().map(|deployment| deployment.created).max()
    }

    /// Whether new tasks can run beside all old ones (ECS API reference, DeploymentConfiguration:
    /// `maximumPercent` is rounded down).
    pub fn has_room(&self) -> bool {
        self.maximum_percent.is_none_or(|percent| self.desired * percent / 100 > self.desired)
    }
}

/// A service's serving tasks in a deployment.
#[derive(Clone, Debug)]
pub struct Rollout<'a> {
    /// New tasks whose targets are all ready.
    pub ready: Vec<&'a Task>,
    /// New tasks that wait for some target, and for which.
    pub waiting: Vec<(&'a Task, Vec<Awaited>)>,
    /// Tasks of other deployments, and whether their targets are all ready.
    pub old: Vec<(&'a Task, bool)>,
}

impl<'a> Rollout<'a> {
    /// Sorts the serving tasks of a service. `bindings` are those that gate (see [`gating`]).
    pub fn of(
        service: &Service,
        tasks: &'a [Task],
        bindings: &[Binding],
        ports: &Ports,
        healths: &Healths,
    ) -> Self {
        let mut rollout = Self { ready: Vec::new(), waiting: Vec::new(), old: Vec::new() };
        let primary = service.primary().map(|deployment| deployment.id.as_str());
        for task in tasks.iter().filter(|task| task.phase == Phase::Serving) {
            let missing = awaited(bindings, ports, healths, task);
            let started_by = task.origin.as_ref().map(|origin| origin.started_by.as_str());
            if primary.is_none() || started_by != primary {
                rollout.old.push((task, missing.is_empty()));
            } else if missing.is_empty() {
                rollout.ready.push(task);
            } else {
                rollout.waiting.push((task, missing));
            }
        }
        rollout
    }

    /// Leaves out tasks that stopped after the others were read.
    pub fn forget(&mut self, gone: &BTreeSet<TaskArn>) {
        let stays = |task: &Task| !gone.contains(&task.arn);
        self.ready.retain(|task| stays(task));
        self.waiting.retain(|(task, _)| stays(task));
        self.old.retain(|(task, _)| stays(task));
    }
}

/// The bindings of a service in whose groups a new task's target has to be healthy: those that
/// take part in holds, or all if none does.
pub fn gating(bindings: &[Binding], cluster: &Cluster, owner: &Owner) -> Vec<Binding> {
    let of_service = |b: &&Binding| b.owner == *owner && b.cluster.is_same(cluster);
    let all: Vec<Binding> = bindings.iter().filter(of_service).cloned().collect();
    let held: Vec<Binding> = all.iter().filter(|binding| binding.hold).cloned().collect();
    if held.is_empty() { all } else { held }
}

/// Whether deployments of a binding's service are held, if holds are on: at least one of the
/// service's bindings takes part.
pub fn is_held(bindings: &[Binding], binding: &Binding) -> bool {
    let Binding { cluster, owner, .. } = binding;
    let of_service = gating(bindings, cluster, owner);
    matches!(owner, Owner::Service(_)) && of_service.iter().any(|binding| binding.hold)
}

/// Whether these tasks of a service were started by more than one deployment.
pub fn is_deploying<'a>(tasks: impl Iterator<Item = &'a Task>) -> bool {
    let staying = tasks.filter(|task| task.phase != Phase::Leaving);
    let mut started_by = staying.filter_map(|task| Some(&task.origin.as_ref()?.started_by));
    let Some(first) = started_by.next() else { return false };
    started_by.any(|other| other != first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::{ADDRESS, binding, task};
    use crate::core::task::Origin;

    fn started_by(id: &str, phase: Phase, deployment: &str) -> Task {
        let origin = Origin {
            started_by: deployment.to_owned(),
            zone: String::new(),
            created: None,
            started: None,
        };
        Task { origin: Some(origin), ..task(id, phase, ADDRESS) }
    }

    #[test]
    fn tasks_of_two_deployments_that_do_not_leave_make_a_deployment() {
        use Phase::{Leaving, Serving, Starting};
        for (tasks, deploying) in [
            (vec![], false),
            (vec![(Serving, "old")], false),
            (vec![(Serving, "old"), (Serving, "old")], false),
            (vec![(Serving, "old"), (Serving, "old"), (Starting, "new")], true),
            (vec![(Leaving, "old"), (Serving, "new")], false),
        ] {
            let made = tasks.iter().map(|(phase, by)| started_by("c50e", *phase, by));
            let made: Vec<Task> = made.collect();
            assert_eq!(is_deploying(made.iter()), deploying, "{tasks:?}");
        }
        let unknown = task("c50e", Phase::Serving, ADDRESS);
        assert!(!is_deploying([unknown, started_by("d61f", Serving, "old")].iter()));
    }

    #[test]
    fn serving_tasks_are_new_if_the_primary_deployment_started_them() {
        let primary = |id: &str| Deployment {
            id: id.to_owned(),
            is_primary: true,
            created: SystemTime::UNIX_EPOCH,
        };
        let service = |deployments| Service {
            arn: String::new(),
            desired: 1,
            deployments,
            maximum_percent: None,
            is_daemon: false,
            is_external: false,
        };
        let tasks = [
            started_by("starting", Phase::Starting, "new"),
            started_by("leaving", Phase::Leaving, "old"),
            started_by("new", Phase::Serving, "new"),
            started_by("old", Phase::Serving, "old"),
            task("unknown", Phase::Serving, ADDRESS),
        ];
        for (deployments, new, old) in [
            (vec![primary("new")], vec!["new"], vec!["old", "unknown"]),
            (vec![], vec![], vec!["new", "old", "unknown"]),
        ] {
            let service = service(deployments);
            let rollout = Rollout::of(&service, &tasks, &[], &Ports::new(), &Healths::new());
            assert_eq!(rollout.ready.iter().map(|task| task.arn.id()).collect::<Vec<_>>(), new);
            let olds = rollout.old.iter().map(|(task, _)| task.arn.id());
            assert_eq!(olds.collect::<Vec<_>>(), old);
        }
    }

    #[test]
    fn the_groups_of_bindings_that_hold_gate_or_all_if_none_holds() {
        let free = |group| Binding { hold: false, ..binding("demo", group, None) };
        let family = Binding { owner: Owner::Family("demo".into()), ..binding("demo", "a", None) };
        let elsewhere = Binding {
            cluster: Cluster::parse("elsewhere", &family.target_group).unwrap(),
            ..binding("demo", "d", None)
        };
        let strangers = [family.clone(), elsewhere, binding("other", "e", None)];
        for (own, gates, held) in [
            (vec![free("a"), binding("demo", "b", None)], vec!["b"], true),
            (vec![free("a"), free("b")], vec!["a", "b"], false),
            (vec![], vec![], false),
        ] {
            let bindings: Vec<Binding> = own.into_iter().chain(strangers.clone()).collect();
            let demo = free("a");
            let gating = gating(&bindings, &demo.cluster, &demo.owner);
            let names: Vec<&str> = gating.iter().map(|b| b.target_group.name()).collect();
            assert_eq!((names, is_held(&bindings, &demo)), (gates, held));
            assert!(!is_held(&bindings, &family), "a family has no deployments");
        }
    }

    #[test]
    fn tasks_that_stopped_after_the_others_were_read_are_left_out_everywhere() {
        let tasks = ["a", "b", "c", "d", "e", "f"].map(|id| task(id, Phase::Serving, ADDRESS));
        let [a, b, c, d, e, f] = &tasks;
        let mut rollout = Rollout {
            ready: vec![a, b],
            waiting: vec![(c, vec![]), (d, vec![])],
            old: vec![(e, true), (f, false)],
        };
        rollout.forget(&[a, c, e].map(|task| task.arn.clone()).into());
        assert_eq!(rollout.ready, [b]);
        assert_eq!(rollout.waiting, [(d, vec![])]);
        assert_eq!(rollout.old, [(f, false)]);
    }
}
