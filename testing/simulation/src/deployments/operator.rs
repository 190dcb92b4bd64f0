//! What people, applications and autoscaling do to a service.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::{Starts, Task};

use crate::deployments::ledger::{Hand, Protection};
use crate::deployments::promises;
use crate::deployments::setting::{Change, Service, Starting, Strategy};
use crate::deployments::situation::Situation;
use crate::deployments::stage::{Stage, is_serving};

/// Makes the changes that the seed draws for a service.
pub async fn make_changes(stage: Arc<Stage>, service: usize) {
    let _going_on = stage.script.begin();
    let mut elapsed = 0.0;
    for (at, change) in &stage.setting.services[service].changes {
        tokio::time::sleep(Duration::from_secs_f64((at - elapsed).max(0.0))).await;
        elapsed = *at;
        stage
            .note("operator", || format!("{change:?} of {}", stage.setting.services[service].name));
        match *change {
            Change::Deploy(starting) => deploy(&stage, service, starting),
            Change::Scale(desired) => scale(&stage, service, desired),
            Change::Crash => crash(&stage, service),
            Change::Protect(count, margin) => protect(&stage, service, count, margin),
            Change::Clear => clear(&stage, service),
        }
    }
}

/// How the tasks of a service start.
pub fn starts(service: &Service, starting: Starting) -> Starts {
    let starts = if service.ec2 { Starts::ec2() } else { Starts::fargate() };
    let starts = match service.health_check {
        Some((least, most)) => {
            starts.healthy(Duration::from_secs(least), Duration::from_secs(most))
        }
        None => starts,
    };
    match starting {
        Starting::Well => starts,
        Starting::Failing => starts.failing(1.0),
        Starting::Deaf(part) => starts.deaf(part),
    }
}

fn deploy(stage: &Stage, service: usize, starting: Starting) {
    let arn = &stage.services[service].arn;
    if stage.aws.is_deploying(arn) {
        stage.cover(Situation::Superseded);
    }
    let setting = &stage.setting.services[service];
    stage.aws.deploy_starting(arn, starts(setting, starting));
    stage.note_primaries();
    stage.cover(match starting {
        Starting::Well => Situation::Deployed,
        Starting::Failing => Situation::DeployedFailing,
        Starting::Deaf(_) => Situation::DeployedDeaf,
    });
    if matches!(setting.strategy, Strategy::BlueGreen { .. }) {
        stage.cover(Situation::DeployedBlueGreen);
    }
    if !setting.desired_counts().any(|desired| setting.has_room(desired)) {
        stage.cover(Situation::NoRoom);
    }
}

fn scale(stage: &Stage, service: usize, desired: usize) {
    let is_more = desired > stage.desired(service);
    stage.cover(if is_more { Situation::ScaledOut } else { Situation::ScaledIn });
    stage.aws.set_desired_count(&stage.services[service].arn, desired);
    stage.note_desired(service, desired);
}

/// Some of the tasks that serve.
fn draw(stage: &Stage, service: usize, count: usize) -> Vec<Task> {
    let mut serving: Vec<Task> = stage.tasks(service).into_iter().filter(is_serving).collect();
    let mut drawn = Vec::new();
    for _ in 0..count.min(serving.len()) {
        let index = stage.state().dice.number(0..=serving.len() - 1);
        drawn.push(serving.swap_remove(index));
    }
    drawn
}

fn crash(stage: &Stage, service: usize) {
    for task in draw(stage, service, 1) {
        stage.cover(Situation::Crashed);
        let now = stage.aws.now();
        stage.state().ledger.services[service].crashed = Some(now);
        stage.aws.crash(&stage.services[service].arn, &task.arn());
    }
}

/// The applications of some tasks protect them, to `margin` seconds after the latest end of a hold.
fn protect(stage: &Stage, service: usize, count: usize, margin: i64) {
    let now = stage.aws.now();
    let end = promises::last_end(&stage.setting, &stage.state().ledger, service);
    let left = end.duration_since(now).unwrap_or_default().as_secs();
    let minutes = left.saturating_add_signed(margin).div_ceil(60).clamp(1, 2880) as u32;
    let until = now + Duration::from_secs(60 * u64::from(minutes));
    for task in draw(stage, service, count) {
        let arn = task.arn();
        let done = stage.aws.protect_itself(&arn, Some(minutes));
        stage.note("application", || format!("protects {} for {minutes} min: {done}", task.id()));
        if !done {
            continue;
        }
        let state = &mut *stage.state();
        let protection = Protection { service, by: Hand::Application, since: now, until };
        state.ledger.protections.insert(arn, protection);
        state.coverage.note(match until > end {
            true => Situation::ProtectedItself,
            false => Situation::ProtectedItselfShortly,
        });
    }
}

fn clear(stage: &Stage, service: usize) {
    let is_own = |known: &Protection| known.service == service && known.by == Hand::Application;
    let own: Vec<String> = {
        let state = stage.state();
        let own = state.ledger.protections.iter().filter(|(_, known)| is_own(known));
        own.map(|(task, _)| task.clone()).collect()
    };
    for task in own {
        stage.aws.protect_itself(&task, None);
        stage.cover(Situation::ClearedItself);
        stage.state().ledger.protections.remove(&task);
    }
}
