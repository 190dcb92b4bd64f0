//! What the seed decides before anything happens: the services and their target groups, how events
//! are delivered, what the operator has set.

use std::net::Ipv6Addr;
use std::time::Duration;

use ecs_ipv6_targets::core::drift::Prune;
use serde_json::{Value, json};

use crate::rare::Rare;
use crate::trouble::Trouble;
use harness::dice::Dice;

/// One run's setting.
#[derive(Debug)]
pub struct Scenario {
    /// The target groups.
    pub groups: Vec<Group>,
    /// The services, bound or not.
    pub services: Vec<Service>,
    /// Which service's tasks belong into which group.
    pub bonds: Vec<Bond>,
    /// What a reconcile may remove.
    pub prune: Prune,
    /// How often the schedule reconciles; some runs have none.
    pub reconcile_every: Option<Duration>,
    /// How events come to the function.
    pub delivery: Delivery,
    /// Whether the rule passes only tasks that serve or leave, as the template's does.
    pub filtered: bool,
    /// The time that Lambda gives an invocation.
    pub timeout: Duration,
    /// What goes wrong, and how often.
    pub trouble: Trouble,
    /// What few runs have.
    pub rare: Rare,
}

/// A target group.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// Its own port.
    pub port: u16,
    /// How many targets it takes.
    pub quota: usize,
}

/// A service of ECS, or a family of standalone tasks.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// Its cluster's name.
    pub cluster: &'static str,
    /// Whether its tasks are standalone ones of a family.
    pub standalone: bool,
    /// How many tasks it begins with.
    pub tasks: usize,
    /// How many deployments, scalings and crashes it sees.
    pub changes: usize,
}

/// A binding.
#[derive(Debug)]
pub struct Bond {
    /// The service's place in the list.
    pub service: usize,
    /// The group's place in the list.
    pub group: usize,
    /// The port, unless it is left to the group.
    pub port: Option<u16>,
}

/// How events come to the function.
#[derive(Debug)]
pub enum Delivery {
    /// By an SQS queue.
    Queue(Queue),
    /// By the rule itself: Lambda tries a failed event again after one minute and after two.
    Direct,
}

/// How the queue is set.
#[derive(Debug)]
pub struct Queue {
    /// How many invocations Lambda lets run at once.
    pub instances: usize,
    /// The most messages of a batch.
    pub batch: usize,
    /// How long a batch is gathered.
    pub window: Duration,
    /// How often a message is received before it goes to the dead-letter queue.
    pub receives: u32,
    /// Whether stops also go straight to the function, as copies.
    pub copies: bool,
}

/// A target: the group's place in the list, address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The group's place in the list.
    pub group: usize,
    /// The address.
    pub id: Ipv6Addr,
    /// The port.
    pub port: u16,
}

/// Names in the order in which they are given.
const SERVICES: [&str; 4] = ["web", "api", "other", "stranger"];
const GROUPS: [&str; 2] = ["blue", "green"];

impl Service {
    fn plain(name: &'static str) -> Self {
        Self { name, cluster: "demo-cluster", standalone: false, tasks: 1, changes: 1 }
    }
}

impl Group {
    fn plain(name: &'static str) -> Self {
        Self { name, port: 8080, quota: 1000 }
    }

    /// Whether it takes fewer targets than a run may have.
    pub fn is_small(&self) -> bool {
        self.quota < 1000
    }
}

impl Scenario {
    /// Draws a run's setting.
    pub fn draw(dice: &mut Dice) -> Self {
        let trouble = Trouble::draw(dice);
        let (services, groups, bonds) = draw_layout(dice);
        Self {
            groups,
            services,
            bonds,
            prune: dice.pick(&[Prune::Proven, Prune::Proven, Prune::All, Prune::Never]),
            reconcile_every: dice.chance(0.4).then(|| dice.seconds(45.0, 240.0)),
            delivery: if dice.chance(0.7) { draw_queue(dice) } else { Delivery::Direct },
            filtered: dice.chance(0.7),
            timeout: dice.pick(&[5.0, 15.0, 30.0, 30.0].map(Duration::from_secs_f64)),
            trouble,
            rare: Rare::default(),
        }
    }

