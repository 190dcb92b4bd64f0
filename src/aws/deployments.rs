//! Thin adapter over Amazon ECS for deployments: a service's state, and the protection of its tasks
//! from being stopped by scale-in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::json;
use tracing::debug;

use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::services::{self, CallFailure, EcsCalls, time};
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::Cluster;
use crate::core::deployment::{Deployment, Service};
use crate::core::failure::{Code, Failure};
use crate::core::hold::Protections;
use crate::core::task::TaskArn;

/// The most tasks of one GetTaskProtection (ECS API reference).
const PAGE: usize = 100;

/// The most tasks of one UpdateTaskProtection (ECS API reference).
const CHUNK: usize = 10;

const GET: &str = "GetTaskProtection";
const UPDATE: &str = "UpdateTaskProtection";

/// What to do about a task's protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Protect it for so many minutes.
    For(u32),
    /// Clear its protection.
    Clear,
}

/// What is known of the protection of tasks.
#[derive(Debug, Default)]
pub struct TaskProtections {
    /// Until when each protected task is protected. Of a task that ECS could not answer for, its
    /// protection is taken to have no end, so that it is left alone.
    pub protections: Protections,
    /// Tasks that stopped meanwhile.
    pub gone: BTreeSet<TaskArn>,
    /// For which tasks ECS could not answer, and why.
    pub unknown: Vec<(TaskArn, Failure)>,
}

/// What came of each task: until when it is protected, if it is.
pub type Updated = BTreeMap<TaskArn, Result<Option<SystemTime>, Failure>>;

/// Reads services, and changes the protection of their tasks.
#[derive(Debug)]
pub struct Deployments {
    calls: EcsCalls,
    /// Deployments in which ECS refuses to protect tasks. To forget them costs a call.
    blocked: Mutex<BTreeSet<String>>,
}

/// So many refusing deployments are remembered.
const BLOCKED: usize = 1_000;

impl Deployments {
    /// An adapter over these calls.
    pub fn new(calls: EcsCalls) -> Self {
        Self { calls, blocked: Mutex::default() }
    }

    /// Notes that ECS refuses to protect tasks in the deployment with this id.
    pub fn note_blocked(&self, deployment: &str) {
        let blocked = &mut *self.blocked();
        if blocked.len() >= BLOCKED {
            blocked.clear();
        }
        blocked.insert(deployment.to_owned());
    }

    /// Whether ECS is known to refuse to protect tasks in the deployment with this id.
    pub fn is_blocked(&self, deployment: &str) -> bool {
        self.blocked().contains(deployment)
    }

