//! An ECS task, reduced to what matters for target groups, and how reports about it are folded.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::core::arn::{Arn, is_name};

/// The ARN of an ECS task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskArn(Arc<str>);

impl TaskArn {
    /// Reads `arn:<partition>:ecs:<region>:<account>:task/[<cluster>/]<id>`; the cluster is
    /// absent from ARNs in the old short format (ECS developer guide, "Amazon Resource Names").
    pub fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text).filter(|arn| arn.service == "ecs")?;
        let mut names = arn.resource.strip_prefix("task/")?.split('/');
        let well_formed = names.clone().count() <= 2 && names.all(is_name);
        well_formed.then(|| Self(text.into()))
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part of the ARN, for messages.
    pub fn id(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The ARN of the task's cluster; `None` if this ARN has the old short format.
    pub fn cluster_arn(&self) -> Option<String> {
        let (prefix, resource) = self.0.split_once(":task/")?;
        let (cluster, _) = resource.split_once('/')?;
        Some(format!("{prefix}:cluster/{cluster}"))
    }
}

impl fmt::Display for TaskArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TaskArn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The phase of a task's life. The order is that of time; no task goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not yet running.
    Starting,
    /// Running, and meant to go on.
    Serving,
    /// Stopping or stopped. Final.
    Leaving,
}

impl Phase {
    /// The phase that follows from ECS's two statuses.
    ///
    /// `desiredStatus: STOPPED` comes before the containers get SIGTERM and is never taken back; a
    /// crash shows in `lastStatus` (ECS developer guide, "Amazon ECS task lifecycle").
    pub fn of(last_status: &str, desired_status: &str) -> Self {
        match (last_status, desired_status) {
            (_, "STOPPED")
            | ("DEACTIVATING" | "STOPPING" | "DEPROVISIONING" | "STOPPED" | "DELETED", _) => {
                Self::Leaving
            }
            ("RUNNING", "RUNNING") => Self::Serving,
            _ => Self::Starting,
        }
    }
}

/// What one event or one answer of ECS reports about a task, or several of them folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The ARN of the task.
    pub arn: TaskArn,
    /// The ARN of the cluster it runs in.
    pub cluster: String,
    /// `service:<name>`, `family:<task definition family>`, or a name given to RunTask.
    pub group: String,
    /// Grows with every change of the task; the same in events and in DescribeTasks
    /// (ECS API reference, Task: `version`).
    pub version: u64,
    /// The phase of its life.
    pub phase: Phase,
    /// The IPv6 address of its network interface, if one was reported. It never changes.
    pub address: Option<Ipv6Addr>,
    /// Where it comes from, as ECS answers it. Events leave it open, because only the decisions
    /// about deployments ask for it.
    pub origin: Option<Origin>,
}

/// Where a task comes from. Nothing of it changes in the task's life once it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who started it: for a task of a service the id of a deployment (ECS API reference, Task:
    /// `startedBy`).
    pub started_by: String,
    /// Its Availability Zone, for example `us-east-2a`.
    pub zone: String,
    /// When it was created.
    pub created: Option<SystemTime>,
    /// When it came to run; `None` as long as it does not.
    pub started: Option<SystemTime>,
}

impl Task {
    /// Whether it serves without an IPv6 address, so that it belongs in no target group.
    pub fn serves_without_address(&self) -> bool {
        self.phase == Phase::Serving && self.address.is_none()
    }

    /// Folds another report about the same task into this one.
    ///
    /// The higher version wins, but nothing revives a leaving task and no known address is
    /// forgotten. Neither order nor repetition makes a difference.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        debug_assert_eq!(self.arn, other.arn);
        let leaving = [self.phase, other.phase].contains(&Phase::Leaving);
        let (newer, older) =
            if self.rank() >= other.rank() { (self, other) } else { (other, self) };
        Self {
            phase: if leaving { Phase::Leaving } else { newer.phase },
            address: newer.address.or(older.address),
            origin: newer.origin.or(older.origin),
            group: if newer.group.is_empty() { older.group } else { newer.group },
            ..newer
        }
    }

    fn rank(&self) -> (u64, Phase, &str, &str, Option<Ipv6Addr>) {
        (self.version, self.phase, &self.group, &self.cluster, self.address)
    }
}

