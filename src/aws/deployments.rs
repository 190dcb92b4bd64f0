//! Thin adapter over Amazon ECS for deployments: a service's state, and the protection of its tasks
//! from being stopped by scale-in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::{Client, types};
use tracing::debug;

use crate::aws::call::within;
use crate::aws::rate_limits::{Kind, Limits};
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

/// What came of each task: until when it is protected, if it is.
pub type Updated = BTreeMap<TaskArn, Result<Option<SystemTime>, Failure>>;

/// Reads services, and changes the protection of their tasks.
#[derive(Debug)]
pub struct Deployments {
    client: Client,
    /// Deployments in which ECS refuses to protect tasks. To forget them costs a call.
    blocked: Mutex<BTreeSet<String>>,
}

/// So many refusing deployments are remembered.
const BLOCKED: usize = 1_000;

impl Deployments {
    /// An adapter over this client.
    pub fn new(client: Client) -> Self {
        Self { client, blocked: Mutex::default() }
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
        const ACTION: &str = "DescribeServices";
        debug!(%cluster, name, ACTION);
        let call = self.client.describe_services().cluster(cluster.as_str()).services(name).send();
        let answer = within(limits, Kind::EcsRead, ACTION, call).await?;
        if let Some(service) = answer.services().first() {
            return Ok(Some(read(service)));
        }
        match answer.failures().first().and_then(|failure| failure.reason()) {
            Some("MISSING") => Ok(None),
            reason => {
                let reason = reason.unwrap_or("ECS left the service out of its answer");
                Err(Failure::new(ACTION, Code::ServiceFailed, reason))
            }
        }
    }

    /// Until when each of these tasks is protected; those that are not are left out. Of a task that
    /// ECS could not answer for, its protection is taken to have no end, so that it is left alone;
    /// why is returned as well.
    pub async fn protections(
        &self,
        cluster: &Cluster,
        tasks: &[&TaskArn],
        limits: &Limits,
    ) -> Result<(Protections, Vec<(TaskArn, Failure)>), Failure> {
        let (mut found, mut unknown) = (Protections::new(), Vec::new());
        for page in tasks.chunks(PAGE) {
            debug!(%cluster, tasks = page.len(), GET);
            let call = self.client.get_task_protection().cluster(cluster.as_str());
            let call = call.set_tasks(Some(names(page.iter().copied()))).send();
            let answer = within(limits, Kind::Protection, GET, call).await?;
            found.extend(answer.protected_tasks().iter().filter_map(protection));
            for task in page {
                if let Err(failure) =
                    answer_for(GET, task, answer.protected_tasks(), answer.failures())
                    && !is_gone(&failure)
                {
                    found.insert((*task).clone(), endless());
                    unknown.push(((*task).clone(), failure));
                }
            }
        }
        Ok((found, unknown))
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
            let call = self.client.update_task_protection().cluster(cluster.as_str());
            let call = call.set_tasks(Some(names(chunk.iter())));
            let call = match protection {
                Protection::For(minutes) => call
                    .protection_enabled(true)
                    .expires_in_minutes(i32::try_from(minutes).unwrap_or(i32::MAX)),
                Protection::Clear => call.protection_enabled(false),
            };
            let answer = within(limits, Kind::Protection, UPDATE, call.send()).await;
            let results = chunk.iter().map(|task| match &answer {
                Ok(answer) => {
                    let own = answer_for(UPDATE, task, answer.protected_tasks(), answer.failures());
                    own.map(|own| own.expiration_date().and_then(time))
                }
                Err(failure) => Err(failure.clone()),
            });
            chunk.iter().cloned().zip(results).collect::<Vec<_>>()
        });
        side_by_side(updates).await.into_iter().flatten().collect()
    }
}

fn names<'a>(tasks: impl Iterator<Item = &'a TaskArn>) -> Vec<String> {
    tasks.map(|arn| arn.as_str().to_owned()).collect()
}

fn read(service: &types::Service) -> Service {
    let configuration = service.deployment_configuration();
    let strategy = configuration.and_then(|configuration| configuration.strategy());
    let is_rolling =
        strategy.is_none_or(|strategy| *strategy == types::DeploymentStrategy::Rolling);
    let maximum = configuration.and_then(|configuration| configuration.maximum_percent());
    // "If you don't specify it, 200" (ECS API reference, DeploymentConfiguration: maximumPercent).
    let maximum = maximum.and_then(|percent| usize::try_from(percent).ok()).unwrap_or(200);
    let controller = service.deployment_controller().map(|controller| controller.r#type());
    let strategy = service.scheduling_strategy();
    Service {
        arn: service.service_arn().unwrap_or_default().to_owned(),
        desired: usize::try_from(service.desired_count()).unwrap_or_default(),
        deployments: service.deployments().iter().filter_map(deployment).collect(),
        maximum_percent: is_rolling.then_some(maximum),
        is_daemon: strategy == Some(&types::SchedulingStrategy::Daemon),
        is_external: controller == Some(&types::DeploymentControllerType::External),
    }
}

fn deployment(described: &types::Deployment) -> Option<Deployment> {
    Some(Deployment {
        id: described.id()?.to_owned(),
        is_primary: described.status() == Some("PRIMARY"),
        created: time(described.created_at()?)?,
    })
}

fn protection(described: &types::ProtectedTask) -> Option<(TaskArn, SystemTime)> {
    let until = described.expiration_date().and_then(time);
    let arn = TaskArn::parse(described.task_arn()?)?;
    described.protection_enabled().then(|| (arn, until.unwrap_or_else(endless)))
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

/// A time of ECS; `None` if it is before 1970 or far off.
pub fn time(time: &DateTime) -> Option<SystemTime> {
    SystemTime::try_from(*time).ok()
}

/// ECS names a failed task by its ARN or its id.
fn answer_for<'a>(
    action: &'static str,
    task: &TaskArn,
    protected: &'a [types::ProtectedTask],
    failures: &[types::Failure],
) -> Result<&'a types::ProtectedTask, Failure> {
    let failed = failures.iter().find(|failure| {
        let named = failure.arn().unwrap_or_default();
        named == task.as_str() || named == task.id()
    });
    if let Some(failed) = failed {
        let detail = failed.detail().unwrap_or("no detail");
        return Err(Failure::new(action, Code::of_aws(failed.reason()), detail));
    }
    let own = protected.iter().find(|own| own.task_arn() == Some(task.as_str()));
    let message = "ECS left the task out of its answer";
    own.ok_or_else(|| Failure::new(action, Code::TaskFailed, message))
}
