//! What an invocation may use of AWS: time, and calls per second.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant, sleep_until};

use crate::deadline::Deadline;
use crate::traffic::Counter;

/// The limits of one invocation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// When to stop.
    pub deadline: Deadline,
    rates: Rates,
}

/// How fast AWS may be called. All callers of an account and region share AWS's own limits. For single
/// events they are never felt; they spread the calls of a reconcile of many bindings and of large rollouts.
#[derive(Clone, Debug)]
pub struct Rates {
    /// RegisterTargets and DeregisterTargets together: 20 at once, then 4 a second (ELB docs,
    /// "Request throttling for the ELB API").
    elb_writes: Arc<Pace>,
    /// All calls to ELB: 40 at once, then 10 a second (the same page).
    elb_calls: Arc<Pace>,
    /// DescribeTasks and ListTasks together: 100 at once, then 20 a second (ECS developer guide,
    /// "Request throttling for the Amazon ECS API").
    ecs_reads: Arc<Pace>,
}

impl Default for Rates {
    /// Those that AWS documents, with full buckets.
    fn default() -> Self {
        Self::with_writes(20, 4)
    }
}

impl Rates {
    fn with_writes(at_once: u32, per_second: u32) -> Self {
        Self {
            elb_writes: Arc::new(Pace::new(at_once, per_second)),
            elb_calls: Arc::new(Pace::new(40, 10)),
            ecs_reads: Arc::new(Pace::new(100, 20)),
        }
    }
}

/// The rates of an instance's invocations, one after the other.
#[derive(Debug)]
pub struct Allowance {
    traffic: Counter,
    careful: Rates,
}

impl Allowance {
    /// After a throttled call, an instance is careful for so long.
    const CAREFUL: Duration = Duration::from_secs(300);

    /// For an instance whose calls are counted there.
    pub fn new(traffic: &Counter) -> Self {
        // Half of the account's, because a queue has at least two instances (Lambda developer guide, "Configuring
        // maximum concurrency for Amazon SQS event sources"), and neither knows of the other.
        Self { traffic: traffic.clone(), careful: Rates::with_writes(10, 2) }
    }

    /// The rates of the next invocation. As long as AWS throttles nothing, each begins with full buckets. Where it did, the
    /// buckets are half as large for writes, and what one invocation uses up is gone for the next one, too.
    pub fn rates(&self) -> Rates {
        match self.traffic.last_throttle() {
            Some(at) if at.elapsed() < Self::CAREFUL => {
                self.careful.elb_writes.was_empty(at);
                self.careful.clone()
            }
            _ => Rates::default(),
        }
    }
}

/// What kind of call it is, which tells by whose rates it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RegisterTargets or DeregisterTargets.
    ElbWrite,
    /// Any other call to ELB.
    ElbRead,
    /// A call to ECS.
    EcsRead,
}

impl Limits {
    /// These rates until `deadline`.
    pub fn new(deadline: Deadline, rates: Rates) -> Self {
        Self { deadline, rates }
    }

    /// Waits until a call of this kind is due, or for the deadline.
    pub async fn turn(&self, kind: Kind) {
        let Rates { elb_writes, elb_calls, ecs_reads } = &self.rates;
        let paces: &[&Pace] = match kind {
            Kind::ElbWrite => &[elb_calls, elb_writes],
            Kind::ElbRead => &[elb_calls],
            Kind::EcsRead => &[ecs_reads],
        };
        for pace in paces {
            pace.turn(self.deadline).await;
        }
    }

    /// The same rates, but only this part of the time that is left, so that what hangs in one
    /// stage leaves time for the next.
    #[must_use]
    pub fn for_part(&self, part: f64) -> Self {
        Self { deadline: self.deadline.part(part), ..self.clone() }
    }
}

/// A token bucket: so many calls at once, then so many a second.
#[derive(Debug)]
struct Pace {
    /// The next call's place in a row of calls that are an interval apart.
    next: Mutex<Instant>,
    interval: Duration,
    at_once: u32,
}

impl Pace {
    /// A full bucket.
    fn new(at_once: u32, per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / per_second;
        Self { next: Mutex::new(Instant::now()), interval, at_once }
    }

    /// Waits until the next call is due, or for the deadline.
    async fn turn(&self, deadline: Deadline) {
        let due = self.take();
        if due > Instant::now() {
            sleep_until(due.min(deadline.instant())).await;
        }
    }

    /// At that moment there was nothing left.
    fn was_empty(&self, at: Instant) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(at + self.interval * self.at_once);
    }

    /// Takes the next place in the row; returns when the call is due. The burst is lent: a call is
    /// due that many intervals before its place.
    fn take(&self) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (*next).max(Instant::now());
        *next = place + self.interval;
        let lent = self.interval * (self.at_once - 1);
        place.checked_sub(lent).unwrap_or_else(Instant::now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(60)), Rates::default());
        let begin = Instant::now();
        for call in 0..40 {
            limits.turn(Kind::ElbWrite).await;
            let due = Duration::from_millis(250) * u32::max(call, 19).saturating_sub(19);
            assert_eq!(begin.elapsed(), due, "call {call}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_up_again_and_not_beyond() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(600)), Rates::default());
        for _ in 0..20 {
            limits.turn(Kind::ElbWrite).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begin = Instant::now();
        for _ in 0..21 {
            limits.turn(Kind::ElbWrite).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_throttle_each_invocation_begins_with_full_buckets() {
        let allowance = Allowance::new(&Counter::default());
        let begin = Instant::now();
        for _ in 0..100 {
            write(&allowance).await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_throttle_they_are_empty_and_kept_from_invocation_to_invocation_for_a_while() {
        let counter = Counter::default();
        let allowance = Allowance::new(&counter);
        counter.throttled();
        let begin = Instant::now();
        for _ in 0..10 {
            write(&allowance).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        tokio::time::sleep(Allowance::CAREFUL).await;
        let begin = Instant::now();
        for _ in 0..100 {
            write(&allowance).await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    /// An invocation with one write.
    async fn write(allowance: &Allowance) {
        let limits = Limits::new(Deadline::after(Duration::from_secs(60)), allowance.rates());
        limits.turn(Kind::ElbWrite).await;
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_beyond_the_deadline() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(1)), Rates::default());
        let begin = Instant::now();
        for _ in 0..100 {
            limits.turn(Kind::ElbWrite).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
    }
}
