//! What only some runs have besides the usual changes of services: a crowd of tasks that start at
//! once, most of them with targets that no group accepts, and another account or region with a
//! cluster of the same name.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::coverage::Case;
use crate::eventbridge;
use crate::life::{self, appear, enlist};
use crate::rare::Order;
use crate::tracked_task::{Excuse, Origin, Phase, TrackedTask};
use crate::world::World;

/// Many tasks start at once, and stay.
pub async fn crowd(world: Arc<World>) {
    let Some(crowd) = world.scenario.rare.crowd else { return };
    let _moving = world.moving.begin();
    tokio::time::sleep(life::pause(&world)).await;
    world.cover(if crowd.has_events { Case::CrowdWithEvents } else { Case::CrowdWithoutEvents });
    let (mut bad, mut good) = (crowd.bad, crowd.good);
    while bad + good > 0 {
        let is_bad = world.state().dice.number(1..=bad + good) <= bad;
        *(if is_bad { &mut bad } else { &mut good }) -= 1;
        let service = if is_bad { crowd.services.0 } else { crowd.services.1 };
        let address = address(&world, is_bad, crowd.order);
        let excuse = (!crowd.has_events).then_some(Excuse::NoEvent);
        let place = world.state().observed.tasks.len();
        let task = enlist(&world, service, Some(address), excuse, Origin::Crowd);
        appear(&world, place, task.pending().activating().running());
    }
}

/// The address of a crowd's next task.
fn address(world: &World, is_bad: bool, order: Order) -> Ipv6Addr {
    let number = world.state().observed.tasks.len() as u16 + 1;
    let prefix = match (is_bad, order) {
        (true, Order::BadFirst) => 0xaaa,
        (true, Order::GoodFirst) => 0xdead,
        (true, Order::Mixed) | (false, _) => 0xdb8,
    };
    let address = Ipv6Addr::new(0x2001, prefix, 0, 0, 0, 0, 1, number);
    if is_bad && order == Order::Mixed {
        world.arns.iter().for_each(|group| world.aws.exhaust_address(group, &address.to_string()));
        world.state().exhausted.insert(address);
    }
    address
}

/// Tasks of a cluster of the same name, in another account or region, whose events arrive here.
pub async fn foreign(world: Arc<World>) {
    let _moving = world.moving.begin();
    for _ in 0..world.scenario.rare.foreign {
        tokio::time::sleep(life::pause(&world)).await;
        world.cover(Case::ForeignCluster);
        let place = world.state().observed.tasks.len();
        let own = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 2, place as u16 + 1);
        let address = if world.state().dice.chance(0.5) { serving(&world) } else { None };
        let task = enlist(&world, 0, Some(address.unwrap_or(own)), None, Origin::Foreign);
        let task = match world.state().dice.chance(0.5) {
            true => task.account("999999999999"),
            false => task.region("eu-west-1"),
        };
        let running = task.pending().activating().running();
        for task in [running.clone(), running.stopping()] {
            world.state().observed.tasks[place].task = task.clone();
            eventbridge::emit(&world, place, &task);
            tokio::time::sleep(world.draw_seconds(0.5, 20.0)).await;
        }
    }
}

/// The address of a serving task of this account. Accounts may use the same private ranges.
fn serving(world: &World) -> Option<Ipv6Addr> {
    let state = world.state();
    let is_serving = |tracked: &&TrackedTask| {
        tracked.phase() == Phase::Serving && tracked.origin == Origin::Service
    };
    state.observed.tasks.iter().filter(is_serving).find_map(|tracked| tracked.task.ipv6())
}