    /// Lays services and groups out anew, by pairs of those that are bound.
    pub fn lay_out(&mut self, pairs: &[(usize, usize)], port: Option<u16>) {
        let bond = |&(service, group): &(usize, usize)| Bond { service, group, port };
        self.bonds = pairs.iter().map(bond).collect();
        let services = 1 + pairs.iter().map(|(service, _)| *service).max().unwrap_or(0);
        let groups = 1 + pairs.iter().map(|(_, group)| *group).max().unwrap_or(0);
        self.services.truncate(services);
        self.services
            .extend(SERVICES[self.services.len()..services].iter().map(|n| Service::plain(n)));
        self.groups = GROUPS[..groups].iter().map(|name| Group::plain(name)).collect();
    }

    /// A service that is not bound, if need be a new one; its place in the list.
    pub fn need_unbound(&mut self) -> usize {
        let unbound = (0..self.services.len()).find(|service| !self.is_bound(*service));
        unbound.unwrap_or_else(|| {
            self.services.push(Service::plain(SERVICES[self.services.len()]));
            self.services.len() - 1
        })
    }

    /// Whether any binding names this service.
    pub fn is_bound(&self, service: usize) -> bool {
        self.bonds.iter().any(|bond| bond.service == service)
    }

    /// Whether there may be no room for a target, because its group is small or its zone is.
    pub fn is_short_of_room(&self, target: &Target) -> bool {
        let zone = self.rare.zone_quota.is_some() && target.id.segments()[3] == 0;
        zone || self.groups[target.group].is_small()
    }

    /// Whether a task of this service may have to be tried again, because many of the service's are
    /// bad.
    pub fn is_crowded(&self, service: usize) -> bool {
        self.rare.crowd.is_some_and(|crowd| crowd.services.0 == service)
    }

    /// The targets that a service's task with this address makes.
    pub fn targets(&self, service: usize, id: Ipv6Addr) -> Vec<Target> {
        let bonds = self.bonds.iter().filter(|bond| bond.service == service);
        let port = |bond: &Bond| bond.port.unwrap_or(self.groups[bond.group].port);
        bonds.map(|bond| Target { group: bond.group, id, port: port(bond) }).collect()
    }

    /// The bindings as the operator writes them, for groups with these ARNs.
    pub fn bindings(&self, arns: &[String]) -> Value {
        let binding = |bond: &Bond| {
            let service = &self.services[bond.service];
            let owner = if service.standalone { "family" } else { "service" };
            json!({
                "cluster": service.cluster, owner: service.name,
                "targetGroupArn": arns[bond.group], "port": bond.port,
            })
        };
        self.bonds.iter().map(binding).collect()
    }
}

/// One service and one group; two services in one group; one in two groups; one with two ports.
fn draw_layout(dice: &mut Dice) -> (Vec<Service>, Vec<Group>, Vec<Bond>) {
    let pairs: &[(usize, usize)] =
        dice.pick(&[&[(0, 0)], &[(0, 0)], &[(0, 0), (1, 0)], &[(0, 0), (0, 1)], &[(0, 0), (1, 1)]]);
    let bond = |(service, group): &(usize, usize)| Bond {
        service: *service,
        group: *group,
        port: dice.pick(&[None, Some(8080), Some(8080), Some(9090)]),
    };
    let mut bonds: Vec<Bond> = pairs.iter().map(bond).collect();
    if dice.chance(0.1) {
        bonds.push(Bond { service: 0, group: 0, port: Some(7070) });
    }
    let unbound = dice.chance(0.15);
    let bound = 1 + bonds.iter().map(|bond| bond.service).max().unwrap_or(0);
    let mut service = |name: &&'static str| Service {
        standalone: dice.chance(0.1),
        tasks: dice.number(1..=2),
        changes: dice.number(1..=2),
        ..Service::plain(name)
    };
    let names = SERVICES[..bound + usize::from(unbound)].iter();
    let services = names.map(&mut service).collect();
    let quota = if dice.chance(0.05) { dice.number(1..=3) } else { 1000 };
    let group = |name: &&'static str| Group { quota, ..Group::plain(name) };
    let groups = 1 + bonds.iter().map(|bond| bond.group).max().unwrap_or(0);
    (services, GROUPS.iter().take(groups).map(group).collect(), bonds)
}

fn draw_queue(dice: &mut Dice) -> Delivery {
    Delivery::Queue(Queue {
        instances: dice.number(1..=3),
        batch: dice.pick(&[1, 10, 1500]),
        window: dice.pick(&[0, 200, 1000, 3000].map(Duration::from_millis)),
        receives: dice.pick(&[3, 10, 10]),
        copies: false,
    })
}
