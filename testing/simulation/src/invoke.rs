//! Invokes the function, kills it now and then, and checks what must hold when it has ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::lambda;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::coverage::Case;
use crate::evidence::{Evidence, Sighting};
use crate::frugal;
use crate::invocation::{Ending, Invocation, InvocationKind, NUMBER};
use crate::known_bindings;
use crate::log_capture;
use crate::observation::Observation;
use crate::promises;
use crate::scenario::Target;
use crate::tracked_task::{Excuse, Phase, phase};
use crate::world::World;

/// Invokes the function. `sightings` is what the payload says of tasks.
pub async fn invoke(
    world: &Arc<World>,
    kind: InvocationKind,
    payload: Value,
    sightings: &[Sighting],
) -> (Invocation, Ending) {
    let (number, kill) = begin(world, kind, sightings);
    let context = lambda::context(world.aws.now() + world.scenario.timeout);
    let rate = world.scenario.fault_rates.crash;
    let crash = world.strikes(rate).then(|| world.draw_seconds(0.0, 0.6));
    let handle = world.function.invoke(lambda::event(&payload, context));
    let ending = tokio::select! {
        biased;
        () = kill.notified() => Ending::Killed,
        () = tokio::time::sleep(crash.unwrap_or(world.scenario.timeout)) => {
            match crash {
                Some(_) => world.cover(Case::KilledAnywhere),
                None => world.examine(|_| promises::in_time()),
            }
            Ending::Killed
        }
        answer = NUMBER.scope(number, handle) => match answer {
            Ok(answer) => Ending::Answer(answer),
            Err(error) => Ending::Error(error.to_string()),
        },
    };
    (end(world, number, sightings, &ending), ending)
}

/// Invokes the function for a reconcile.
pub async fn reconcile(world: &Arc<World>) -> (Invocation, Ending) {
    invoke(world, InvocationKind::Reconcile, json!({"action": "reconcile"}), &[]).await
}

fn begin(world: &World, kind: InvocationKind, sightings: &[Sighting]) -> (usize, Arc<Notify>) {
    let kill = Arc::new(Notify::new());
    let now = world.aws.now();
    let state = &mut *world.state();
    let number = state.number();
    let Observation { newest, invocations, .. } = &mut state.observed;
    let mut shown = Evidence::default();
    for sighting in sightings {
        if newest.has(sighting.place, Phase::Leaving) && phase(&sighting.task) == Phase::Serving {
            state.coverage.note(Case::StartAfterStop);
        }
        shown.event(sighting, now);
        newest.event(sighting, now);
    }
    let reconciles =
        |kind: InvocationKind| matches!(kind, InvocationKind::Reconcile | InvocationKind::Question);
    if invocations.values().any(|other| reconciles(other.kind) != reconciles(kind)) {
        state.coverage.note(Case::ReconcileBesideEvents);
    }
    invocations.insert(number, Invocation::new(kind, shown, now, kill.clone()));
    (number, kill)
}

fn end(world: &World, number: usize, sightings: &[Sighting], ending: &Ending) -> Invocation {
    let logged = log_capture::take(number);
    world.note(&format!("invocation {number}"), || match ending {
        Ending::Answer(answer) => format!("answers {}; {logged}", shortened(answer)),
        Ending::Error(error) => format!("fails: {error}; {logged}"),
        Ending::Killed => "is killed".to_owned(),
    });
    let mut guard = world.state();
    let state = &mut *guard;
    logged.cover(&mut state.coverage);
    let invocation = state.observed.invocations.remove(&number).expect("it is under way");
    if matches!(ending, Ending::Error(_)) {
        state.coverage.note(Case::FunctionError);
        if invocation.kind == InvocationKind::Reconcile {
            state.coverage.note(Case::ReconcileFailed);
        }
    }
    if matches!(ending, Ending::Killed) && !invocation.unlooked.is_empty() {
        state.coverage.note(Case::KilledBeforeLook);
    }
    if invocation.kind != InvocationKind::Reconcile {
        excuse(&mut state.observed, &invocation.unlooked, sightings);
    } else if ending.answer().is_none() {
        excuse(&mut state.observed, &invocation.registered, &[]);
    }
    if invocation.tags_broke_off {
        for place in invocation.shown.places() {
            state.observed.tasks[place].excuse.get_or_insert(Excuse::TagsBrokeOff);
        }
    }
    drop(guard);
    let took = world.aws.now().duration_since(invocation.begun).unwrap_or_default();
    world.examine(|_| frugal::frugal(&invocation, took, &world.scenario));
    if matches!((invocation.kind, ending), (InvocationKind::Events, Ending::Answer(_))) {
        let unbound = logged.skipped_for("no-binding");
        world.examine(|state| {
            let now = world.aws.now();
            known_bindings::explained(&state.observed, &world.scenario, &invocation, unbound, now)
        });
    }
    invocation
}

/// These targets were registered without a look, and no message will be received again for them,
/// unless it is one of these.
fn excuse(observed: &mut Observation, registered: &BTreeSet<Target>, messages: &[Sighting]) {
    let has_message = |holder: &usize| messages.iter().any(|message| message.place == *holder);
    for target in registered {
        let holders: Vec<usize> = observed.holders(target).collect();
        for holder in holders.into_iter().filter(|holder| !has_message(holder)) {
            observed.tasks[holder].excuse.get_or_insert(Excuse::NoLook);
        }
    }
}

/// The answer as it stands in the history. A report is not repeated, because the log line says the
/// same in fewer words.
fn shortened(answer: &Value) -> String {
    match answer.get("batchItemFailures") {
        Some(_) => answer.to_string(),
        None => "its report".to_owned(),
    }
}
