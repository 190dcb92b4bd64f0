//! The moment by which an invocation must have answered.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::warn;

/// The time left if the runtime names no plausible deadline.
const ASSUMED: Duration = Duration::from_secs(20);

/// The most time that is kept for reporting what was not done.
const RESERVE: Duration = Duration::from_secs(1);

/// The moment after which no call to AWS is started or waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline for an invocation that begins `now` and that Lambda ends at `end`, less a
    /// tenth of the time (at most a second) to report in.
    ///
    /// Lambda starts no invocation whose time is over, but `cargo lambda watch` names a deadline
    /// in 1970: an `end` that is past counts as not named.
    pub fn new(end: SystemTime, now: SystemTime) -> Self {
        let left = end.duration_since(now).unwrap_or_else(|_| {
            warn!(assumed_seconds = ASSUMED.as_secs(), "the runtime's deadline is in the past");
            ASSUMED
        });
        Self::after(left.saturating_sub(RESERVE.min(left / 10)))
    }

    /// The deadline at this time from now.
    pub fn after(left: Duration) -> Self {
        Self(Instant::now() + left)
    }

    /// The deadline at which this part (0 to 1) of the remaining time is over.
    #[must_use]
    pub fn part(self, part: f64) -> Self {
        Self::after(self.left().mul_f64(part))
    }

    /// The earlier of the two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The time until then.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The moment itself, for [`tokio::time::timeout_at`].
    pub fn instant(self) -> Instant {
        self.0
    }

    /// Whether it is too late to start anything.
    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_of_a_long_time_is_kept_and_a_tenth_of_a_short_one() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (left, usable) in [(30_000, 29_000), (1_000, 900)] {
            let deadline = Deadline::new(now + Duration::from_millis(left), now);
            let expected = Instant::now() + Duration::from_millis(usable);
            assert_eq!(deadline.instant(), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_in_1970_is_not_believed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert!(!Deadline::new(SystemTime::UNIX_EPOCH, now).is_over());
    }
}
