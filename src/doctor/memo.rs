//! A cache that asks nothing twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Answers by question. Callers that ask the same at the same time wait for the one answer.
#[derive(Debug)]
pub struct Memo<V>(Mutex<BTreeMap<String, Arc<OnceCell<V>>>>);

impl<V> Default for Memo<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> Memo<V> {
    /// The answer to `question`; only the first one to ask runs `read`.
    pub async fn get(&self, question: &str, read: impl Future<Output = V>) -> V {
        self.answer(question).get_or_init(|| read).await.clone()
    }

    fn answer(&self, question: &str) -> Arc<OnceCell<V>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(answers.entry(question.to_owned()).or_default())
    }
}
