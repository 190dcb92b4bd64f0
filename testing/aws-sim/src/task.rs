//! A task in one state of its life.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use crate::digest::digest;

mod reading;

/// A task in one state of its life: a builder, with a verb for every step.
///
/// Each verb raises the version, to at least the one that was captured for that state on Fargate:
/// RUNNING is 3, the first with desiredStatus STOPPED is 4, STOPPED is 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    id: String,
    pub(crate) region: String,
    pub(crate) account: String,
    cluster: String,
    pub(crate) group: Group,
    pub(crate) task_definition: String,
    address: Option<Ipv6Addr>,
    pub(crate) launch_type: String,
    last_status: String,
    desired_status: String,
    version: u64,
    old_arn: bool,
    zone: char,
    /// The deployment's id, if it is not the only one of its service.
    pub(crate) started_by: Option<String>,
    pub(crate) created_at: Option<SystemTime>,
    pub(crate) started_at: Option<SystemTime>,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub(crate) health_status: Option<&'static str>,
}

/// `group`: `service:<name>`, or `family:<task definition family>` for a standalone task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Service(String),
    Family,
    Other(String),
}

impl Task {
    /// A task that is PROVISIONING (version 1), of `demo-service` in `demo-cluster`, on Fargate,
    /// with an IPv6 address of its own in 2001:db8::/32.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            region: "us-east-2".to_owned(),
            account: "123456789012".to_owned(),
            cluster: "demo-cluster".to_owned(),
            group: Group::Service("demo-service".to_owned()),
            task_definition: "demo".to_owned(),
            address: Some(address_of(id)),
            launch_type: "FARGATE".to_owned(),
            last_status: "PROVISIONING".to_owned(),
            desired_status: "RUNNING".to_owned(),
            version: 1,
            old_arn: false,
            zone: 'a',
            started_by: None,
            created_at: None,
            started_at: None,
            health_status: None,
        }
    }

    pub fn cluster(self, cluster: &str) -> Self {
        let cluster = cluster.to_owned();
        Self { cluster, ..self }
    }

    pub fn region(self, region: &str) -> Self {
        let region = region.to_owned();
        Self { region, ..self }
    }

    pub fn account(self, account: &str) -> Self {
        let account = account.to_owned();
        Self { account, ..self }
    }

    /// A task of this service.
    pub fn service(self, service: &str) -> Self {
        let group = Group::Service(service.to_owned());
        Self { group, ..self }
    }

    /// A standalone task of this task definition family.
    pub fn family(self, family: &str) -> Self {
        let group = Group::Family;
        Self { group, ..self }.task_definition(family)
    }

    /// The family of its task definition, `demo` unless said otherwise; tasks of services have one
    /// too.
    pub fn task_definition(self, family: &str) -> Self {
        let task_definition = family.to_owned();
        Self { task_definition, ..self }
    }

    /// Its IPv6 address. Text that is none is a panic.
    pub fn address(self, address: &str) -> Self {
        let parsed = address.parse();
        let parsed = parsed.unwrap_or_else(|_| panic!("`{address}` is not an IPv6 address"));
        Self { address: Some(parsed), ..self }
    }

    pub fn without_address(self) -> Self {
        Self { address: None, ..self }
    }

    /// The letter of its Availability Zone, `a` unless said otherwise.
    pub fn zone(self, letter: char) -> Self {
        Self { zone: letter, ..self }
    }

    /// The id of the deployment that started it, `ecs-svc/…`.
    pub fn started_by(self, deployment: &str) -> Self {
        Self { started_by: Some(deployment.to_owned()), ..self }
    }

    /// When it was created; its `startedAt` is then that of the captured task, 19.5 s later.
    pub fn created_at(self, at: SystemTime) -> Self {
        Self { created_at: Some(at), ..self }
    }

    /// Its `healthStatus`: `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub fn health_status(self, status: &'static str) -> Self {
        Self { health_status: Some(status), ..self }
    }

    /// `FARGATE`, `EC2`, `MANAGED_INSTANCES` or `EXTERNAL`; an external task has no network
    /// interface.
    pub fn launch_type(self, launch_type: &str) -> Self {
        let launch_type = launch_type.to_owned();
        Self { launch_type, ..self }
    }

    /// Sets the version outright, also downwards.
    pub fn at_version(self, version: u64) -> Self {
        Self { version, ..self }
    }

    /// Its ARN is in the old format, without the cluster's name.
    pub fn with_old_arn(self) -> Self {
        Self { old_arn: true, ..self }
    }

    pub fn provisioning(self) -> Self {
        self.enter("PROVISIONING", "RUNNING", 1)
    }

    pub fn pending(self) -> Self {
        self.enter("PENDING", "RUNNING", 2)
    }

    pub fn activating(self) -> Self {
        self.enter("ACTIVATING", "RUNNING", 2)
    }

    pub fn running(self) -> Self {
        self.enter("RUNNING", "RUNNING", 3)
    }

    /// Its desiredStatus becomes STOPPED while lastStatus stays. The first event of a stop has
    /// shown DEACTIVATING wherever one was captured; this state is for what was not.
    pub fn asked_to_stop(self) -> Self {
        let last_status = self.last_status.clone();
        self.enter(&last_status, "STOPPED", 4)
    }

    pub fn deactivating(self) -> Self {
        self.enter("DEACTIVATING", "STOPPED", 4)
    }

    pub fn stopping(self) -> Self {
        self.enter("STOPPING", "STOPPED", 4)
    }

    pub fn deprovisioning(self) -> Self {
        self.enter("DEPROVISIONING", "STOPPED", 5)
    }

    pub fn stopped(self) -> Self {
        self.enter("STOPPED", "STOPPED", 6)
    }

    fn enter(self, last_status: &str, desired_status: &str, at_least: u64) -> Self {
        Self {
            last_status: last_status.to_owned(),
            desired_status: desired_status.to_owned(),
            version: at_least.max(self.version + 1),
            ..self
        }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn arn(&self) -> String {
        let path = match self.old_arn {
            true => self.id.clone(),
            false => format!("{}/{}", self.cluster, self.id),
        };
        self.arn_of(&format!("task/{path}"))
    }

    pub fn cluster_arn(&self) -> String {
        self.arn_of(&format!("cluster/{}", self.cluster))
    }

    pub fn cluster_name(&self) -> &str {
        &self.cluster
    }

    /// `service:demo-service` or `family:demo`.
    pub fn group(&self) -> String {
        match &self.group {
            Group::Service(name) => format!("service:{name}"),
            Group::Family => format!("family:{}", self.task_definition),
            Group::Other(group) => group.clone(),
        }
    }

    /// The name of its service, if it belongs to one.
    pub fn service_name(&self) -> Option<&str> {
        match &self.group {
            Group::Service(name) => Some(name),
            Group::Family | Group::Other(_) => None,
        }
    }

    pub fn ipv6(&self) -> Option<Ipv6Addr> {
        self.address
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn last_status(&self) -> &str {
        &self.last_status
    }

    pub fn desired_status(&self) -> &str {
        &self.desired_status
    }

    pub(crate) fn zone_name(&self) -> String {
        format!("{}{}", self.region, self.zone)
    }

    /// Any ARN of ECS in its region and account.
    pub(crate) fn arn_of(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account)
    }

    /// The private IPv4 address, which a dual-stack task always has.
    pub(crate) fn ipv4(&self) -> Ipv4Addr {
        let [.., third, fourth] = address_of(&self.id).octets();
        Ipv4Addr::new(10, 0, third, fourth)
    }
}

/// The id of the only deployment of a service that has had no other.
pub(crate) fn deployment_of(service: &str) -> String {
    format!("ecs-svc/{}", digest(service))
}

/// `demo-cluster` of `arn:aws:ecs:…:cluster/demo-cluster`, and any bare name itself.
pub(crate) fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// An address in 2001:db8:1234:1a00::/64 made from the task's id.
fn address_of(id: &str) -> Ipv6Addr {
    Ipv6Addr::from(0x2001_0db8_1234_1a00_u128 << 64 | u128::from(digest(id)))
}
