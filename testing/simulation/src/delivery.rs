//! From a change of a task to the function: the rule, what goes wrong on the way, and Lambda's own
//! tries.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_sim::Task;
use serde_json::{Value, json};

use crate::copies;
use crate::coverage::Case;
use crate::evidence::Sighting;
use crate::invocation::{Ending, Kind, invoke};
use crate::promises;
use crate::queue;
use crate::run::Run;
use crate::scenario::Delivery;
use crate::subject::{Blemish, Stage, stage, words};
use harness::count::GoingOn;
use harness::lambda::TRIES_AFTER;

/// An event on its way.
#[derive(Debug)]
pub struct Message {
    /// Its name in the queue.
    pub id: String,
    /// The event.
    pub event: Value,
    /// What it says.
    pub sighting: Sighting,
    /// How often it was received.
    pub received: u32,
    /// It is on its way as long as this exists.
    pub going_on: Option<GoingOn>,
}

/// A task has changed; EventBridge tells it, at least once unless it is lost.
pub fn emit(run: &Arc<Run>, subject: usize, task: Task) {
    let stage = stage(&task);
    if stage == Stage::Leaving {
        release(run, Some(subject));
        copies::emit(run, subject, &task);
    }
    if run.scenario.filtered && stage == Stage::Starting {
        return;
    }
    let trouble = &run.scenario.trouble;
    if run.strikes(trouble.drop) {
        run.cover(Case::EventDropped);
        run.note("eventbridge", || format!("drops {}", words(&task)));
        run.state().subjects[subject].blemish = Some(Blemish::Untold);
        return;
    }
    let copies = if run.strikes(trouble.duplicate) {
        run.cover(Case::EventDuplicated);
        2
    } else {
        1
    };
    for _ in 0..copies {
        send(run, message(run, subject, &task));
    }
}

fn message(run: &Run, subject: usize, task: &Task) -> Message {
    let (event, sighting) = told_by(run, subject, task);
    let state = &mut *run.state();
    state.sent += 1;
    Message { id: format!("m{}", state.number()), event, sighting, received: 0, going_on: None }
}

/// The event of a task's state, and what it says.
pub fn told_by(run: &Run, subject: usize, task: &Task) -> (Value, Sighting) {
    let now = run.aws.now();
    let silent = run.strikes(run.scenario.trouble.addressless);
    let told = if silent { task.clone().without_address() } else { task.clone() };
    if silent {
        run.cover(Case::EventWithoutAddress);
    }
    let whole = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let sighting = Sighting {
        subject,
        task: task.clone(),
        at: UNIX_EPOCH + Duration::from_secs(whole),
        addressed: !silent && task.last_status() != "PROVISIONING",
    };
    (told.event(now), sighting)
}

/// Sends a message on its way, late or not.
fn send(run: &Arc<Run>, message: Message) {
    let trouble = &run.scenario.trouble;
    let leaving = stage(&message.sighting.task) == Stage::Leaving;
    if !leaving && run.strikes(trouble.hold) {
        run.cover(Case::EventHeld);
        let subject = message.sighting.subject;
        run.state().held.entry(subject).or_default().push(message);
        return;
    }
    let delay = if run.strikes(trouble.linger) {
        run.cover(Case::EventVeryLate);
        run.draw_seconds(3700.0, 4200.0)
    } else if run.strikes(trouble.delay) {
        run.cover(Case::EventDelayed);
        run.draw_seconds(1.0, 240.0)
    } else {
        soon(run)
    };
    deliver_after(run, delay, message);
}

/// Lets go what was held back, of one task or of all.
pub fn release(run: &Arc<Run>, subject: Option<usize>) {
    let held = {
        let state = &mut *run.state();
        match subject {
            Some(subject) => state.held.remove(&subject).unwrap_or_default(),
            None => std::mem::take(&mut state.held).into_values().flatten().collect(),
        }
    };
    for message in held {
        deliver_after(run, soon(run), message);
    }
}

/// Often at the same moment, so that what should not meet does.
pub fn soon(run: &Run) -> Duration {
    run.state().dice.pick(&[100, 100, 130, 400].map(Duration::from_millis))
}

fn deliver_after(run: &Arc<Run>, delay: Duration, message: Message) {
    let message = Message { going_on: Some(run.deliveries.begin()), ..message };
    let run = run.clone();
    tokio::task::spawn_local(async move {
        tokio::time::sleep(delay).await;
        match run.scenario.delivery {
            Delivery::Queue(_) => queue::put(&run, message),
            Delivery::Direct => deliver(&run, message).await,
        }
    });
}

/// Lambda's asynchronous invocation: three tries.
pub async fn deliver(run: &Arc<Run>, message: Message) {
    let sightings = std::slice::from_ref(&message.sighting);
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        run.note("lambda", || format!("gets {}", told(run, &message)));
        let event = message.event.clone();
        let (invocation, ending) = invoke(run, Kind::Events, event, sightings).await;
        if let Ending::Answer(_) = ending {
            run.examine(|state| promises::nothing_swallowed(state, &invocation, sightings));
            run.state().applied += 1;
            return;
        }
        // One event alone has nothing beside it that could keep it out.
        run.examine(|state| promises::isolated(state, &run.scenario, [(&message.sighting, None)]));
        if let Some(wait) = wait {
            tokio::time::sleep(*wait).await;
        }
    }
    run.cover(Case::GivenUp);
    run.note("lambda", || format!("gives up {}", message.id));
    bury(run, message);
}

/// Puts a message away that could not be applied, for an operator to send back.
pub fn bury(run: &Run, message: Message) {
    let state = &mut *run.state();
    let subject = &mut state.subjects[message.sighting.subject];
    subject.blemish.get_or_insert(Blemish::GivenUp);
    state.dead.push(Message { going_on: None, ..message });
}

/// The schedule's reconcile, which Lambda tries three times as well.
pub async fn reconcile(run: Arc<Run>, _going_on: GoingOn) {
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        run.note("schedule", || "reconcile".to_owned());
        let (_, ending) = invoke(&run, Kind::Reconcile, json!({"action": "reconcile"}), &[]).await;
        match (ending, wait) {
            (Ending::Answer(_), _) | (_, None) => return,
            (_, Some(wait)) => tokio::time::sleep(*wait).await,
        }
    }
}

/// Somebody asks what would be done, or whether the set-up is right.
pub async fn question(run: Arc<Run>, _going_on: GoingOn) {
    let action = run.state().dice.pick(&["plan", "doctor"]);
    run.cover(Case::Asked);
    run.note("somebody", || action.to_owned());
    invoke(&run, Kind::Question, json!({ "action": action }), &[]).await;
}

/// A message in few words.
pub fn told(run: &Run, message: &Message) -> String {
    let age = run.aws.now().duration_since(message.sighting.at).unwrap_or_default();
    let silent = if message.sighting.addressed { "" } else { ", no address" };
    format!("{} ({}, {} s old{silent})", message.id, words(&message.sighting.task), age.as_secs())
}
