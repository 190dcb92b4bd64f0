//! What is delivered: samples and files, and the task events in them.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use ecs_ipv6_targets::input::is_scheduled;
use ecs_ipv6_targets::input::task_event::is_task_state_change;
use serde_json::{Value, json};

use crate::error::Error;

/// A sample of `events/`, which is part of the program, so that it runs from any folder.
macro_rules! sample {
    ($file:literal) => {
        $crate::input::Sample {
            name: concat!("events/", $file),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/events/", $file)),
        }
    };
}
pub(crate) use sample;

/// A file of `events/`, unread.
#[derive(Clone, Copy)]
pub struct Sample {
    pub name: &'static str,
    pub text: &'static str,
}

/// What is delivered to the function.
pub struct Input {
    pub name: String,
    pub payload: Value,
}

impl Input {
    pub fn of_sample(sample: Sample) -> Result<Self, Error> {
        Self::of_json(sample.name.to_owned(), sample.text.as_bytes())
    }

    pub fn of_file(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let bytes = fs::read(path).map_err(|error| {
            Error::Usage(format!("{name} cannot be read: {}", without_number(&error)))
        })?;
        Self::of_json(name, &bytes)
    }

    fn of_json(name: String, bytes: &[u8]) -> Result<Self, Error> {
        match serde_json::from_slice(bytes) {
            Ok(payload) => Ok(Self { name, payload }),
            Err(error) => Err(Error::Usage(format!("{name} is not JSON: {error}"))),
        }
    }

    /// The ECS Task State Change events in it: its own, or the bodies of an SQS batch.
    pub fn events(&self) -> Vec<Value> {
        if let Some(event) = self.event() {
            return vec![event.clone()];
        }
        self.messages().unwrap_or_default().iter().filter_map(event_in).collect()
    }

    /// The ECS Task State Change event that it is, or is a copy of.
    pub fn event(&self) -> Option<&Value> {
        self.payload.pointer(self.place_of_event()).filter(|event| is_task_state_change(event))
    }

    /// Whether it is a copy of an event that the queue has as well.
    pub fn is_copy(&self) -> bool {
        self.payload["copy"] == "queued"
    }

    fn place_of_event(&self) -> &'static str {
        if self.is_copy() { "/event" } else { "" }
    }

    /// Whether it is about all bindings and not about certain tasks.
    pub fn concerns_everything(&self) -> bool {
        is_scheduled(&self.payload) || self.payload["action"].is_string()
    }

    /// The messages, if it is an SQS batch.
    pub fn messages(&self) -> Option<&[Value]> {
        let records = self.payload["Records"].as_array()?;
        records.iter().all(|record| record["eventSource"] == "aws:sqs").then_some(records)
    }

    /// The same with the events' times set.
    pub fn at(mut self, time: SystemTime) -> Self {
        let place = self.place_of_event();
        if self.event().is_some() {
            self.payload.pointer_mut(place).into_iter().for_each(|event| set_time(event, time));
        } else if let Some(records) = self.payload["Records"].as_array_mut() {
            for record in records {
                let Some(mut event) = event_in(record) else { continue };
                set_time(&mut event, time);
                record["body"] = json!(event.to_string());
            }
        }
        self
    }
}

/// The ECS Task State Change event that an SQS message carries.
pub fn event_in(message: &Value) -> Option<Value> {
    let body = serde_json::from_str(message["body"].as_str()?).ok()?;
    is_task_state_change(&body).then_some(body)
}

fn set_time(event: &mut Value, time: SystemTime) {
    let time = DateTime::<Utc>::from(time);
    event["time"] = json!(time.to_rfc3339_opts(SecondsFormat::Secs, true));
    if let Some(updated) = event.pointer_mut("/detail/updatedAt") {
        *updated = json!(time.to_rfc3339_opts(SecondsFormat::Millis, true));
    }
}

/// "No such file or directory" rather than "No such file or directory (os error 2)".
pub fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
