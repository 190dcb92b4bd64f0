//! What people and schedulers do: deployments, scalings, crashes, the schedule, edits by hand.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::coverage::Case;
use crate::delivery;
use crate::life::{self, start, stop};
use crate::scenario::Target;
use crate::tracked_task::{Origin, Phase, Stop};
use crate::world::World;

/// Runs a service: it begins with some tasks and goes through some changes.
pub async fn run_service(world: Arc<World>, service: usize) {
    let _moving = world.moving.begin();
    let setting = &world.scenario.services[service];
    for _ in 0..setting.tasks {
        start(&world, service, world.scenario.fault_rates.before_rule);
    }
    for _ in 0..setting.changes {
        tokio::time::sleep(life::pause(&world)).await;
        let kind = world.state().dice.number(0..=5);
        match kind {
            0 | 1 => deploy(&world, service).await,
            2 => scale_out(&world, service),
            3 => scale_in(&world, service),
            4 => change_of_mind(&world, service).await,
            _ => crash(&world, service),
        }
    }
}

/// The tasks of a service that have not been stopped yet.
fn tasks(world: &World, service: usize) -> Vec<usize> {
    let state = world.state();
    let tasks = state.observed.tasks.iter().enumerate();
    let staying = tasks
        .filter(|(_, s)| s.service == service && s.stop.is_none() && s.origin == Origin::Service);
    staying.map(|(place, _)| place).collect()
}

/// Starts a new task for every old one, and then stops the old ones.
async fn deploy(world: &Arc<World>, service: usize) {
    world.cover(Case::Deployed);
    let old = tasks(world, service);
    for _ in 0..old.len().clamp(1, 2) {
        start(world, service, false);
    }
    tokio::time::sleep(world.draw_seconds(0.5, 20.0)).await;
    for place in old {
        tokio::task::spawn_local(stop(world.clone(), place, Stop::Asked));
    }
}

fn scale_out(world: &Arc<World>, service: usize) {
    world.cover(Case::Scaled);
    start(world, service, false);
}

/// Starts a task just after a reconcile has listed the tasks, unless the run has many tasks
/// already.
pub fn start_latecomer(world: &Arc<World>) {
    const MANY: usize = 12;
    if world.state().observed.tasks.len() < MANY {
        world.cover(Case::Latecomer);
        start(world, 0, false);
    }
}

/// Starts a task and stops it before it runs.
async fn change_of_mind(world: &Arc<World>, service: usize) {
    let place = start(world, service, false);
    tokio::time::sleep(world.draw_seconds(0.0, 2.0)).await;
    tokio::task::spawn_local(stop(world.clone(), place, Stop::Asked));
}

fn scale_in(world: &Arc<World>, service: usize) {
    world.cover(Case::Scaled);
    if let Some(place) = tasks(world, service).first() {
        tokio::task::spawn_local(stop(world.clone(), *place, Stop::Asked));
    }
}

/// A task dies, and ECS starts another.
fn crash(world: &Arc<World>, service: usize) {
    if let Some(place) = tasks(world, service).last() {
        tokio::task::spawn_local(stop(world.clone(), *place, Stop::Crash));
        start(world, service, false);
    }
}

/// Reconciles by the schedule until the faults cease.
pub async fn reconcile_on_schedule(world: Arc<World>) {
    let Some(every) = world.scenario.reconcile_every else { return };
    loop {
        tokio::time::sleep(every).await;
        if !world.state().faults {
            return;
        }
        let delivery = world.deliveries.begin();
        tokio::task::spawn_local(delivery::reconcile(world.clone(), delivery));
    }
}

/// Somebody edits the target groups by hand.
pub async fn edit_by_hand(world: Arc<World>) {
    let _moving = world.moving.begin();
    for edit in 0..world.scenario.fault_rates.edits {
        tokio::time::sleep(life::pause(&world)).await;
        let kind = world.state().dice.number(0..=2);
        match kind {
            0 => register_foreign(&world, edit),
            1 => edit_target(&world, Phase::Leaving, Case::RegisteredByHand),
            _ => edit_target(&world, Phase::Serving, Case::DeregisteredByHand),
        }
    }
}

/// Registers a target that belongs to no task.
fn register_foreign(world: &World, edit: usize) {
    let id = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xf, edit as u16 + 1);
    register(world, Target { group: 0, id, port: 8080 });
}

fn register(world: &World, target: Target) {
    let group = &world.arns[target.group];
    let full = world.aws.registered(group).len() >= world.scenario.groups[target.group].quota;
    if full || zone_full(world, &target) || world.state().is_bad(target.id) {
        return;
    }
    world.aws.put_target(group, &target.id.to_string(), target.port);
    world.cover(Case::RegisteredByHand);
    world.note("somebody", || format!("registers {}", target.words(&world.scenario)));
    world.state().observed.edited.insert(target);
}

fn zone_full(world: &World, target: &Target) -> bool {
    let Some(quota) = world.scenario.rare.zone_quota else { return false };
    let there = world.aws.registered(&world.arns[target.group]).len();
    world.scenario.is_short_of_room(target) && there >= quota
}

/// Removes the target of a serving task, or restores that of a stopped one.
fn edit_target(world: &World, phase: Phase, case: Case) {
    let target = {
        let state = world.state();
        let tasks = state.observed.tasks.iter().filter(|tracked| tracked.phase() == phase);
        tasks.flat_map(|tracked| &tracked.targets).copied().last()
    };
    let Some(target) = target else { return };
    if case == Case::RegisteredByHand {
        return register(world, target);
    }
    world.aws.take_target(&world.arns[target.group], &target.id.to_string(), target.port);
    world.cover(case);
    world.note("somebody", || format!("deregisters {}", target.words(&world.scenario)));
    world.state().observed.edited.insert(target);
}
