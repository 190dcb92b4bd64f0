//! One invocation of the function, from its payload to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::LambdaEvent;
use serde_json::Value;
use tokio::sync::Notify;

use crate::coverage::Case;
use crate::evidence::{Evidence, Sighting};
use crate::journal;
use crate::promises;
use crate::run::{Run, State};
use crate::scenario::Target;
use crate::subject::{Blemish, Stage};
use harness::lambda;

tokio::task_local! {
    /// The number of the invocation that makes a call.
    pub static NUMBER: usize;
}

/// The kinds of invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One event, or a batch of messages.
    Events,
    /// A copy of an event that lies in the queue as well.
    Copy,
    /// A reconcile.
    Reconcile,
    /// A plan or doctor, which only read.
    Question,
}

/// The two writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Write {
    /// RegisterTargets.
    Register,
    /// DeregisterTargets.
    Deregister,
}

/// An invocation under way.
#[derive(Debug)]
pub struct Invocation {
    /// What it was asked for.
    pub kind: Kind,
    /// What was shown to it.
    pub shown: Evidence,
    /// The last write of each target of which it got the answer.
    pub acknowledged: BTreeMap<Target, Write>,
    /// Targets that it asked to register.
    pub asked: BTreeSet<Target>,
    /// Targets that it registered, whether it knows that or not.
    pub registered: BTreeSet<Target>,
    /// Targets that it registered without having looked at their task since.
    pub unlooked: BTreeSet<Target>,
    /// When it began.
    pub begun: SystemTime,
    /// Groups that it has deregistered from within its first second.
    pub shrunk: BTreeSet<usize>,
    /// Writes that have not had their effect yet.
    pub in_flight: Vec<(Write, Target)>,
    /// Its writes, counted.
    pub tally: Tally,
    /// Ends it.
    pub kill: Arc<Notify>,
}

/// The writes of an invocation, every attempt of the SDK counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls made.
    pub calls: usize,
    /// Calls that were refused because of their targets, by their group.
    pub refused: BTreeMap<usize, usize>,
    /// Groups that took some target.
    pub accepted: BTreeSet<usize>,
    /// Calls that were applied and answered.
    pub answered: usize,
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// With an answer.
    Answer(Value),
    /// With a function error.
    Error(String),
    /// It was killed.
    Killed,
}

/// Invokes the function. `sightings` is what the payload says of tasks.
pub async fn invoke(
    run: &Arc<Run>,
    kind: Kind,
    payload: Value,
    sightings: &[Sighting],
) -> (Invocation, Ending) {
    let (number, kill) = begin(run, kind, sightings);
    let context = lambda::context(run.aws.now() + run.scenario.timeout);
    let crash = run.strikes(run.scenario.trouble.crash).then(|| run.draw_seconds(0.0, 0.6));
    let handle = run.function.invoke(LambdaEvent::new(payload, context));
    let ending = tokio::select! {
        biased;
        () = kill.notified() => Ending::Killed,
        () = tokio::time::sleep(crash.unwrap_or(run.scenario.timeout)) => {
            match crash {
                Some(_) => run.cover(Case::KilledAnywhere),
                None => run.examine(|_| promises::in_time()),
            }
            Ending::Killed
        }
        answer = NUMBER.scope(number, handle) => match answer {
            Ok(answer) => Ending::Answer(answer),
            Err(error) => Ending::Error(error.to_string()),
        },
    };
    (end(run, number, &ending), ending)
}

fn begin(run: &Arc<Run>, kind: Kind, sightings: &[Sighting]) -> (usize, Arc<Notify>) {
    let kill = Arc::new(Notify::new());
    let now = run.aws.now();
    let state = &mut *run.state();
    let number = state.number();
    let mut shown = Evidence::default();
    for sighting in sightings {
        if state.newest.has(sighting.subject, Stage::Leaving)
            && crate::subject::stage(&sighting.task) == Stage::Serving
        {
            state.coverage.note(Case::StartAfterStop);
        }
        shown.event(sighting, now);
        state.newest.event(sighting, now);
    }
    let reconciles = |kind: Kind| matches!(kind, Kind::Reconcile | Kind::Question);
    if state.invocations.values().any(|other| reconciles(other.kind) != reconciles(kind)) {
        state.coverage.note(Case::ReconcileBesideEvents);
    }
    state.invocations.insert(
        number,
        Invocation {
            kind,
            shown,
            acknowledged: BTreeMap::new(),
            asked: BTreeSet::new(),
            registered: BTreeSet::new(),
            unlooked: BTreeSet::new(),
            begun: now,
            shrunk: BTreeSet::new(),
            in_flight: Vec::new(),
            tally: Tally::default(),
            kill: kill.clone(),
        },
    );
    (number, kill)
}

fn end(run: &Arc<Run>, number: usize, ending: &Ending) -> Invocation {
    let told = journal::take(number);
    run.note(&format!("invocation {number}"), || match ending {
        Ending::Answer(answer) => format!("answers {}; {told}", shortened(answer)),
        Ending::Error(error) => format!("fails: {error}; {told}"),
        Ending::Killed => "is killed".to_owned(),
    });
    let mut guard = run.state();
    let state = &mut *guard;
    told.cover(&mut state.coverage);
    let invocation = state.invocations.remove(&number).expect("it is under way");
    if matches!(ending, Ending::Error(_)) {
        state.coverage.note(Case::FunctionError);
        if invocation.kind == Kind::Reconcile {
            state.coverage.note(Case::ReconcileFailed);
        }
    }
    if matches!(ending, Ending::Killed) && !invocation.unlooked.is_empty() {
        state.coverage.note(Case::KilledBeforeLook);
    }
    if invocation.kind == Kind::Reconcile && !matches!(ending, Ending::Answer(_)) {
        blemish_unlooked(state, &invocation);
    }
    drop(guard);
    let took = run.aws.now().duration_since(invocation.begun).unwrap_or_default();
    run.examine(|_| promises::frugal(&invocation, took, &run.scenario));
    if matches!((invocation.kind, ending), (Kind::Events, Ending::Answer(_))) {
        let unbound = told.skipped_for("no-binding");
        run.examine(|state| promises::explained(state, &run.scenario, &invocation, unbound));
    }
    invocation
}

/// No message comes back for what a reconcile began.
fn blemish_unlooked(state: &mut State, invocation: &Invocation) {
    for target in &invocation.registered {
        let holders: Vec<usize> = state.holders(target).collect();
        for holder in holders {
            state.subjects[holder].blemish.get_or_insert(Blemish::ReconcileCut);
        }
    }
}

/// A report is told by the log line, which is shorter.
fn shortened(answer: &Value) -> String {
    match answer.get("batchItemFailures") {
        Some(_) => answer.to_string(),
        None => "its report".to_owned(),
    }
}
