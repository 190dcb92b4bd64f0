//! A service whose tasks ECS's scheduler starts and stops.

use serde_json::Value;

use crate::chance::Chance;
use crate::deployment::{Counts, Deployment, Rollout};
use crate::digest::digest;
use crate::service::Service;
use crate::stages::{HookCall, Progress};
use crate::starts::Starts;
use crate::task::Task;
use crate::task_run::TaskRun;

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
    pub(crate) chance: Chance,
    pub(crate) starts: Starts,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) runs: Vec<TaskRun>,
    /// Where a deployment that is not a rolling one stands.
    pub(crate) progress: Option<Progress>,
    pub(crate) held_back: bool,
    /// The deployment that the circuit breaker goes back to.
    pub(crate) completed: Option<Deployment>,
    pub(crate) deployments_so_far: usize,
    pub(crate) tasks_so_far: usize,
}

impl Fleet {
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

    pub(crate) fn primary(&self) -> &Deployment {
        &self.deployments[0]
    }

    pub(crate) fn deployment(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|known| known.id == id)
    }
}

/// The id of a service's deployment.
pub(crate) fn deployment_id(service: &Service, serial: usize) -> String {
    format!("ecs-svc/{:019}", digest(&format!("{serial} {}", service.arn())) % 10_u64.pow(19))
}
