//! EventBridge: hands a task's change to the rule of the queue and to the rule of the copies, at
//! least once unless the event is dropped.

use std::sync::Arc;

use aws_sim::Task;

use crate::copies;
use crate::coverage::Case;
use crate::delivery;
use crate::tracked_task::{Excuse, Phase, phase, words};
use crate::world::World;

/// A task has changed to this state.
pub fn emit(world: &Arc<World>, place: usize, task: &Task) {
    let phase = phase(task);
    if phase == Phase::Leaving {
        delivery::release(world, Some(place));
        copies::emit(world, place, task);
    }
    if world.scenario.filtered && phase == Phase::Starting {
        return;
    }
    let rates = &world.scenario.fault_rates;
    if world.strikes(rates.drop) {
        world.cover(Case::EventDropped);
        world.note("eventbridge", || format!("drops {}", words(task)));
        world.state().observed.tasks[place].excuse = Some(Excuse::NoEvent);
        return;
    }
    let copies = if world.strikes(rates.duplicate) {
        world.cover(Case::EventDuplicated);
        2
    } else {
        1
    };
    for _ in 0..copies {
        delivery::send(world, place, task);
    }
}
