//! The input of an invocation, recognised by its shape. A new kind of input is a variant here, a
//! file in this room, and an arm in the handler.

pub mod deployment_event;
pub mod explain;
pub mod lifecycle_hook;
pub mod sqs;
pub mod task_event;
pub mod widget;

use serde::de::{Deserialize, Deserializer, MapAccess};
use serde_json::{Map, Value};

use crate::core::binding::TargetGroupArn;
use crate::json::{Any, Read};
use explain::TaskName;
use lifecycle_hook::LifecycleHook;
use sqs::{Message, Records};
use widget::Widget;

/// The JSON of an invocation: the messages of a batch, which can have 6 MB, as what they report,
/// and everything else as it came.
#[derive(Default)]
pub struct Payload {
    fields: Value,
    records: Records,
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Any::deserialize(deserializer).map(|Any(payload)| payload)
    }
}

impl<'de> Read<'de> for Payload {
    fn object<A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut others = Map::new();
        let mut records = Records::default();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "Records" => Any(records) = fields.next_value()?,
                _ => drop(others.insert(name, fields.next_value()?)),
            }
        }
        Ok(Self { fields: Value::Object(others), records })
    }
}

/// The input of an invocation.
pub enum Input {
    /// An EventBridge event `ECS Task State Change`.
    TaskStateChange(Value),
    /// An EventBridge event `ECS Deployment State Change`.
    Deployment(Value),
    /// The question of a deployment lifecycle hook.
    LifecycleHook(LifecycleHook),
    /// An event that the queue has as well.
    Copy(Value),
    /// The messages of an SQS batch.
    SqsBatch(Vec<Message>),
    /// A reconcile from the schedule.
    Scheduled,
    /// A reconcile that an operator asks for.
    Reconcile,
    /// A reconcile that writes nothing.
    Plan,
    /// A target group is to be taken out of use.
    Release(Release),
    /// The checks of the setup.
    Doctor,
    /// A question about one task.
    Explain(TaskName),
    /// A dashboard asks for the status page.
    Widget(Widget),
    /// A dashboard asks what the status page is.
    Describe,
}

/// A target group whose targets are to be deregistered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The target group.
    pub group: TargetGroupArn,
    /// Whether to report only what would be done.
    pub dry_run: bool,
}

impl Input {
    /// Recognises an input by its shape; `None` if the function accepts no such input.
    pub fn of(Payload { fields: mut payload, records }: Payload) -> Option<Self> {
        // First, because whoever edits a dashboard may add anything else to these.
        if let Some(widget) = Widget::read(&payload) {
            let describes = widget::is_describe(&payload);
            return Some(if describes { Self::Describe } else { Self::Widget(widget) });
        }
        if task_event::is_task_state_change(&payload) {
            return Some(Self::TaskStateChange(payload));
        }
        if deployment_event::is_deployment_state_change(&payload) {
            return Some(Self::Deployment(payload));
        }
        if is_scheduled(&payload) {
            return Some(Self::Scheduled);
        }
        if let Some(copy) = payload.get("copy") {
            let is_queued = copy == "queued";
            let event = payload.get_mut("event").map(Value::take).unwrap_or_default();
            let is_known = is_queued && task_event::is_task_state_change(&event);
            return is_known.then_some(Self::Copy(event));
        }
        match payload.get("action").map(Value::as_str) {
            Some(Some("reconcile")) => return Some(Self::Reconcile),
            Some(Some("plan")) => return Some(Self::Plan),
            Some(Some("doctor")) => return Some(Self::Doctor),
            Some(Some("explain")) => return TaskName::read(&payload).map(Self::Explain),
            Some(Some("release")) => return release(&payload).map(Self::Release),
            Some(_) => return None,
            None => {}
        }
        if widget::is_describe(&payload) {
            return Some(Self::Describe);
        }
        if let Some(hook) = LifecycleHook::read(&payload) {
            return Some(Self::LifecycleHook(hook));
        }
        records.0.map(Self::SqsBatch)
    }
}

fn release(payload: &Value) -> Option<Release> {
    let group = TargetGroupArn::parse(payload["targetGroupArn"].as_str()?).ok()?;
    let dry_run = match payload.get("dryRun") {
        None => false,
        Some(dry_run) => dry_run.as_bool()?,
    };
    Some(Release { group, dry_run })
}

