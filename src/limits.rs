//! What an invocation may use of AWS: time, and calls per second.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant, sleep_until};

use crate::deadline::Deadline;

/// The limits of one invocation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// When to stop.
    pub deadline: Deadline,
    rates: Rates,
}

/// How fast AWS may be called. All callers of an account and region share AWS's own limits. For single
/// events they are never felt; they spread the calls of a reconcile of many bindings and of large rollouts.
///
/// An instance keeps them from one invocation to the next, because what the last one used up is gone for
/// the next one, too. (Should its clock stand still while Lambda has it frozen, a write waits half a second
/// longer than it needs to.)
#[derive(Clone, Debug)]
pub struct Rates {
    /// RegisterTargets and DeregisterTargets together: half of the account's 20 at once and 4 a second (ELB
    /// docs, "Request throttling for the ELB API"), because a queue has at least two instances (Lambda
    /// developer guide, "Configuring maximum concurrency for Amazon SQS event sources").
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
        Self {
            elb_writes: Arc::new(Pace::new(10, 2)),
            elb_calls: Arc::new(Pace::new(40, 10)),
            ecs_reads: Arc::new(Pace::new(100, 20)),
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
    pub fn new(deadline: Deadline, rates: &Rates) -> Self {
        Self { deadline, rates: rates.clone() }
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
        let limits = Limits::new(Deadline::after(Duration::from_secs(60)), &Rates::default());
        let begin = Instant::now();
        for call in 0..40 {
            limits.turn(Kind::ElbWrite).await;
            let due = Duration::from_millis(500) * u32::max(call, 9).saturating_sub(9);
            assert_eq!(begin.elapsed(), due, "call {call}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_up_again_and_not_beyond() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(600)), &Rates::default());
        for _ in 0..10 {
            limits.turn(Kind::ElbWrite).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begin = Instant::now();
        for _ in 0..11 {
            limits.turn(Kind::ElbWrite).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_millis(500));
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_invocation_used_up_is_gone_for_the_next() {
        let rates = Rates::default();
        let limits = || Limits::new(Deadline::after(Duration::from_secs(60)), &rates);
        let begin = Instant::now();
        for _ in 0..12 {
            limits().turn(Kind::ElbWrite).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_turn_beyond_the_deadline() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(1)), &Rates::default());
        let begin = Instant::now();
        for _ in 0..100 {
            limits.turn(Kind::ElbWrite).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
    }
}
