//! The answer about one task.

use std::net::Ipv6Addr;
use std::time::SystemTime;

use serde::Serialize;

use crate::core::binding::TargetGroupArn;
use crate::core::task::TaskArn;
use crate::core::verdict::Would;
use crate::report::hold::rfc3339;

/// Everything that is known about a task and its targets. What is not known is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What ECS says of the task; `None` if it does not know it.
    pub task: Option<TaskState>,
    /// The bindings that cover it, with its target in each.
    pub bindings: Vec<TargetState>,
    /// Other bindings, and why they do not cover it.
    #[serde(rename = "otherBindings", skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherBinding>,
    /// Whether and until when it is protected from being stopped by a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Why there is nothing more to say, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What ECS says of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskState {
    /// Its ARN.
    pub task_arn: TaskArn,
    /// The ARN of its cluster.
    pub cluster: String,
    /// Its `group`, for example `service:demo-service`.
    pub group: String,
    /// ECS's words for the state of its life.
    pub last_status: String,
    /// What ECS is to do with it.
    pub desired_status: String,
    /// The version of this state.
    pub version: u64,
    /// Its IPv6 address.
    pub address: Option<Ipv6Addr>,
    /// For a task of a service, the id of the deployment that started it.
    pub started_by: String,
    /// By the health checks of its containers.
    pub health_status: String,
}

/// The target of the task by one binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetState {
    /// Where the binding stands.
    pub binding: String,
    /// The target group.
    pub target_group_arn: TargetGroupArn,
    /// The address.
    pub id: Option<Ipv6Addr>,
    /// The port.
    pub port: Option<u16>,
    /// What ELB says of the target: `absent` if it is not there, `unknown` if the group could not
    /// be read.
    pub state: String,
    /// ELB's reason for it; empty where it gives none.
    pub reason: String,
    /// What the next reconcile does.
    pub would: Would,
    /// Why.
    pub because: String,
}

/// A binding that does not cover the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OtherBinding {
    /// The binding for people.
    pub binding: String,
    /// Why it does not.
    pub because: String,
}

/// Task scale-in protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Protection {
    /// The task is protected.
    Until {
        /// When the protection ends.
        #[serde(serialize_with = "rfc3339")]
        until: SystemTime,
    },
    /// Whether it is could not be read.
    Unknown {
        /// Why.
        error: String,
    },
}
