//! What an invocation may use of AWS: time, and calls per second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant, sleep_until};

use crate::aws::deadline::Deadline;
use crate::aws::traffic::Counter;
use crate::core::target_group::GroupKind;

/// The limits of one invocation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// When to stop making and awaiting calls.
    pub deadline: Deadline,
    /// The longest that one call may take, once it is due.
    per_call: Option<Duration>,
    rates: RateLimits,
    /// The rates of ELB in other accounts, as far as they were called.
    elsewhere: Arc<Mutex<BTreeMap<String, RateLimits>>>,
}

/// How fast AWS may be called. All callers of an account and region share AWS's own limits. These
/// rates never delay single events, but spread the calls of large rollouts and of reconciles of
/// many bindings.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// RegisterTargets and DeregisterTargets together: 20 at once, then 4 a second (ELB docs,
    /// "Request throttling for the ELB API").
    elb_writes: Arc<TokenBucket>,
    /// All calls to ELB: 40 at once, then 10 a second (the same page).
    elb_calls: Arc<TokenBucket>,
    /// DescribeTasks and ListTasks together: 100 at once, then 20 a second (ECS developer guide,
    /// "Request throttling for the Amazon ECS API").
    ecs_reads: Arc<TokenBucket>,
    /// GetTaskProtection and UpdateTaskProtection together: 200 at once, then 80 a second (the same
    /// page).
    protections: Arc<TokenBucket>,
    /// GetResources: 15 a second (AWS general reference, "AWS Resource Groups endpoints and
    /// quotas").
    tag_reads: Arc<TokenBucket>,
    /// RegisterTargets and DeregisterTargets of VPC Lattice together, and all calls to it. AWS
    /// documents no rates; these are ELB's.
    lattice_writes: Arc<TokenBucket>,
    lattice_calls: Arc<TokenBucket>,
}

impl Default for RateLimits {
    /// The rates that AWS documents, with full buckets.
    fn default() -> Self {
        Self::with_writes(20, 4)
    }
}

impl RateLimits {
    fn with_writes(at_once: u32, per_second: u32) -> Self {
        Self {
            elb_writes: Arc::new(TokenBucket::per_second(at_once, per_second)),
            elb_calls: Arc::new(TokenBucket::per_second(40, 10)),
            ecs_reads: Arc::new(TokenBucket::per_second(100, 20)),
            protections: Arc::new(TokenBucket::per_second(200, 80)),
            tag_reads: Arc::new(TokenBucket::per_second(15, 15)),
            lattice_writes: Arc::new(TokenBucket::per_second(at_once, per_second)),
            lattice_calls: Arc::new(TokenBucket::per_second(40, 10)),
        }
    }
}

/// The rates of an instance's invocations, one after the other.
#[derive(Debug)]
pub struct AdaptiveRates {
    elb: Counter,
    ecs: Counter,
    lattice: Counter,
    careful: RateLimits,
    copies: TokenBucket,
}

impl AdaptiveRates {
    /// How long an instance is careful with a service after a throttled call.
    const CAREFUL: Duration = Duration::from_secs(300);

    /// Writes for copies of stops that an instance makes at once, and the time without copies in
    /// which it earns another. Both are small, because Lambda starts an instance for each copy in
    /// progress, and in a large rollout the queue's batches do the same work in a fraction of the
    /// calls (`cargo rollout` has the figures).
    const COPIES_AT_ONCE: u32 = 2;
    const COPY_EVERY: Duration = Duration::from_secs(2);

    /// How long copies are left to the queue after a throttled call to ELB or VPC Lattice.
    const NO_COPIES: Duration = Duration::from_secs(10);

