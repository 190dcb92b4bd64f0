//! The life of a task in ECS, from PROVISIONING to STOPPED, and the event of every change.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use aws_sim::Task;

use crate::coverage::Case;
use crate::delivery;
use crate::run::Run;
use crate::subject::{Blemish, Origin, Stage, Stop, Subject};

/// Starts a task of a service; the answer is its place in the list. An untold task runs already.
pub fn start(run: &Arc<Run>, service: usize, untold: bool) -> usize {
    let trouble = &run.scenario.trouble;
    let bad_address = run.strikes(trouble.bad_address);
    let reused = if run.strikes(trouble.reuse) { free_address(run) } else { None };
    let place = run.state().subjects.len();
    let zone = if run.scenario.rare.zone_quota.is_some() { place as u16 % 2 } else { 0 };
    let prefix = if bad_address { 0xdead } else { 0xdb8 };
    let new = Ipv6Addr::new(0x2001, prefix, 0, zone, 0, 0, 1, place as u16 + 1);
    let single_stack = run.strikes(trouble.single_stack);
    let address = (!single_stack).then(|| reused.unwrap_or(new));
    let blemish = untold.then_some(Blemish::Untold);
    let task = enlist(run, service, address, blemish, Origin::Service);
    if untold {
        run.cover(Case::TaskUntold);
        change(run, place, task.pending().activating().running());
    } else {
        tokio::task::spawn_local(live(run.clone(), place));
    }
    place
}

/// Enters a new task of a service into the list, as PROVISIONING; nobody has heard of it yet.
pub fn enlist(
    run: &Run,
    service: usize,
    address: Option<Ipv6Addr>,
    blemish: Option<Blemish>,
    origin: Origin,
) -> Task {
    let state = &mut *run.state();
    let setting = &run.scenario.services[service];
    let task = Task::new(&format!("t{}", state.subjects.len())).cluster(setting.cluster);
    let task = match address {
        None => task.without_address(),
        Some(address) => task.address(&address.to_string()),
    };
    let task = match setting.standalone {
        true => task.family(setting.name),
        false => task.service(setting.name).task_definition(setting.name),
    };
    let bound = address.filter(|_| origin != Origin::Foreign);
    state.subjects.push(Subject {
        service,
        task: task.clone(),
        targets: bound.map(|id| run.scenario.targets(service, id)).unwrap_or_default(),
        past: Vec::new(),
        stop: None,
        bad_address: address.is_some_and(|address| state.is_bad(address)),
        forgotten: None,
        blemish,
        origin,
    });
    task
}

/// The address of a task that has stopped, unless another has it already.
fn free_address(run: &Run) -> Option<Ipv6Addr> {
    let state = &mut *run.state();
    let subjects = state.subjects.iter();
    let stopped = subjects.filter(|subject| {
        subject.task.last_status() == "STOPPED" && subject.origin != Origin::Foreign
    });
    let addresses = stopped.filter_map(|subject| subject.task.ipv6());
    let free: Vec<Ipv6Addr> = addresses.filter(|address| state.users(*address) == 1).collect();
    let address = (!free.is_empty()).then(|| state.dice.pick(&free))?;
    state.coverage.note(Case::AddressReused);
    Some(address)
}

/// From one state of a task to the next.
type Step = fn(Task) -> Task;

/// A task's way up; unless it is stopped before.
///
/// A start takes longer than a read of ECS lags behind. The function takes a task that ECS does not
/// know right after its register for gone (ARCHITECTURE.md, "Decisions"), which is only right if no
/// running task is that new.
async fn live(run: Arc<Run>, place: usize) {
    let _moving = run.moving.begin();
    let trouble = &run.scenario.trouble;
    let lag = if trouble.stale > 0.0 { trouble.lag } else { 0.0 };
    let first = run.state().subjects[place].task.clone();
    change(&run, place, first);
    let quick = if lag > 0.0 { 1.0 } else { run.state().dice.pick(&[0.02, 0.3, 1.0]) };
    let steps: [(f64, Step); 3] =
        [(quick, Task::pending), (quick, Task::activating), (lag + quick, Task::running)];
    for (least, step) in steps {
        tokio::time::sleep(run.draw_seconds(least, 3.0 * least)).await;
        let next = {
            let state = &mut *run.state();
            let subject = &state.subjects[place];
            if subject.stop.is_some() {
                return;
            }
            step(subject.task.clone())
        };
        change(&run, place, next);
    }
    if run.strikes(trouble.short_lived) {
        run.cover(Case::ShortLived);
        tokio::time::sleep(run.draw_seconds(0.0, 20.0)).await;
        let how = run.state().dice.pick(&[Stop::Asked, Stop::Crash]);
        stop(run.clone(), place, how).await;
    }
}

