//! What the seed decides before anything happens: the services and their target groups, how events
//! are delivered, and what the operator has configured.

use std::net::Ipv6Addr;
use std::time::Duration;

use ecs_ipv6_targets::core::drift::Prune;
use serde_json::{Value, json};

use crate::fault_rates::FaultRates;
use crate::rare::Rare;
use crate::sources::{By, Sources};

/// The scenario of one run.
#[derive(Debug)]
pub struct Scenario {
    pub groups: Vec<Group>,
    /// The services, bound or unbound.
    pub services: Vec<Service>,
    /// Which service's tasks belong in which group.
    pub bonds: Vec<Bond>,
    /// Which targets a reconcile may remove.
    pub prune: Prune,
    /// The interval of the schedule's reconciles; some runs have no schedule.
    pub reconcile_every: Option<Duration>,
    /// How events get to the function.
    pub delivery: Delivery,
    /// Whether the rule matches only tasks that serve or leave, as the template's does.
    pub filtered: bool,
    /// The time that Lambda gives an invocation.
    pub timeout: Duration,
    /// What goes wrong, and how often.
    pub fault_rates: FaultRates,
    /// What only a few runs have.
    pub rare: Rare,
    /// What goes on with tags and roles, in runs of bindings.
    pub sources: Sources,
    /// What VPC Lattice does where that is not documented.
    pub lattice: Lattice,
}

#[derive(Debug)]
pub struct Group {
    pub name: &'static str,
    /// Its own port, for bindings without one.
    pub port: u16,
    /// The most targets that it accepts.
    pub quota: usize,
    /// By what its tasks are known.
    pub by: By,
    /// Whether it is one of VPC Lattice.
    pub is_lattice: bool,
}

/// What VPC Lattice may do one way or the other.
#[derive(Debug, Default)]
pub struct Lattice {
    /// Whether it refuses a whole call for one bad target.
    pub refuses_whole_calls: bool,
    /// Whether it refuses to deregister a target that is not there.
    pub refuses_absent_targets: bool,
}

/// A service of ECS, or a family of standalone tasks.
#[derive(Debug)]
pub struct Service {
    pub name: &'static str,
    pub cluster: &'static str,
    /// Whether it is a family of standalone tasks and not a service.
    pub standalone: bool,
    /// How many tasks it begins with.
    pub tasks: usize,
    /// How many deployments, scalings and crashes it goes through.
    pub changes: usize,
}

#[derive(Debug)]
pub struct Bond {
    /// The service's place in the scenario.
    pub service: usize,
    /// The group's place in the scenario.
    pub group: usize,
    /// The port, unless it is left to the group.
    pub port: Option<u16>,
}

/// How events get to the function.
#[derive(Debug)]
pub enum Delivery {
    /// By way of an SQS queue.
    Queue(Queue),
    /// Straight from the rule: Lambda retries a failed event after one minute and after two more.
    Direct,
}

/// How the queue is configured.
#[derive(Debug)]
pub struct Queue {
    /// The most invocations that Lambda runs at a time.
    pub instances: usize,
    /// The most messages in a batch.
    pub batch: usize,
    /// How long a batch is gathered.
    pub window: Duration,
    /// How often a message is received before it goes to the dead-letter queue.
    pub receives: u32,
    /// Whether stops also go straight to the function, as copies.
    pub copies: bool,
}

/// A target of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The group's place in the scenario.
    pub group: usize,
    pub id: Ipv6Addr,
    pub port: u16,
}

/// The names of the services, in the order in which they are used.
pub const SERVICES: [&str; 4] = ["web", "api", "other", "stranger"];

/// The names of the groups, in the order in which they are used.
pub const GROUPS: [&str; 3] = ["blue", "green", "violet"];

impl Service {
    /// A service in the usual cluster, with one task and one change.
    pub fn plain(name: &'static str) -> Self {
        Self { name, cluster: "demo-cluster", standalone: false, tasks: 1, changes: 1 }
    }
}

impl Group {
    /// A group with room for every target that a run may have.
    pub fn plain(name: &'static str) -> Self {
        Self { name, port: 8080, quota: 1000, by: By::Setting, is_lattice: false }
    }

