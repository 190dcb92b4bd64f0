//! The life of a task in ECS, from PROVISIONING to STOPPED, and the event of every change.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use aws_sim::Task;

use crate::coverage::Case;
use crate::delivery;
use crate::eventbridge;
use crate::tracked_task::{Excuse, Origin, Phase, Stop, TrackedTask, words};
use crate::world::World;

/// Starts a task of a service and returns the task's place. With `before_rule` the task runs
/// already, and no event was sent.
pub fn start(world: &Arc<World>, service: usize, before_rule: bool) -> usize {
    let rates = &world.scenario.fault_rates;
    let bad_address = world.strikes(rates.bad_address);
    let reused = if world.strikes(rates.reuse) { free_address(world) } else { None };
    let place = world.state().observed.tasks.len();
    let zone = if world.scenario.rare.zone_quota.is_some() { place as u16 % 2 } else { 0 };
    let prefix = if bad_address { 0xdead } else { 0xdb8 };
    let new = Ipv6Addr::new(0x2001, prefix, 0, zone, 0, 0, 1, place as u16 + 1);
    let single_stack = world.strikes(rates.single_stack);
    let address = (!single_stack).then(|| reused.unwrap_or(new));
    let excuse = before_rule.then_some(Excuse::NoEvent);
    let task = enlist(world, service, address, excuse, Origin::Service);
    if before_rule {
        world.cover(Case::TaskBeforeRule);
        change(world, place, task.pending().activating().running());
    } else {
        tokio::task::spawn_local(live(world.clone(), place));
    }
    place
}

/// Adds a new task of a service, in PROVISIONING, that ECS does not show yet.
pub fn enlist(
    world: &World,
    service: usize,
    address: Option<Ipv6Addr>,
    excuse: Option<Excuse>,
    origin: Origin,
) -> Task {
    let state = &mut *world.state();
    let setting = &world.scenario.services[service];
    let task = Task::new(&format!("t{}", state.observed.tasks.len())).cluster(setting.cluster);
    let task = match address {
        None => task.without_address(),
        Some(address) => task.address(&address.to_string()),
    };
    let task = match setting.standalone {
        true => task.family(setting.name),
        false => task.service(setting.name).task_definition(setting.name),
    };
    let bound = address.filter(|_| origin != Origin::Foreign);
    state.observed.tasks.push(TrackedTask {
        service,
        task: task.clone(),
        targets: bound.map(|id| world.scenario.targets(service, id)).unwrap_or_default(),
        past: Vec::new(),
        stop: None,
        bad_address: address.is_some_and(|address| state.is_bad(address)),
        forgotten: None,
        excuse,
        origin,
    });
    task
}

/// The address of a task that has stopped, unless another task has it already.
fn free_address(world: &World) -> Option<Ipv6Addr> {
    let state = &mut *world.state();
    let tasks = state.observed.tasks.iter();
    let stopped = tasks.filter(|tracked| {
        tracked.task.last_status() == "STOPPED" && tracked.origin != Origin::Foreign
    });
    let addresses = stopped.filter_map(|tracked| tracked.task.ipv6());
    let free: Vec<Ipv6Addr> =
        addresses.filter(|address| state.observed.users(*address) == 1).collect();
    let address = (!free.is_empty()).then(|| state.dice.pick(&free))?;
    state.coverage.note(Case::AddressReused);
    Some(address)
}

/// The step from one state of a task to the next.
type Step = fn(Task) -> Task;

/// A task's start, until it runs or is stopped.
///
/// A start takes longer than a read of ECS lags. The function treats a task that ECS does not know
/// right after its register as gone (ARCHITECTURE.md, "Decisions"), which is only right if no
/// running task is that new.
async fn live(world: Arc<World>, place: usize) {
    let _moving = world.moving.begin();
    let rates = &world.scenario.fault_rates;
    let lag = if rates.stale > 0.0 { rates.lag } else { 0.0 };
    let first = world.state().observed.tasks[place].task.clone();
    change(&world, place, first);
    let quick = if lag > 0.0 { 1.0 } else { world.state().dice.pick(&[0.02, 0.3, 1.0]) };
    let steps: [(f64, Step); 3] =
        [(quick, Task::pending), (quick, Task::activating), (lag + quick, Task::running)];
    for (least, step) in steps {
        tokio::time::sleep(world.draw_seconds(least, 3.0 * least)).await;
        let next = {
            let state = &mut *world.state();
            let tracked = &state.observed.tasks[place];
            if tracked.stop.is_some() {
                return;
            }
            step(tracked.task.clone())
        };
        change(&world, place, next);
    }
    if world.strikes(rates.short_lived) {
        world.cover(Case::ShortLived);
        tokio::time::sleep(world.draw_seconds(0.0, 20.0)).await;
        let how = world.state().dice.pick(&[Stop::Asked, Stop::Crash]);
        stop(world.clone(), place, how).await;
    }
}

