//! What people and schedulers do: deployments, scalings, crashes, the schedule, edits by hand.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::coverage::Case;
use crate::delivery;
use crate::life::{self, start, stop};
use crate::run::Run;
use crate::scenario::Target;
use crate::subject::{Origin, Stage, Stop};

/// A service's course: it begins with some tasks and sees some changes.
pub async fn run_service(run: Arc<Run>, service: usize) {
    let _moving = run.moving.begin();
    let setting = &run.scenario.services[service];
    for _ in 0..setting.tasks {
        start(&run, service, run.scenario.trouble.untold);
    }
    for _ in 0..setting.changes {
        tokio::time::sleep(life::pause(&run)).await;
        let kind = run.state().dice.number(0..=5);
        match kind {
            0 | 1 => deploy(&run, service).await,
            2 => scale_out(&run, service),
            3 => scale_in(&run, service),
            4 => change_of_mind(&run, service).await,
            _ => crash(&run, service),
        }
    }
}

/// The tasks of a service that nobody has stopped yet.
fn tasks(run: &Run, service: usize) -> Vec<usize> {
    let state = run.state();
    let subjects = state.subjects.iter().enumerate();
    let staying = subjects
        .filter(|(_, s)| s.service == service && s.stop.is_none() && s.origin == Origin::Service);
    staying.map(|(place, _)| place).collect()
}

/// Starts a new task for every old one, and then stops the old ones.
async fn deploy(run: &Arc<Run>, service: usize) {
    run.cover(Case::Deployed);
    let old = tasks(run, service);
    for _ in 0..old.len().clamp(1, 2) {
        start(run, service, false);
    }
    tokio::time::sleep(run.draw_seconds(0.5, 20.0)).await;
    for place in old {
        tokio::task::spawn_local(stop(run.clone(), place, Stop::Asked));
    }
}

fn scale_out(run: &Arc<Run>, service: usize) {
    run.cover(Case::Scaled);
    start(run, service, false);
}

/// Starts a task at an awkward moment, in a run that does not have very many yet.
pub fn start_latecomer(run: &Arc<Run>) {
    const MANY: usize = 12;
    if run.state().subjects.len() < MANY {
        run.cover(Case::Latecomer);
        start(run, 0, false);
    }
}

/// Starts a task and stops it before it runs.
async fn change_of_mind(run: &Arc<Run>, service: usize) {
    let place = start(run, service, false);
    tokio::time::sleep(run.draw_seconds(0.0, 2.0)).await;
    tokio::task::spawn_local(stop(run.clone(), place, Stop::Asked));
}

fn scale_in(run: &Arc<Run>, service: usize) {
    run.cover(Case::Scaled);
    if let Some(place) = tasks(run, service).first() {
        tokio::task::spawn_local(stop(run.clone(), *place, Stop::Asked));
    }
}

/// A task dies, and ECS starts another.
fn crash(run: &Arc<Run>, service: usize) {
    if let Some(place) = tasks(run, service).last() {
        tokio::task::spawn_local(stop(run.clone(), *place, Stop::Crash));
        start(run, service, false);
    }
}

/// Reconciles again and again, as long as anything goes wrong.
pub async fn reconcile_on_schedule(run: Arc<Run>) {
    let Some(every) = run.scenario.reconcile_every else { return };
    loop {
        tokio::time::sleep(every).await;
        if !run.state().faults {
            return;
        }
        let delivery = run.deliveries.begin();
        tokio::task::spawn_local(delivery::reconcile(run.clone(), delivery));
    }
}

/// Somebody edits the target groups by hand.
pub async fn edit_by_hand(run: Arc<Run>) {
    let _moving = run.moving.begin();
    for edit in 0..run.scenario.trouble.edits {
        tokio::time::sleep(life::pause(&run)).await;
        let kind = run.state().dice.number(0..=2);
        match kind {
            0 => register_foreign(&run, edit),
            1 => edit_target(&run, Stage::Leaving, Case::RegisteredByHand),
            _ => edit_target(&run, Stage::Serving, Case::DeregisteredByHand),
        }
    }
}

/// A target that is nobody's task.
fn register_foreign(run: &Run, edit: usize) {
    let id = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xf, edit as u16 + 1);
    register(run, Target { group: 0, id, port: 8080 });
}

fn register(run: &Run, target: Target) {
    let group = &run.arns[target.group];
    let full = run.aws.registered(group).len() >= run.scenario.groups[target.group].quota;
    if full || zone_full(run, &target) || run.state().is_bad(target.id) {
        return;
    }
    run.aws.put_target(group, &target.id.to_string(), target.port);
    run.cover(Case::RegisteredByHand);
    run.note("somebody", || format!("registers {}", run.words(&target)));
    run.state().edited.insert(target);
}

fn zone_full(run: &Run, target: &Target) -> bool {
    let Some(quota) = run.scenario.rare.zone_quota else { return false };
    let there = run.aws.registered(&run.arns[target.group]).len();
    run.scenario.is_short_of_room(target) && there >= quota
}

/// Takes the target of a serving task away, or puts that of a stopped one back.
fn edit_target(run: &Run, stage: Stage, case: Case) {
    let target = {
        let state = run.state();
        let subjects = state.subjects.iter().filter(|subject| subject.stage() == stage);
        subjects.flat_map(|subject| &subject.targets).copied().last()
    };
    let Some(target) = target else { return };
    if case == Case::RegisteredByHand {
        return register(run, target);
    }
    run.aws.take_target(&run.arns[target.group], &target.id.to_string(), target.port);
    run.cover(case);
    run.note("somebody", || format!("deregisters {}", run.words(&target)));
    run.state().edited.insert(target);
}
