//! What only some runs have beside the services' usual course: a crowd of tasks that come up at
//! once, most of them with targets that no group takes, and an account with a cluster of the same
//! name.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::coverage::Case;
use crate::delivery;
use crate::life::{self, appear, enlist};
use crate::rare::Order;
use crate::run::Run;
use crate::subject::{Blemish, Origin, Stage};

/// Many tasks come up at once, and stay.
pub async fn crowd(run: Arc<Run>) {
    let Some(crowd) = run.scenario.rare.crowd else { return };
    let _moving = run.moving.begin();
    tokio::time::sleep(life::pause(&run)).await;
    run.cover(if crowd.told { Case::CrowdTold } else { Case::CrowdUntold });
    let (mut bad, mut good) = (crowd.bad, crowd.good);
    while bad + good > 0 {
        let is_bad = run.state().dice.number(1..=bad + good) <= bad;
        *(if is_bad { &mut bad } else { &mut good }) -= 1;
        let service = if is_bad { crowd.services.0 } else { crowd.services.1 };
        let address = address(&run, is_bad, crowd.order);
        let blemish = (!crowd.told).then_some(Blemish::Untold);
        let place = run.state().subjects.len();
        let task = enlist(&run, service, Some(address), blemish, Origin::Crowd);
        appear(&run, place, task.pending().activating().running());
    }
}

/// The address of a crowd's next task.
fn address(run: &Run, is_bad: bool, order: Order) -> Ipv6Addr {
    let number = run.state().subjects.len() as u16 + 1;
    let prefix = match (is_bad, order) {
        (true, Order::BadFirst) => 0xaaa,
        (true, Order::GoodFirst) => 0xdead,
        (true, Order::Mixed) | (false, _) => 0xdb8,
    };
    let address = Ipv6Addr::new(0x2001, prefix, 0, 0, 0, 0, 1, number);
    if is_bad && order == Order::Mixed {
        run.arns.iter().for_each(|group| run.aws.exhaust_address(group, &address.to_string()));
        run.state().exhausted.insert(address);
    }
    address
}

/// Tasks of a cluster of the same name, in another account or region, whose events come here as
/// well.
pub async fn foreign(run: Arc<Run>) {
    let _moving = run.moving.begin();
    for _ in 0..run.scenario.rare.foreign {
        tokio::time::sleep(life::pause(&run)).await;
        run.cover(Case::ForeignCluster);
        let place = run.state().subjects.len();
        let own = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 2, place as u16 + 1);
        let address = if run.state().dice.chance(0.5) { serving(&run) } else { None };
        let task = enlist(&run, 0, Some(address.unwrap_or(own)), None, Origin::Foreign);
        let task = match run.state().dice.chance(0.5) {
            true => task.account("999999999999"),
            false => task.region("eu-west-1"),
        };
        let running = task.pending().activating().running();
        for task in [running.clone(), running.stopping()] {
            run.state().subjects[place].task = task.clone();
            delivery::emit(&run, place, task);
            tokio::time::sleep(run.draw_seconds(0.5, 20.0)).await;
        }
    }
}

/// The address of a task of this account that serves; private ranges are nobody's alone.
fn serving(run: &Run) -> Option<Ipv6Addr> {
    let state = run.state();
    let serving = state
        .subjects
        .iter()
        .filter(|subject| subject.stage() == Stage::Serving && subject.origin == Origin::Service);
    serving.filter_map(|subject| subject.task.ipv6()).next()
}
