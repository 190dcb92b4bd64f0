//! Counts the requests to AWS, the SDK's own retries included.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_ecs::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use tokio::time::Instant;

use crate::report::metrics::Traffic;

/// Parts of the error codes by which AWS's services throttle (AWS SDKs reference, "Retry behavior",
/// throttling errors), for ECS and ELB.
const THROTTLES: [&[u8]; 3] = [b"Throttl", b"TooManyRequests", b"RequestLimitExceeded"];

/// Counts the requests of all clients that it is given to, and remembers when those of one service
/// were last throttled.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    counts: Arc<Counts>,
    last_throttle: Arc<Mutex<Option<Instant>>>,
}

#[derive(Debug, Default)]
struct Counts {
    calls: AtomicU64,
    throttles: AtomicU64,
}

impl Counter {
    /// A counter for another service's clients, which adds to the same sums.
    #[must_use]
    pub fn of_another_service(&self) -> Self {
        Self { counts: self.counts.clone(), last_throttle: Arc::default() }
    }

    /// Counts a request that was refused because there were too many.
    pub fn throttled(&self) {
        self.counts.throttles.fetch_add(1, Ordering::Relaxed);
        *self.last() = Some(Instant::now());
    }

    /// When a request to this service was last refused because there were too many.
    pub fn last_throttle(&self) -> Option<Instant> {
        *self.last()
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last_throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of all services since the previous call of this function.
    pub fn take(&self) -> Traffic {
        Traffic {
            calls: self.counts.calls.swap(0, Ordering::Relaxed),
            throttles: self.counts.throttles.swap(0, Ordering::Relaxed),
        }
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let throttled = context.response().is_some_and(|response| {
            // At this point the SDK has read the body.
            let body = response.body().bytes().unwrap_or_default();
            let status = response.status();
            // VPC Lattice says it by the status, and by its code in a header.
            status.as_u16() == 429
                || !status.is_success() && THROTTLES.iter().any(|code| contains(body, code))
        });
        if throttled {
            self.throttled();
        }
        Ok(())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
