//! What doctor has read about a binding: plain facts, each of which may have failed to be read.

use std::fmt;

use crate::core::failure::Failure;
use crate::core::task::Task;

/// A fact, or why it could not be read.
pub type Read<T> = Result<T, Failure>;

/// All that is known about one binding.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The bound target group; `None` if there is none of that ARN.
    pub target_group: Read<Option<TargetGroup>>,
    /// Its attributes.
    pub attributes: Read<Attributes>,
    /// Its targets, whatever their state.
    pub targets: Read<Vec<Target>>,
    /// What forwards to it; `None` if nothing does.
    pub front: Read<Option<Balancer>>,
    /// How many targets this account may have.
    pub quotas: Read<Quotas>,
    /// The bound service; `None` if there is none, or if a family is bound.
    pub service: Read<Option<Service>>,
    /// The other target groups that ECS fills for the service by itself.
    pub native_groups: Read<Vec<NativeGroup>>,
    /// What the service's or the family's next task will be made from; `None` if that is unknown
    /// because there is no service.
    pub task_definition: Read<Option<TaskDefinition>>,
    /// The service's or the family's tasks that are meant to run.
    pub tasks: Read<Vec<Task>>,
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// Its name.
    pub name: String,
    /// `ip`, `instance`, `alb` or `lambda`.
    pub target_type: String,
    /// `ipv4` or `ipv6`.
    pub ip_address_type: String,
    /// `TCP`, `TLS`, `UDP`, `TCP_UDP`, or that of another kind of load balancer.
    pub protocol: String,
    /// The port of targets that name none.
    pub port: Option<u16>,
    /// The load balancers that use it. A group has at most one (ELB quota "Load balancers per
    /// target group", 1, not adjustable).
    pub load_balancers: Vec<String>,
}

impl TargetGroup {
    /// Whether it takes UDP.
    pub fn takes_udp(&self) -> bool {
        matches!(self.protocol.as_str(), "UDP" | "TCP_UDP")
    }
}

/// The attributes of a target group that matter here (ELB API reference, TargetGroupAttribute).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// `preserve_client_ip.enabled`.
    pub preserves_client_ip: bool,
    /// `proxy_protocol_v2.enabled`.
    pub proxy_protocol: bool,
    /// `load_balancing.cross_zone.enabled`; `None` means as the load balancer has it.
    pub cross_zone: Option<bool>,
    /// `deregistration_delay.timeout_seconds`.
    pub deregistration_delay: u32,
}

/// A registered target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where ELB has it, as far as it tells.
    pub zone: Option<String>,
    /// For example `healthy` (ELB API reference, TargetHealth).
    pub state: String,
}

impl Target {
    /// Whether it gets traffic, or will once it is healthy.
    pub fn is_in_service(&self) -> bool {
        !matches!(self.state.as_str(), "draining" | "unused")
    }
}

/// The load balancer before a target group.
#[derive(Clone, Debug)]
pub struct Balancer {
    /// The load balancer.
    pub load_balancer: Read<LoadBalancer>,
    /// All its listeners.
    pub listeners: Read<Vec<Listener>>,
    /// Its attribute `load_balancing.cross_zone.enabled`.
    pub cross_zone: Read<bool>,
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// `network`, `application` or `gateway`.
    pub kind: String,
    /// `active`, `provisioning`, `active_impaired` or `failed`.
    pub state: String,
    /// `ipv4`, `dualstack` or `dualstack-without-public-ipv4`.
    pub ip_address_type: String,
    /// `EnablePrefixForIpv6SourceNat`.
    pub source_nat_prefixes: bool,
    /// Its enabled Availability Zones.
    pub zones: Vec<Zone>,
}

/// An Availability Zone that is enabled for a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// For example `us-east-2a`.
    pub name: String,
    /// The subnet the load balancer has there.
    pub subnet: String,
}

/// A listener of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// For example `TCP`.
    pub protocol: String,
    /// The port it listens on.
    pub port: u16,
    /// The target groups its default action forwards to. A Network Load Balancer's listener has
    /// no other actions.
    pub forwards_to: Vec<String>,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol, self.port)
    }
}

/// The quotas that limit targets (ELB docs, "Quotas for your Network Load Balancers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Of one target group.
    pub per_group: TargetsPerGroup,
    /// Of one load balancer in each of its zones; with cross-zone load balancing, in all of them
    /// together.
    pub per_zone: usize,
}

/// The quota "Targets per target group per Region".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetsPerGroup {
    /// What the account's limits say.
    Told(usize),
    /// The limits do not list it, so the documented default is taken.
    Assumed(usize),
}

impl TargetsPerGroup {
    /// The number.
    pub fn most(self) -> usize {
        match self {
            Self::Told(most) | Self::Assumed(most) => most,
        }
    }
}

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
    /// Where its tasks run.
    pub subnets: Vec<String>,
}

/// A target group that ECS fills by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeGroup {
    /// Its name.
    pub name: String,
    /// Its protocol, which tells the kind of load balancer.
    pub protocol: String,
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
    pub ports: Vec<u16>,
    /// How long it has between SIGTERM and SIGKILL, if that is set.
    pub stop_timeout: Option<u32>,
}