    /// The rates of an instance; `elb`, `ecs` and `lattice` count its requests.
    pub fn new(elb: &Counter, ecs: &Counter, lattice: &Counter) -> Self {
        Self {
            elb: elb.clone(),
            ecs: ecs.clone(),
            lattice: lattice.clone(),
            // Half of the account's, because a queue has at least two instances (Lambda developer
            // guide, "Configuring maximum concurrency for Amazon SQS event sources"), and neither
            // knows of the other.
            careful: RateLimits::with_writes(10, 2),
            copies: TokenBucket::new(Self::COPIES_AT_ONCE, Self::COPY_EVERY),
        }
    }

    /// The rates of the next invocation. As long as AWS throttles nothing, each begins with full
    /// buckets. Once it has, the buckets for writes are half as large, and calls made by one
    /// invocation are missing in the next one's buckets.
    pub fn current(&self) -> RateLimits {
        let mut rates = RateLimits::default();
        if let Some(at) = Self::lately_throttled(&self.elb) {
            self.careful.elb_writes.drain_at(at);
            rates.elb_writes = self.careful.elb_writes.clone();
            rates.elb_calls = self.careful.elb_calls.clone();
        }
        if let Some(at) = Self::lately_throttled(&self.lattice) {
            self.careful.lattice_writes.drain_at(at);
            rates.lattice_writes = self.careful.lattice_writes.clone();
            rates.lattice_calls = self.careful.lattice_calls.clone();
        }
        if Self::lately_throttled(&self.ecs).is_some() {
            rates.ecs_reads = self.careful.ecs_reads.clone();
            rates.protections = self.careful.protections.clone();
        }
        rates
    }

    /// Whether the writes of a copied event may be made at once. If so, they count as made. If not,
    /// the next ones wait for a time without copies.
    pub fn admits_copy(&self, writes: usize) -> bool {
        let now = Instant::now();
        let last = self.elb.last_throttle().max(self.lattice.last_throttle());
        let throttled = last.is_some_and(|at| at.elapsed() < Self::NO_COPIES);
        let writes = u32::try_from(writes).unwrap_or(u32::MAX).min(Self::COPIES_AT_ONCE);
        let admits = !throttled && self.copies.due(writes) <= now;
        if admits {
            self.copies.take(writes);
        } else {
            self.copies.drain_at(now);
        }
        admits
    }

    fn lately_throttled(service: &Counter) -> Option<Instant> {
        service.last_throttle().filter(|at| at.elapsed() < Self::CAREFUL)
    }
}

/// The kind of a call, which decides the rates that apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RegisterTargets or DeregisterTargets.
    ElbWrite,
    /// Any other call to ELB.
    ElbRead,
    /// A call to ECS that reads tasks or services.
    EcsRead,
    /// GetTaskProtection or UpdateTaskProtection.
    Protection,
    /// GetResources.
    TagRead,
    /// RegisterTargets or DeregisterTargets of VPC Lattice.
    LatticeWrite,
    /// Any other call to VPC Lattice.
    LatticeRead,
    /// AssumeRole, and reads of EC2: called so rarely that nothing limits them here.
    Unlimited,
}

impl Limits {
    /// Limits with these rates, until `deadline`.
    pub fn new(deadline: Deadline, rates: RateLimits) -> Self {
        Self { deadline, per_call: None, rates, elsewhere: Arc::default() }
    }

    /// The same time, and the rates of ELB in another account, whose own limits are not shared with
    /// anybody here. `rates` are those of the instance there.
    #[must_use]
    pub fn in_account(&self, account: &str, rates: &AdaptiveRates) -> Self {
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        let there = elsewhere.entry(account.to_owned()).or_insert_with(|| rates.current()).clone();
        let RateLimits { elb_writes, elb_calls, .. } = there;
        Self { rates: RateLimits { elb_writes, elb_calls, ..self.rates.clone() }, ..self.clone() }
    }

