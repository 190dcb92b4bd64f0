//! What an invocation was shown, and what it did: the measure of its writes.

use crate::bounds::Bounds;
use crate::message::Input;
use crate::names::{Set, TASKS, members};
use crate::stage::Stage;
use crate::wire::{Call, Reply};

/// What an invocation was shown, and what it did. Sets are of tasks, unless said otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Shown to start or to serve.
    pub staying: Set,
    /// Shown to serve by an event of whatever age.
    pub claimed: Set,
    /// Shown to serve by something to be believed: an event that is not old, or ECS. ECS's answer
    /// may be older than an event, and then confirms it.
    pub serving: Set,
    /// Shown to leave.
    pub leaving: Set,
    /// Not known to ECS after its target was registered.
    pub gone: Set,
    /// Protected.
    pub protected: Set,
    /// Targets that it registered, or tried to.
    pub registered: Set,
    /// Whether it deregistered anything, or tried to.
    pub has_deregistered: bool,
    /// Whether more than a second passed without an answer.
    pub has_waited: bool,
    /// Whether targets were refused, so that it searches for the good ones.
    pub searches: bool,
    /// Whether a call of it failed.
    pub has_failed: bool,
    /// Whether it was shown the deployment.
    pub has_looked: bool,
    /// Whether it is of messages.
    pub is_batch: bool,
    /// Whether its messages are done, and it settles the whole group.
    pub is_done: bool,
}

impl Shown {
    /// What the input shows.
    pub fn by(input: Input) -> Self {
        let mut shown = Self { is_batch: matches!(input, Input::Batch(..)), ..Self::default() };
        for message in input.messages().into_iter().flatten() {
            let Some(place) = message.event.task() else { continue };
            shown.show(place, message.event.stage(), !message.is_old);
        }
        shown
    }

    /// Likewise after this call was answered.
    #[must_use]
    pub fn after(mut self, bounds: &Bounds, call: Call, reply: Reply) -> Self {
        // Only who settles a whole group lists tasks.
        if self.is_batch && !self.is_done && matches!(call, Call::ListTasks { .. }) {
            self = Self { is_done: true, has_deregistered: false, registered: 0, ..self };
        }
        let is_needed = !self.is_batch || !self.is_done && call != Call::DescribeTargetHealth;
        self.has_failed |= reply == Reply::Failed && is_needed;
        self.searches |= reply == Reply::Refused;
        match (call, reply) {
            (Call::DescribeTasks(asked), Reply::Tasks { stages, .. }) => {
                for place in members(asked) {
                    self.show(place, stages[place], true);
                    let target = 1 << bounds.target_of(place);
                    if !stages[place].is_known() && self.registered & target != 0 {
                        self.gone |= 1 << place;
                    }
                }
            }
            (Call::RegisterTargets(targets), _) => self.registered |= targets,
            (Call::DeregisterTargets(_), _) => self.has_deregistered = true,
            (Call::DescribeServices, Reply::Service) => self.has_looked = true,
            (_, Reply::Protections { until, .. }) => {
                let protected = (0..TASKS).filter(|place| until[*place] > 0);
                self.protected = protected.fold(0, |set, place| set | 1 << place);
            }
            _ => {}
        }
        self
    }

    fn show(&mut self, place: usize, stage: Stage, is_believable: bool) {
        let task = 1 << place;
        match stage {
            Stage::Starting | Stage::Serving => {
                self.staying |= task;
                self.claimed |= Set::from(stage == Stage::Serving) << place;
                self.serving |= if is_believable { task & self.claimed } else { 0 };
            }
            Stage::Leaving => self.leaving |= task,
            Stage::Unborn | Stage::Forgotten => {}
        }
    }
}
