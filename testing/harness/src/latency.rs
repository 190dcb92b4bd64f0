//! How long calls to the simulated AWS take.

use std::sync::{Mutex, PoisonError};

use aws_sim::{Call, Decision, Hook};

use crate::dice::Dice;

/// Every call takes 20 to 80 ms, half of it before its effect.
#[derive(Debug)]
pub struct Latency(Mutex<Dice>);

impl Latency {
    /// Latencies of a seed.
    pub fn of(seed: u64) -> Self {
        Self(Mutex::new(Dice::of(seed)))
    }
}

impl Hook for Latency {
    fn decide(&self, _: &Call) -> Decision {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [latency, answer_latency] = [(); 2].map(|()| dice.seconds(0.01, 0.04));
        Decision { latency, answer_latency, ..Decision::default() }
    }

    fn settled(&self, _: &Call, _: &Decision) {}
}
