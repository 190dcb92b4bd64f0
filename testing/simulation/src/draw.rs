//! Draws the scenario of a run. What only a few runs have is drawn with dice of its own, so that
//! everything else in a run stays as its seed draws it.

use std::time::Duration;

use ecs_ipv6_targets::core::drift::Prune;
use harness::dice::Dice;

use crate::fault_rates::FaultRates;
use crate::rare::{Crowd, Forgery, Rare, Trial};
use crate::scenario::{Bond, Delivery, GROUPS, Group, Lattice, Queue, SERVICES, Scenario, Service};
use crate::sources::{By, Sources};

/// The time in which one invocation can try a crowd's targets: all callers share 4 writes a second.
const LONG: Duration = Duration::from_secs(30);

/// The part of the runs in which groups may be ones of VPC Lattice.
pub const IN_LATTICE: f64 = 0.2;

/// The stream of [`lattice_dice`].
const LATTICE_STREAM: u64 = 0x1a77_03df;

/// The dice for what is rare.
pub fn rare_dice(seed: u64) -> Dice {
    Dice::of(seed ^ 0x5eed_0f00)
}

/// The dice for tags and roles, in runs of bindings and of deployments.
pub fn source_dice(seed: u64) -> Dice {
    Dice::of(seed ^ 0x7a65_0000)
}

/// The dice for which groups are of VPC Lattice. None of the seeds that tests pinned before there
/// was VPC Lattice has one: they go on meaning what they did.
pub fn lattice_dice(seed: u64) -> Dice {
    Dice::of(seed ^ LATTICE_STREAM)
}

/// Draws the scenario of a run, without groups of VPC Lattice.
pub fn scenario(dice: &mut Dice, rare: &mut Dice) -> Scenario {
    let fault_rates = FaultRates::draw(dice);
    let (services, groups, bonds) = layout(dice);
    let mut scenario = Scenario {
        groups,
        services,
        bonds,
        prune: dice.pick(&[Prune::Proven, Prune::Proven, Prune::All, Prune::Never]),
        reconcile_every: dice.chance(0.4).then(|| dice.seconds(45.0, 240.0)),
        delivery: if dice.chance(0.7) { queue(dice) } else { Delivery::Direct },
        filtered: dice.chance(0.7),
        timeout: dice.pick(&[5.0, 15.0, 30.0, 30.0].map(Duration::from_secs_f64)),
        fault_rates,
        rare: Rare::default(),
        sources: Sources::default(),
        lattice: Lattice::default(),
    };
    add_rare(&mut scenario, rare);
    scenario
}

/// Changes a scenario so that its bindings come from tags, or its groups belong to other accounts.
/// What else is rare is left out.
pub fn sources(scenario: &mut Scenario, dice: &mut Dice) {
    let Rare { foreign, unhealthy, .. } = scenario.rare;
    scenario.rare = Rare { foreign, unhealthy, ..Rare::default() };
    let pairs: &[(usize, usize)] = dice.pick(&[
        &[(0, 0), (0, 1)],
        &[(0, 0), (1, 0), (1, 1)],
        &[(0, 0), (1, 1)],
        &[(0, 0), (1, 1), (1, 2)],
        &[(0, 0), (1, 0), (0, 1), (0, 2)],
    ]);
    lay_out(scenario, pairs, dice.pick(&[None, Some(8080)]));
    for (place, group) in scenario.groups.iter_mut().enumerate() {
        group.by = match place {
            0 => dice.pick(&[By::Tag, By::Tag, By::Role]),
            _ => dice.pick(&[By::Setting, By::Tag, By::Tag, By::Role]),
        };
    }
    if scenario.is_tagged() && scenario.prune == Prune::All {
        scenario.prune = Prune::Proven;
    }
    scenario.sources = Sources::draw(dice);
    if !scenario.sources.idle.is_zero() {
        scenario.reconcile_every = None;
    }
}

/// Makes some groups ones of VPC Lattice. They have no zones, and are in no other account.
pub fn lattice(scenario: &mut Scenario, dice: &mut Dice) {
    if !dice.chance(IN_LATTICE) || scenario.rare.zone_quota.is_some() {
        return;
    }
    let own = scenario.groups.iter_mut().filter(|group| group.by != By::Role);
    own.for_each(|group| group.is_lattice = dice.chance(0.7));
    scenario.lattice =
        Lattice { refuses_whole_calls: dice.chance(0.5), refuses_absent_targets: dice.chance(0.5) };
}

