//! Draws the setting of a run.

use std::time::Duration;

use harness::dice::Dice;

use crate::deployments::faults::Faults;
use crate::deployments::setting::{Change, Kind, Queue, Service, Setting, Starting, Strategy};

/// The names of the services, in the order in which they are used.
const SERVICES: [&str; 2] = ["web", "api"];

/// Draws the setting of a run.
pub fn setting(dice: &mut Dice) -> Setting {
    let calm = dice.chance(0.4);
    let hold_minutes = match dice.number(0..=9) {
        0 => 0,
        1..=3 => dice.number(1..=5),
        4..=8 => dice.number(5..=20),
        _ => dice.number(20..=60),
    };
    let hold_minutes = hold_minutes as u32;
    let count = if dice.chance(0.25) { 2 } else { 1 };
    let services: Vec<Service> =
        SERVICES[..count].iter().map(|name| service(dice, name, calm)).collect();
    let gone = (!calm && dice.chance(0.2)).then(|| dice.seconds(5.0, 400.0));
    let is_plain = |service: &Service| service.changes.len() == 1;
    let compared = calm && services.iter().all(is_plain) && dice.chance(0.5);
    Setting {
        hold_minutes,
        dry_run: dice.chance(0.05),
        services,
        family: dice.chance(0.2),
        queue: dice.chance(0.6).then(|| queue(dice)),
        calm,
        gone,
        compared,
        unused: dice.chance(0.15),
        faults: if calm { Faults::none() } else { Faults::draw(dice) },
    }
}

fn service(dice: &mut Dice, name: &'static str, calm: bool) -> Service {
    let strategy = strategy(dice);
    let is_rolling = matches!(strategy, Strategy::Rolling { .. });
    let bindings: &[bool] = match dice.number(0..=19) {
        0..=9 => &[true],
        10..=13 => &[true, true],
        14..=15 => &[true, false],
        16 => &[false, true],
        17 => &[false],
        18 => &[false, false],
        _ => &[],
    };
    let kind = match dice.number(0..=19) {
        0 => Kind::Daemon,
        1 => Kind::External,
        _ => Kind::Replica,
    };
    let mut service = Service {
        name,
        desired: if dice.chance(0.3) { dice.number(1..=12) } else { dice.number(1..=4) },
        strategy,
        zones: dice.pick(&["a", "ab", "abc", "abc"]),
        ec2: dice.chance(0.4),
        health_check: dice.chance(0.3).then(|| dice.pick(&[(5, 10), (10, 60)])),
        native: dice.chance(if is_rolling { 0.2 } else { 0.05 }),
        breaker: dice.chance(0.4).then(|| dice.chance(0.8)),
        kind,
        bindings: bindings.to_vec(),
        changes: Vec::new(),
    };
    service.changes = if calm { calm_changes(dice, &service) } else { changes(dice, &mut service) };
    service
}

fn strategy(dice: &mut Dice) -> Strategy {
    if dice.chance(0.2) {
        let gate = dice.chance(0.8).then(|| (dice.number(5..=25) as u64, dice.chance(0.5)));
        return Strategy::BlueGreen { gate, bake_minutes: dice.number(0..=2) as u64 };
    }
    let percents = [(100, 200), (100, 200), (100, 200), (100, 150), (100, 125), (50, 100)];
    let percents = [&percents[..], &[(50, 150), (0, 200), (100, 100)]].concat();
    let (least, most) = dice.pick(&percents);
    Strategy::Rolling { least, most }
}

fn calm_changes(dice: &mut Dice, service: &Service) -> Vec<(f64, Change)> {
    let at = seconds(dice, 1.0, 40.0);
    let mut changes = vec![(at, Change::Deploy(Starting::Well))];
    if service.desired > 1 && dice.chance(0.2) {
        let desired = dice.number(1..=service.desired - 1);
        changes.push((at + seconds(dice, 1.0, 250.0), Change::Scale(desired)));
    }
    changes
}

fn changes(dice: &mut Dice, service: &mut Service) -> Vec<(f64, Change)> {
    let mut at = seconds(dice, 1.0, 40.0);
    let mut changes = vec![(at, Change::Deploy(starting(dice, service)))];
    let deploys = dice.pick(&[0, 0, 1, 2]);
    for _ in 0..deploys {
        at += seconds(dice, 5.0, 300.0);
        changes.push((at, Change::Deploy(starting(dice, service))));
    }
    let last = at + 200.0;
    let mut often = |dice: &mut Dice,
                     probability: f64,
                     most: usize,
                     change: &mut dyn FnMut(&mut Dice) -> Change| {
        if dice.chance(probability) {
            for _ in 0..dice.number(1..=most) {
                let change = change(dice);
                changes.push((seconds(dice, 0.0, last), change));
            }
        }
    };
    let most = 2 * service.desired;
    often(dice, 0.3, 3, &mut |dice| Change::Scale(dice.number(0..=most)));
    often(dice, 0.3, 3, &mut |_| Change::Crash);
    often(dice, 0.35, 2, &mut |dice| {
        let margin = dice.pick(&[-300, -30, 120, 600, 1500]);
        Change::Protect(dice.number(1..=6), margin)
    });
    often(dice, 0.1, 1, &mut |_| Change::Clear);
    changes.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    changes
}

/// Tasks that do not start are tried for ever without the circuit breaker.
fn starting(dice: &mut Dice, service: &mut Service) -> Starting {
    match dice.number(0..=9) {
        0..=5 => Starting::Well,
        6..=7 => {
            service.breaker.get_or_insert(true);
            Starting::Failing
        }
        _ => Starting::Deaf(dice.pick(&[0.3, 1.0])),
    }
}

fn queue(dice: &mut Dice) -> Queue {
    Queue {
        instances: dice.number(1..=3),
        batch: dice.pick(&[1, 10, 1500]),
        window: dice.pick(&[0, 200, 1000, 3000].map(Duration::from_millis)),
        receives: dice.pick(&[3, 10]),
    }
}

fn seconds(dice: &mut Dice, least: f64, most: f64) -> f64 {
    dice.seconds(least, most).as_secs_f64()
}
