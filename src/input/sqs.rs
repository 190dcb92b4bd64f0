//! The messages of an SQS batch.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::Value;
use tracing::{debug, error};

use crate::core::knowledge::Sighting;
use crate::core::task::TaskArn;
use crate::input::deployment_event::{self, ServiceArn};
use crate::input::task_event;
use crate::json::{Any, Read};

/// The `Records` of an invocation: messages, unless all are records of another source.
#[derive(Default)]
pub struct Records(pub Option<Vec<Message>>);

impl<'de> Read<'de> for Records {
    fn array<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut messages = Vec::new();
        let mut is_of_sqs = false;
        while let Some(Any(record)) = items.next_element::<Any<Record>>()? {
            is_of_sqs |= record.is_message;
            messages.push(record.message);
        }
        Ok(Self((is_of_sqs || messages.is_empty()).then_some(messages)))
    }
}

struct Record {
    /// Records of other sources have another `eventSource`, or no `messageId`.
    is_message: bool,
    message: Message,
}

impl Default for Record {
    fn default() -> Self {
        let message = Message { id: None, news: Err("it is not an object".to_owned()) };
        Self { is_message: false, message }
    }
}

/// The fields of a record that matter here.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    MessageId,
    EventSource,
    Body,
    #[serde(other)]
    Other,
}

impl<'de> Read<'de> for Record {
    /// Nothing is required of the other fields. Of a repeated one the last counts.
    fn object<A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut id = None;
        let mut source = None;
        let mut body = Body::default();
        while let Some(field) = fields.next_key()? {
            match field {
                Field::MessageId => Any(Text(id)) = fields.next_value()?,
                Field::EventSource => source = Some(fields.next_value::<Any<Text>>()?.0.0),
                Field::Body => Any(body) = fields.next_value()?,
                Field::Other => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        let is_message = match source {
            Some(source) => source.as_deref() == Some("aws:sqs"),
            None => id.is_some(),
        };
        let id = id.filter(|id| !id.is_empty());
        Ok(Self { is_message, message: Message { id, news: body.0 } })
    }
}

/// A string; `None` if it is something else.
#[derive(Default)]
struct Text(Option<String>);

impl Read<'_> for Text {
    fn string(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

/// What the body of a message reports. It is read where it stands, without a copy of its text.
struct Body(Result<News, String>);

impl Default for Body {
    fn default() -> Self {
        Self(Err("body is no string".to_owned()))
    }
}

impl Read<'_> for Body {
    fn string(text: &str) -> Self {
        Self(News::read(text))
    }
}

/// A message of a batch, and what it reports.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its `messageId`.
    pub id: Option<String>,
    /// What it reports, or why it cannot be read.
    pub news: Result<News, String>,
}

/// What a message reports.
#[derive(Clone, Debug)]
pub enum News {
    /// The state of a task.
    Task(Sighting),
    /// The beginning of a service's deployment, or something else about a deployment.
    Deployment(Option<ServiceArn>),
}

impl Message {
    /// Logs it, as an error if it cannot be read.
    pub fn log(&self) {
        match &self.news {
            Ok(news) => debug!(message_id = self.id, ?news, "message"),
            Err(problem) => error!(message_id = self.id, problem, "message cannot be read"),
        }
    }

    /// What it reports of a task.
    pub fn sighting(&self) -> Option<&Sighting> {
        match &self.news {
            Ok(News::Task(sighting)) => Some(sighting),
            _ => None,
        }
    }

    /// The service whose deployment it reports.
    pub fn deployment(&self) -> Option<&ServiceArn> {
        match &self.news {
            Ok(News::Deployment(service)) => service.as_ref(),
            _ => None,
        }
    }

    /// Whether it has to return to the queue: it cannot be read, or its task or service is among
    /// these.
    pub fn failed(&self, tasks: &BTreeSet<&TaskArn>, services: &BTreeSet<&ServiceArn>) -> bool {
        match &self.news {
            Err(_) => true,
            Ok(News::Task(sighting)) => tasks.contains(&sighting.task.arn),
            Ok(News::Deployment(service)) => {
                service.as_ref().is_some_and(|service| services.contains(service))
            }
        }
    }
}

