//! What answers of ECS and of the index of tags show to the function: as things were when the call
//! was applied, and not before the answer arrives.

use std::sync::Arc;

use aws_sim::{Action, Call, Decision, Outcome, Task};

use crate::coverage::Case;
use crate::evidence::{Key, OnTheWay};
use crate::group_owners;
use crate::invocation::Invocation;
use crate::observation::Observation;
use crate::operator;
use crate::tracked_task::{Excuse, Phase, TrackedTask, phase};
use crate::world::{State, World};

/// An answer has arrived.
pub fn arrived(world: &World, number: usize, call: &Call) {
    if call.outcome == Outcome::Ok && call.action == Action::GetResources {
        return group_owners::answered(world, number);
    }
    let answer = world.state().on_the_way.remove(&key(number, call));
    match answer {
        Some(OnTheWay::Tasks(tasks)) => described(world, number, tasks),
        Some(OnTheWay::LeftOut(places)) => {
            let newest = &mut world.state().observed.newest;
            places.into_iter().for_each(|place| newest.left_out(place));
        }
        None => {}
    }
}

fn key(number: usize, call: &Call) -> Key {
    (number, call.at, call.parameters.clone())
}

/// ECS lists the tasks that are meant to run, which also shows which are not.
pub fn lists(world: &Arc<World>, number: usize, call: &Call, decision: &Decision) {
    let now = world.aws.now();
    let moment = decision.as_of.unwrap_or(now);
    let value = |name| call.values(name).first().map(|json| json.trim_matches('"'));
    if value("desiredStatus") != Some("RUNNING") {
        return;
    }
    let owner = value("serviceName").or(value("family"));
    let is_left_out = |tracked: &TrackedTask| {
        let asked = owner == Some(world.scenario.services[tracked.service].name);
        asked && tracked.is_left_out(moment, now)
    };
    if world.strikes(world.scenario.fault_rates.latecomer) {
        operator::start_latecomer(world);
    }
    let state = &mut *world.state();
    let tasks = state.observed.tasks.iter().enumerate();
    let places = tasks.filter(|(_, tracked)| is_left_out(tracked)).map(|(place, _)| place);
    state.on_the_way.insert(key(number, call), OnTheWay::LeftOut(places.collect()));
}

/// ECS answers with tasks. An answer that shows less than is true excuses what follows from it.
pub fn describes(world: &World, number: usize, call: &Call, decision: &Decision) {
    let now = world.aws.now();
    let moment = decision.as_of.unwrap_or(now);
    let State { observed, coverage, on_the_way, .. } = &mut *world.state();
    let asked: Vec<usize> = call.targets.iter().filter_map(|arn| observed.place(arn)).collect();
    let mut answers = Vec::new();
    for place in asked {
        let tracked = &mut observed.tasks[place];
        let answer = tracked.as_of(moment, now).cloned();
        let found = answer.as_ref().map(phase);
        if found.is_some_and(|found| found < tracked.phase()) {
            tracked.excuse.get_or_insert(Excuse::StaleRead);
            if tracked.phase() == Phase::Leaving {
                coverage.note(Case::StaleReadMatters);
            }
        }
        if found.is_none() {
            tracked.excuse.get_or_insert(Excuse::Forgotten);
        }
        answers.push((place, answer));
    }
    on_the_way.insert(key(number, call), OnTheWay::Tasks(answers));
}

/// ECS has shown tasks.
fn described(world: &World, number: usize, answers: Vec<(usize, Option<Task>)>) {
    let State { observed, coverage, .. } = &mut *world.state();
    let Observation { invocations, tasks, newest, .. } = observed;
    let Some(invocation) = invocations.get_mut(&number) else { return };
    for (place, answer) in answers {
        let tracked = &tasks[place];
        let case = kind_of_look(invocation, place, tracked, answer.as_ref());
        case.into_iter().for_each(|case| coverage.note(case));
        let registered = tracked.targets.iter().any(|t| invocation.takes_for_registered(t, place));
        invocation.unlooked.retain(|target| !tracked.targets.contains(target));
        invocation.is_shown(place, answer.as_ref(), registered);
        newest.answer(place, answer.as_ref(), registered);
    }
}

/// Why the invocation asked for this task, and what the answer showed.
fn kind_of_look(
    invocation: &Invocation,
    place: usize,
    tracked: &TrackedTask,
    answer: Option<&Task>,
) -> Option<Case> {
    let again = tracked.targets.iter().any(|target| invocation.unlooked.contains(target));
    let before = invocation.shown.of(place).map(|shown| shown.phase);
    match (again, answer.map(phase), before) {
        (true, Some(Phase::Leaving), _) => Some(Case::LookFoundLeaving),
        (true, None, _) => Some(Case::LookFoundGone),
        (true, Some(_), _) => Some(Case::LookedAgain),
        (false, Some(Phase::Leaving), Some(Phase::Serving)) => Some(Case::OldStartRefuted),
        (false, _, Some(_)) => Some(Case::AskedBeforeActing),
        (false, _, None) => None,
    }
}
