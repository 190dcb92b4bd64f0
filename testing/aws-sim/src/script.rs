//! What a test scripted to happen to calls.

use std::collections::HashMap;
use std::time::Duration;

use crate::action::Action;
use crate::aws::Aws;
use crate::call::Call;
use crate::fault::{Effect, Fault};

/// What a test wants to happen to calls.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) faults: Vec<Fault>,
    pub(crate) before: Steps,
    pub(crate) after: Steps,
    pub(crate) latency_of: HashMap<Action, Duration>,
    pub(crate) latency: Duration,
}

impl Script {
    pub(crate) fn latency_of(&self, action: Action) -> Duration {
        let own = self.latency_of.get(&action);
        own.copied().unwrap_or(self.latency)
    }

    /// Every fault counts the call; the first one that strikes decides.
    pub(crate) fn strike(&mut self, call: &Call) -> Option<Effect> {
        let mut effects: Vec<Effect> =
            self.faults.iter_mut().filter_map(|fault| fault.strike(call)).collect();
        (!effects.is_empty()).then(|| effects.swap_remove(0))
    }
}

pub(crate) type Run = Box<dyn FnOnce(&Aws) + Send>;

/// Things to do at certain calls.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

struct Step {
    action: Action,
    calls_to_go: usize,
    run: Run,
}

impl Steps {
    pub(crate) fn add(&mut self, action: Action, nth: usize, run: Run) {
        assert!(nth > 0, "calls are counted from 1");
        self.0.push(Step { action, calls_to_go: nth, run });
    }

    /// Counts a call and takes out what is due at it.
    pub(crate) fn due(&mut self, action: Action) -> Vec<Run> {
        for step in self.0.iter_mut().filter(|step| step.action == action) {
            step.calls_to_go -= 1;
        }
        let due = self.0.extract_if(.., |step| step.calls_to_go == 0);
        due.map(|step| step.run).collect()
    }
}
