//! What the simulation learns from the function's calls: what they change, and what they show.

use std::collections::BTreeSet;
use std::net::SocketAddrV6;
use std::sync::Arc;

use aws_sim::{Action, Call, Decision, Health, Outcome, Task, Verdict};

use crate::coverage::Case;
use crate::invocation::{Invocation, Write};
use crate::life;
use crate::network::FOREVER;
use crate::operator;
use crate::promises;
use crate::run::{Run, State};
use crate::scenario::Target;
use crate::subject::{Blemish, Stage, Stop, Subject, stage};

/// A call was applied or refused.
pub fn settled(run: &Arc<Run>, number: usize, call: &Call, decision: &Decision) {
    tell(run, number, call, decision);
    // The caller is killed before it reads an answer that takes forever.
    let read = call.outcome == Outcome::Ok && decision.answer_latency != FOREVER;
    match (write(call.action), call.action) {
        (Some(write), _) => wrote(run, number, write, call, decision),
        (None, Action::DescribeTasks) if read => described(run, number, call, decision),
        (None, Action::ListTasks) if read => listed(run, call, decision),
        _ => {}
    }
}

fn write(action: Action) -> Option<Write> {
    match action {
        Action::RegisterTargets => Some(Write::Register),
        Action::DeregisterTargets => Some(Write::Deregister),
        _ => None,
    }
}

fn targets(run: &Run, call: &Call) -> Vec<Target> {
    let group = call.resource.as_deref().and_then(|arn| run.group(arn));
    let target = |text: &String| {
        let endpoint: SocketAddrV6 = text.parse().ok()?;
        Some(Target { group: group?, id: *endpoint.ip(), port: endpoint.port() })
    };
    call.targets.iter().filter_map(target).collect()
}

/// A call was sent.
pub fn sent(run: &Run, number: usize, call: &Call) {
    let Some(write) = write(call.action) else { return };
    let targets = targets(run, call);
    let groups: BTreeSet<usize> = targets.iter().map(|target| target.group).collect();
    let now = run.aws.now();
    run.examine(|state| {
        let Some(invocation) = state.invocations.get_mut(&number) else { return Ok(()) };
        let age = now.duration_since(invocation.begun).unwrap_or_default();
        let soon = age < promises::SOON;
        let first = |group: &usize| promises::register_first(invocation, write, *group);
        let verdict = groups.iter().try_for_each(first);
        match write {
            Write::Register => invocation.asked.extend(&targets),
            Write::Deregister if soon => invocation.shrunk.extend(&groups),
            Write::Deregister => {}
        }
        verdict
    });
    let state = &mut *run.state();
    let crossed = state.invocations.iter().any(|(other, invocation)| {
        let crosses = |(w, target): &(Write, Target)| *w != write && targets.contains(target);
        *other != number && invocation.in_flight.iter().any(crosses)
    });
    if crossed {
        state.coverage.note(Case::WritesCrossed);
    }
    if let Some(invocation) = state.invocations.get_mut(&number) {
        invocation.tally.calls += 1;
        invocation.in_flight.extend(targets.into_iter().map(|target| (write, target)));
    }
}

/// A write was applied or refused.
fn wrote(run: &Arc<Run>, number: usize, write: Write, call: &Call, decision: &Decision) {
    let targets = targets(run, call);
    if let Some(invocation) = run.state().invocations.get_mut(&number) {
        invocation.in_flight.retain(|(_, target)| !targets.contains(target));
    }
    if let Outcome::Error(code) = &call.outcome {
        return refused(run, number, code, decision, &targets);
    }
    run.examine(|state| promises::may_write(state, &run.scenario, number, write, &targets));
    let answered = call.outcome == Outcome::Ok && decision.answer_latency != FOREVER;
    let state = &mut *run.state();
    if targets.iter().any(|target| promises::is_admitted(state, write, target)) {
        state.coverage.note(Case::ReusedAddressRemoved);
    }
    let Some(invocation) = state.invocations.get_mut(&number) else { return };
    if answered {
        invocation.tally.answered += 1;
        invocation.acknowledged.extend(targets.iter().map(|target| (*target, write)));
    }
    match write {
        Write::Register => {
            invocation.registered.extend(&targets);
            invocation.unlooked.extend(&targets);
            invocation.tally.accepted.extend(targets.iter().map(|target| target.group));
            fail_health_checks(run, state, &targets);
            ambush(run, state, &targets);
        }
        Write::Deregister => {
            if targets.iter().any(|target| invocation.registered.contains(target)) {
                state.coverage.note(Case::Undone);
            }
        }
    }
}

fn refused(run: &Run, number: usize, code: &str, decision: &Decision, targets: &[Target]) {
    let State { invocations, coverage, .. } = &mut *run.state();
    let Some(invocation) = invocations.get_mut(&number) else { return };
    let case = match (code, decision.verdict) {
        ("ValidationError" | "TooManyRegistrationsForTargetId", _) => Case::BadTarget,
        ("TooManyTargets", _) if run.scenario.rare.zone_quota.is_some() => Case::ZoneFull,
        ("TooManyTargets", _) => Case::QuotaHit,
        ("ThrottlingException", Verdict::Serve) => Case::SharedRateUsedUp,
        // A fault, which was noted when it was decided.
        _ => return,
    };
    coverage.note(case);
    if case != Case::SharedRateUsedUp {
        if let Some(target) = targets.first() {
            *invocation.tally.refused.entry(target.group).or_default() += 1;
        }
        if targets.len() > 1 {
            coverage.note(Case::Bisected);
        }
    }
}

