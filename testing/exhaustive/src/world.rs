//! The state of the small world: what ECS, ELB and the queue hold, and where each invocation is.

use std::fmt;

use crate::bounds::{Bounds, Budget};
use crate::function::{Function, Instance, NodeId};
use crate::message::{Batch, Event, Message};
use crate::names::{STRANGER, Set, TASKS};
use crate::stage::Stage;
use crate::wire::Call;

/// How many invocations of messages run at the same time, at most.
pub const INSTANCES: usize = 2;

/// The place of a reconcile among the invocations.
pub const RECONCILE: usize = INSTANCES;

/// A state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub stages: [Stage; TASKS],
    /// The targets that are registered.
    pub present: Set,
    /// The targets that were once.
    pub drained: Set,
    /// The registered targets that are healthy; it matters only in a deployment.
    pub healthy: Set,
    /// How many messages of each event wait.
    pub queue: [u8; Event::ALL.len()],
    /// How many the queue hides until their visibility timeout is over, because a try failed.
    pub hidden: [u8; Event::ALL.len()],
    /// Where each invocation is; 0 is none.
    pub invocations: [NodeId; INSTANCES + 1],
    /// What the instances remember that have no invocation.
    pub instances: [Instance; INSTANCES],
    pub left: Budget,
    /// The targets that are right only after a reconcile.
    pub excused: Set,
    /// Likewise those that may stay although their tasks have left.
    pub unlooked: Set,
    /// How long the deployment takes already.
    pub minute: u8,
    /// Until which minute each task is protected.
    pub until: [u8; TASKS],
    pub has_deployed: bool,
    /// Whether an invocation has looked at the deployment, and ended well.
    pub is_looked_at: bool,
}

/// What becomes of an event on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Once,
    Lost,
    Twice,
}

/// How a call is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Truly,
    /// As if a task were in the stage before.
    Stale(usize),
    /// It fails without effect.
    Failed,
    /// It has its effect, and the answer is a failure.
    Lost,
}

/// A step from a state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Starts(usize),
    Runs(usize, Sent),
    Stops(usize, Sent),
    Forgets(usize),
    Deploys(Sent),
    GetsHealthy(usize),
    MinutePasses,
    /// Somebody registers a target by hand, or deregisters it if it is there.
    Edited(usize),
    /// A message that cannot succeed goes to the dead-letter queue.
    GivenUp(Event),
    Received {
        instance: usize,
        batch: Batch,
    },
    /// Lambda ends an instance that remembers something.
    Ended {
        instance: usize,
    },
    /// So much time that the queue hides nothing any more, and instances remember nothing.
    TimePasses,
    Reconcile,
    /// The call at this place among those that wait is answered.
    Answered {
        invocation: usize,
        call: usize,
        way: Way,
    },
    Slow {
        invocation: usize,
    },
    Killed {
        invocation: usize,
    },
}

impl World {
    /// The first state of a history.
    pub fn first(bounds: &Bounds) -> Self {
        let serving = bounds.deploys;
        Self {
            stages: [if serving { Stage::Serving } else { Stage::Unborn }, Stage::Unborn],
            present: Set::from(serving),
            drained: 0,
            healthy: Set::from(serving),
            queue: [0; Event::ALL.len()],
            hidden: [0; Event::ALL.len()],
            invocations: [0; INSTANCES + 1],
            instances: [0; INSTANCES],
            left: bounds.budget,
            excused: 0,
            unlooked: 0,
            minute: 0,
            until: [0; TASKS],
            has_deployed: false,
            is_looked_at: false,
        }
    }

    /// Whether no invocation runs and no message waits.
    pub fn is_quiet(&self) -> bool {
        self.is_idle() && [self.queue, self.hidden] == [[0; Event::ALL.len()]; 2]
    }

    fn is_idle(&self) -> bool {
        self.invocations == [0; INSTANCES + 1]
    }

    /// All steps that may follow.
    pub fn steps(&self, bounds: &Bounds, function: &Function) -> Vec<Step> {
        let mut steps = Vec::new();
        (0..TASKS).for_each(|place| self.steps_of_task(bounds, place, &mut steps));
        if bounds.deploys {
            self.steps_of_deployment(&mut steps);
        }
        self.steps_of_hands(&mut steps);
        self.steps_of_queue(bounds, &mut steps);
        let running = self.invocations.iter().enumerate().filter(|(_, node)| **node != 0);
        running.for_each(|(place, _)| self.steps_of_invocation(function, place, &mut steps));
        steps
    }

    fn ways(&self) -> impl Iterator<Item = Sent> {
        let lost = (self.left.lost > 0).then_some(Sent::Lost);
        let twice = (self.left.doubled > 0).then_some(Sent::Twice);
        [Some(Sent::Once), lost, twice].into_iter().flatten()
    }

