//! What goes wrong in a run, and how often. Most rates are zero in most runs, so that every fault
//! also occurs alone.

use harness::dice::Dice;

/// The rates of one run: unless documented otherwise, the probability that the fault happens to one
/// event, call or reconcile.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// An event never arrives.
    pub drop: f64,
    /// An event arrives seconds to minutes late.
    pub delay: f64,
    /// An event arrives twice.
    pub double: f64,
    /// A call is throttled.
    pub throttle: f64,
    /// A call is answered with a 500.
    pub fail: f64,
    /// A call's answer is lost after the call took effect.
    pub lose: f64,
    /// So many times as often, those three happen to the calls that only holds need.
    pub focus: f64,
    /// With such a call a time begins in which ECS fails all of them.
    pub outage: f64,
    /// The protection of one task of a call fails.
    pub partial: f64,
    /// The function is killed just before a call takes effect, or just after.
    pub kill: f64,
    /// A read of tasks is answered from the past.
    pub stale: f64,
    /// The longest latency of a call, and of its answer, in seconds.
    pub latency: f64,
    /// A reconcile does not take place, nor do the next few.
    pub missing: f64,
    /// A reconcile takes place twice at the same time.
    pub twice: f64,
}

/// The largest lag of a stale read, in seconds: shorter than a task takes to start.
pub const LAG: f64 = 2.5;

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self { latency: 0.05, focus: 1.0, ..Self::default() }
    }

    /// What goes wrong in a run that is not calm.
    pub fn draw(dice: &mut Dice) -> Self {
        Self {
            drop: dice.rate(0.4),
            delay: dice.rate(0.5),
            double: dice.rate(0.4),
            throttle: dice.rate(0.3),
            fail: dice.rate(0.3),
            lose: dice.rate(0.3),
            focus: dice.pick(&[0.0, 1.0, 1.0, 3.0]),
            outage: dice.rate(0.3),
            partial: dice.rate(0.8),
            kill: dice.rate(0.15),
            stale: dice.rate(0.6),
            latency: dice.pick(&[0.05, 0.05, 0.6, 2.0]),
            missing: dice.rate(0.4),
            twice: dice.rate(0.8),
        }
    }
}
