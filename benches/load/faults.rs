//! Faults of the simulated AWS, drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sim::{Action, Call, Decision, Hook, Outcome, Verdict};

/// Gives every call some ms of latency, and a fault to one in nine, or in an outage to most. And
/// sees whether a target is deregistered whose task serves.
pub struct FaultInjector(Mutex<State>);

struct State {
    dice: fastrand::Rng,
    outage: bool,
    calls: BTreeMap<Action, usize>,
    faults: BTreeMap<&'static str, usize>,
    serving: BTreeSet<Ipv6Addr>,
    harmed: Vec<Ipv6Addr>,
}

impl FaultInjector {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            dice: fastrand::Rng::with_seed(seed.rotate_left(32) ^ 1),
            outage: false,
            calls: BTreeMap::new(),
            faults: BTreeMap::new(),
            serving: BTreeSet::new(),
            harmed: Vec::new(),
        }))
    }

    /// Whether there is an outage from now on.
    pub fn outage(&self, outage: bool) {
        self.state().outage = outage;
    }

    /// A task with this address serves from now on.
    pub fn serves(&self, address: Ipv6Addr) {
        self.state().serving.insert(address);
    }

    /// Its task is about to stop.
    pub fn leaves(&self, address: Ipv6Addr) {
        self.state().serving.remove(&address);
    }

    /// No target was deregistered while its task served.
    pub fn no_harm(&self) -> Result<(), String> {
        match self.state().harmed.first() {
            Some(address) => Err(format!("{address} was deregistered while its task served")),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hook for FaultInjector {
    fn decide(&self, call: &Call) -> Decision {
        let state = &mut *self.state();
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

    fn settled(&self, call: &Call, _: &Decision) {
        if call.action != Action::DeregisterTargets || matches!(call.outcome, Outcome::Error(_)) {
            return;
        }
        let state = &mut *self.state();
        let targets = call.targets.iter().filter_map(|t| t.parse::<SocketAddrV6>().ok());
        let addresses = targets.map(|target| *target.ip());
        state.harmed.extend(addresses.filter(|address| state.serving.contains(address)));
    }
}

impl fmt::Display for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let calls = state.calls.iter().map(|(action, count)| format!("{action} {count}"));
        let faults = state.faults.iter().map(|(name, count)| format!("{count} {name}"));
        let (calls, faults): (Vec<_>, Vec<_>) = (calls.collect(), faults.collect());
        let total: usize = state.calls.values().sum();
        let faulty: usize = state.faults.values().sum();
        write!(f, "{total} calls ({}), {faulty} faults: {}", calls.join(", "), faults.join(", "))
    }
}