    /// Whether a run may have more targets than it accepts.
    pub fn is_small(&self) -> bool {
        self.quota < 1000
    }
}

impl Scenario {
    /// Whether any binding names this service.
    pub fn is_bound(&self, service: usize) -> bool {
        self.bonds.iter().any(|bond| bond.service == service)
    }

    /// Whether any group is known by its tag.
    pub fn is_tagged(&self) -> bool {
        self.groups.iter().any(|group| group.by == By::Tag)
    }

    /// Whether the index shows a tag for this service on a group that was deleted.
    pub fn has_ghost(&self, service: usize) -> bool {
        self.sources.has_ghost && self.is_tagged() && service == 0
    }

    /// The bonds that make this a target of a service's tasks, by their places.
    pub fn bonds_of(&self, service: usize, target: &Target) -> impl Iterator<Item = usize> {
        let makes = move |(_, bond): &(usize, &Bond)| {
            let port = bond.port.unwrap_or(self.groups[bond.group].port);
            (bond.service, bond.group, port) == (service, target.group, target.port)
        };
        self.bonds.iter().enumerate().filter(makes).map(|(place, _)| place)
    }

    /// Whether there may be no room for a target, because its group is small or its zone is.
    pub fn is_short_of_room(&self, target: &Target) -> bool {
        let zone = self.rare.zone_quota.is_some() && target.id.segments()[3] == 0;
        zone || self.groups[target.group].is_small()
    }

    /// Whether an invocation's time may be over before it has made, one after the other, the calls
    /// that tags and roles need, then a read of a port, a write and a look, and where a zone can be
    /// full, three more to search for those that fit.
    pub fn is_short_of_time(&self) -> bool {
        let tagged = self.groups.iter().filter(|group| group.by == By::Tag).count();
        let ghost = usize::from(self.sources.has_ghost);
        let pages = if tagged > 0 { (tagged + ghost).div_ceil(self.sources.page) } else { 0 };
        let roles = usize::from(self.groups.iter().any(|group| group.by == By::Role));
        let search = if self.rare.zone_quota.is_some() { 3 } else { 0 };
        let more = pages + roles + search;
        let slowest = 2.0 * self.fault_rates.latency * (more + 3) as f64;
        // A write leaves half of the time to what comes after it.
        more > 0 && slowest > self.timeout.as_secs_f64() / 2.0
    }

    /// Whether a task of this service may have to be tried several times, because many of the
    /// service's targets are bad.
    pub fn is_crowded(&self, service: usize) -> bool {
        self.rare.crowd.is_some_and(|crowd| crowd.services.0 == service)
    }

    /// The targets of a service's task with this address.
    pub fn targets(&self, service: usize, id: Ipv6Addr) -> Vec<Target> {
        let bonds = self.bonds.iter().filter(|bond| bond.service == service);
        let port = |bond: &Bond| bond.port.unwrap_or(self.groups[bond.group].port);
        bonds.map(|bond| Target { group: bond.group, id, port: port(bond) }).collect()
    }

    /// The value of `BINDINGS`, for groups with these ARNs.
    pub fn bindings(&self, arns: &[String]) -> Value {
        let binding = |bond: &Bond| {
            let service = &self.services[bond.service];
            let owner = if service.standalone { "family" } else { "service" };
            let role = self.groups[bond.group].by.role(bond.group);
            json!({
                "cluster": service.cluster, owner: service.name,
                "targetGroupArn": arns[bond.group], "port": bond.port,
                "externalId": role.as_ref().and(self.sources.external_id), "roleArn": role,
            })
        };
        let is_set = |bond: &&Bond| self.groups[bond.group].by != By::Tag;
        self.bonds.iter().filter(is_set).map(binding).collect()
    }
}

impl Target {
    /// The target in words: `blue [2001:db8::1]:8080`.
    pub fn words(&self, scenario: &Scenario) -> String {
        format!("{} [{}]:{}", scenario.groups[self.group].name, self.id, self.port)
    }
}