/// Stops a task, whatever it is doing. A second call does nothing.
pub async fn stop(run: Arc<Run>, place: usize, stop: Stop) {
    let _moving = run.moving.begin();
    {
        let subject = &mut run.state().subjects[place];
        if subject.stop.is_some() {
            return;
        }
        subject.stop = Some(stop);
    }
    if run.state().subjects[place].stage() == Stage::Starting {
        run.cover(Case::StoppedBeforeRunning);
    }
    let mut steps: Vec<Step> = match stop {
        Stop::Asked if run.strikes(0.5) => vec![Task::asked_to_stop, Task::deactivating],
        Stop::Asked => vec![Task::deactivating],
        Stop::Crash => vec![],
    };
    match stop {
        Stop::Asked if run.strikes(0.5) => steps.extend([Task::stopping, Task::deprovisioning]),
        Stop::Asked => {}
        Stop::Crash => run.cover(Case::Crashed),
    }
    steps.push(Task::stopped);
    for (number, step) in steps.into_iter().enumerate() {
        if number > 0 {
            tokio::time::sleep(run.draw_seconds(0.1, 12.0)).await;
        }
        let next = step(run.state().subjects[place].task.clone());
        change(&run, place, next);
    }
    if run.strikes(run.scenario.trouble.forget) {
        forget(&run, place);
    }
}

/// ECS comes to know a new state, and an event tells it.
fn change(run: &Arc<Run>, place: usize, task: Task) {
    appear(run, place, task);
    if run.strikes(run.scenario.trouble.meddle) {
        meddle(run);
    }
}

/// The same, and nobody looks just then.
pub fn appear(run: &Arc<Run>, place: usize, task: Task) {
    become_known(run, place, &task);
    let untold = {
        let subject = &run.state().subjects[place];
        subject.blemish == Some(Blemish::Untold) && subject.stage() == Stage::Serving
    };
    if !untold {
        delivery::emit(run, place, task);
    }
}

/// ECS comes to know a new state, and nothing tells it.
pub fn become_known(run: &Run, place: usize, task: &Task) {
    run.aws.put_task(task);
    let now = run.aws.now();
    run.note("ecs", || {
        let address = task.ipv6().map(|address| format!(" at {address}")).unwrap_or_default();
        format!("{}{address}", crate::subject::words(task))
    });
    let state = &mut *run.state();
    let subject = &mut state.subjects[place];
    subject.task = task.clone();
    subject.past.push((now, task.clone()));
    if subject.stage() == Stage::Leaving {
        let targets = &subject.targets;
        let unlooked = |target| state.invocations.values().any(|i| i.unlooked.contains(target));
        if targets.iter().any(unlooked) {
            state.coverage.note(Case::StopBeforeLook);
        }
    }
}

/// Somebody reconciles, or asks for a plan or doctor's findings.
fn meddle(run: &Arc<Run>) {
    let (run, delivery) = (run.clone(), run.deliveries.begin());
    if run.state().dice.chance(0.7) {
        run.cover(Case::Meddled);
        tokio::task::spawn_local(delivery::reconcile(run, delivery));
    } else {
        tokio::task::spawn_local(delivery::question(run, delivery));
    }
}

fn forget(run: &Run, place: usize) {
    let arn = run.state().subjects[place].task.arn();
    run.aws.forget_task(&arn);
    run.note("ecs", || format!("forgets t{place}"));
    run.cover(Case::ForgottenAtOnce);
    run.state().subjects[place].forgotten = Some(run.aws.now());
}

/// A moment for a change to come.
pub fn pause(run: &Run) -> Duration {
    run.draw_seconds(1.0, 60.0)
}
