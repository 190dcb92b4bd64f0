//! What was read of Elastic Load Balancing.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use super::{Listener, Read};

/// A role of another account.
#[derive(Clone, Debug)]
pub struct AssumedRole {
    /// Its ARN.
    pub arn: String,
    /// Whether it could be assumed.
    pub is_assumed: Read<()>,
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
    /// How its targets are checked.
    pub health_check: HealthCheck,
    /// The load balancers that use it. A group has at most one (ELB quota "Load balancers per
    /// target group", 1, not adjustable).
    pub load_balancers: Vec<String>,
}

impl TargetGroup {
    /// Whether its targets have to be in the load balancer's VPC (ELB docs, "Register targets").
    pub fn needs_own_vpc(&self) -> bool {
        self.protocol.contains("UDP") || self.protocol.contains("QUIC")
    }

    /// Whether it takes UDP.
    pub fn takes_udp(&self) -> bool {
        matches!(self.protocol.as_str(), "UDP" | "TCP_UDP")
    }
}

/// How the targets of a group are checked (ELB API reference, TargetGroup).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// `TCP`, `HTTP` or `HTTPS`.
    pub protocol: String,
    /// The port; `None` is `traffic-port`, the one that the target gets traffic on.
    pub port: Option<u16>,
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
    /// Its address, if it is one of IPv6.
    pub address: Option<Ipv6Addr>,
    /// Its port.
    pub port: Option<u16>,
    /// Where ELB has it, as far as it tells.
    pub zone: Option<String>,
    /// For example `healthy` (ELB API reference, TargetHealth).
    pub state: String,
    /// For example `Target.FailedHealthChecks`; empty for a healthy target.
    pub reason: String,
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
    /// All its listeners, with their rules.
    pub listeners: Read<Vec<Listener>>,
    /// How many targets are in service in the groups that get the IPv4 clients of the listeners
    /// whose rules send IPv6 clients to the bound group; by the groups' ARNs.
    pub ipv4_targets: BTreeMap<String, Read<usize>>,
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
    /// Its security groups; many have none.
    pub security_groups: Vec<String>,
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

/// The quotas that limit targets (ELB docs, "Quotas for your Network Load Balancers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Of one target group.
    pub per_group: TargetsPerGroup,
    /// Of one load balancer in each of its zones; with cross-zone load balancing, in all of them
    /// together.
    pub per_zone: usize,
    /// Of one load balancer in all its zones.
    pub per_load_balancer: usize,
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
