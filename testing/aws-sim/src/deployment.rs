//! A deployment of a service, as DescribeServices shows it and EventBridge reports it.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::digest::uuid;
use crate::service::Service;
use crate::timestamps::{rfc3339, seconds, whole_seconds};

/// A deployment of a service that [`crate::Aws::run_service`] runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// `ecs-svc/…`; its tasks have it as `startedBy`.
    pub id: String,
    /// Whether it is `PRIMARY`, the most recent one; otherwise `ACTIVE`: its tasks are being
    /// replaced.
    pub is_primary: bool,
    /// How far it has come.
    pub rollout: Rollout,
    /// When it was created.
    pub created_at: SystemTime,
    /// When its state changed last.
    pub updated_at: SystemTime,
    /// Tasks that failed in a row (`failedTasks`).
    pub failed_tasks: usize,
    /// Whether its tasks stand in the alternate target groups of the service.
    pub(crate) is_alternate: bool,
    /// How many of its tasks died and wait for a replacement.
    pub(crate) lost: usize,
}

/// `rolloutState` of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// On its way.
    InProgress,
    /// The service reached a steady state.
    Completed,
    /// The circuit breaker, or a lifecycle hook, ended it.
    Failed,
}

impl Rollout {
    fn wire_name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// How many tasks a deployment has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) desired: usize,
    pub(crate) running: usize,
    pub(crate) pending: usize,
}

impl Deployment {
    /// A PRIMARY deployment that begins at this time.
    pub(crate) fn begin(id: String, now: SystemTime) -> Self {
        Self {
            id,
            is_primary: true,
            rollout: Rollout::InProgress,
            created_at: now,
            updated_at: now,
            failed_tasks: 0,
            is_alternate: false,
            lost: 0,
        }
    }

    pub(crate) fn enter(&mut self, rollout: Rollout, now: SystemTime) {
        self.rollout = rollout;
        self.updated_at = now;
    }

    /// botocore: the members of `Deployment`.
    pub(crate) fn describe(&self, task_definition: &str, counts: Counts) -> Value {
        json!({
            "id": self.id,
            "status": if self.is_primary { "PRIMARY" } else { "ACTIVE" },
            "rolloutState": self.rollout.wire_name(),
            "taskDefinition": task_definition,
            "createdAt": seconds(self.created_at),
            "updatedAt": seconds(self.updated_at),
            "desiredCount": counts.desired,
            "runningCount": counts.running,
            "pendingCount": counts.pending,
            "failedTasks": self.failed_tasks,
            "launchType": "FARGATE",
        })
    }
}

/// What an `ECS Deployment State Change` event reports.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Report<'a> {
    InProgress,
    /// Back to this deployment, whose own event it is.
    RollingBack,
    Completed,
    Failed(&'a str),
}

/// An `ECS Deployment State Change` event. ECS docs (ecs_service_deployment_events): these members
/// and reasons, no cluster and no version.
pub(crate) fn event(service: &Service, id: &str, report: Report<'_>, now: SystemTime) -> Value {
    let (kind, name, reason) = match report {
        Report::InProgress => {
            ("INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", format!("ECS deployment {id} in progress."))
        }
        Report::RollingBack => (
            "INFO",
            "SERVICE_DEPLOYMENT_IN_PROGRESS",
            format!("ECS deployment circuit breaker: rolling back to deploymentId {id}."),
        ),
        Report::Completed => {
            ("INFO", "SERVICE_DEPLOYMENT_COMPLETED", format!("ECS deployment {id} completed."))
        }
        Report::Failed(reason) => ("ERROR", "SERVICE_DEPLOYMENT_FAILED", reason.to_owned()),
    };
    json!({
        "version": "0",
        "id": uuid(&format!("{id} {name} {}", rfc3339(now))),
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "account": service.account,
        "time": rfc3339(whole_seconds(now)),
        "region": service.region,
        "resources": [service.arn()],
        "detail": {
            "eventType": kind,
            "eventName": name,
            "deploymentId": id,
            "updatedAt": rfc3339(now),
            "reason": reason,
        },
    })
}