    fn steps_of_task(&self, bounds: &Bounds, place: usize, steps: &mut Vec<Step>) {
        let other = self.stages[1 - place];
        match self.stages[place] {
            Stage::Unborn if place == 0 => steps.push(Step::Starts(place)),
            Stage::Unborn => {
                let is_due = !bounds.reuses_address || other >= Stage::Leaving;
                if is_due && !bounds.deploys && !bounds.has_one_task {
                    steps.push(Step::Starts(place));
                }
            }
            Stage::Starting => steps.extend(self.ways().map(|sent| Step::Runs(place, sent))),
            // In a deployment ECS stops the first task once the second runs, unless the first is
            // protected.
            Stage::Serving if bounds.deploys => {
                let is_replaced = place == 0 && other == Stage::Serving;
                if is_replaced && self.until[place] <= self.minute {
                    steps.push(Step::Stops(place, Sent::Once));
                }
            }
            Stage::Serving => steps.extend(self.ways().map(|sent| Step::Stops(place, sent))),
            // An hour later: no invocation lasts that long.
            Stage::Leaving if bounds.forgets && self.is_idle() => {
                steps.push(Step::Forgets(place));
            }
            Stage::Leaving | Stage::Forgotten => {}
        }
    }

    fn steps_of_deployment(&self, steps: &mut Vec<Step>) {
        if !self.has_deployed {
            steps.extend(self.ways().map(Step::Deploys));
            return;
        }
        let new = 1 << 1;
        if self.present & new != 0 && self.healthy & new == 0 {
            steps.push(Step::GetsHealthy(1));
        }
        if self.is_idle() && self.left.minutes > 0 {
            steps.push(Step::MinutePasses);
        }
    }

    fn steps_of_hands(&self, steps: &mut Vec<Step>) {
        if self.left.edits > 0 {
            steps.extend([0, STRANGER].map(Step::Edited));
        }
    }

    fn steps_of_queue(&self, bounds: &Bounds, steps: &mut Vec<Step>) {
        let given_up = Event::Runs(1);
        if bounds.has_bad_target && self.queue[given_up.place()] > 0 {
            steps.push(Step::GivenUp(given_up));
        }
        if self.left.reconciles > 0 && self.invocations[RECONCILE] == 0 {
            steps.push(Step::Reconcile);
        }
        if self.is_idle() && (self.hidden, self.instances) != Default::default() {
            steps.push(Step::TimePasses);
        }
        let running = self.invocations[..INSTANCES].iter().filter(|node| **node != 0);
        if running.count() == bounds.instances {
            return;
        }
        let mut free: Vec<usize> = (0..INSTANCES).filter(|i| self.invocations[*i] == 0).collect();
        free.dedup_by_key(|instance| self.instances[*instance]);
        for instance in free {
            if self.instances[instance] != 0 {
                steps.push(Step::Ended { instance });
            }
            self.steps_of_instance(bounds, instance, steps);
        }
    }

    fn steps_of_instance(&self, bounds: &Bounds, instance: usize, steps: &mut Vec<Step>) {
        let ways = if bounds.settles_whole_groups { &[false, true][..] } else { &[false] };
        let mut received = |messages| {
            let batch = |way: &bool| Batch { messages, settles_whole_group: *way };
            steps.extend(ways.iter().map(batch).map(|batch| Step::Received { instance, batch }));
        };
        let messages = self.messages();
        for (n, message) in messages.iter().enumerate() {
            received([Some(*message), None]);
            let others =
                messages.iter().skip(n).take(if bounds.batch > 1 { usize::MAX } else { 0 });
            for other in others {
                let needed = if other.event == message.event { 2 } else { 1 };
                if self.queue[other.event.place()] >= needed {
                    received([Some(*message), Some(*other)]);
                }
            }
        }
    }

    /// The messages that can be received. A start may be old or not; nothing else depends on its
    /// age. What ECS has forgotten is an hour old.
    fn messages(&self) -> Vec<Message> {
        let waiting = Event::ALL.into_iter().filter(|event| self.queue[event.place()] > 0);
        let ages = waiting.flat_map(|event| match event {
            Event::Runs(task) if self.stages[usize::from(task)] == Stage::Forgotten => {
                vec![Message { event, is_old: true }]
            }
            Event::Runs(_) => [false, true].map(|is_old| Message { event, is_old }).to_vec(),
            _ => vec![Message { event, is_old: false }],
        });
        ages.collect()
    }

    fn steps_of_invocation(&self, function: &Function, invocation: usize, steps: &mut Vec<Step>) {
        let node = function.node(self.invocations[invocation]);
        for (call, (_, asked)) in node.waiting.iter().enumerate() {
            let mut answered = |way| steps.push(Step::Answered { invocation, call, way });
            answered(Way::Truly);
            let is_write = matches!(
                asked,
                Call::RegisterTargets(_)
                    | Call::DeregisterTargets(_)
                    | Call::UpdateTaskProtection(..)
            );
            if self.left.failures > 0 {
                answered(Way::Failed);
                if is_write {
                    answered(Way::Lost);
                }
            }
            if self.left.stale > 0 {
                let is_shown = |place: &usize| match asked {
                    Call::DescribeTasks(tasks) => tasks & 1 << place != 0,
                    call => matches!(call, Call::ListTasks { .. }),
                };
                (0..TASKS).filter(is_shown).for_each(|place| answered(Way::Stale(place)));
            }
        }
        let is_batch = node.input.messages().iter().all(Option::is_some);
        if is_batch && self.left.slow > 0 && !node.shown.has_waited {
            steps.push(Step::Slow { invocation });
        }
        if self.left.kills > 0 {
            steps.push(Step::Killed { invocation });
        }
    }
}

/// A promise that is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub promise: &'static str,
    pub how: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.how)
    }
}
