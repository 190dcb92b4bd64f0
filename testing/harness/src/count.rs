//! What is under way, and when it is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Counts what goes on, and tells when it is over.
#[derive(Debug, Default)]
pub struct Count {
    going_on: Mutex<usize>,
    over: Notify,
}

/// One thing that goes on, until it is dropped.
#[derive(Debug)]
pub struct GoingOn(Arc<Count>);

impl Count {
    /// One more thing goes on.
    pub fn begin(self: &Arc<Self>) -> GoingOn {
        *self.number() += 1;
        GoingOn(self.clone())
    }

    /// Waits until nothing goes on.
    pub async fn calm(&self) {
        while *self.number() > 0 {
            self.over.notified().await;
        }
    }

    fn number(&self) -> MutexGuard<'_, usize> {
        self.going_on.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        *self.0.number() -= 1;
        self.0.over.notify_one();
    }
}
