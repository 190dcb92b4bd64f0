//! A hook at every call, for whoever simulates what goes wrong.

use std::time::{Duration, SystemTime};

use crate::action::Action;
use crate::call::Call;
use crate::fault::{Effect, Fault};

/// Decides what happens to every call, and learns what became of it. [`crate::Aws::set_hook`] sets
/// it; it may use the world as it likes.
pub trait Hook: Send + Sync {
    /// A call has arrived.
    fn decide(&self, call: &Call) -> Decision;

    /// The call was applied or refused just now, and its answer has not left. A caller that gave up
    /// has none.
    fn settled(&self, call: &Call, decision: &Decision);

    /// The answer has reached the caller, unless it was lost on the way. A caller that gave up has
    /// none.
    fn answered(&self, _call: &Call) {}
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// How long it takes until it has its effect. A caller that gives up earlier leaves no effect.
    pub latency: Duration,
    /// Whether it is applied and answered.
    pub verdict: Verdict,
    /// How long its answer takes from then on.
    pub answer_latency: Duration,
    /// ECS answers from the states of this moment; [`crate::Aws::remember_tasks`] must have been on
    /// since then. Without it, and for ELBv2, from the newest. ECS docs: reads are eventually
    /// consistent.
    pub as_of: Option<SystemTime>,
}

/// Whether a call is applied and answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// It is applied and answered.
    #[default]
    Serve,
    /// `ThrottlingException`; nothing changes.
    Throttle,
    /// A 500; nothing changes.
    Fail,
    /// It is applied, and the connection breaks before the answer.
    LoseAnswer,
}

impl Decision {
    pub(crate) fn effect(&self, action: Action) -> Option<Effect> {
        let fault = Fault::on(action);
        let fault = match self.verdict {
            Verdict::Serve => return None,
            Verdict::Throttle => fault.throttled(),
            Verdict::Fail => fault.internal_error(),
            Verdict::LoseAnswer => fault.lost_answer(),
        };
        Some(fault.into_effect())
    }
}