    /// Waits until a call of this kind is due. If that is after the deadline, returns `false` at
    /// once and takes no slot from later calls.
    pub async fn acquire(&self, kind: Kind) -> bool {
        let RateLimits { elb_writes, elb_calls, ecs_reads, protections, tag_reads, .. } =
            &self.rates;
        let RateLimits { lattice_writes, lattice_calls, .. } = &self.rates;
        let buckets: &[&TokenBucket] = match kind {
            Kind::ElbWrite => &[elb_calls, elb_writes],
            Kind::ElbRead => &[elb_calls],
            Kind::EcsRead => &[ecs_reads],
            Kind::Protection => &[protections],
            Kind::TagRead => &[tag_reads],
            Kind::LatticeWrite => &[lattice_calls, lattice_writes],
            Kind::LatticeRead => &[lattice_calls],
            Kind::Unlimited => &[],
        };
        let now = Instant::now();
        let due = buckets.iter().map(|bucket| bucket.due(1)).max().unwrap_or(now);
        if due.max(now) >= self.deadline.instant() {
            return false;
        }
        buckets.iter().for_each(|bucket| bucket.take(1));
        if due > now {
            sleep_until(due).await;
        }
        true
    }

    /// How long the last of so many writes to target groups of this kind would wait for the rates,
    /// one at least.
    pub fn writes_wait(&self, kind: GroupKind, writes: usize) -> Duration {
        let writes = u32::try_from(writes).unwrap_or(u32::MAX).max(1);
        let bucket = match kind {
            GroupKind::LoadBalancer => &self.rates.elb_writes,
            GroupKind::Lattice => &self.rates.lattice_writes,
        };
        bucket.due(writes).saturating_duration_since(Instant::now())
    }

    /// The same rates, but only this part (0 to 1) of the remaining time, so that a call that hangs
    /// in one stage leaves time for the next.
    #[must_use]
    pub fn for_part(&self, part: f64) -> Self {
        Self { deadline: self.deadline.part(part), ..self.clone() }
    }

    /// The same time and rates, but no call may take longer than this, once it is due.
    #[must_use]
    pub fn with_calls_of(&self, time: Duration) -> Self {
        Self { per_call: Some(time), ..self.clone() }
    }

    /// The same time and rates, however long a call may take.
    #[must_use]
    pub fn with_whole_calls(&self) -> Self {
        Self { per_call: None, ..self.clone() }
    }

    /// Until when to wait for the answer to a call that is made now.
    pub fn end_of_call(&self) -> Deadline {
        self.per_call.map_or(self.deadline, |time| self.deadline.earlier(Deadline::after(time)))
    }

    /// The same rates, but at most this much of the remaining time.
    #[must_use]
    pub fn at_most(&self, time: Duration) -> Self {
        Self { deadline: self.deadline.earlier(Deadline::after(time)), ..self.clone() }
    }
}

/// A token bucket: so many calls at once, then so many a second.
#[derive(Debug)]
struct TokenBucket {
    /// The next call's place in a row of calls that are an interval apart.
    next: Mutex<Instant>,
    interval: Duration,
    at_once: u32,
}

impl TokenBucket {
    fn per_second(at_once: u32, calls: u32) -> Self {
        Self::new(at_once, Duration::from_secs(1) / calls)
    }

    /// A full bucket that earns one call per interval.
    fn new(at_once: u32, interval: Duration) -> Self {
        Self { next: Mutex::new(Instant::now()), interval, at_once }
    }

    /// Records that the bucket was empty at this moment.
    fn drain_at(&self, at: Instant) {
        let next = &mut *self.next();
        *next = (*next).max(at + self.interval * self.at_once);
    }

    /// When the last of `calls` calls would be due. The burst is lent: a call is due that many
    /// intervals before its place.
    fn due(&self, calls: u32) -> Instant {
        let now = Instant::now();
        let last = (*self.next()).max(now) + self.interval * (calls - 1);
        let lent = self.interval * (self.at_once - 1);
        last.checked_sub(lent).unwrap_or(now)
    }

