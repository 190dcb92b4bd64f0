//! Forged events of real tasks. Anybody who may put events on the bus can send one; the look after
//! the register finds out.

use std::net::Ipv6Addr;
use std::sync::Arc;

use aws_sim::Task;

use crate::coverage::Case;
use crate::promises::broken;
use crate::rare::Forgery;
use crate::undisturbed::{expect, hand_over, reconcile, start, task};
use crate::world::World;

const PROMISE: &str = "a forged start is undone";

/// Forges an event, and checks that nothing is left of what it claims.
pub async fn forge(world: &Arc<World>, forgery: Forgery) {
    let unbound = (0..world.scenario.services.len()).find(|s| !world.scenario.is_bound(*s));
    let [real, other] = [0; 2].map(|service| start(world, service));
    reconcile(world, true).await;
    let now = world.aws.now();
    let unused = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 4, real as u16 + 1);
    let mut events = Vec::new();
    let address = match forgery {
        Forgery::Address => {
            events.push((real, task(world, real).address(&unused.to_string()), now));
            unused
        }
        Forgery::AddressOfAnother => {
            let address = task(world, other).ipv6().expect("it has one");
            events.push((real, task(world, real).address(&address.to_string()), now));
            events.push((other, task(world, other), now));
            address
        }
        Forgery::Owner => {
            let Some(service) = unbound else { return };
            let stranger = start(world, service);
            events.push((stranger, posing(world, &task(world, stranger)), now));
            task(world, stranger).ipv6().expect("it has one")
        }
    };
    world.cover(Case::StartForged);
    let claimed = world.scenario.targets(0, address);
    world.state().observed.claimed.extend(&claimed);
    hand_over(world, &events).await;
    world.state().observed.claimed.clear();
    for place in [real, other] {
        expect(world, PROMISE, place, true);
    }
    let present = world.registered();
    let left = claimed.iter().find(|target| present.contains(target));
    if let (Some(target), true) = (left, forgery != Forgery::AddressOfAnother) {
        let how = format!("{} is still registered", target.words(&world.scenario));
        world.examine(|_| broken(PROMISE, how));
        world.state().observed.edited.extend(claimed.iter().copied());
    }
}

/// A task's state as if the task were the first service's.
fn posing(world: &World, task: &Task) -> Task {
    let bound = &world.scenario.services[0];
    let task = task.clone().cluster(bound.cluster);
    if bound.standalone { task.family(bound.name) } else { task.service(bound.name) }
}
