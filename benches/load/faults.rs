//! Faults of the simulated AWS, drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Hook, Verdict};

/// Gives every call some ms of latency, and a fault to one in nine, or in an outage to most.
pub struct FaultInjector(Mutex<State>);

struct State {
    dice: fastrand::Rng,
    outage: bool,
    calls: BTreeMap<Action, usize>,
    faults: BTreeMap<&'static str, usize>,
}

impl FaultInjector {
    pub fn new(seed: u64) -> Self {
        let dice = fastrand::Rng::with_seed(seed.rotate_left(32) ^ 1);
        let (calls, faults) = (BTreeMap::new(), BTreeMap::new());
        Self(Mutex::new(State { dice, outage: false, calls, faults }))
    }

    /// Whether there is an outage from now on.
    pub fn outage(&self, outage: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).outage = outage;
    }
}

impl Hook for FaultInjector {
    fn decide(&self, call: &Call) -> Decision {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state.calls.entry(call.action).or_default() += 1;
        let (verdict, name) = match state.dice.u16(0..1000) {
            0..=39 => (Verdict::Throttle, "throttled"),
            40..=79 => (Verdict::Fail, "failed with a 500"),
            80..=799 if state.outage => (Verdict::Fail, "failed with a 500"),
            80..=109 => (Verdict::LoseAnswer, "lost their answer"),
            _ => (Verdict::Serve, ""),
        };
        if verdict != Verdict::Serve {
            *state.faults.entry(name).or_default() += 1;
        }
        let latency = Duration::from_micros(state.dice.u64(0..5000));
        Decision { latency, verdict, ..Decision::default() }
    }

    fn settled(&self, _: &Call, _: &Decision) {}
}

impl fmt::Display for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = state.calls.iter().map(|(action, count)| format!("{action} {count}"));
        let faults = state.faults.iter().map(|(name, count)| format!("{count} {name}"));
        let (calls, faults): (Vec<_>, Vec<_>) = (calls.collect(), faults.collect());
        let total: usize = state.calls.values().sum();
        let faulty: usize = state.faults.values().sum();
        write!(f, "{total} calls ({}), {faulty} faults: {}", calls.join(", "), faults.join(", "))
    }
}
