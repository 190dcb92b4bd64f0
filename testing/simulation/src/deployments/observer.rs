//! Observes the function's calls: what they change, and what they show to the function.

use aws_sim::{Action, Call, Outcome};

use crate::deployments::ledger::{Hand, Look, LookKind, Protection};
use crate::deployments::promises;
use crate::deployments::situation::Situation;
use crate::deployments::stage::{Stage, is_serving};
use crate::promises::broken;

/// Whether a call sets protections.
pub fn protects(call: &Call) -> bool {
    call.values("protectionEnabled").contains(&"true")
}

/// A call was sent.
pub fn sent(stage: &Stage, number: usize, call: &Call) {
    if call.action.is_write() && stage.setting.dry_run {
        stage.examine(|_| broken("dry", format!("{} was called", call.action)));
    }
    if call.action != Action::UpdateTaskProtection {
        return;
    }
    let tasks = call.targets.iter();
    let owned: Vec<_> = tasks.map(|task| (task, stage.service_of(task))).collect();
    if protects(call)
        && let Some(look) = stage.state().ledger.looks.get_mut(&number)
    {
        for (task, service) in &owned {
            let asked = service.map(|service| look.asked.entry(service).or_default());
            asked.map(|asked| asked.insert((*task).clone()));
        }
    }
    for (task, service) in owned {
        stage.examine(|_| promises::may_touch(&stage.setting, service, task));
        stage.examine(|state| match service.filter(|_| protects(call)) {
            Some(service) => {
                promises::may_protect(&stage.setting, &state.ledger, number, service, task)
            }
            None => promises::may_clear(&stage.setting, &state.ledger, number, task),
        });
    }
}

/// A call was applied or refused; `is_read` is whether the function lives to read the answer.
pub fn settled(stage: &Stage, number: usize, call: &Call, is_read: bool) {
    note(stage, number, call);
    note_ready(stage, number);
    let answered = call.outcome == Outcome::Ok && is_read;
    stage.note_primaries();
    match call.action {
        Action::UpdateTaskProtection if matches!(call.outcome, Outcome::Ok | Outcome::Lost) => {
            call.targets.iter().for_each(|task| updated(stage, number, call, task));
        }
        Action::GetTaskProtection if answered => read(stage, number, call),
        Action::DescribeServices if answered => described(stage, number, call),
        _ => {}
    }
}

/// The deployment may be over before the gate answers, so its calls tell how many were ready.
fn note_ready(stage: &Stage, number: usize) {
    let is_gate = |look: &Look| look.kind == LookKind::Gate;
    if !stage.state().ledger.looks.get(&number).is_some_and(is_gate) {
        return;
    }
    let bound = stage.services.iter().enumerate().filter(|(_, place)| !place.groups.is_empty());
    let ready: Vec<_> = bound.map(|(service, _)| (service, stage.ready(service))).collect();
    if let Some(look) = stage.state().ledger.looks.get_mut(&number) {
        for (service, ready) in ready {
            let most = look.ready.entry(service).or_default();
            *most = ready.max(*most);
        }
    }
}

fn described(stage: &Stage, number: usize, call: &Call) {
    let is_named =
        |name: &str| call.targets.iter().any(|asked| asked.rsplit('/').next() == Some(name));
    let services = &stage.setting.services;
    let named = services.iter().enumerate().filter(|(_, service)| is_named(service.name));
    let state = &mut *stage.state();
    let mut beside = false;
    for (service, _) in named {
        let mut others = state.ledger.looks.iter().filter(|(other, _)| **other != number);
        beside |= others.any(|(_, look)| look.described.contains(&service));
        let is_rollback = state.ledger.services[service].is_rollback();
        let has_failed = stage.aws.deployments(&stage.services[service].arn).len() > 1;
        if let Some(look) = state.ledger.looks.get_mut(&number) {
            look.described.insert(service);
            if is_rollback && has_failed {
                look.rolling_back.insert(service);
            }
        }
    }
    if beside {
        state.coverage.note(Situation::RanBeside);
    }
}