    fn blocked(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A service; `None` if the cluster has none of this name.
    pub async fn service(
        &self,
        cluster: &Cluster,
        name: &str,
        limits: &Limits,
    ) -> Result<Option<Service>, Failure> {
        let service = self.calls.service(cluster.as_str(), name, limits).await?;
        Ok(service.map(|service| read(&service)))
    }

    /// Until when each of these tasks is protected; those that are not are left out.
    pub async fn protections(
        &self,
        cluster: &Cluster,
        tasks: &[&TaskArn],
        limits: &Limits,
    ) -> Result<TaskProtections, Failure> {
        let mut known = TaskProtections::default();
        for page in tasks.chunks(PAGE) {
            debug!(%cluster, tasks = page.len(), GET);
            let tasks: Vec<&str> = page.iter().map(|task| task.as_str()).collect();
            let input = json!({"cluster": cluster.as_str(), "tasks": tasks});
            let answer: Answer = self.calls.call(limits, Kind::Protection, GET, &input).await?;
            known.protections.extend(answer.protected_tasks.iter().filter_map(protection));
            for task in page {
                let task = (*task).clone();
                match answer.about(GET, &task) {
                    Ok(_) => {}
                    Err(failure) if is_gone(&failure) => drop(known.gone.insert(task)),
                    Err(failure) => {
                        known.protections.insert(task.clone(), endless());
                        known.unknown.push((task, failure));
                    }
                }
            }
        }
        Ok(known)
    }

    /// Changes the protection of these tasks, ten a call. Each task has a result of its own: ECS
    /// answers 200 for a call of which some tasks failed.
    pub async fn update(
        &self,
        cluster: &Cluster,
        tasks: &[TaskArn],
        protection: Protection,
        limits: &Limits,
    ) -> Updated {
        let updates = tasks.chunks(CHUNK).map(async |chunk| {
            debug!(%cluster, tasks = chunk.len(), ?protection, UPDATE);
            let tasks: Vec<&str> = chunk.iter().map(TaskArn::as_str).collect();
            let mut input = json!({"cluster": cluster.as_str(), "tasks": tasks});
            input["protectionEnabled"] = json!(protection != Protection::Clear);
            if let Protection::For(minutes) = protection {
                input["expiresInMinutes"] = json!(minutes);
            }
            let answer = self.calls.call(limits, Kind::Protection, UPDATE, &input).await;
            let results = chunk.iter().map(|task| match &answer {
                Ok(answer) => Answer::about(answer, UPDATE, task)
                    .map(|own| own.expiration_date.and_then(time)),
                Err(failure) => Err(failure.clone()),
            });
            chunk.iter().cloned().zip(results).collect::<Vec<_>>()
        });
        side_by_side(updates).await.into_iter().flatten().collect()
    }
}

/// The answer to both calls: 200, even if some tasks failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    protected_tasks: Vec<ProtectedTask>,
    #[serde(default)]
    failures: Vec<CallFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProtectedTask {
    task_arn: Option<String>,
    #[serde(default)]
    protection_enabled: bool,
    /// Seconds since 1970.
    expiration_date: Option<f64>,
}

impl Answer {
    /// What it says about a task. ECS names a failed one by its ARN or its id.
    fn about(&self, action: &'static str, task: &TaskArn) -> Result<&ProtectedTask, Failure> {
        let failed = self.failures.iter().find(|failure| {
            let named = failure.arn.as_deref().unwrap_or_default();
            named == task.as_str() || named == task.id()
        });
        if let Some(failed) = failed {
            let detail = failed.detail.as_deref().unwrap_or("no detail");
            return Err(Failure::new(action, Code::of_aws(failed.reason.as_deref()), detail));
        }
        let tasks = &mut self.protected_tasks.iter();
        let own = tasks.find(|own| own.task_arn.as_deref() == Some(task.as_str()));
        let message = "ECS left the task out of its answer";
        own.ok_or_else(|| Failure::new(action, Code::TaskFailed, message))
    }
}

fn read(service: &services::Service) -> Service {
    let configuration = service.deployment_configuration.as_ref();
    let strategy = configuration.and_then(|found| found.strategy.as_deref());
    let maximum = configuration.and_then(|found| found.maximum_percent);
    // "If you don't specify it, 200" (ECS API reference, DeploymentConfiguration: maximumPercent).
    let maximum = maximum.and_then(|percent| usize::try_from(percent).ok()).unwrap_or(200);
    let controller = service.deployment_controller.as_ref();
    let controller = controller.and_then(|controller| controller.kind.as_deref());
    Service {
        arn: service.service_arn.clone().unwrap_or_default(),
        desired: usize::try_from(service.desired_count).unwrap_or_default(),
        deployments: service.deployments.iter().filter_map(deployment).collect(),
        maximum_percent: strategy.is_none_or(|found| found == "ROLLING").then_some(maximum),
        is_daemon: service.scheduling_strategy.as_deref() == Some("DAEMON"),
        is_external: controller == Some("EXTERNAL"),
    }
}

fn deployment(described: &services::Deployment) -> Option<Deployment> {
    Some(Deployment {
        id: described.id.clone()?,
        is_primary: described.status.as_deref() == Some("PRIMARY"),
        created: time(described.created_at?)?,
    })
}

fn protection(described: &ProtectedTask) -> Option<(TaskArn, SystemTime)> {
    let arn = TaskArn::parse(described.task_arn.as_deref()?)?;
    let until = described.expiration_date.and_then(time);
    described.protection_enabled.then(|| (arn, until.unwrap_or_else(endless)))
}

/// The end of a protection without one, which is nothing that a hold makes: in the year 2514.
fn endless() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 34)
}

/// Whether the task stopped or is no longer known, so that nothing can protect it (ECS API
/// reference, "API failure reasons").
fn is_gone(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "MISSING" | "TASK_NOT_VALID")
}
