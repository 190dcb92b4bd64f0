//! What only a few runs have: a crowd of bad targets, a quota for one zone, events of another
//! cluster of the same name, and trials at the end.

use harness::dice::Dice;

/// What a run has of it.
#[derive(Debug, Default)]
pub struct Rare {
    /// Many tasks that start at once, most of them with bad targets.
    pub crowd: Option<Crowd>,
    /// How many addresses of one zone the groups accept.
    pub zone_quota: Option<usize>,
    /// How many tasks of another account's or region's cluster of the same name send events here.
    pub foreign: usize,
    /// The probability that the health checks of a target leave it `unhealthy.draining`.
    pub unhealthy: f64,
    /// The trials at the end.
    pub trials: Vec<Trial>,
}

/// Tasks that start at once.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// How many tasks no group accepts.
    pub bad: usize,
    /// How many tasks the groups accept.
    pub good: usize,
    /// The places of the services that have the bad and the good tasks.
    pub services: (usize, usize),
    /// Where the bad addresses are among the good ones.
    pub order: Order,
    /// Whether there are events of the tasks; otherwise only a reconcile finds them.
    pub has_events: bool,
}

/// The order of a crowd's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    BadFirst,
    GoodFirst,
    Mixed,
}

/// A trial at the end of a run, when nothing else happens or goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// A read hangs for longer than a reconcile has time.
    HungReconcile(Hung),
    /// A read hangs while a batch is processed.
    HungBatch(Hung),
    /// A forged event claims something false about a real task.
    Forged(Forgery),
    /// One task stops, long after anything else happened.
    LoneStop,
}

/// Which read hangs. The read is always about the first service's cluster or group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hung {
    /// DescribeTargetGroups, on a new instance; the first binding leaves the port to the group.
    Port,
    Targets,
    List,
    Tasks,
}

/// What a forged event claims about a real task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgery {
    /// An address that no task has.
    Address,
    /// The address of another task, whose own event is in the same batch.
    AddressOfAnother,
    /// Another service as its owner.
    Owner,
}

impl Rare {
    /// Draws what a run has.
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

    /// Whether a trial needs two services in two groups.
    pub fn needs_two_groups(&self) -> bool {
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
    /// Draws a crowd small enough for a group to have at most 200 targets in all.
    fn draw(dice: &mut Dice) -> Self {
        let sizes = [(30, 5), (100, 5), (180, 10), (60, 30), (20, 100)];
        let (bad, good) = dice.pick(&sizes);
        Self {
            bad,
            good,
            services: dice.pick(&[(0, 0), (0, 0), (0, 1), (1, 0)]),
            order: dice.pick(&[Order::BadFirst, Order::GoodFirst, Order::Mixed]),
            has_events: dice.chance(0.5),
        }
    }
}
