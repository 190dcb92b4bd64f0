//! Lets ECS do its work second by second, and looks at how many targets serve meanwhile.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::deployments::delivery;
use crate::deployments::invoke;
use crate::deployments::ledger::Hand;
use crate::deployments::setting::{Change, Service, Starting, Strategy};
use crate::deployments::situation::Situation;
use crate::deployments::stage::Stage;
use crate::promises::broken;

/// Two intervals of the schedule, and the time of an invocation.
const TWO_RECONCILES: Duration = Duration::from_secs(125);

/// Lets the world go on for ever.
pub async fn watch(stage: Arc<Stage>) {
    let begun = stage.aws.now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        second(&stage);
        let elapsed = stage.aws.now().duration_since(begun).unwrap_or_default();
        let goes = stage.setting.gone.is_some_and(|gone| gone <= elapsed);
        if goes && stage.state().faults {
            invoke::go(&stage);
        }
    }
}

fn second(stage: &Arc<Stage>) {
    delivery::hand_on(stage);
    stage.note_primaries();
    note_ends(stage);
    if stage.setting.calm && !stage.setting.dry_run {
        (0..stage.services.len()).for_each(|service| look_for_gap(stage, service));
        (0..stage.services.len()).for_each(|service| look_for_hold(stage, service));
    }
}

/// Let go, while the deployment is under way.
fn look_for_hold(stage: &Stage, service: usize) {
    let now = stage.aws.now();
    let held = stage.state().ledger.held(service, now);
    let is_ready = held > 0 && stage.ready(service) >= stage.desired(service);
    stage.examine(|state| {
        let log = &mut state.ledger.services[service];
        log.ready_since = is_ready.then(|| log.ready_since.unwrap_or(now));
        let since = log.ready_since.and_then(|since| now.duration_since(since).ok());
        if since.is_some_and(|since| since > TWO_RECONCILES) {
            return broken(
                "let go",
                format!("{held} tasks are held {since:?} after all are ready"),
            );
        }
        Ok(())
    });
}

/// Takes down protections that have ended by themselves, or with their tasks.
fn note_ends(stage: &Stage) {
    let now = stage.aws.now();
    let state = &mut *stage.state();
    let stays =
        |task: &String| stage.aws.task(task).is_some_and(|task| task.desired_status() == "RUNNING");
    state.ledger.protections.retain(|task, _| stays(task));
    let ended = state.ledger.protections.extract_if(.., |_, known| known.until <= now);
    let by_function = ended.filter(|(_, known)| known.by == Hand::Function).count();
    (0..by_function).for_each(|_| state.coverage.note(Situation::Expired));
}

/// Gapless.
fn look_for_gap(stage: &Stage, service: usize) {
    let place = &stage.services[service];
    let until = until(stage, service);
    let now = stage.aws.now();
    if until.is_none_or(|until| now >= until) || !stage.aws.is_deploying(&place.arn) {
        return;
    }
    let desired = stage.desired(service);
    for group in stage.setting.gating(service) {
        let serving = stage.aws.serving(&place.groups[group]);
        if serving < desired {
            let name = stage.setting.services[service].name;
            let how = format!("{serving} of {desired} targets of {name} serve");
            stage.examine(|state| {
                state.ledger.services[service].gap = true;
                broken("gapless", how)
            });
        }
    }
}

/// Until when there is to be no gap; none if that is not promised.
fn until(stage: &Stage, service: usize) -> Option<SystemTime> {
    let setting = &stage.setting.services[service];
    let created = stage.state().ledger.services[service].primary().created;
    let hold = stage.setting.may_hold(service).then(|| created + stage.setting.longest());
    let is_scaled = stage.state().ledger.services[service].desired.len() > 1;
    if !is_gapless(setting) || setting.bindings.is_empty() || is_scaled {
        return None;
    }
    match setting.strategy {
        Strategy::BlueGreen { gate: Some((minutes, _)), .. } => {
            Some(created + Duration::from_secs(60 * minutes))
        }
        _ => hold,
    }
}

/// Whether a hold can keep all targets of such a service that are desired.
pub fn is_gapless(service: &Service) -> bool {
    let keeps_all = match service.strategy {
        Strategy::Rolling { least, .. } => least >= 100,
        Strategy::BlueGreen { .. } => true,
    };
    let is_calm = service.changes_only(|change| match change {
        Change::Deploy(starting) => *starting == Starting::Well,
        Change::Scale(desired) => *desired < service.desired,
        _ => false,
    });
    keeps_all && is_calm && service.desired_counts().all(|desired| service.has_room(desired))
}
