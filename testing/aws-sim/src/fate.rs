//! A say in every call, for whoever simulates what goes wrong.

use crate::action::Action;
use crate::aws::Aws;
use crate::call::Call;
use crate::fault::{Effect, Fault};
use crate::past::Past;
use crate::rates::{Rate, Rates};
use crate::world::World;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Decides what happens to every call, and learns what became of it. [`crate::Aws::set_fate`] puts
/// one in charge; it may use the world as it likes.
pub trait Fate: Send + Sync {
    /// A call has arrived.
    fn decide(&self, call: &Call) -> Decision;

    /// The call was applied or refused just now, and its answer has not left. A caller that gave up
    /// has none.
    fn settled(&self, call: &Call, decision: &Decision);
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// How long it takes until it has its effect. A caller that gives up earlier leaves no effect.
    pub latency: Duration,
    pub verdict: Verdict,
    /// How long its answer takes from then on.
    pub answer_latency: Duration,
    /// ECS answers from the states of this moment; [`crate::Aws::remember_tasks`] must have been on
    /// since then. Without it, and for ELBv2, from the newest. ECS docs: reads are eventually
    /// consistent.
    pub as_of: Option<SystemTime>,
}

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

impl Aws {
    /// From now on `fate` has a say in every call.
    pub fn set_fate(&self, fate: Arc<dyn Fate>) {
        self.world().fate = Some(fate);
    }

    /// From now on earlier states of tasks are kept, so that a read of ECS can lag behind.
    pub fn remember_tasks(&self) {
        self.world().past = Some(Past::default());
    }

    /// From now on all callers of ELBv2 share these rates: for RegisterTargets and
    /// DeregisterTargets together, and for all calls.
    pub fn limit_rates(&self, writes: Rate, calls: Rate) {
        self.world().rates = Some(Rates::new(writes, calls));
    }
}

impl World {
    /// Does `read` while ECS shows the tasks as of a moment in the past, if one is given.
    pub(crate) fn reading<T>(
        &mut self,
        as_of: Option<SystemTime>,
        read: impl FnOnce(&mut World) -> T,
    ) -> T {
        let past = as_of.and_then(|moment| Some(self.past.as_ref()?.as_of(moment)));
        let Some(past) = past else { return read(self) };
        let newest = std::mem::replace(&mut self.tasks, past);
        let answer = read(self);
        self.tasks = newest;
        answer
    }
}
