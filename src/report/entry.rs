//! A target in a report.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV6};

use serde::Serialize;

use crate::core::binding::TargetGroupArn;
use crate::core::plan::Portless;
use crate::core::target::{Change, Target};
use crate::core::task::TaskArn;

/// A target in a report. Unknown fields are left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The task whose target it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_arn: Option<TaskArn>,
    /// The target group.
    pub target_group_arn: TargetGroupArn,
    /// The address in canonical text (RFC 5952).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Ipv6Addr>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Where the binding stands; only a plan with bindings by tags says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
}

impl From<Change> for Entry {
    fn from(change: Change) -> Self {
        Self {
            task_arn: change.task,
            target_group_arn: change.target.group,
            id: Some(change.target.id),
            port: Some(change.target.port),
            binding: None,
        }
    }
}

impl From<Target> for Entry {
    fn from(target: Target) -> Self {
        Change { task: None, target }.into()
    }
}

impl From<Portless> for Entry {
    fn from(portless: Portless) -> Self {
        Self {
            task_arn: Some(portless.task),
            target_group_arn: portless.group,
            id: Some(portless.id),
            port: None,
            binding: None,
        }
    }
}

impl From<TargetGroupArn> for Entry {
    fn from(group: TargetGroupArn) -> Self {
        Self { task_arn: None, target_group_arn: group, id: None, port: None, binding: None }
    }
}

impl Entry {
    /// The target in words: `[2001:db8::1]:8080`.
    pub fn target(&self) -> String {
        match (self.id, self.port) {
            (Some(id), Some(port)) => SocketAddrV6::new(id, port, 0, 0).to_string(),
            (Some(id), None) => id.to_string(),
            (None, _) => "unknown".to_owned(),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.target(), self.target_group_arn.name())?;
        match &self.task_arn {
            Some(task) => write!(f, " for task {}", task.id()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::{group, target, task_arn};

    #[test]
    fn a_target_is_shown_as_far_as_it_is_known() {
        let change = Entry::from(Change { task: Some(task_arn("c50e")), target: target() });
        assert_eq!(change.to_string(), "[::1]:80 in demo for task c50e");
        assert_eq!(Entry::from(target()).to_string(), "[::1]:80 in demo");
        let portless =
            Portless { task: task_arn("c50e"), group: group("demo"), id: Ipv6Addr::LOCALHOST };
        assert_eq!(Entry::from(portless).to_string(), "::1 in demo for task c50e");
        let none = Entry { id: None, ..Entry::from(target()) };
        assert_eq!(none.to_string(), "unknown in demo");
    }
}
