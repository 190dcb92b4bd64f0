//! What a step does to a state.

use crate::bounds::Bounds;
use crate::function::{Function, Move};
use crate::knowledge::Shown;
use crate::message::{Batch, Event, Input};
use crate::names::Set;
use crate::promises;
use crate::stage::Stage;
use crate::wire::{Call, Reply};
use crate::world::{Broken, INSTANCES, RECONCILE, Sent, Step, Way, World};

impl World {
    /// The state after a step; none if the step changes nothing or cannot be.
    pub fn after(
        mut self,
        bounds: &Bounds,
        function: &mut Function,
        step: Step,
    ) -> Result<Option<Self>, Broken> {
        match step {
            Step::Starts(place) => self.stages[place] = Stage::Starting,
            Step::Runs(place, sent) => {
                self.stages[place] = Stage::Serving;
                self.send(bounds, Event::Runs(place as u8), sent);
            }
            Step::Stops(place, sent) => {
                promises::no_gap(&self)?;
                self.stages[place] = Stage::Leaving;
                self.send(bounds, Event::Stops(place as u8), sent);
            }
            Step::Forgets(place) => self.forget(bounds, place),
            Step::Deploys(sent) => {
                self.has_deployed = true;
                self.stages[1] = Stage::Starting;
                self.send(bounds, Event::Deploys, sent);
            }
            Step::GetsHealthy(target) => self.healthy |= 1 << target,
            Step::MinutePasses => {
                self.left.minutes -= 1;
                self.minute += 1;
            }
            Step::Edited(target) => self.edit(1 << target),
            Step::GivenUp(event) => {
                self.queue[event.place()] -= 1;
                self.excuse_event(bounds, event);
            }
            Step::Received { instance, batch } => {
                self.receive(bounds, function, instance, batch)?;
            }
            Step::Ended { instance } => self.instances[instance] = 0,
            Step::TimePasses => self.pass_time(),
            Step::Reconcile => {
                self.left.reconciles -= 1;
                self.invocations[RECONCILE] = function.begin(Input::Reconcile(self.minute), 0);
            }
            Step::Answered { invocation, call, way } => {
                if !self.answer(bounds, function, invocation, call, way)? {
                    return Ok(None);
                }
            }
            Step::Slow { invocation } => {
                let before = self.invocations[invocation];
                let after = function.step(before, Move::Wait);
                if function.node(before).waiting == function.node(after).waiting {
                    return Ok(None);
                }
                self.left.slow -= 1;
                self.invocations[invocation] = after;
            }
            Step::Killed { invocation } => self.kill(bounds, function, invocation),
        }
        self.sort_instances();
        Ok(Some(self))
    }

    /// The instances are alike, so it does not matter which is which.
    fn sort_instances(&mut self) {
        let instance = |place: usize| (self.invocations[place], self.instances[place]);
        if instance(0) > instance(1) {
            self.invocations.swap(0, 1);
            self.instances.swap(0, 1);
        }
    }

    /// Nothing but its events shows any more that the task has stopped.
    fn forget(&mut self, bounds: &Bounds, place: usize) {
        self.stages[place] = Stage::Forgotten;
        for event in [Event::Runs(place as u8), Event::Stops(place as u8)] {
            if self.queue[event.place()] > 0 {
                self.excuse_event(bounds, event);
            }
        }
    }

    fn edit(&mut self, target: Set) {
        self.left.edits -= 1;
        self.excused |= target;
        match self.present & target {
            0 => self.register(target),
            _ => self.deregister(target),
        }
    }

    fn receive(
        &mut self,
        bounds: &Bounds,
        function: &mut Function,
        instance: usize,
        batch: Batch,
    ) -> Result<(), Broken> {
        for message in batch.messages.iter().flatten() {
            self.queue[message.event.place()] -= 1;
        }
        let input = Input::Batch(batch, self.minute);
        let remembered = std::mem::take(&mut self.instances[instance]);
        self.invocations[instance] = function.begin(input, remembered);
        self.end(bounds, function, instance)
    }

    fn pass_time(&mut self) {
        for (waiting, hidden) in self.queue.iter_mut().zip(std::mem::take(&mut self.hidden)) {
            *waiting += hidden;
        }
        self.instances = [0; INSTANCES];
    }

    fn kill(&mut self, bounds: &Bounds, function: &Function, invocation: usize) {
        self.left.kills -= 1;
        let node = function.node(self.invocations[invocation]);
        self.receive_again(bounds, node.input, [true; 2]);
        self.excuse_reconcile(invocation, &node.shown);
        self.invocations[invocation] = 0;
    }

    fn send(&mut self, bounds: &Bounds, event: Event, sent: Sent) {
        let waiting = &mut self.queue[event.place()];
        match sent {
            Sent::Once => *waiting += 1,
            Sent::Twice => {
                *waiting += 2;
                self.left.doubled -= 1;
            }
            Sent::Lost => {
                self.left.lost -= 1;
                self.excuse_event(bounds, event);
            }
        }
    }

    /// What only this event tells is made right by a reconcile.
    fn excuse_event(&mut self, bounds: &Bounds, event: Event) {
        self.excused |= event.task().map_or(0, |place| 1 << bounds.target_of(place));
    }

    /// The queue hides these messages for some time. It matters only if instances remember.
    fn receive_again(&mut self, bounds: &Bounds, input: Input, failed: [bool; 2]) {
        let to = if bounds.settles_whole_groups { &mut self.hidden } else { &mut self.queue };
        for (message, failed) in input.messages().into_iter().zip(failed) {
            if let Some(message) = message.filter(|_| failed) {
                to[message.event.place()] += 1;
            }
        }
    }

    /// Nobody tries again what a reconcile registered that breaks off, and did not look at.
    fn excuse_reconcile(&mut self, invocation: usize, shown: &Shown) {
        if invocation == RECONCILE {
            self.excused |= shown.registered;
        }
    }

    /// A call of an invocation is answered. Returns whether it can be answered in this way.
    fn answer(
        &mut self,
        bounds: &Bounds,
        function: &mut Function,
        invocation: usize,
        call: usize,
        way: Way,
    ) -> Result<bool, Broken> {
        let id = self.invocations[invocation];
        let (number, asked) = function.node(id).waiting[call];
        let shown = function.node(id).shown;
        let by = (&shown, function.node(id).input);
        let Some(reply) = self.reply(bounds, by, asked, way)? else { return Ok(false) };
        self.invocations[invocation] = function.step(id, Move::Answer(number, reply));
        if reply == Reply::Failed {
            let shown = function.node(self.invocations[invocation]).shown;
            self.excuse_reconcile(invocation, &shown);
            // Nor what a batch registered for a whole group. That it is there does no harm to a
            // task that runs.
            let is_read = matches!(asked, Call::DescribeTargetHealth | Call::ListTasks { .. });
            if shown.is_done && !is_read {
                self.unlooked |= shown.registered;
            }
        }
        self.end(bounds, function, invocation)?;
        Ok(true)
    }

    /// The invocation leaves, if it has ended.
    fn end(
        &mut self,
        bounds: &Bounds,
        function: &Function,
        invocation: usize,
    ) -> Result<(), Broken> {
        let node = function.node(self.invocations[invocation]);
        let Some(end) = node.end else { return Ok(()) };
        promises::may_end(self, bounds, node, end)?;
        self.receive_again(bounds, node.input, end.failed);
        self.is_looked_at |= node.shown.has_looked && end.failed == [false; 2];
        self.invocations[invocation] = 0;
        if let Some(instance) = self.instances.get_mut(invocation) {
            *instance = end.instance;
        }
        Ok(())
    }
}
