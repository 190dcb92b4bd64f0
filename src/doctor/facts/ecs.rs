//! What was read of Amazon ECS.

use std::ops::RangeInclusive;

use super::{Read, Target};

/// An ECS service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// How many tasks it is to have.
    pub desired: usize,
    /// How many run.
    pub running: usize,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// The target groups that ECS fills by itself, from `loadBalancers` of the service or of a
    /// task set, with those of the other side of blue/green deployments.
    pub target_groups: Vec<String>,
    /// The target groups of VPC Lattice that ECS fills by itself, from `vpcLatticeConfigurations`
    /// of its deployments.
    pub lattice_groups: Vec<String>,
    /// Where its tasks run.
    pub subnets: Vec<String>,
    /// What lets others reach them; none if the service does not say, and theirs is the VPC's
    /// default one.
    pub security_groups: Vec<String>,
    /// How ECS deploys it.
    pub deployment: Deployment,
}

/// How ECS replaces a service's tasks (ECS API reference, DeploymentConfiguration).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The deployment controller: `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// The strategy of the controller `ECS`: `ROLLING`, `BLUE_GREEN`, `LINEAR` or `CANARY`.
    pub strategy: String,
    /// Whether there is one task on each instance (the scheduling strategy `DAEMON`).
    pub is_daemon: bool,
    /// `minimumHealthyPercent`.
    pub minimum_percent: usize,
    /// `maximumPercent`.
    pub maximum_percent: usize,
    /// The stages at which a lifecycle hook can halt it.
    pub hooks: Vec<String>,
    /// `bakeTimeInMinutes`: how long the old tasks stay after the traffic has shifted.
    pub bake_minutes: u32,
}

/// A target group that ECS fills by itself.
#[derive(Clone, Debug)]
pub struct NativeGroup {
    /// Its name.
    pub name: String,
    /// Its protocol, which tells the kind of load balancer.
    pub protocol: String,
    /// The load balancers that use it.
    pub load_balancers: Vec<String>,
    /// Its targets, whatever their state; none is read of a group that no load balancer uses.
    pub targets: Read<Vec<Target>>,
    /// Its `deregistration_delay.timeout_seconds`.
    pub deregistration_delay: u32,
}

/// A task definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskDefinition {
    /// `family:revision`.
    pub name: String,
    /// `awsvpc`, `bridge`, `host` or `none`.
    pub network_mode: String,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// A container of a task definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Whether the task ends with it.
    pub essential: bool,
    /// The ports it maps.
    pub ports: Vec<Ports>,
    /// How long it has between SIGTERM and SIGKILL, if that is set.
    pub stop_timeout: Option<u32>,
    /// Whether it has a health check of its own.
    pub has_health_check: bool,
}

/// A port mapping of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The port, or the range of ports.
    pub range: RangeInclusive<u16>,
    /// `tcp` or `udp`.
    pub protocol: String,
}