/// Stops a task, whatever it is doing. A second call does nothing.
pub async fn stop(world: Arc<World>, place: usize, stop: Stop) {
    let _moving = world.moving.begin();
    {
        let tracked = &mut world.state().observed.tasks[place];
        if tracked.stop.is_some() {
            return;
        }
        tracked.stop = Some(stop);
    }
    if world.state().observed.tasks[place].phase() == Phase::Starting {
        world.cover(Case::StoppedBeforeRunning);
    }
    let mut steps: Vec<Step> = match stop {
        Stop::Asked if world.strikes(0.5) => vec![Task::asked_to_stop, Task::deactivating],
        Stop::Asked => vec![Task::deactivating],
        Stop::Crash => vec![],
    };
    match stop {
        Stop::Asked if world.strikes(0.5) => steps.extend([Task::stopping, Task::deprovisioning]),
        Stop::Asked => {}
        Stop::Crash => world.cover(Case::Crashed),
    }
    steps.push(Task::stopped);
    for (number, step) in steps.into_iter().enumerate() {
        if number > 0 {
            tokio::time::sleep(world.draw_seconds(0.1, 12.0)).await;
        }
        let next = step(world.state().observed.tasks[place].task.clone());
        change(&world, place, next);
    }
    if world.strikes(world.scenario.fault_rates.forget) {
        forget(&world, place);
    }
}

/// A task changes: ECS shows the new state, and an event is sent. A reconcile may begin just then.
fn change(world: &Arc<World>, place: usize, task: Task) {
    appear(world, place, task);
    if world.strikes(world.scenario.fault_rates.meddle) {
        meddle(world);
    }
}

/// A task changes, and nothing else begins just then.
pub fn appear(world: &Arc<World>, place: usize, task: Task) {
    become_known(world, place, &task);
    let before_rule = {
        let tracked = &world.state().observed.tasks[place];
        tracked.excuse == Some(Excuse::NoEvent) && tracked.phase() == Phase::Serving
    };
    if !before_rule {
        eventbridge::emit(world, place, &task);
    }
}

/// ECS shows a new state of a task, and no event is sent.
pub fn become_known(world: &World, place: usize, task: &Task) {
    world.aws.put_task(task);
    let now = world.aws.now();
    world.note("ecs", || {
        let address = task.ipv6().map(|address| format!(" at {address}")).unwrap_or_default();
        format!("{}{address}", words(task))
    });
    let state = &mut *world.state();
    let tracked = &mut state.observed.tasks[place];
    tracked.task = task.clone();
    tracked.past.push((now, task.clone()));
    if tracked.phase() == Phase::Leaving {
        let targets = &tracked.targets;
        let invocations = &state.observed.invocations;
        let unlooked = |target| invocations.values().any(|i| i.unlooked.contains(target));
        if targets.iter().any(unlooked) {
            state.coverage.note(Case::StopBeforeLook);
        }
    }
}

/// Somebody reconciles, or asks for a plan or the doctor's checks.
fn meddle(world: &Arc<World>) {
    let (world, delivery) = (world.clone(), world.deliveries.begin());
    if world.state().dice.chance(0.7) {
        world.cover(Case::Meddled);
        tokio::task::spawn_local(delivery::reconcile(world, delivery));
    } else {
        tokio::task::spawn_local(delivery::question(world, delivery));
    }
}

fn forget(world: &World, place: usize) {
    let arn = world.state().observed.tasks[place].task.arn();
    world.aws.forget_task(&arn);
    world.note("ecs", || format!("forgets t{place}"));
    world.cover(Case::ForgottenAtOnce);
    world.state().observed.tasks[place].forgotten = Some(world.aws.now());
}

/// The time until the next change.
pub fn pause(world: &World) -> Duration {
    world.draw_seconds(1.0, 60.0)
}
