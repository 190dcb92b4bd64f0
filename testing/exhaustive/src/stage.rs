//! The stages of a task's life.

use aws_sim::Task;
use serde_json::{Value, json};

use crate::names::task;

/// A stage of a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Not created yet.
    Unborn,
    /// Created, and not yet running.
    Starting,
    /// Running, and meant to go on.
    Serving,
    /// Asked to stop, or stopped.
    Leaving,
    /// ECS knows it no more.
    Forgotten,
}

impl Stage {
    /// Whether ECS knows such a task.
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Unborn | Self::Forgotten)
    }

    /// The stage before, as long as a read of ECS may still show it.
    pub fn before(self) -> Option<Self> {
        match self {
            Self::Starting => Some(Self::Unborn),
            Self::Serving => Some(Self::Starting),
            Self::Leaving => Some(Self::Serving),
            Self::Unborn | Self::Forgotten => None,
        }
    }

    /// A task in this stage.
    pub fn of(self, place: usize) -> Task {
        let task = task(place).pending();
        match self {
            Self::Unborn | Self::Starting | Self::Forgotten => task,
            Self::Serving => task.running(),
            Self::Leaving => task.running().deactivating(),
        }
    }

    /// What DescribeTasks shows of a task.
    pub fn describe(self, place: usize, address: Option<String>) -> Value {
        let task = self.of(place);
        let mut interface = json!({"attachmentId": "a", "privateIpv4Address": "10.0.0.1"});
        if let Some(address) = address {
            interface["ipv6Address"] = json!(address);
        }
        json!({
            "taskArn": task.arn(),
            "clusterArn": task.cluster_arn(),
            "group": task.group(),
            "version": task.version(),
            "lastStatus": task.last_status(),
            "desiredStatus": task.desired_status(),
            "startedBy": crate::names::deployment(place),
            "availabilityZone": "us-east-2a",
            "containers": [{"networkInterfaces": [interface]}],
        })
    }
}
