//! An SQS queue: at least once, out of order, and what fails comes back.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use serde_json::Value;

/// A message that comes back so often is given up.
const RECEIVES: u32 = 50;

/// How far an event can be overtaken.
const DISORDER: usize = 40;

struct Message {
    id: String,
    body: String,
    received: u32,
}

/// What is still to be delivered, and counts of what was.
pub struct Queue {
    dice: fastrand::Rng,
    waiting: VecDeque<Message>,
    put: usize,
    done: usize,
    batches: usize,
    returned: usize,
    timed_out: usize,
}

pub struct Batch(Vec<Message>);

impl Queue {
    pub fn new(seed: u64) -> Self {
        let dice = fastrand::Rng::with_seed(!seed);
        let waiting = VecDeque::new();
        Self { dice, waiting, put: 0, done: 0, batches: 0, returned: 0, timed_out: 0 }
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many messages were handled and are gone.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Puts an event somewhere near the end; one in fifty twice.
    pub fn put(&mut self, body: String) {
        if self.dice.u8(0..50) == 0 {
            self.insert(body.clone());
        }
        self.insert(body);
    }

    fn insert(&mut self, body: String) {
        self.put += 1;
        let back = self.dice.usize(0..=DISORDER.min(self.waiting.len()));
        let message = Message { id: format!("m{}", self.put), body, received: 0 };
        self.waiting.insert(self.waiting.len() - back, message);
    }

    pub fn take(&mut self, size: usize) -> Batch {
        let size = size.min(self.waiting.len());
        Batch(self.waiting.drain(..size).collect())
    }

    /// Takes back what failed; the whole batch if the invocation did.
    pub fn settle(&mut self, batch: Batch, failed: Option<BTreeSet<String>>) -> Result<(), String> {
        self.batches += 1;
        self.timed_out += usize::from(failed.is_none());
        for mut message in batch.0 {
            if failed.as_ref().is_some_and(|failed| !failed.contains(&message.id)) {
                self.done += 1;
                continue;
            }
            self.returned += 1;
            message.received += 1;
            if message.received >= RECEIVES {
                return Err(format!("{} came back {RECEIVES} times", message.id));
            }
            self.waiting.push_back(message);
        }
        Ok(())
    }
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn payload(&self) -> Value {
        aws_sim::events::sqs_batch(self.0.iter().map(|m| (m.id.as_str(), m.body.clone())))
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, batches, returned, timed_out, .. } = self;
        write!(
            f,
            "{done} messages in {batches} batches; {returned} came back, {timed_out} batches ran out of time"
        )
    }
}
