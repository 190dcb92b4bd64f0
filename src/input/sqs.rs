//! The messages of an SQS batch.

use std::collections::BTreeSet;

use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::Value;
use tracing::{debug, error};

use crate::core::knowledge::Sighting;
use crate::core::task::TaskArn;
use crate::input::task_event;
use crate::json::JsonObject;

/// Records of other sources have another `eventSource`, or no `messageId`.
pub fn is_message(record: &Value) -> bool {
    match record.get("eventSource") {
        Some(source) => source == "aws:sqs",
        None => record["messageId"].is_string(),
    }
}

/// A message of a batch, and what it reports if it can be read.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its `messageId`.
    pub id: Option<String>,
    /// What it reports about a task; `None` if it cannot be read.
    pub sighting: Option<Sighting>,
}

impl Message {
    /// Reads a record. A message that cannot be read is logged.
    pub fn read(record: Value) -> Self {
        let id = record["messageId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let sighting = sighting(record)
            .inspect_err(|problem| error!(message_id = id, problem, "message cannot be read"))
            .inspect(|sighting| debug!(message_id = id, task = sighting.task.arn.id(), "message"));
        Self { id, sighting: sighting.ok() }
    }

    /// Whether it has to return to the queue: it cannot be read, or its task is among these.
    pub fn failed(&self, failed: &BTreeSet<&TaskArn>) -> bool {
        self.sighting.as_ref().is_none_or(|sighting| failed.contains(&sighting.task.arn))
    }
}

fn sighting(record: Value) -> Result<Sighting, String> {
    let JsonObject(message): JsonObject<SqsMessage> =
        serde_json::from_value(record).map_err(|e| e.to_string())?;
    let body = message.body.unwrap_or_default();
    if let Some(sighting) = task_event::read_text(&body) {
        return Ok(sighting);
    }
    let event: Value = serde_json::from_str(&body).map_err(|e| format!("body is no JSON: {e}"))?;
    if !task_event::is_task_state_change(&event) {
        return Err("body is no ECS Task State Change event of aws.ecs".to_owned());
    }
    task_event::read(event).map_err(|error| error.to_string())
}
