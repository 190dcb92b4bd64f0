//! Observes the function's calls: what they change, and what they show to the function.

use std::collections::BTreeSet;
use std::net::SocketAddrV6;
use std::sync::Arc;
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Health, Outcome, Verdict};
use ecs_ipv6_targets::core::target::Write;

use crate::answers;
use crate::coverage::Case;
use crate::group_owners;
use crate::known_bindings;
use crate::life;
use crate::observation::Observation;
use crate::promises;
use crate::scenario::Target;
use crate::tracked_task::{Phase, Stop, words};
use crate::world::{State, World};

/// Longer than any run: the latency of an answer whose caller is killed before reading it.
pub const FOREVER: Duration = Duration::from_secs(1_000_000_000);

/// A call was applied or refused.
pub fn settled(world: &Arc<World>, number: usize, call: &Call, decision: &Decision) {
    note(world, number, call, decision);
    let read = call.outcome == Outcome::Ok && decision.answer_latency != FOREVER;
    if let Outcome::Error(code) = &call.outcome {
        world.examine(|_| known_bindings::in_force(code));
        group_owners::refused(world, call, code);
    }
    match (write(call.action), call.action) {
        (Some(write), _) => wrote(world, number, write, call, decision),
        (None, Action::DescribeTasks) if read => answers::describes(world, number, call, decision),
        (None, Action::DescribeTargetHealth | Action::ListTargets) if read => {
            shown_targets(world, number, call);
        }
        (None, Action::ListTasks) if read => answers::lists(world, number, call, decision),
        (None, Action::GetResources | Action::AssumeRole) => group_owners::asked(world, call, read),
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

fn targets(world: &World, call: &Call) -> Vec<Target> {
    let group = call.resource.as_deref().and_then(|arn| world.group(arn));
    let target = |text: &String| {
        let endpoint: SocketAddrV6 = text.parse().ok()?;
        Some(Target { group: group?, id: *endpoint.ip(), port: endpoint.port() })
    };
    call.targets.iter().filter_map(target).collect()
}

/// A call was sent.
pub fn sent(world: &World, number: usize, call: &Call) {
    if call.action == Action::GetResources {
        group_owners::asks(world, number, call);
    }
    if call.action == Action::ListTasks
        && let Some(invocation) = world.state().observed.invocations.get_mut(&number)
    {
        invocation.catches_up();
    }
    let Some(write) = write(call.action) else { return };
    let targets = targets(world, call);
    let groups: BTreeSet<usize> = targets.iter().map(|target| target.group).collect();
    let now = world.aws.now();
    world.examine(|state| {
        let Some(invocation) = state.observed.invocations.get_mut(&number) else { return Ok(()) };
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
    let state = &mut *world.state();
    let crossed = state.observed.invocations.iter().any(|(other, invocation)| {
        let crosses = |(w, target): &(Write, Target)| *w != write && targets.contains(target);
        *other != number && invocation.in_flight.iter().any(crosses)
    });
    if crossed {
        state.coverage.note(Case::WritesCrossed);
    }
    if let Some(invocation) = state.observed.invocations.get_mut(&number) {
        invocation.tally.calls += 1;
        invocation.in_flight.extend(targets.into_iter().map(|target| (write, target)));
    }
}

/// A write was applied or refused.
fn wrote(world: &Arc<World>, number: usize, write: Write, call: &Call, decision: &Decision) {
    let mut targets = targets(world, call);
    if let Some(invocation) = world.state().observed.invocations.get_mut(&number) {
        invocation.in_flight.retain(|(_, target)| !targets.contains(target));
    }
    if write == Write::Register && !call.refused.is_empty() {
        world.cover(Case::RefusedByItself);
        let is_refused = |target: &Target| {
            let at = SocketAddrV6::new(target.id, target.port, 0, 0).to_string();
            call.refused.contains(&at)
        };
        targets.retain(|target| !is_refused(target));
    }
    if write == Write::Deregister && !call.refused.is_empty() {
        // What is not there is deregistered, whatever VPC Lattice says of it.
        world.cover(Case::AbsentRefused);
    }
    if let Outcome::Error(code) = &call.outcome {
        return refused(world, number, code, decision, &targets);
    }
    world.examine(|state| {
        let now = world.aws.now();
        promises::may_write(&state.observed, &world.scenario, number, write, &targets, now)
    });
    let answered = call.outcome == Outcome::Ok && decision.answer_latency != FOREVER;
    let state = &mut *world.state();
    if targets.iter().any(|target| promises::is_admitted(&state.observed, write, target)) {
        state.coverage.note(Case::ReusedAddressRemoved);
    }
    let Some(invocation) = state.observed.invocations.get_mut(&number) else { return };
    if answered {
        invocation.tally.answered += 1;
        let written = targets.iter().map(|target| (*target, BTreeSet::from([write])));
        invocation.acknowledged.extend(written);
    }
    match write {
        Write::Register => {
            invocation.registered.extend(&targets);
            invocation.unlooked.extend(&targets);
            invocation.tally.accepted.extend(targets.iter().map(|target| target.group));
            fail_health_checks(world, state, &targets);
            stop_on_register(world, state, &targets);
        }
        Write::Deregister => {
            if targets.iter().any(|target| invocation.registered.contains(target)) {
                state.coverage.note(Case::Undone);
            }
        }
    }
}

fn refused(world: &World, number: usize, code: &str, decision: &Decision, targets: &[Target]) {
    let State { observed, coverage, .. } = &mut *world.state();
    let Some(invocation) = observed.invocations.get_mut(&number) else { return };
    let case = match (code, decision.verdict) {
        ("ValidationError" | "ValidationException" | "TooManyRegistrationsForTargetId", _) => {
            Case::BadTarget
        }
        ("TooManyTargets", _) if world.scenario.rare.zone_quota.is_some() => Case::ZoneFull,
        ("TooManyTargets" | "ServiceQuotaExceededException", _) => Case::QuotaHit,
        ("ThrottlingException", Verdict::Serve) => Case::SharedRateUsedUp,
        // A fault, which was noted when it was drawn.
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

/// Some targets become `unhealthy.draining` when they are past `initial`. They count as registered.
fn fail_health_checks(world: &World, state: &mut State, targets: &[Target]) {
    for Target { group, id, port } in targets {
        if state.dice.chance(world.scenario.rare.unhealthy) {
            state.coverage.note(Case::Unhealthy);
            let health = Health::UnhealthyDraining;
            world.aws.set_health(&world.arns[*group], &id.to_string(), *port, health);
        }
    }
}

/// Stops tasks at the very moment when their targets are registered.
fn stop_on_register(world: &Arc<World>, state: &mut State, targets: &[Target]) {
    for target in targets {
        if !state.faults || !state.dice.chance(world.scenario.fault_rates.stop_on_register) {
            continue;
        }
        let holders: Vec<usize> = state.observed.holders(target).collect();
        for holder in holders {
            let tracked = &state.observed.tasks[holder];
            if tracked.phase() == Phase::Serving && tracked.stop.is_none() {
                state.coverage.note(Case::StoppedOnRegister);
                let stop = if state.dice.chance(0.5) { Stop::Crash } else { Stop::Asked };
                tokio::task::spawn_local(life::stop(world.clone(), holder, stop));
            }
        }
    }
}

/// The targets of a group were shown: what is as a write would make it needs no write.
fn shown_targets(world: &World, number: usize, call: &Call) {
    let Some(arn) = call.resource.as_deref() else { return };
    let group = world.group(arn);
    let present = world.aws.registered(arn);
    let now = world.aws.now();
    let Observation { tasks, invocations, seen_right, .. } = &mut world.state().observed;
    let Some(invocation) = invocations.get_mut(&number) else { return };
    // What is right when whole groups are settled can be remembered for later messages.
    let catches_up = invocation.shown_before.is_some();
    for (place, task) in tasks.iter().enumerate() {
        for target in task.targets.iter().filter(|target| Some(target.group) == group) {
            let is_there = present.contains(&(target.id.into(), target.port));
            let write = if is_there { Write::Register } else { Write::Deregister };
            invocation.acknowledged.entry(*target).or_default().insert(write);
            if let Some(shown) = invocation.shown.of(place).filter(|_| catches_up) {
                seen_right.note(place, *target, shown, is_there, now);
            }
        }
    }
}

/// Writes the call into the history.
fn note(world: &World, number: usize, call: &Call, decision: &Decision) {
    world.note(&format!("invocation {number}"), || {
        let group = call.resource.as_deref().and_then(|arn| world.group(arn));
        let group = group.map(|group| world.scenario.groups[group].name).unwrap_or_default();
        let moment = decision.as_of.unwrap_or(world.aws.now());
        let state = world.state();
        let about = call.targets.iter().map(|target| match state.observed.place(target) {
            Some(place) => match state.observed.tasks[place].as_of(moment, world.aws.now()) {
                Some(task) => words(task),
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