/// Once past `initial`, some targets are `unhealthy.draining`, and registered all the same.
fn fail_health_checks(run: &Run, state: &mut State, targets: &[Target]) {
    for Target { group, id, port } in targets {
        if state.dice.chance(run.scenario.rare.unhealthy) {
            state.coverage.note(Case::Unhealthy);
            let health = Health::UnhealthyDraining;
            run.aws.set_health(&run.arns[*group], &id.to_string(), *port, health);
        }
    }
}

/// Stops tasks just now, where that is most awkward.
fn ambush(run: &Arc<Run>, state: &mut State, targets: &[Target]) {
    for target in targets {
        if !state.faults || !state.dice.chance(run.scenario.trouble.ambush) {
            continue;
        }
        let holders: Vec<usize> = state.holders(target).collect();
        for holder in holders {
            let subject = &state.subjects[holder];
            if subject.stage() == Stage::Serving && subject.stop.is_none() {
                state.coverage.note(Case::StoppedOnRegister);
                let stop = if state.dice.chance(0.5) { Stop::Crash } else { Stop::Asked };
                tokio::task::spawn_local(life::stop(run.clone(), holder, stop));
            }
        }
    }
}

/// A list of the tasks that are meant to run also tells which are not.
fn listed(run: &Arc<Run>, call: &Call, decision: &Decision) {
    let now = run.aws.now();
    let moment = decision.as_of.unwrap_or(now);
    let value = |name| call.values(name).first().map(|json| json.trim_matches('"'));
    if value("desiredStatus") != Some("RUNNING") {
        return;
    }
    let owner = value("serviceName").or(value("family"));
    if run.strikes(run.scenario.trouble.latecomer) {
        operator::start_latecomer(run);
    }
    let State { subjects, newest, .. } = &mut *run.state();
    for (place, subject) in subjects.iter().enumerate() {
        let asked = owner == Some(run.scenario.services[subject.service].name);
        if asked && subject.is_left_out(moment, now) {
            newest.left_out(place);
        }
    }
}

/// ECS showed tasks.
fn described(run: &Run, number: usize, call: &Call, decision: &Decision) {
    let now = run.aws.now();
    let moment = decision.as_of.unwrap_or(now);
    let mut state = run.state();
    let asked: Vec<usize> = call.targets.iter().filter_map(|arn| state.subject(arn)).collect();
    let State { invocations, subjects, newest, coverage, .. } = &mut *state;
    let Some(invocation) = invocations.get_mut(&number) else { return };
    for place in asked {
        let subject = &mut subjects[place];
        let answer = subject.as_of(moment, now).cloned();
        let found = answer.as_ref().map(stage);
        if found.is_some_and(|found| found < subject.stage()) {
            subject.blemish.get_or_insert(Blemish::StaleRead);
            if subject.stage() == Stage::Leaving {
                coverage.note(Case::StaleReadMatters);
            }
        }
        if found.is_none() {
            subject.blemish.get_or_insert(Blemish::Forgotten);
        }
        let case = kind_of_look(invocation, place, subject, answer.as_ref());
        case.into_iter().for_each(|case| coverage.note(case));
        let registered = subject.targets.iter().any(|t| invocation.registered.contains(t));
        invocation.unlooked.retain(|target| !subject.targets.contains(target));
        invocation.shown.answer(place, answer.as_ref(), registered);
        newest.answer(place, answer.as_ref(), registered);
    }
}

/// What an answer was asked for, and what it brought.
fn kind_of_look(
    invocation: &Invocation,
    place: usize,
    subject: &Subject,
    answer: Option<&Task>,
) -> Option<Case> {
    let again = subject.targets.iter().any(|target| invocation.unlooked.contains(target));
    let before = invocation.shown.of(place).map(|shown| shown.stage);
    match (again, answer.map(stage), before) {
        (true, Some(Stage::Leaving), _) => Some(Case::LookFoundLeaving),
        (true, None, _) => Some(Case::LookFoundGone),
        (true, Some(_), _) => Some(Case::LookedAgain),
        (false, Some(Stage::Leaving), Some(Stage::Serving)) => Some(Case::OldStartRefuted),
        (false, _, Some(_)) => Some(Case::AskedBeforeActing),
        (false, _, None) => None,
    }
}

/// Writes the call into the history.
fn tell(run: &Run, number: usize, call: &Call, decision: &Decision) {
    run.note(&format!("invocation {number}"), || {
        let group = call.resource.as_deref().and_then(|arn| run.group(arn));
        let group = group.map(|group| run.scenario.groups[group].name).unwrap_or_default();
        let moment = decision.as_of.unwrap_or(run.aws.now());
        let state = run.state();
        let about = call.targets.iter().map(|target| match state.subject(target) {
            Some(place) => match state.subjects[place].as_of(moment, run.aws.now()) {
                Some(task) => crate::subject::words(task),
                None => format!("t{place} missing"),
            },
            None => target.clone(),
        });
        let about = about.collect::<Vec<_>>().join(", ");
        let stale = if decision.as_of.is_some() { " (stale)" } else { "" };
        let outcome = match &call.outcome {
            Outcome::Ok => "ok",
            Outcome::Lost => "done, and the answer is lost",
            Outcome::Unanswered => "unanswered",
            Outcome::Error(code) => code,
        };
        format!("{} {group} {about} = {outcome}{stale}", call.action)
    });
}