    /// Takes the next `calls` places in the row.
    fn take(&self, calls: u32) {
        let next = &mut *self.next();
        *next = (*next).max(Instant::now()) + self.interval * calls;
    }

    fn next(&self) -> MutexGuard<'_, Instant> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(60)), RateLimits::default());
        let begin = Instant::now();
        for call in 0..40 {
            limits.acquire(Kind::ElbWrite).await;
            let due = Duration::from_millis(250) * u32::max(call, 19).saturating_sub(19);
            assert_eq!(begin.elapsed(), due, "call {call}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_up_again_and_not_beyond() {
        let limits = Limits::new(Deadline::after(Duration::from_secs(600)), RateLimits::default());
        for _ in 0..20 {
            limits.acquire(Kind::ElbWrite).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begin = Instant::now();
        for _ in 0..21 {
            limits.acquire(Kind::ElbWrite).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_millis(250));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_throttle_each_invocation_begins_with_full_buckets() {
        let rates =
            AdaptiveRates::new(&Counter::default(), &Counter::default(), &Counter::default());
        let begin = Instant::now();
        for _ in 0..100 {
            write(&rates).await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn for_a_while_after_a_throttle_buckets_start_empty_and_are_kept() {
        let elb = Counter::default();
        let rates = AdaptiveRates::new(&elb, &elb.of_another_service(), &Counter::default());
        elb.throttled();
        let begin = Instant::now();
        for _ in 0..10 {
            write(&rates).await;
        }
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
        tokio::time::sleep(AdaptiveRates::CAREFUL).await;
        let begin = Instant::now();
        for _ in 0..100 {
            write(&rates).await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    /// An invocation with one write.
    async fn write(rates: &AdaptiveRates) {
        let limits = Limits::new(Deadline::after(Duration::from_secs(60)), rates.current());
        limits.acquire(Kind::ElbWrite).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttle_of_ecs_does_not_slow_writes_to_elb() {
        let elb = Counter::default();
        let ecs = elb.of_another_service();
        let rates = AdaptiveRates::new(&elb, &ecs, &Counter::default());
        ecs.throttled();
        let begin = Instant::now();
        for _ in 0..100 {
            write(&rates).await;
        }
        assert_eq!(begin.elapsed(), Duration::ZERO);
        assert_eq!(elb.take().throttles, 1, "the sums are those of both");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_due_after_the_deadline_is_refused_at_once_and_takes_no_place() {
        let begin = Instant::now();
        let rates = RateLimits::default();
        let limits = Limits::new(Deadline::after(Duration::from_secs(1)), rates.clone());
        let mut made = 0;
        for _ in 0..100 {
            made += usize::from(limits.acquire(Kind::ElbWrite).await);
        }
        // 20 at once and 3 within the second; the one that is due at its end is too late.
        assert_eq!((made, begin.elapsed()), (23, Duration::from_millis(750)));
        let limits = Limits::new(Deadline::after(Duration::from_secs(60)), rates);
        assert!(limits.acquire(Kind::ElbWrite).await);
        assert_eq!(begin.elapsed(), Duration::from_secs(1));
        let over = Limits::new(Deadline::after(Duration::ZERO), RateLimits::default());
        assert!(!over.acquire(Kind::EcsRead).await);
    }

    #[tokio::test(start_paused = true)]
    async fn copies_have_a_small_allowance_of_their_own() {
        let counter = Counter::default();
        let rates =
            AdaptiveRates::new(&counter, &counter.of_another_service(), &Counter::default());
        let admitted = |copies: usize| (0..copies).filter(|_| rates.admits_copy(1)).count();
        assert_eq!(admitted(100), 2);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(admitted(1), 0);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(admitted(100), 1);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(rates.admits_copy(1) && rates.admits_copy(1) && !rates.admits_copy(1));
        tokio::time::sleep(Duration::from_secs(3600)).await;
        counter.throttled();
        assert_eq!(admitted(1), 0);
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(admitted(1), 1);
    }
}