impl News {
    fn read(body: &str) -> Result<Self, String> {
        if let Some(sighting) = task_event::read_text(body) {
            return Ok(Self::Task(sighting));
        }
        let event: Value =
            serde_json::from_str(body).map_err(|e| format!("body is no JSON: {e}"))?;
        let news = if task_event::is_task_state_change(&event) {
            task_event::read(event).map(Self::Task)
        } else if deployment_event::is_deployment_state_change(&event) {
            deployment_event::read(event).map(Self::Deployment)
        } else {
            return Err(
                "body is neither an ECS Task State Change nor a Deployment State Change of aws.ecs"
                    .to_owned(),
            );
        };
        news.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVENT: &str = include_str!("../../events/task-running.json");

    /// What these records are read as: of each its id and whether it can be read.
    fn read(records: &str) -> Option<Vec<(Option<String>, bool)>> {
        let Any(Records(messages)) = serde_json::from_str(records).unwrap();
        let seen = |message: Message| (message.id, message.news.is_ok());
        messages.map(|messages| messages.into_iter().map(seen).collect())
    }

    fn body() -> String {
        Value::from(EVENT).to_string()
    }

    #[test]
    fn records_are_messages_if_one_of_them_is_of_sqs() {
        for (records, are_messages) in [
            (r#"[]"#, true),
            (r#"[{"eventSource": "aws:sqs"}]"#, true),
            (r#"[{"messageId": ""}]"#, true),
            (r#"[{"eventSource": "aws:kinesis"}, 7, {"messageId": "m"}]"#, true),
            (r#"[{"messageId": "m", "eventSource": "aws:kinesis"}]"#, false),
            (r#"[{"messageId": "m", "eventSource": null}]"#, false),
            (r#"[{"messageId": 7}, [], "m", null]"#, false),
            (r#"{"messageId": "m"}"#, false),
            (r#""aws:sqs""#, false),
            ("7", false),
            ("-7", false),
            ("0.7", false),
            ("true", false),
            ("null", false),
        ] {
            assert_eq!(read(records).is_some(), are_messages, "{records}");
        }
    }

    #[test]
    fn a_record_without_an_id_or_a_readable_body_is_still_a_message() {
        let body = body();
        for (record, expected) in [
            (format!(r#"{{"messageId": "m", "body": {body}}}"#), (Some("m"), true)),
            (format!(r#"{{"messageId": "", "body": {body}}}"#), (None, true)),
            (format!(r#"{{"messageId": {{"a": [1]}}, "body": {body}}}"#), (None, true)),
            (format!(r#"{{"body": {body}}}"#), (None, true)),
            (r#"{"messageId": "m"}"#.to_owned(), (Some("m"), false)),
            (r#"{"messageId": "m", "body": null}"#.to_owned(), (Some("m"), false)),
            (format!(r#"{{"messageId": "m", "body": {EVENT}}}"#), (Some("m"), false)),
            (r#"{"messageId": "m", "body": "{"}"#.to_owned(), (Some("m"), false)),
            (format!(r#"["m", null, {body}]"#), (None, false)),
            ("7".to_owned(), (None, false)),
        ] {
            let read = read(&format!(r#"[{{"messageId": "first"}}, {record}]"#)).unwrap();
            assert_eq!((read[1].0.as_deref(), read[1].1), expected, "{record}");
        }
    }

    #[test]
    fn of_a_repeated_field_of_a_record_the_last_counts() {
        let body = body();
        for (record, expected) in [
            (r#""messageId": "m", "messageId": "n", "body": "", "body": BODY"#, (Some("n"), true)),
            (r#""messageId": "m", "messageId": 7, "body": BODY, "body": 7"#, (None, false)),
        ] {
            let record = record.replace("BODY", &body);
            let read = read(&format!(r#"[{{"eventSource": "aws:sqs", {record}}}]"#)).unwrap();
            assert_eq!((read[0].0.as_deref(), read[0].1), expected, "{record}");
        }
    }

    #[test]
    fn fields_that_nobody_reads_may_hold_anything() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for odd in ["7", "[]", r#"{"SentTimestamp": 7}"#, r#""\ud800""#, "1e999", &deep] {
            let body = body();
            let record = format!(
                r#"{{"messageId": "m", "attributes": {odd}, "body": {body}, "new": {odd}}}"#
            );
            assert_eq!(read(&format!("[{record}]")), Some(vec![(Some("m".to_owned()), true)]));
        }
    }

    const TASK: &str = "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e";
    const SERVICE: &str = "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo";

    fn message(source: &str, detail_type: &str, name: &str) -> Message {
        let detail = json!({
            "taskArn": TASK, "version": 3, "lastStatus": "RUNNING", "desiredStatus": "RUNNING",
            "eventName": name,
        });
        let body = json!({
            "source": source, "detail-type": detail_type, "resources": [SERVICE], "detail": detail,
        });
        of_body(&body.to_string())
    }

    fn of_body(body: &str) -> Message {
        let records = json!([{"messageId": "m", "body": body}]).to_string();
        let Any(Records(messages)) = serde_json::from_str(&records).unwrap();
        messages.unwrap().remove(0)
    }

    #[test]
    fn a_message_returns_if_it_is_unreadable_or_its_task_or_service_failed() {
        const DEPLOYMENT: &str = "ECS Deployment State Change";
        const BEGINS: &str = "SERVICE_DEPLOYMENT_IN_PROGRESS";
        let (task, service) = (TaskArn::parse(TASK).unwrap(), ServiceArn::parse(SERVICE).unwrap());
        let (none, tasks, services) =
            (BTreeSet::new(), BTreeSet::from([&task]), BTreeSet::from([&service]));
        for (message, returns) in [
            (message("aws.ecs", "ECS Task State Change", ""), [false, true, false]),
            (message("aws.ecs", DEPLOYMENT, BEGINS), [false, false, true]),
            (message("aws.ecs", DEPLOYMENT, "SERVICE_DEPLOYMENT_COMPLETED"), [false; 3]),
            (message("mine", DEPLOYMENT, BEGINS), [true; 3]),
            (of_body("{"), [true; 3]),
        ] {
            let failed = [
                message.failed(&none, &BTreeSet::new()),
                message.failed(&tasks, &BTreeSet::new()),
                message.failed(&none, &services),
            ];
            assert_eq!(failed, returns, "{message:?}");
            let reports = (message.sighting().is_some(), message.deployment().is_some());
            let expected = (returns == [false, true, false], returns == [false, false, true]);
            assert_eq!(reports, expected, "{message:?}");
        }
    }
}
