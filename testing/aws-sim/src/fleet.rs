//! A service whose tasks ECS's scheduler starts and stops.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::chance::Chance;
use crate::deployment::{Counts, Deployment, Rollout};
use crate::digest::digest;
use crate::native_targets;
use crate::scheduler::{Seen, decide};
use crate::service::Service;
use crate::stages::{HookCall, Progress};
use crate::starts::Starts;
use crate::task::Task;
use crate::task_run::TaskRun;
use crate::world::World;

mod rollout;
mod tasks;

/// Something that ECS sends: [`crate::Aws::step`] hands it out for delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// An event, as EventBridge gets it.
    Event(Value),
    /// A call of a lifecycle hook's function, which [`crate::Aws::answer_hook`] answers.
    Hook(HookCall),
}

/// The service with its deployments, the PRIMARY one first, and its tasks.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) service: Service,
    chance: Chance,
    starts: Starts,
    deployments: Vec<Deployment>,
    runs: Vec<TaskRun>,
    /// Where a deployment that is not a rolling one stands.
    progress: Option<Progress>,
    held_back: bool,
    /// The deployment that the circuit breaker goes back to.
    completed: Option<Deployment>,
    deployments_so_far: usize,
    tasks_so_far: usize,
}

impl Fleet {
    /// A service that has been in a steady state for an hour, with all its tasks healthy.
    pub(crate) fn steady(service: Service, seed: u64, world: &mut World) -> Self {
        let now = world.now();
        let created_at = now - Duration::from_secs(3600);
        let id = deployment_id(&service, 0);
        let mut first = Deployment::begin(id.clone(), created_at);
        first.enter(Rollout::Completed, created_at);
        let mut fleet = Self {
            chance: Chance::of(seed),
            starts: service.starts,
            deployments: vec![first.clone()],
            runs: Vec::new(),
            progress: None,
            held_back: false,
            completed: Some(first),
            deployments_so_far: 1,
            tasks_so_far: 0,
            service,
        };
        for _ in 0..fleet.desired() {
            let task = fleet.new_task(&id, world);
            let run = TaskRun::steady(task, &fleet.starts, fleet.chance, now);
            native_targets::register(world, &fleet.groups_of(&id), &run.task, created_at);
            world.put_task_at(run.task.clone(), now);
            fleet.runs.push(run);
        }
        fleet
    }

    pub(crate) fn is_of(&self, cluster: &str, service: &str) -> bool {
        self.service.cluster == cluster && self.service.name == service
    }

    pub(crate) fn desired(&self) -> usize {
        self.service.desired_count.unwrap_or_default()
    }

    pub(crate) fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The tasks of a deployment that were not sent SIGTERM.
    pub(crate) fn tasks_of(&self, deployment: &str) -> Vec<Task> {
        let runs = self.runs.iter().filter(|run| run.deployment == deployment && run.is_alive());
        runs.map(|run| run.task.clone()).collect()
    }

    /// Whether protected tasks keep it from a steady state.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back
    }

    /// Tasks on their way to RUNNING.
    pub(crate) fn pending(&self) -> usize {
        self.runs.iter().filter(|run| run.is_wanted() && !run.is_running()).count()
    }

    /// The deployment under way, if one is.
    pub(crate) fn under_way(&self) -> Option<&Deployment> {
        self.deployments.first().filter(|primary| primary.rollout == Rollout::InProgress)
    }

    pub(crate) fn describe_deployments(&self, task_definition: &str) -> Vec<Value> {
        let counts = |deployment: &Deployment| {
            let runs = self.runs.iter().filter(|run| run.deployment == deployment.id);
            Counts {
                desired: if deployment.is_primary { self.desired() } else { 0 },
                running: runs.clone().filter(|run| run.is_running()).count(),
                pending: runs.filter(|run| run.is_wanted() && !run.is_running()).count(),
            }
        };
        let describe =
            |deployment: &Deployment| deployment.describe(task_definition, counts(deployment));
        self.deployments.iter().map(describe).collect()
    }

    pub(crate) fn set_desired_count(&mut self, desired: usize) {
        self.service.desired_count = Some(desired);
    }

    /// What is due at this time.
    pub(crate) fn tick(&mut self, world: &mut World, now: SystemTime) {
        self.live(world, now);
        self.note_health(world, now);
        self.go_through_stages(world, now);
        let tasks: Vec<Seen> = self.seen(world, now);
        let moves = decide(self.limits(), &tasks);
        self.held_back = moves.held_back;
        self.make(moves, world, now);
        self.retire(world, now);
    }

    fn primary(&self) -> &Deployment {
        &self.deployments[0]
    }

    fn deployment(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|known| known.id == id)
    }
}

/// The id of a service's deployment.
fn deployment_id(service: &Service, serial: usize) -> String {
    format!("ecs-svc/{:019}", digest(&format!("{} {serial}", service.arn())) % 10_u64.pow(19))
}
