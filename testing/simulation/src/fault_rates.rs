//! What goes wrong in a run, and how often. Most rates are zero in most runs, so that every fault
//! also occurs alone.

use harness::dice::Dice;

/// The rates of one run: unless documented otherwise, the probability that the fault happens to one
/// event, call or task.
#[derive(Debug, Default)]
pub struct FaultRates {
    /// An event is delivered twice.
    pub duplicate: f64,
    /// An event is held back until its task begins to stop.
    pub hold: f64,
    /// An event arrives seconds to minutes late.
    pub delay: f64,
    /// An event arrives more than an hour late, when ECS has forgotten the task.
    pub linger: f64,
    /// An event never arrives.
    pub drop: f64,
    /// An event lacks the address.
    pub addressless: f64,
    /// A call is throttled.
    pub throttle: f64,
    /// A call is answered with a 500.
    pub fail: f64,
    /// The longest latency of a call, and of its answer, in seconds.
    pub latency: f64,
    /// An outage begins with a call: for a time, ECS or ELB fails every call. Four times as likely
    /// with the look after a register.
    pub outage: f64,
    /// A call's answer is lost after the call took effect.
    pub lose: f64,
    /// A call hangs for seconds before it takes effect.
    pub hang: f64,
    /// The function is killed just before a call takes effect, or just after.
    pub kill: f64,
    /// An invocation is killed at any moment.
    pub crash: f64,
    /// A read of ECS is answered from the past.
    pub stale: f64,
    /// The largest lag of a stale read, in seconds.
    pub lag: f64,
    /// A task begins to stop at the very moment when its target is registered.
    pub stop_on_register: f64,
    /// A task starts at the very moment when a reconcile has listed the tasks.
    pub latecomer: f64,
    /// A task stops seconds after it began to run.
    pub short_lived: f64,
    /// Somebody reconciles, or asks for a plan or the doctor's checks, at the very moment when a
    /// task changes.
    pub meddle: f64,
    /// How many times somebody edits a target group by hand.
    pub edits: usize,
    /// A task's address is outside the target group's VPC.
    pub bad_address: f64,
    /// A task is in a subnet without IPv6.
    pub single_stack: f64,
    /// ECS forgets a task as soon as it has stopped, not an hour later.
    pub forget: f64,
    /// A new task gets the address of a stopped one.
    pub reuse: f64,
    /// Other callers in the account use up most of ELB's rate limits.
    pub busy: bool,
    /// The tasks that a service begins with ran before there was a rule, so no event was sent.
    pub before_rule: bool,
    /// Messages in the dead-letter queue are sent back in the end.
    pub redrive: bool,
}

impl FaultRates {
    /// Whether anything besides latency can affect the function's calls or the function itself.
    pub fn affect_calls(&self) -> bool {
        let Self { throttle, fail, outage, lose, hang, kill, crash, stale, busy, .. } = *self;
        busy || [throttle, fail, outage, lose, hang, kill, crash, stale]
            .iter()
            .any(|rate| *rate > 0.0)
    }

    pub fn draw(dice: &mut Dice) -> Self {
        let redrive = dice.chance(0.5);
        if dice.chance(0.1) {
            return Self { redrive, latency: 0.05, ..Self::default() };
        }
        Self {
            duplicate: dice.rate(0.3),
            hold: dice.rate(0.5),
            delay: dice.rate(0.4),
            linger: dice.rate(0.05),
            drop: dice.rate(0.3),
            addressless: dice.rate(0.8),
            throttle: dice.rate(0.3),
            fail: dice.rate(0.3),
            latency: dice.pick(&[0.05, 0.05, 0.05, 0.6]),
            outage: dice.rate(0.15),
            lose: dice.rate(0.2),
            hang: dice.rate(0.15),
            kill: dice.rate(0.1),
            crash: dice.rate(0.1),
            stale: dice.rate(0.6),
            lag: dice.pick(&[1.0, 4.0, 8.0]),
            stop_on_register: dice.rate(0.5),
            latecomer: dice.rate(0.5),
            short_lived: dice.rate(0.5),
            meddle: dice.rate(0.2),
            edits: if dice.chance(0.25) { dice.number(1..=2) } else { 0 },
            bad_address: dice.rate(0.2),
            single_stack: dice.rate(0.1),
            forget: dice.rate(1.0),
            reuse: dice.rate(0.6),
            busy: dice.chance(0.05),
            before_rule: dice.chance(0.1),
            redrive,
        }
    }
}
