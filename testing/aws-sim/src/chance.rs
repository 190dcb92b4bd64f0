//! Chance, all of it from a seed.

use std::time::Duration;

use crate::digest::digest;

/// Draws that depend on the seed and on what is drawn, and not on the order of the draws. Two runs
/// of one seed that differ in one setting thus have the same start times and the same lags, and
/// can be compared pair by pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chance {
    seed: u64,
}

impl Chance {
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed }
    }

    /// True with this probability.
    pub(crate) fn happens(self, what: &str, probability: f64) -> bool {
        self.unit(what) < probability
    }

    /// A time in this range, to the millisecond.
    pub(crate) fn between(self, what: &str, (least, most): (Duration, Duration)) -> Duration {
        let drawn = least.as_secs_f64() + (most - least).as_secs_f64() * self.unit(what);
        Duration::from_millis((drawn * 1000.0) as u64)
    }

    /// A number from 0 to less than 1.
    fn unit(self, what: &str) -> f64 {
        let drawn = mix(digest(what) ^ mix(self.seed));
        (drawn >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The finalizer of SplitMix64, which spreads similar inputs over all numbers.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
