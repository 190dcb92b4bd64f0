//! What an invocation did to keep old tasks of a deployment, and for how long.

use std::fmt;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use crate::core::failure::{Code, Failure};
use crate::core::task::TaskArn;

/// A task that was protected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The task.
    pub task_arn: TaskArn,
    /// When ECS may stop it even if nothing clears its protection.
    #[serde(serialize_with = "rfc3339")]
    pub until: SystemTime,
}

/// A task whose protection was cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Released {
    /// The task.
    pub task_arn: TaskArn,
}

/// A service that could not be held, or a task whose protection could not be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedHold {
    /// The service.
    pub service_arn: String,
    /// The task, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<TaskArn>,
    /// AWS's error code and message.
    pub error: String,
    /// The code alone, or ours where no answer came.
    #[serde(skip)]
    pub code: Code,
}

impl FailedHold {
    /// A failure with a service, or with a task of it.
    pub fn new(service: &str, task: Option<&TaskArn>, failure: &Failure) -> Self {
        let (error, code) = (failure.to_string(), failure.code.clone());
        Self { service_arn: service.to_owned(), task_arn: task.cloned(), error, code }
    }

    /// Whether it is of no use to try again: ECS refuses to protect tasks for the rest of the
    /// deployment (ECS developer guide, "Task scale-in protection endpoint":
    /// `DEPLOYMENT_BLOCKED`).
    pub fn is_final(&self) -> bool {
        self.code == Code::of_aws(Some("DEPLOYMENT_BLOCKED"))
    }
}

impl fmt::Display for FailedHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.task_arn {
            write!(f, "task {task}, ")?;
        }
        write!(f, "hold of {}: {}", self.service_arn, self.error)
    }
}

/// Holds in numbers, for the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldNumbers {
    /// Tasks that a hold protects now, whoever protected them.
    pub standing: usize,
    /// How long each hold lasted that ended now, in seconds since its deployment began.
    pub seconds: Vec<u64>,
    /// Holds that end within a minute, while fewer new tasks than desired are ready.
    pub expired: usize,
}

/// A time in RFC 3339, in UTC and to the second.
pub fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let time = DateTime::<Utc>::from(*time).to_rfc3339_opts(SecondsFormat::Secs, true);
    serializer.serialize_str(&time)
}
