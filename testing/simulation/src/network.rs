//! The way between the function and AWS: decides over every call.

use std::sync::Weak;
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Hook, Verdict};

use crate::coverage::Case;
use crate::invocation::NUMBER;
use crate::run::Run;
use crate::trials::HungCall;
use crate::witness;

/// Longer than any run; for calls whose caller is dead.
pub const FOREVER: Duration = Duration::from_secs(1_000_000_000);

/// The longest that a call takes each way, in seconds, when nothing is wrong.
const CALM_LATENCY: f64 = 0.05;

/// Sits between the function and AWS in one run.
pub struct Network(pub Weak<Run>);

impl Hook for Network {
    fn decide(&self, call: &Call) -> Decision {
        let (Some(run), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number)) else {
            return Decision::default();
        };
        witness::sent(&run, number, call);
        decide(&run, number, call)
    }

    fn settled(&self, call: &Call, decision: &Decision) {
        let (Some(run), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number)) else {
            return;
        };
        witness::settled(&run, number, call, decision);
        if decision.answer_latency == FOREVER {
            kill(&run, number);
        }
    }
}

/// Draws what happens to a call.
fn decide(run: &Run, number: usize, call: &Call) -> Decision {
    let trouble = &run.scenario.trouble;
    let longest = if run.state().faults { trouble.latency } else { CALM_LATENCY };
    let mut decision = Decision {
        latency: run.draw_seconds(0.002, longest),
        answer_latency: run.draw_seconds(0.002, longest),
        ..Decision::default()
    };
    if run.state().hung.as_ref().is_some_and(|hung| hung.is(call)) {
        return Decision { latency: HungCall::TIME, ..decision };
    }
    let is_read_of_ecs = matches!(call.action, Action::DescribeTasks | Action::ListTasks);
    let looks = call.action == Action::DescribeTasks && has_unlooked(run, number);
    if is_down(run, usize::from(is_read_of_ecs), if looks { 4.0 } else { 1.0 }) {
        return Decision { verdict: Verdict::Fail, ..decision };
    }
    if run.strikes(trouble.hang) {
        run.cover(Case::CallHung);
        decision.latency = hang(run);
    }
    if is_read_of_ecs && run.strikes(trouble.stale) {
        run.cover(Case::StaleRead);
        decision.as_of = Some(run.aws.now() - run.draw_seconds(0.05, trouble.lag));
    }
    if run.strikes(trouble.kill / 2.0) {
        run.cover(Case::KilledBeforeCall);
        kill(run, number);
        return Decision { latency: FOREVER, ..decision };
    }
    if run.strikes(trouble.kill / 2.0) {
        run.cover(Case::KilledAfterCall);
        return Decision { answer_latency: FOREVER, ..decision };
    }
    let verdicts = [
        (trouble.throttle, Verdict::Throttle, Case::Throttled),
        (trouble.fail, Verdict::Fail, Case::ServerError),
        (trouble.lose, Verdict::LoseAnswer, Case::AnswerLost),
    ];
    for (rate, verdict, case) in verdicts {
        if run.strikes(rate) {
            run.cover(case);
            return Decision { verdict, ..decision };
        }
    }
    decision
}

fn kill(run: &Run, number: usize) {
    if let Some(invocation) = run.state().invocations.get(&number) {
        invocation.kill.notify_one();
    }
}

/// Either short enough for the answer to be read within the SDK's 5 s for an attempt, or too long
/// for the call to have an effect. An effect without an answer is another fault's business, so that
/// it is always known whether an answer was read.
fn hang(run: &Run) -> Duration {
    let (least, most) = run.state().dice.pick(&[(1.0, 4.0), (5.5, 7.0)]);
    run.draw_seconds(least, most)
}

/// Whether one of the two services is down, for which it may just have been time.
fn is_down(run: &Run, service: usize, likelihood: f64) -> bool {
    if run.strikes(run.scenario.trouble.outage * likelihood) {
        run.cover(Case::Outage);
        let until = run.elapsed() + run.draw_seconds(2.0, 40.0);
        run.state().down_until[service] = until;
    }
    let state = run.state();
    state.faults && run.elapsed() < state.down_until[service]
}

fn has_unlooked(run: &Run, number: usize) -> bool {
    let state = run.state();
    state.invocations.get(&number).is_some_and(|invocation| !invocation.unlooked.is_empty())
}
