//! What reaches a function: tasks as EventBridge events, and SQS batches that carry them.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::digest::{hex, uuid};
use crate::task::Task;
use crate::task_shape::{Place, describe};
use crate::timestamps::{rfc3339, whole_seconds};

impl Task {
    /// The `ECS Task State Change` event of this state, as EventBridge delivers it.
    pub fn event(&self, at: SystemTime) -> Value {
        json!({
            "version": "0",
            "id": uuid(&format!("{} {}", self.arn(), self.version())),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": self.account,
            "time": rfc3339(whole_seconds(at)),
            "region": self.region,
            "resources": [self.arn()],
            "detail": describe(self, Place::Event, at),
        })
    }
}

/// The event of an EventBridge schedule.
pub fn scheduled(at: SystemTime) -> Value {
    let rule = "arn:aws:events:us-east-2:123456789012:rule/reconcile";
    json!({
        "version": "0",
        "id": uuid(&rfc3339(at)),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": rfc3339(whole_seconds(at)),
        "region": "us-east-2",
        "resources": [rule],
        "detail": {},
    })
}

/// A batch of SQS messages as Lambda hands it over, from message ids and bodies.
pub fn sqs_batch<'a>(messages: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    let records: Vec<Value> =
        messages.into_iter().map(|(id, body)| sqs_record(id, &body)).collect();
    json!({"Records": records})
}

/// `md5OfBody` has the right form and is no MD5: Lambda has checked it before the function sees it.
fn sqs_record(id: &str, body: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": format!("AQEB{}", hex(id)),
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1683037174000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1683037174010",
        },
        "messageAttributes": {},
        "md5OfBody": hex(body),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:ecs-task-events",
        "awsRegion": "us-east-2",
    })
}
