//! The world's clock.

use std::time::SystemTime;

use tokio::time::Instant;

/// Wall-clock time that runs as tokio's time does: it stands still and jumps where a test pauses
/// and advances it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    base: SystemTime,
    started: Instant,
}

impl Clock {
    pub(crate) fn starting_at(base: SystemTime) -> Self {
        Self { base, started: Instant::now() }
    }

    pub(crate) fn base(&self) -> SystemTime {
        self.base
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.base + self.started.elapsed()
    }
}
