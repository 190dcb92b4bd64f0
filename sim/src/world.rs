use crate::call::{Call, Outcome};
use crate::clock::Clock;
use crate::script::Script;
use crate::targets::Targets;
use crate::task::Task;
use crate::tasks::Tasks;
use crate::wire::{Asked, Request};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// The state of the simulated AWS.
pub(crate) struct World {
    clock: Clock,
    pub(crate) target_groups: BTreeMap<String, Targets>,
    pub(crate) tasks: Tasks,
    pub(crate) spell_out_addresses: bool,
    pub(crate) script: Script,
    calls: Vec<(u64, Call)>,
    requests: u64,
}

impl World {
    pub(crate) fn starting_at(base: SystemTime) -> World {
        World {
            clock: Clock::starting_at(base),
            target_groups: BTreeMap::new(),
            tasks: Tasks::default(),
            spell_out_addresses: false,
            script: Script::default(),
            calls: Vec::new(),
            requests: 0,
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Takes a task's state in as of now.
    pub(crate) fn put_task(&mut self, task: Task) {
        let now = self.now();
        self.tasks.put(task, now);
    }

    /// The number of the next request, by which it goes from here on.
    pub(crate) fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Writes a call into the log.
    pub(crate) fn log(&mut self, number: u64, request: &Request, asked: &Asked) -> Call {
        let call = Call {
            at: self.now(),
            action: asked.action,
            resource: asked.resource(),
            targets: asked.targets(),
            outcome: Outcome::Unanswered,
            host: request.host.clone(),
            region: request.region(),
            parameters: asked.parameters(),
        };
        self.calls.push((number, call.clone()));
        call
    }

    /// Notes what became of a call, if the log still has it.
    pub(crate) fn settle(&mut self, number: u64, outcome: Outcome) {
        if let Some((_, call)) = self.calls.iter_mut().find(|(logged, _)| *logged == number) {
            call.outcome = outcome;
        }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.iter().map(|(_, call)| call.clone()).collect()
    }

    pub(crate) fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls).into_iter().map(|(_, call)| call).collect()
    }
}
