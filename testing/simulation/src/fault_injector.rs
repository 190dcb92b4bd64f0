//! Sits between the function and AWS, and decides what happens to every call.

use std::sync::Weak;
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Hook, Verdict};

use crate::coverage::Case;
use crate::hung_call::HungCall;
use crate::invocation::NUMBER;
use crate::observer::{self, FOREVER};
use crate::world::World;

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
    let is_read_of_ecs = matches!(call.action, Action::DescribeTasks | Action::ListTasks);
    let looks = call.action == Action::DescribeTasks && has_unlooked(world, number);
    if is_down(world, usize::from(is_read_of_ecs), if looks { 4.0 } else { 1.0 }) {
        return Decision { verdict: Verdict::Fail, ..decision };
    }
    if world.strikes(rates.hang) {
        world.cover(Case::CallHung);
        decision.latency = hang(world);
    }
    if is_read_of_ecs && world.strikes(rates.stale) {
        world.cover(Case::StaleRead);
        decision.as_of = Some(world.aws.now() - world.draw_seconds(0.05, rates.lag));
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

/// Whether one of the two services is down. An outage may begin with this call.
fn is_down(world: &World, service: usize, likelihood: f64) -> bool {
    if world.strikes(world.scenario.fault_rates.outage * likelihood) {
        world.cover(Case::Outage);
        let until = world.elapsed() + world.draw_seconds(2.0, 40.0);
        world.state().down_until[service] = until;
    }
    let state = world.state();
    state.faults && world.elapsed() < state.down_until[service]
}

fn has_unlooked(world: &World, number: usize) -> bool {
    let state = world.state();
    state
        .observed
        .invocations
        .get(&number)
        .is_some_and(|invocation| !invocation.unlooked.is_empty())
}