/// ECS showed protections.
fn read(stage: &Stage, number: usize, call: &Call) {
    let now = stage.aws.now();
    let service = call.targets.first().and_then(|task| stage.service_of(task));
    let new = service.map(|service| stage.new_tasks(service)).unwrap_or_default();
    let state = &mut *stage.state();
    let Some(look) = state.ledger.looks.get_mut(&number) else { return };
    for task in &call.targets {
        look.read.insert(task.clone(), now);
        if let Some(service) = service
            && stage.aws.protected_until(task).is_some()
            && stage.aws.task(task).as_ref().is_some_and(is_serving)
            && !new.contains(task)
        {
            look.protected.entry(service).or_default().insert(task.clone());
        }
    }
    let ledger = &state.ledger;
    let is_applications = |task: &&String| {
        ledger.protections.get(*task).is_some_and(|known| {
            let last = promises::last_end(&stage.setting, ledger, known.service);
            known.by == Hand::Application && known.until > last
        })
    };
    if call.targets.iter().any(|task| is_applications(&task)) {
        state.coverage.note(Situation::ApplicationsSkipped);
    }
}

/// A task's protection was changed, or not.
fn updated(stage: &Stage, number: usize, call: &Call, task: &str) {
    let now = stage.aws.now();
    let Some(service) = stage.service_of(task) else { return };
    let until = stage.aws.protected_until(task);
    if !protects(call) {
        if until.is_none() {
            cleared(stage, service, task);
        }
        return;
    }
    let minutes = call.values("expiresInMinutes").first().and_then(|text| text.parse().ok());
    let meant = now + std::time::Duration::from_secs(60 * minutes.unwrap_or(120));
    if until != Some(meant) {
        let is_running =
            stage.aws.task(task).is_some_and(|task| task.desired_status() == "RUNNING");
        if is_running {
            stage.cover(Situation::Blocked);
        }
        return;
    }
    stage.examine(|state| {
        promises::ends_in_time(&stage.setting, &state.ledger, number, service, meant)
    });
    let state = &mut *stage.state();
    let is_later = state.ledger.held(service, now) > 0;
    let log = &state.ledger.services[service];
    let is_again = log.released.contains(&(log.primary().id.clone(), task.to_owned()));
    let kind = state.ledger.looks.get(&number).map(|look| look.kind);
    let reached = [
        (true, Situation::Protected),
        (is_later, Situation::ProtectedLater),
        (is_again, Situation::ProtectedAgain),
        (kind == Some(LookKind::Reconcile), Situation::ProtectedByReconcile),
    ];
    let reached = reached.iter().filter(|(reached, _)| *reached);
    reached.for_each(|(_, situation)| state.coverage.note(*situation));
    let protection = Protection { service, by: Hand::Function, since: now, until: meant };
    state.ledger.protections.insert(task.to_owned(), protection);
}

fn cleared(stage: &Stage, service: usize, task: &str) {
    let now = stage.aws.now();
    let state = &mut *stage.state();
    let Some(known) = state.ledger.protections.remove(task) else { return };
    if known.by == Hand::Application {
        state.coverage.note(Situation::ApplicationsCleared);
        return;
    }
    let left = state.ledger.held(service, now);
    let log = &mut state.ledger.services[service];
    let is_rollback = log.is_rollback();
    let primary = log.primary().id.clone();
    log.released.insert((primary, task.to_owned()));
    let case = if left > 0 { Situation::ReleasedInPart } else { Situation::ReleasedAtLast };
    state.coverage.note(case);
    if is_rollback {
        state.coverage.note(Situation::ReleasedInRollback);
    }
}

/// Writes the call into the history.
fn note(stage: &Stage, number: usize, call: &Call) {
    stage.note(&format!("invocation {number}"), || {
        let about = call.targets.iter().map(|name| {
            let name = name.rsplit('/').next().unwrap_or_default();
            name.get(..8).filter(|_| !name.contains(':')).unwrap_or(name).to_owned()
        });
        let about = about.collect::<Vec<_>>().join(", ");
        let how = match call.action {
            Action::UpdateTaskProtection if protects(call) => {
                format!(" for {} min", call.values("expiresInMinutes").join(" "))
            }
            Action::UpdateTaskProtection => " clear".to_owned(),
            _ => String::new(),
        };
        format!("{}{how} {about} = {:?}", call.action, call.outcome)
    });
}
