//! The calls to AWS: each is one step, with its effect and its answer.

use crate::bounds::Bounds;
use crate::function::{Function, Move, NodeId};
use crate::knowledge::Shown;
use crate::message::Input;
use crate::names::{Set, TASKS, members};
use crate::promises;
use crate::stage::Stage;
use crate::wire::{Call, Reply};
use crate::world::{Broken, Way, World};

impl World {
    /// Applies a call, and answers it; none if it cannot be answered in this way.
    pub fn reply(
        &mut self,
        bounds: &Bounds,
        by: (&Shown, Input),
        call: Call,
        way: Way,
    ) -> Result<Option<Reply>, Broken> {
        let mut stages = self.stages;
        match way {
            Way::Truly => {}
            Way::Failed | Way::Lost => self.left.failures -= 1,
            Way::Stale(place) => {
                // Both tasks are not shown at one address.
                let is_too_old = bounds.reuses_address && place == 0 && stages[1] != Stage::Unborn;
                let before = stages[place].before().filter(|_| !is_too_old);
                let Some(before) = before else { return Ok(None) };
                stages[place] = before;
                self.left.stale -= 1;
                self.excused |= 1 << bounds.target_of(place);
            }
        }
        if way == Way::Failed {
            return Ok(Some(Reply::Failed));
        }
        let reply = match call {
            Call::RegisterTargets(targets) if members(targets).any(|t| bounds.is_bad(t)) => {
                Reply::Refused
            }
            Call::RegisterTargets(targets) => {
                promises::may_register(bounds, by.0, targets)?;
                self.register(targets);
                Reply::Written
            }
            Call::DeregisterTargets(targets) => {
                for target in members(targets) {
                    let is_admitted = promises::may_deregister(self, bounds, by, target)?;
                    self.excused |= Set::from(is_admitted) << target;
                }
                self.deregister(targets);
                Reply::Written
            }
            Call::UpdateTaskProtection(tasks, minutes) => {
                self.protect(by.0, tasks, minutes)?;
                self.protections()
            }
            read => self.read(bounds, read, stages),
        };
        Ok(Some(if way == Way::Lost { Reply::Failed } else { reply }))
    }

    /// The answer to a read, with tasks in these stages.
    fn read(&self, bounds: &Bounds, call: Call, stages: [Stage; TASKS]) -> Reply {
        match call {
            Call::DescribeTasks(_) => Reply::Tasks {
                stages,
                targets: [0, 1].map(|place| bounds.target_of(place) as u8),
                has_early_address: bounds.has_early_address,
            },
            Call::ListTasks { stopped } => {
                let is_listed = |place: &usize| match stages[*place] {
                    Stage::Starting | Stage::Serving => !stopped,
                    Stage::Leaving => stopped,
                    Stage::Unborn | Stage::Forgotten => false,
                };
                Reply::Listed((0..TASKS).filter(is_listed).fold(0, |set, place| set | 1 << place))
            }
            Call::GetTaskProtection(_) => self.protections(),
            Call::DescribeServices => Reply::Service,
            _ => {
                let Self { present, drained, healthy, .. } = *self;
                Reply::Targets { present, drained, healthy }
            }
        }
    }

    /// Targets are registered.
    pub fn register(&mut self, targets: Set) {
        self.present |= targets;
        self.drained |= targets;
    }

    /// Targets are deregistered.
    pub fn deregister(&mut self, targets: Set) {
        self.present &= !targets;
        self.healthy &= !targets;
    }

    fn protections(&self) -> Reply {
        let gone = (0..TASKS).filter(|place| self.stages[*place] >= Stage::Leaving);
        let until = self.until.map(|until| if until > self.minute { until } else { 0 });
        Reply::Protections { until, gone: gone.fold(0, |set, place| set | 1 << place) }
    }

    fn protect(&mut self, shown: &Shown, tasks: Set, minutes: Option<u8>) -> Result<(), Broken> {
        for place in members(tasks).filter(|place| self.stages[*place] == Stage::Serving) {
            let until = minutes.map_or(0, |minutes| self.minute + minutes);
            if minutes.is_some() {
                promises::may_protect(shown, place, until)?;
            }
            self.until[place] = until;
        }
        Ok(())
    }

    /// The state after a reconcile with which nothing interferes, and how many writes it made.
    pub fn reconciled(
        mut self,
        bounds: &Bounds,
        function: &mut Function,
    ) -> Result<(Self, usize), Broken> {
        let mut writes = 0;
        let mut id: NodeId = function.begin(Input::Reconcile(self.minute), 0);
        while let Some((number, call)) = function.node(id).waiting.first().copied() {
            let node = function.node(id);
            let (shown, input) = (node.shown, node.input);
            let reply = self.reply(bounds, (&shown, input), call, Way::Truly)?;
            let reply = reply.expect("a true answer can be");
            let is_write = matches!(call, Call::RegisterTargets(_) | Call::DeregisterTargets(_));
            writes += usize::from(is_write && reply == Reply::Written);
            id = function.step(id, Move::Answer(number, reply));
        }
        Ok((self, writes))
    }
}
