//! Sits between the function and AWS, and decides what happens to every call.

use std::sync::Weak;
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Hook, Verdict};

use crate::answers;
use crate::coverage::Case;
use crate::hung_call::HungCall;
use crate::invocation::NUMBER;
use crate::observer::{self, FOREVER};
use crate::world::World;

/// What may be down for itself.
#[derive(Clone, Copy)]
enum Service {
    Targets,
    Tasks,
    Tags,
    Roles,
}

/// The longest time that a call takes each way when nothing is wrong, in seconds.
const CALM_LATENCY: f64 = 0.05;

/// The fault injector of one run.
pub struct FaultInjector(pub Weak<World>);

impl Hook for FaultInjector {
    fn decide(&self, call: &Call) -> Decision {
        let (Some(world), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number))
        else {
            return Decision::default();
        };
        observer::sent(&world, number, call);
        decide(&world, number, call)
    }

    fn settled(&self, call: &Call, decision: &Decision) {
        let (Some(world), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number))
        else {
            return;
        };
        observer::settled(&world, number, call, decision);
        if decision.answer_latency == FOREVER {
            kill(&world, number);
        }
    }

    fn answered(&self, call: &Call) {
        if let (Some(world), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number)) {
            answers::arrived(&world, number, call);
        }
    }
}

/// Draws what happens to a call.
fn decide(world: &World, number: usize, call: &Call) -> Decision {
    let rates = &world.scenario.fault_rates;
    let longest = if world.state().faults { rates.latency } else { CALM_LATENCY };
    let mut decision = Decision {
        latency: world.draw_seconds(0.002, longest),
        answer_latency: world.draw_seconds(0.002, longest),
        ..Decision::default()
    };
    if world.state().hung.as_ref().is_some_and(|hung| hung.is(call)) {
        return Decision { latency: HungCall::TIME, ..decision };
    }
    if is_refused(world, call) {
        return Decision { verdict: Verdict::Throttle, ..decision };
    }
    let is_read_of_ecs = matches!(call.action, Action::DescribeTasks | Action::ListTasks);
    let looks = call.action == Action::DescribeTasks && has_unlooked(world, number);
    if is_down(world, call.action, if looks { 4.0 } else { 1.0 }) {
        return Decision { verdict: Verdict::Fail, ..decision };
    }
    if world.strikes(rates.hang) {
        world.cover(Case::CallHung);
        decision.latency = hang(world);
    }
    if is_read_of_ecs && world.strikes(rates.stale) {
        world.cover(Case::StaleRead);
        // Before the beginning there is nothing, not even the tasks that run since then.
        let lag = world.draw_seconds(0.05, rates.lag).min(world.elapsed());
        decision.as_of = Some(world.aws.now() - lag);
    }
    if world.strikes(rates.kill / 2.0) {
        world.cover(Case::KilledBeforeCall);
        kill(world, number);
        return Decision { latency: FOREVER, ..decision };
    }
    if world.strikes(rates.kill / 2.0) {
        world.cover(Case::KilledAfterCall);
        return Decision { answer_latency: FOREVER, ..decision };
    }
    let verdicts = [
        (rates.throttle, Verdict::Throttle, Case::Throttled),
        (rates.fail, Verdict::Fail, Case::ServerError),
        (rates.lose, Verdict::LoseAnswer, Case::AnswerLost),
    ];
    for (rate, verdict, case) in verdicts {
        if world.strikes(rate) {
            world.cover(case);
            return Decision { verdict, ..decision };
        }
    }
    decision
}

fn kill(world: &World, number: usize) {
    if let Some(invocation) = world.state().observed.invocations.get(&number) {
        invocation.kill.notify_one();
    }
}

/// How long a call hangs: either short enough for the answer to be read within the SDK's 5 s for an
/// attempt, or too long for the call to take effect. A call that takes effect without an answer is
/// another fault, so that it is always known whether an answer was read.
fn hang(world: &World) -> Duration {
    let (least, most) = world.state().dice.pick(&[(1.0, 4.0), (5.5, 7.0)]);
    world.draw_seconds(least, most)
}

/// Whether a trial has every such call refused.
fn is_refused(world: &World, call: &Call) -> bool {
    let refused = world.state().refused;
    refused.is_some_and(|refused| refused(call))
}

/// Whether the service of an action is down. An outage may begin with this call. The index of tags
/// may be down for longer than tags that were read are used.
fn is_down(world: &World, action: Action, likelihood: f64) -> bool {
    let (service, rate, longest) = match action {
        Action::GetResources => (Service::Tags, world.scenario.sources.outage, 1200.0),
        Action::AssumeRole => (Service::Roles, world.scenario.fault_rates.outage, 40.0),
        Action::DescribeTasks | Action::ListTasks => {
            (Service::Tasks, world.scenario.fault_rates.outage * likelihood, 40.0)
        }
        _ => (Service::Targets, world.scenario.fault_rates.outage * likelihood, 40.0),
    };
    if world.strikes(rate) {
        world.cover(Case::Outage);
        let until = world.elapsed() + world.draw_seconds(2.0, longest);
        world.state().down_until[service as usize] = until;
    }
    let state = world.state();
    state.faults && world.elapsed() < state.down_until[service as usize]
}

fn has_unlooked(world: &World, number: usize) -> bool {
    let state = world.state();
    state
        .observed
        .invocations
        .get(&number)
        .is_some_and(|invocation| !invocation.unlooked.is_empty())
}
