//! A message with an event, on its way to the function.

use std::time::SystemTime;

use harness::count::GoingOn;
use serde_json::Value;

use crate::evidence::Sighting;
use crate::tracked_task;

/// An event on its way.
#[derive(Debug)]
pub struct Message {
    /// The message's id in the queue.
    pub id: String,
    pub event: Value,
    /// What the event says of its task.
    pub sighting: Sighting,
    /// How often the message was received.
    pub received: u32,
    /// As long as this exists, the run does not end.
    #[expect(dead_code, reason = "only its drop counts")]
    pub going_on: Option<GoingOn>,
}

impl Message {
    /// The message in few words, for the history.
    pub fn words(&self, now: SystemTime) -> String {
        let age = now.duration_since(self.sighting.at).unwrap_or_default().as_secs();
        let silent = if self.sighting.addressed { "" } else { ", no address" };
        let task = tracked_task::words(&self.sighting.task);
        format!("{} ({task}, {age} s old{silent})", self.id)
    }
}