/// The first text that is an IPv6 address; ECS writes it without a prefix length.
pub fn first_address<'a>(mut texts: impl Iterator<Item = &'a str>) -> Option<Ipv6Addr> {
    texts.find_map(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::task;

    const ARN: &str =
        "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e321c974248dbaf4ae2cfa1662986";

    #[test]
    fn both_formats_of_a_task_arn_are_read() {
        let arn = TaskArn::parse(ARN).unwrap();
        assert_eq!(arn.id(), "c50e321c974248dbaf4ae2cfa1662986");
        assert_eq!((arn.as_str(), arn.to_string().as_str()), (ARN, ARN));
        assert_eq!(serde_json::to_value(&arn).unwrap(), ARN);
        assert_eq!(
            arn.cluster_arn().unwrap(),
            "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster"
        );
        let short = TaskArn::parse(&ARN.replace("demo-cluster/", "")).unwrap();
        assert_eq!((short.id(), short.cluster_arn()), (arn.id(), None));
    }

    #[test]
    fn what_is_no_task_arn_is_refused() {
        for text in [
            "",
            "c50e321c974248dbaf4ae2cfa1662986",
            "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo",
            "arn:aws:ec2:us-east-2:123456789012:task/demo-cluster/c50e",
            "arn:aws:ecs:us-east-2:123456789012:task/",
            "arn:aws:ecs:us-east-2:123456789012:task/a/b/c",
            "arn:aws:ecs:us-east-2:123456789012:task/a b",
        ] {
            assert_eq!(TaskArn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_newer_report_counts_but_leaving_is_final_and_nothing_known_is_lost() {
        use Phase::{Leaving, Serving, Starting};
        let address = Some(Ipv6Addr::LOCALHOST);
        let origin = Some(Origin {
            started_by: "ecs-svc/1".to_owned(),
            zone: String::new(),
            created: None,
            started: None,
        });
        for (older, (version, newer), phase) in [
            (Starting, (4, Serving), Serving),
            (Serving, (4, Starting), Starting),
            (Starting, (3, Serving), Serving),
            (Leaving, (4, Serving), Leaving),
            (Serving, (4, Leaving), Leaving),
        ] {
            let older = Task { origin: origin.clone(), ..task("c50e", older, address) };
            let newer = Task { version, ..task("c50e", newer, None) };
            let folded = newer.clone().merge(older.clone());
            assert_eq!((folded.version, folded.phase, folded.address), (version, phase, address));
            assert_eq!(folded.origin, origin);
            assert_eq!(older.merge(newer), folded, "the order makes no difference");
        }
    }

    #[test]
    fn a_group_that_is_left_out_is_not_forgotten() {
        let task = |version, group: &str| Task {
            arn: TaskArn::parse(ARN).unwrap(),
            cluster: String::new(),
            group: group.to_owned(),
            version,
            phase: Phase::Serving,
            address: None,
            origin: None,
        };
        assert_eq!(task(3, "service:demo").merge(task(4, "")).group, "service:demo");
        assert_eq!(task(4, "").merge(task(3, "service:demo")).group, "service:demo");
    }

    #[test]
    fn an_address_is_the_first_text_that_is_one_and_missed_only_in_service() {
        let address = Some(Ipv6Addr::LOCALHOST);
        assert_eq!(first_address(["", "10.0.0.1", "::1", "::2"].into_iter()), address);
        assert_eq!(first_address(["::1/128"].into_iter()), None);
        for (phase, address, missed) in [
            (Phase::Serving, None, true),
            (Phase::Serving, address, false),
            (Phase::Starting, None, false),
            (Phase::Leaving, None, false),
        ] {
            assert_eq!(task("c50e", phase, address).serves_without_address(), missed, "{phase:?}");
        }
    }

    #[test]
    fn desired_stopped_means_leaving_whatever_the_last_status() {
        for last in ["PENDING", "RUNNING", "DEACTIVATING", "STOPPED", "SOMETHING NEW"] {
            assert_eq!(Phase::of(last, "STOPPED"), Phase::Leaving, "{last}");
        }
        for last in ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"] {
            assert_eq!(Phase::of(last, "RUNNING"), Phase::Leaving, "{last}");
        }
        assert_eq!(Phase::of("RUNNING", "RUNNING"), Phase::Serving);
        assert_eq!(Phase::of("ACTIVATING", "RUNNING"), Phase::Starting);
        assert_eq!(Phase::of("SOMETHING NEW", "RUNNING"), Phase::Starting);
    }
}
