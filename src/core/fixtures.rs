//! Bindings and tasks of one cluster, for unit tests.

use std::net::Ipv6Addr;

use crate::core::binding::{Binding, Cluster, Owner, Source, TargetGroupArn};
use crate::core::target::Target;
use crate::core::task::{Phase, Task, TaskArn};

/// The cluster of all bindings and tasks here.
pub const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";

/// An address, where one will do.
pub const ADDRESS: Option<Ipv6Addr> = Some(Ipv6Addr::LOCALHOST);

/// The target group of this name.
pub fn group(name: &str) -> TargetGroupArn {
    let prefix = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup";
    TargetGroupArn::parse(&format!("{prefix}/{name}/6d0ecf831eec9f09")).unwrap()
}

/// A service bound to the target group of this name.
pub fn binding(service: &str, group_name: &str, port: Option<u16>) -> Binding {
    let target_group = group(group_name);
    Binding {
        cluster: Cluster::parse("demo-cluster", &target_group).unwrap(),
        owner: Owner::Service(service.to_owned()),
        target_group,
        port,
        hold: true,
        source: Source::Entry(0),
    }
}

/// A task of the service `demo` at version 3.
pub fn task(id: &str, phase: Phase, address: Option<Ipv6Addr>) -> Task {
    let arn = format!("arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/{id}");
    Task {
        arn: TaskArn::parse(&arn).unwrap(),
        cluster: CLUSTER.to_owned(),
        group: "service:demo".to_owned(),
        version: 3,
        phase,
        address,
        origin: None,
    }
}

/// The ARN of the task with this id.
pub fn task_arn(id: &str) -> TaskArn {
    task(id, Phase::Serving, None).arn
}

/// A target in the group `demo`.
pub fn target() -> Target {
    Target { group: group("demo"), id: Ipv6Addr::LOCALHOST, port: 80 }
}
