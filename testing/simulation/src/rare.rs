//! What a few runs have beside what every run may have: crowds of bad targets, the quota of one
//! zone, and the trials at the end ([`crate::trials`]). Drawn with dice of their own, so that all
//! else in a run stays as its seed draws it.

use std::time::Duration;

use crate::scenario::{Delivery, Queue, Scenario};
use crate::trouble::Trouble;
use harness::dice::Dice;

/// Makes the dice of what is rare others than those of the rest.
pub const DICE: u64 = 0x5eed_0f00;

/// What a run has of it.
#[derive(Debug, Default)]
pub struct Rare {
    /// Many tasks that come up at once, most of them with bad targets.
    pub crowd: Option<Crowd>,
    /// How many of a zone's addresses the groups take.
    pub zone_quota: Option<usize>,
    /// How many tasks of a cluster of the same name are heard of, in another account or region.
    pub foreign: usize,
    /// How often the health checks of a target leave it `unhealthy.draining`.
    pub unhealthy: f64,
    /// What is tried at the end.
    pub trials: Vec<Trial>,
}

/// Tasks that come up at once.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// How many tasks no group takes.
    pub bad: usize,
    /// How many it takes.
    pub good: usize,
    /// The places of the services that have the bad and the good ones.
    pub services: (usize, usize),
    /// Where the bad ones stand.
    pub order: Order,
    /// Whether events tell of them; otherwise only a reconcile finds them.
    pub told: bool,
}

/// The order of a crowd's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The bad addresses come first.
    BadFirst,
    /// The good ones come first.
    GoodFirst,
    /// Bad and good ones stand in any order.
    Mixed,
}

/// Something that is tried when all else is over and nothing else goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// A read hangs for longer than a reconcile has time for it.
    HungReconcile(Hung),
    /// A read hangs while a batch is worked on.
    HungBatch(Hung),
    /// An event of a real task tells what is not so.
    Forged(Forgery),
    /// One task stops, long after anything else happened.
    LoneStop,
}

/// Which read hangs: always one about the first service, its cluster or its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hung {
    /// DescribeTargetGroups, on a new instance; the first binding leaves the port to the group.
    Port,
    /// DescribeTargetHealth.
    Targets,
    /// ListTasks.
    List,
    /// DescribeTasks.
    Tasks,
}

/// What a forged event tells of a real task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// An address that is nobody's.
    Address,
    /// The address of another task, whose own event is in the same batch.
    AddressOfAnother,
    /// Another service as its owner.
    Owner,
}

/// A crowd's tasks are judged within the time of one invocation: all callers share 4 writes a
/// second.
const LONG: Duration = Duration::from_secs(30);

impl Rare {
    /// Draws what a run has of it.
    pub fn draw(dice: &mut Dice) -> Self {
        let crowd = dice.chance(0.015).then(|| Crowd::draw(dice));
        let quota = crowd.is_none() && dice.chance(0.03);
        Self {
            crowd,
            zone_quota: quota.then(|| dice.number(1..=2)),
            foreign: if dice.chance(0.08) { dice.number(1..=2) } else { 0 },
            unhealthy: if dice.chance(0.08) { 0.5 } else { 0.0 },
            trials: if dice.chance(0.12) { vec![Trial::draw(dice)] } else { vec![] },
        }
    }

    /// Whether anything of it needs two services in two groups.
    fn needs_two_groups(&self) -> bool {
        let hangs = |trial: &Trial| matches!(trial, Trial::HungReconcile(_) | Trial::HungBatch(_));
        self.trials.iter().any(hangs)
    }
}

impl Trial {
    fn draw(dice: &mut Dice) -> Self {
        let hung = dice.pick(&[Hung::Port, Hung::Targets, Hung::List, Hung::Tasks]);
        let forgery = [Forgery::Address, Forgery::AddressOfAnother, Forgery::Owner];
        match dice.number(0..=3) {
            0 => Self::HungReconcile(hung),
            1 => Self::HungBatch(dice.pick(&[Hung::Port, Hung::Tasks])),
            2 => Self::Forged(dice.pick(&forgery)),
            _ => Self::LoneStop,
        }
    }
}

impl Crowd {
    /// At most 200 targets in a group, with those that are there anyway.
    fn draw(dice: &mut Dice) -> Self {
        let sizes = [(30, 5), (100, 5), (180, 10), (60, 30), (20, 100)];
        let (bad, good) = dice.pick(&sizes);
        Self {
            bad,
            good,
            services: dice.pick(&[(0, 0), (0, 0), (0, 1), (1, 0)]),
            order: dice.pick(&[Order::BadFirst, Order::GoodFirst, Order::Mixed]),
            told: dice.chance(0.5),
        }
    }

    /// Makes a setting one that this crowd can come up in.
    fn shape(self, scenario: &mut Scenario, dice: &mut Dice) {
        let shared = self.services != (0, 0);
        let pairs: &[(usize, usize)] = if shared { &[(0, 0), (1, 0)] } else { &[(0, 0)] };
        scenario.lay_out(pairs, dice.pick(&[None, Some(8080)]));
        scenario.timeout = LONG;
        if self.told {
            scenario.delivery = Delivery::Queue(Queue {
                instances: dice.pick(&[1, 1, 2]),
                batch: 1500,
                window: Duration::from_secs(1),
                receives: 5,
                copies: dice.chance(0.5),
            });
        }
        scenario.trouble = if dice.chance(0.75) {
            Trouble { latency: 0.05, ..Trouble::default() }
        } else {
            let trouble = std::mem::take(&mut scenario.trouble);
            Trouble { latency: 0.05, redrive: false, busy: false, ..trouble }
        };
    }
}

/// Some more tasks, in many runs all at once, so that those of a full zone meet those of another in
/// one call.
fn fill_a_zone(scenario: &mut Scenario, dice: &mut Dice) {
    scenario.groups.iter_mut().for_each(|group| group.quota = 1000);
    scenario.services[0].tasks = dice.number(2..=6);
    if dice.chance(0.7) {
        let untold = dice.chance(0.7);
        scenario.trouble = Trouble { latency: 0.05, untold, ..Trouble::default() };
    }
}

/// Puts what is rare into a setting.
pub fn season(scenario: &mut Scenario, dice: &mut Dice) {
    scenario.rare = Rare::draw(dice);
    if let Delivery::Queue(queue) = &mut scenario.delivery {
        queue.copies = dice.chance(0.5);
    }
    if scenario.services.len() > 1 && dice.chance(0.3) {
        scenario.services[1].cluster = "second-cluster";
    }
    if scenario.rare.needs_two_groups() {
        scenario.lay_out(&[(0, 0), (1, 1)], Some(8080));
        scenario.bonds[0].port = None;
        scenario.services[1].cluster = "second-cluster";
        scenario.timeout = LONG;
    }
    if scenario.rare.zone_quota.is_some() {
        fill_a_zone(scenario, dice);
    }
    if scenario.rare.trials.contains(&Trial::Forged(Forgery::Owner)) {
        scenario.need_unbound();
    }
    if let Some(crowd) = scenario.rare.crowd {
        crowd.shape(scenario, dice);
    }
}
