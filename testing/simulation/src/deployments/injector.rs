//! Sits between the function and AWS, and decides what happens to every call.

use std::sync::Weak;
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Hook, Verdict};

use crate::deployments::faults::LAG;
use crate::deployments::observer::{self, protects};
use crate::deployments::situation::Situation;
use crate::deployments::stage::Stage;
use crate::invocation::NUMBER;

/// Longer than any run: the latency of an answer whose caller is killed before reading it.
const FOREVER: Duration = Duration::from_secs(1_000_000_000);

/// The fault injector of one run.
pub struct Injector(pub Weak<Stage>);

impl Hook for Injector {
    fn decide(&self, call: &Call) -> Decision {
        let (Some(stage), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number))
        else {
            return Decision::default();
        };
        observer::sent(&stage, number, call);
        decide(&stage, number, call)
    }

    fn settled(&self, call: &Call, decision: &Decision) {
        let (Some(stage), Ok(number)) = (self.0.upgrade(), NUMBER.try_with(|number| *number))
        else {
            return;
        };
        let is_read = decision.answer_latency != FOREVER;
        observer::settled(&stage, number, call, is_read);
        if !is_read {
            kill(&stage, number);
        }
    }
}

/// Whether only holds and the gate need such a call.
fn is_for_holds(action: Action) -> bool {
    matches!(
        action,
        Action::DescribeServices | Action::GetTaskProtection | Action::UpdateTaskProtection
    )
}

/// Draws what happens to a call.
fn decide(stage: &Stage, number: usize, call: &Call) -> Decision {
    let faults = &stage.setting.faults;
    let longest = if stage.state().faults { faults.latency } else { 0.05 };
    let calm = Decision {
        latency: stage.draw_seconds(0.002, longest),
        answer_latency: stage.draw_seconds(0.002, longest),
        ..Decision::default()
    };
    let decision = draw(stage, number, call, calm);
    if decision.verdict != Verdict::Serve || decision.latency == FOREVER {
        strike(stage, number, call);
    }
    decision
}

fn draw(stage: &Stage, number: usize, call: &Call, mut decision: Decision) -> Decision {
    let faults = &stage.setting.faults;
    let for_holds = is_for_holds(call.action);
    if for_holds && is_down(stage) {
        return Decision { verdict: Verdict::Fail, ..decision };
    }
    let is_read_of_tasks = matches!(call.action, Action::DescribeTasks | Action::ListTasks);
    if is_read_of_tasks && stage.strikes(faults.stale) {
        stage.cover(Situation::StaleRead);
        strike(stage, number, call);
        decision.as_of = Some(stage.aws.now() - stage.draw_seconds(0.05, LAG));
    }
    if stage.strikes(faults.kill / 2.0) {
        stage.cover(Situation::KilledBeforeCall);
        kill(stage, number);
        return Decision { latency: FOREVER, ..decision };
    }
    if stage.strikes(faults.kill / 2.0) {
        let case = match (call.action, protects(call)) {
            (Action::UpdateTaskProtection, true) => Situation::KilledAfterProtect,
            (Action::UpdateTaskProtection, false) => Situation::KilledAfterRelease,
            _ => Situation::KilledAfterCall,
        };
        stage.cover(case);
        strike(stage, number, call);
        return Decision { answer_latency: FOREVER, ..decision };
    }
    if call.action == Action::UpdateTaskProtection && stage.strikes(faults.partial) {
        fail_in_part(stage, call);
        strike(stage, number, call);
    }
    let rates = [
        (faults.throttle, Verdict::Throttle, Situation::Throttled),
        (faults.fail, Verdict::Fail, Situation::ServerError),
        (faults.lose, Verdict::LoseAnswer, Situation::AnswerLost),
    ];
    for (rate, verdict, situation) in rates {
        let rate = if for_holds { (rate * faults.focus).min(0.9) } else { rate };
        if stage.strikes(rate) {
            stage.cover(situation);
            if verdict == Verdict::LoseAnswer && protects(call) {
                stage.cover(Situation::ProtectLost);
            }
            return Decision { verdict, ..decision };
        }
    }
    decision
}

/// The protection of one task of the call fails.
fn fail_in_part(stage: &Stage, call: &Call) {
    if call.targets.len() > 1 {
        stage.cover(Situation::FailedInPart);
    }
    let index = stage.state().dice.number(0..=call.targets.len() - 1);
    stage.aws.fail_protection(&call.targets[index]);
}

/// Notes what kind of call a fault has struck.
fn strike(stage: &Stage, number: usize, call: &Call) {
    let state = &mut *stage.state();
    let Some(look) = state.ledger.looks.get_mut(&number) else { return };
    match is_for_holds(call.action) {
        true => look.hold_struck = true,
        false => look.other_struck = true,
    }
}

fn kill(stage: &Stage, number: usize) {
    if let Some(look) = stage.state().ledger.looks.get_mut(&number) {
        look.other_struck = true;
        look.kill.notify_one();
    }
}

/// Whether ECS fails what only holds need. That may begin with this call.
fn is_down(stage: &Stage) -> bool {
    let now = stage.aws.now();
    if stage.strikes(stage.setting.faults.outage / 4.0) {
        stage.cover(Situation::HoldCallsDown);
        let until = now + stage.draw_seconds(5.0, 90.0);
        stage.state().down_until = until;
    }
    let state = stage.state();
    state.faults && now < state.down_until
}
