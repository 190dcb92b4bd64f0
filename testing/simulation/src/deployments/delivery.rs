//! From what ECS sends to the function: late, twice or never, by a queue or straight; the
//! schedule's reconciles; and the calls of lifecycle hooks.

use std::sync::Arc;
use std::time::Duration;

use aws_sim::{HookCall, Sent};
use harness::lambda::TRIES_AFTER;
use serde_json::{Value, json};

use crate::deployments::invoke::invoke;
use crate::deployments::ledger::LookKind;
use crate::deployments::message::{About, Message};
use crate::deployments::promises::{self, GateSeen};
use crate::deployments::queue;
use crate::deployments::situation::Situation;
use crate::deployments::stage::Stage;
use crate::invocation::Ending;

/// The schedule of the template.
const EVERY: Duration = Duration::from_secs(60);

/// Hands on what ECS has sent by now.
pub fn hand_on(stage: &Arc<Stage>) {
    for sent in stage.aws.step() {
        match sent {
            Sent::Event(event) => send(stage, event),
            Sent::Hook(call) => {
                tokio::task::spawn_local(ask(stage.clone(), call));
            }
        }
    }
}

fn send(stage: &Arc<Stage>, event: Value) {
    let about = about(stage, &event);
    if about == About::Task && is_starting(&event["detail"]) {
        return;
    }
    let faults = &stage.setting.faults;
    if stage.strikes(faults.drop) {
        stage.note("eventbridge", || format!("drops {} {about:?}", event["detail-type"]));
        stage.cover(Situation::EventDropped);
        if matches!(about, About::Begin(..)) {
            stage.cover(Situation::DeploymentEventDropped);
        }
        return;
    }
    let copies = if stage.strikes(faults.double) {
        stage.cover(Situation::EventDoubled);
        2
    } else {
        1
    };
    for _ in 0..copies {
        let delay = if stage.strikes(faults.delay) {
            stage.cover(Situation::EventDelayed);
            stage.draw_seconds(1.0, 240.0)
        } else {
            stage.draw_seconds(0.05, 1.0)
        };
        let number = stage.state().number();
        let message =
            Message { id: format!("m{number}"), event: event.clone(), about, received: 0 };
        tokio::task::spawn_local(deliver(stage.clone(), message, delay));
    }
}

/// Whether the rule of the template leaves the event out.
fn is_starting(detail: &Value) -> bool {
    detail["desiredStatus"] == "RUNNING" && detail["lastStatus"] != "RUNNING"
}

fn about(stage: &Stage, event: &Value) -> About {
    if event["detail-type"] != "ECS Deployment State Change" {
        return About::Task;
    }
    let arn = event["resources"][0].as_str();
    let service = stage.services.iter().position(|place| Some(place.arn.as_str()) == arn);
    match (service, event["detail"]["eventName"].as_str()) {
        (Some(service), Some("SERVICE_DEPLOYMENT_IN_PROGRESS")) => About::Begin(service),
        _ => About::Deployment,
    }
}

async fn deliver(stage: Arc<Stage>, message: Message, delay: Duration) {
    tokio::time::sleep(delay).await;
    match stage.setting.queue {
        Some(_) if stage.is_alive() => queue::put(&stage, message),
        Some(_) => {}
        None => invoke_with(&stage, message).await,
    }
}

/// Lambda's asynchronous invocation: up to three tries.
async fn invoke_with(stage: &Stage, message: Message) {
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        if !stage.is_alive() {
            return;
        }
        stage.note("lambda", || format!("gets {}", message.words()));
        let (look, ending) = invoke(stage, LookKind::Events, message.event.clone()).await;
        let failed = ending.answer().is_none();
        if message.about == About::Task {
            stage.examine(|_| promises::fails_alone(&look, failed));
        }
        if !failed {
            queue::is_done(stage, &look, message.about);
            return;
        }
        if let Some(wait) = wait {
            tokio::time::sleep(*wait).await;
        }
    }
}

/// ECS asks the gate.
async fn ask(stage: Arc<Stage>, call: HookCall) {
    let index = stage.services.iter().position(|place| place.arn == call.service_arn);
    let service = index.expect("a service of this world");
    tokio::time::sleep(stage.draw_seconds(0.05, 0.5)).await;
    if !stage.is_alive() {
        return stage.aws.answer_hook(&call, None);
    }
    let (look, ending) = invoke(&stage, LookKind::Gate, call.payload.clone()).await;
    let answer = ending.answer();
    stage.aws.answer_hook(&call, answer);
    if matches!(ending, Ending::Killed) {
        return;
    }
    let ready = look.ready.get(&service).copied().unwrap_or_default();
    stage.examine(|state| {
        let log = &state.ledger.services[service];
        let (_, desired) = log.desired_since(look.begun);
        let stale = stage.setting.faults.stale > 0.0;
        let recently = look.begun - Duration::from_secs(10);
        let is_superseded = log.primaries_since(look.begun).count() > 1;
        let may_be_stale = is_superseded || stale && log.crashed.is_some_and(|at| at > recently);
        let seen = GateSeen { answer, ready, desired, may_be_stale };
        promises::gate_is_right(&stage.setting.services[service], seen)
    });
    let status = answer.and_then(|answer| answer["hookStatus"].as_str()).unwrap_or_default();
    stage.cover(match status {
        "SUCCEEDED" => Situation::GateOpened,
        "FAILED" => Situation::GateRefused,
        _ if look.hold_struck || look.other_struck => Situation::GateBlind,
        _ => Situation::GateWaited,
    });
}

/// Reconciles every minute, or not.
pub async fn reconcile_on_schedule(stage: Arc<Stage>) {
    let mut missing = 0;
    loop {
        tokio::time::sleep(EVERY).await;
        if !stage.state().faults || !stage.is_alive() {
            return;
        }
        if missing == 0 && stage.strikes(stage.setting.faults.missing) {
            stage.cover(Situation::ReconcileMissing);
            missing = stage.state().dice.number(1..=6);
        }
        if missing > 0 {
            missing -= 1;
            continue;
        }
        if stage.strikes(stage.setting.faults.twice) {
            stage.cover(Situation::ReconcilesAtOnce);
            tokio::task::spawn_local(spawn_reconcile(stage.clone()));
        }
        tokio::task::spawn_local(spawn_reconcile(stage.clone()));
    }
}

async fn spawn_reconcile(stage: Arc<Stage>) {
    reconcile(&stage).await;
}

/// One reconcile; the answer is how it ended.
pub async fn reconcile(stage: &Stage) -> Ending {
    let payload = json!({"action": "reconcile"});
    invoke(stage, LookKind::Reconcile, payload).await.1
}
