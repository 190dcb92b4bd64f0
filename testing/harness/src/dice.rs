//! Chance, all of it from the seed.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Draws the same values from the same seed.
#[derive(Debug)]
pub struct Dice(fastrand::Rng);

impl Dice {
    /// The dice of a seed.
    pub fn of(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True with this probability. Where there is no chance nothing is drawn.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.0.f64() < probability
    }

    /// A time between these, to the millisecond; both are in seconds.
    pub fn seconds(&mut self, least: f64, most: f64) -> Duration {
        let drawn = least + (most - least) * self.0.f64();
        Duration::from_millis((drawn * 1000.0) as u64)
    }

    /// A number in this range.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.usize(range)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.usize(0..choices.len())]
    }

    /// A rate for one run: none in many runs, a little in some, up to `most` in others.
    pub fn rate(&mut self, most: f64) -> f64 {
        match self.0.u8(0..10) {
            0..=5 => 0.0,
            6..=7 => 0.1 * most,
            _ => most * self.0.f64(),
        }
    }
}