/// Whether the envelope is that of an EventBridge schedule (EventBridge user guide, "Creating a
/// rule that runs on a schedule"), or of EventBridge Scheduler's, which looks the same except for
/// its source.
pub fn is_scheduled(input: &Value) -> bool {
    (input["source"] == "aws.events" || input["source"] == "aws.scheduler")
        && input["detail-type"] == "Scheduled Event"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::task_event::is_task_state_change;
    use super::*;
    use crate::core::fixtures::group;

    fn input_of(text: &str) -> Option<Input> {
        Input::of(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_release_names_a_target_group_and_may_be_a_dry_run() {
        let group = group("demo-ipv6");
        let read = |input: Value| match input_of(&input.to_string()) {
            Some(Input::Release(release)) => Some((release.group, release.dry_run)),
            _ => None,
        };
        let arn = group.as_str();
        for (input, expected) in [
            (json!({"action": "release", "targetGroupArn": arn}), Some(false)),
            (json!({"action": "release", "targetGroupArn": arn, "dryRun": true}), Some(true)),
            (json!({"action": "release", "targetGroupArn": arn, "dryRun": "yes"}), None),
            (json!({"action": "release", "targetGroupArn": "demo-ipv6"}), None),
            (json!({"action": "release"}), None),
        ] {
            assert_eq!(read(input), expected.map(|dry_run| (group.clone(), dry_run)));
        }
    }

    #[test]
    fn the_records_of_a_batch_are_read_wherever_they_stand() {
        for (payload, messages) in [
            (r#"{"Records": [{"messageId": "a"}, 7], "other": {}}"#, Some(2)),
            (r#"{"other": {}, "Records": []}"#, Some(0)),
            (r#"{"Records": 7, "Records": [{"messageId": "a"}]}"#, Some(1)),
            (r#"{"Records": [{"messageId": "a"}], "Records": 7}"#, None),
            (r#"{"Records": [7]}"#, None),
            (r#"{"records": [{"messageId": "a"}]}"#, None),
            (r#"[{"messageId": "a"}]"#, None),
            (r#"["Records", [{"messageId": "a"}]]"#, None),
            (r#""Records""#, None),
            ("null", None),
            ("7", None),
        ] {
            let read = match input_of(payload) {
                Some(Input::SqsBatch(messages)) => Some(messages.len()),
                Some(_) => panic!("{payload}"),
                None => None,
            };
            assert_eq!(read, messages, "{payload}");
        }
    }

    #[test]
    fn a_copy_has_a_queued_event_and_a_batch_a_message_or_nothing() {
        let event = json!({"source": "aws.ecs", "detail-type": "ECS Task State Change"});
        for (copy, event, is) in
            [("queued", &event, true), ("other", &event, false), ("queued", &json!({}), false)]
        {
            let input = input_of(&json!({"copy": copy, "event": event}).to_string());
            assert_eq!(matches!(input, Some(Input::Copy(_))), is, "{copy} {event}");
        }
        let [message, other] = [json!({"messageId": "m"}), json!({"eventSource": "aws:sns"})];
        for (records, is) in [
            (json!([]), true),
            (json!([message]), true),
            (json!([other, message]), true),
            (json!([other]), false),
            (json!(message), false),
        ] {
            let input = input_of(&json!({"Records": records}).to_string());
            assert_eq!(matches!(input, Some(Input::SqsBatch(_))), is, "{records}");
        }
    }

    #[test]
    fn an_envelope_is_known_by_its_source_and_its_type_together() {
        const CHANGE: &str = "ECS Task State Change";
        const SCHEDULED: &str = "Scheduled Event";
        for (source, kind, is) in [
            ("aws.ecs", CHANGE, (true, false)),
            ("aws.ecs", SCHEDULED, (false, false)),
            ("aws.events", CHANGE, (false, false)),
            ("aws.events", SCHEDULED, (false, true)),
            ("aws.scheduler", SCHEDULED, (false, true)),
            ("mine", SCHEDULED, (false, false)),
        ] {
            let input = json!({"source": source, "detail-type": kind});
            assert_eq!((is_task_state_change(&input), is_scheduled(&input)), is, "{input}");
        }
    }
}
