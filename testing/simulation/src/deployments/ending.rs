//! The end of a run: deployments come to an end, the faults cease, and the promises are examined.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use aws_sim::Rollout;

use crate::deployments::delivery;
use crate::deployments::promises;
use crate::deployments::setting::Strategy;
use crate::deployments::situation::Situation;
use crate::deployments::stage::{Stage, is_serving};
use crate::deployments::watch::is_gapless;
use crate::promises::broken;

/// How long ECS needs at most to carry out a deployment that nothing keeps back.
const UNHINDERED: Duration = Duration::from_secs(90 * 60);

/// How long a new target takes at most until it is healthy.
const REGISTRATION: Duration = Duration::from_secs(180);

/// What of a run's end does not depend on holds: for each service how its last deployment ended,
/// which one it is, and how many targets there are.
pub type EndState = Vec<(Rollout, usize, usize)>;

/// Waits until no deployment is under way, or as long as one may take.
pub async fn wait(stage: &Stage) {
    let latest = |service: usize| {
        let state = stage.state();
        let mut latest = promises::last_end(&stage.setting, &state.ledger, service);
        let protections = state.ledger.protections.values();
        let of_service = protections.filter(|known| known.service == service);
        latest = of_service.map(|known| known.until).fold(latest, SystemTime::max);
        if let Strategy::BlueGreen { .. } = stage.setting.services[service].strategy {
            latest += Duration::from_secs(60 * 60);
        }
        latest + UNHINDERED
    };
    loop {
        let now = stage.aws.now();
        let is_under_way = |service: usize| {
            stage.aws.is_deploying(&stage.services[service].arn)
                && now < latest(service)
                && can_end(stage, service)
        };
        if !(0..stage.services.len()).any(is_under_way) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Whether ECS can carry out a deployment of the service by its own rules.
fn can_end(stage: &Stage, service: usize) -> bool {
    stage.setting.services[service].can_go_on(stage.desired(service))
}

/// It ends.
pub fn examine_end(stage: &Stage) {
    for (service, place) in stage.services.iter().enumerate() {
        let setting = &stage.setting.services[service];
        if !can_end(stage, service) {
            continue;
        }
        if stage.aws.is_deploying(&place.arn) {
            let how = format!("the deployment of {} goes on and on", setting.name);
            stage.examine(|_| broken("it ends", how));
            continue;
        }
        let created = stage.state().ledger.services[service].newest();
        let is_over = stage.aws.now() > created + stage.setting.longest();
        if is_over && stage.setting.may_hold(service) {
            stage.cover(Situation::EndedByExpiry);
        }
        if !stage.is_alive() {
            stage.cover(Situation::EndedAlone);
        }
        if stage.setting.dry_run {
            stage.cover(Situation::DryRun);
        }
        let gap = stage.state().ledger.services[service].gap;
        if stage.setting.calm && is_gapless(setting) && !gap && stage.setting.may_hold(service) {
            stage.cover(Situation::Gapless);
        }
    }
}

/// From now on nothing goes wrong. Reconciles put right what is left.
pub async fn put_right(stage: &Stage) {
    stage.note("simulation", || "the faults cease".to_owned());
    stage.state().faults = false;
    // A fault that was drawn before may still strike an invocation under way.
    until_none_is_under_way(stage).await;
    // Nor may one whose call did not come to its effect.
    stage.aws.fail_no_protection();
    let begun = stage.aws.now();
    let minute = Duration::from_secs(60);
    let is_waited_for = |service: usize| {
        let desired = stage.desired(service);
        stage.setting.may_hold(service) && stage.ready(service) < desired
    };
    loop {
        reconcile(stage).await;
        let waits = (0..stage.services.len()).any(is_waited_for);
        if !waits || stage.aws.now() > begun + REGISTRATION + minute {
            break;
        }
        tokio::time::sleep(minute).await;
    }
    for _ in 0..2 {
        tokio::time::sleep(minute).await;
        reconcile(stage).await;
    }
    // The event of a task that stopped just now, perhaps because its hold ended, is on its way.
    let differs = || (0..stage.services.len()).any(|service| out_of_step(stage, service).is_some());
    for _ in 0..10 {
        if !differs() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    until_none_is_under_way(stage).await;
}

async fn until_none_is_under_way(stage: &Stage) {
    while !stage.state().ledger.looks.is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn reconcile(stage: &Stage) {
    let ending = delivery::reconcile(stage).await;
    if ending.answer().is_none() {
        let how = format!("an undisturbed reconcile ended with {ending:?}");
        stage.examine(|_| broken("nothing changes", how));
    }
}

/// Whether holds of a failed deployment are left alone after its rollback: nobody saw both, or ECS
/// no longer lists the failed one, so that its holds look like the application's own.
fn is_left_in_rollback(stage: &Stage, service: usize) -> bool {
    let state = stage.state();
    let log = &state.ledger.services[service];
    let listed = stage.aws.deployments(&stage.services[service].arn);
    let is_listed = listed.iter().any(|deployment| deployment.created_at == log.newest());
    log.is_rollback() && (!log.rollback_seen || !is_listed)
}

/// Let go, and nothing changes.
pub fn examine_rest(stage: &Stage) {
    let now = stage.aws.now();
    for (service, place) in stage.services.iter().enumerate() {
        let name = stage.setting.services[service].name;
        let held = stage.state().ledger.held(service, now);
        let (ready, desired) = match place.groups.is_empty() {
            true => continue,
            false => (stage.ready(service), stage.desired(service)),
        };
        let is_admitted = desired == 0 || is_left_in_rollback(stage, service);
        if held > 0 && ready >= desired && is_admitted && desired > 0 {
            stage.cover(Situation::LeftInRollback);
        } else if held > 0 && ready >= desired && !is_admitted {
            let how = format!("{held} tasks of {name} are held, though {ready} new ones are ready");
            stage.examine(|_| broken("let go", how));
        }
        if let Some(how) = out_of_step(stage, service) {
            stage.examine(|_| broken("nothing changes", how));
        }
    }
}

/// How the targets of a service differ from its serving tasks.
fn out_of_step(stage: &Stage, service: usize) -> Option<String> {
    let tasks = stage.tasks(service);
    let serving = tasks.iter().filter(|task| is_serving(task));
    let serving: BTreeSet<IpAddr> = serving.filter_map(|t| t.ipv6().map(IpAddr::V6)).collect();
    stage.services[service].groups.iter().find_map(|group| {
        let present: BTreeSet<IpAddr> =
            stage.aws.registered(group).into_iter().map(|(id, _)| id).collect();
        let name = stage.setting.services[service].name;
        let how = || format!("{name} has the targets {present:?}, and {serving:?} serve");
        (present != serving).then(how)
    })
}

/// The end state of a run.
pub fn state(stage: &Stage) -> EndState {
    let of_service = |(service, place): (usize, &super::stage::Place)| {
        let primary = stage.aws.deployments(&place.arn).swap_remove(0);
        let log = &stage.state().ledger.services[service];
        let serial = log.primaries.iter().position(|known| known.id == primary.id);
        let targets = place.groups.iter().map(|group| stage.aws.registered(group).len()).sum();
        (primary.rollout, serial.unwrap_or_default(), targets)
    };
    stage.services.iter().enumerate().map(of_service).collect()
}