/// One service and one group; two services in one group; one in two groups; one with two ports.
fn layout(dice: &mut Dice) -> (Vec<Service>, Vec<Group>, Vec<Bond>) {
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

fn queue(dice: &mut Dice) -> Delivery {
    Delivery::Queue(Queue {
        instances: dice.number(1..=3),
        batch: dice.pick(&[1, 10, 1500]),
        window: dice.pick(&[0, 200, 1000, 3000].map(Duration::from_millis)),
        receives: dice.pick(&[3, 10, 10]),
        copies: false,
    })
}

/// Adds what only a few runs have.
fn add_rare(scenario: &mut Scenario, dice: &mut Dice) {
    scenario.rare = Rare::draw(dice);
    if let Delivery::Queue(queue) = &mut scenario.delivery {
        queue.copies = dice.chance(0.5);
    }
    if scenario.services.len() > 1 && dice.chance(0.3) {
        scenario.services[1].cluster = "second-cluster";
    }
    if scenario.rare.needs_two_groups() {
        lay_out(scenario, &[(0, 0), (1, 1)], Some(8080));
        scenario.bonds[0].port = None;
        scenario.services[1].cluster = "second-cluster";
        scenario.timeout = LONG;
    }
    if scenario.rare.zone_quota.is_some() {
        fill_a_zone(scenario, dice);
    }
    let needs_unbound = scenario.rare.trials.contains(&Trial::Forged(Forgery::Owner));
    if needs_unbound && (0..scenario.services.len()).all(|service| scenario.is_bound(service)) {
        scenario.services.push(Service::plain(SERVICES[scenario.services.len()]));
    }
    if let Some(crowd) = scenario.rare.crowd {
        make_room(scenario, crowd, dice);
    }
}

/// Replaces services and groups by these pairs of bound ones.
fn lay_out(scenario: &mut Scenario, pairs: &[(usize, usize)], port: Option<u16>) {
    let bond = |&(service, group): &(usize, usize)| Bond { service, group, port };
    scenario.bonds = pairs.iter().map(bond).collect();
    let count = 1 + pairs.iter().map(|(service, _)| *service).max().unwrap_or(0);
    let groups = 1 + pairs.iter().map(|(_, group)| *group).max().unwrap_or(0);
    let services = &mut scenario.services;
    services.truncate(count);
    services.extend(SERVICES[services.len()..count].iter().map(|name| Service::plain(name)));
    scenario.groups = GROUPS[..groups].iter().map(|name| Group::plain(name)).collect();
}

/// Adds some tasks, which in many runs start all at once, so that one call has targets of the full
/// zone and of another.
fn fill_a_zone(scenario: &mut Scenario, dice: &mut Dice) {
    scenario.groups.iter_mut().for_each(|group| group.quota = 1000);
    scenario.services[0].tasks = dice.number(2..=6);
    if dice.chance(0.7) {
        let before_rule = dice.chance(0.7);
        scenario.fault_rates = FaultRates { latency: 0.05, before_rule, ..FaultRates::default() };
    }
}

/// Changes a scenario so that this crowd can start in it.
fn make_room(scenario: &mut Scenario, crowd: Crowd, dice: &mut Dice) {
    let shared = crowd.services != (0, 0);
    let pairs: &[(usize, usize)] = if shared { &[(0, 0), (1, 0)] } else { &[(0, 0)] };
    lay_out(scenario, pairs, dice.pick(&[None, Some(8080)]));
    scenario.timeout = LONG;
    if crowd.has_events {
        scenario.delivery = Delivery::Queue(Queue {
            instances: dice.pick(&[1, 1, 2]),
            batch: 1500,
            window: Duration::from_secs(1),
            receives: 5,
            copies: dice.chance(0.5),
        });
    }
    scenario.fault_rates = if dice.chance(0.75) {
        FaultRates { latency: 0.05, ..FaultRates::default() }
    } else {
        let rates = std::mem::take(&mut scenario.fault_rates);
        FaultRates { latency: 0.05, redrive: false, busy: false, ..rates }
    };
}
