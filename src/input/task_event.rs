//! ECS Task State Change events, as EventBridge delivers them, read into [`Sighting`]s.

use std::borrow::Cow;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::core::knowledge::Sighting;
use crate::core::task::{Phase, Task, TaskArn, first_address};
use crate::json::{Any, JsonObject, Read};

/// Why an event cannot be read; a phrase that names the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable {kind} event: {problem}")]
pub struct Unreadable {
    kind: &'static str,
    problem: String,
}

impl Unreadable {
    /// For an event of this type.
    pub fn new(kind: &'static str, problem: String) -> Self {
        Self { kind, problem }
    }
}

const SOURCE: &str = "aws.ecs";
const DETAIL_TYPE: &str = "ECS Task State Change";

/// Whether the envelope is that of an ECS Task State Change from ECS itself.
pub fn is_task_state_change(input: &Value) -> bool {
    input["source"] == SOURCE && input["detail-type"] == DETAIL_TYPE
}

/// Reads an ECS Task State Change event, including its envelope.
pub fn read(event: Value) -> Result<Sighting, Unreadable> {
    let event: Event = serde_path_to_error::deserialize(event).map_err(|error| {
        Unreadable::new(DETAIL_TYPE, format!("{}: {}", error.path(), error.inner()))
    })?;
    sighting(event)
}

/// Reads such an event's JSON text in one pass, which takes a quarter of the work of reading it
/// through a [`Value`] (docs/performance.md): a batch has hundreds of events. Text that this
/// refuses may still be readable through a `Value`, for example a repeated field, whose last
/// occurrence counts.
pub fn read_text(text: &str) -> Option<Sighting> {
    let JsonObject(event): JsonObject<Event> = serde_json::from_str(text).ok()?;
    let is_task_state_change = event.source == SOURCE && event.detail_type == DETAIL_TYPE;
    is_task_state_change.then(|| sighting(event).ok())?
}

/// The fields that matter here. Nothing is required of the others, not even their types, because
/// ECS adds fields and fills some in odd ways ("prepare to handle unknown properties", ECS
/// developer guide, "Amazon ECS task state change events").
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Event<'a> {
    #[serde(borrow)]
    detail_type: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(default)]
    time: Option<DateTime<Utc>>,
    #[serde(borrow)]
    detail: JsonObject<TaskStateChange<'a>>,
}

fn sighting(event: Event) -> Result<Sighting, Unreadable> {
    let at = event.time.map(SystemTime::from);
    let JsonObject(change) = event.detail;
    Ok(Sighting { at, changed: change.changed(), task: change.into_task()? })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskStateChange<'a> {
    #[serde(borrow)]
    task_arn: Cow<'a, str>,
    #[serde(default)]
    cluster_arn: Option<String>,
    #[serde(default)]
    group: Option<String>,
    version: u64,
    #[serde(borrow)]
    last_status: Cow<'a, str>,
    #[serde(borrow)]
    desired_status: Cow<'a, str>,
    #[serde(default)]
    updated_at: Any<Time>,
    #[serde(default)]
    stopping_at: Any<Time>,
    #[serde(default)]
    execution_stopped_at: Any<Time>,
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<JsonObject<Container>>,
}

/// Each container of an awsvpc task repeats the task's one network interface.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default, deserialize_with = "null_as_default")]
    network_interfaces: Vec<JsonObject<NetworkInterface>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkInterface {
    #[serde(default)]
    ipv6_address: Option<String>,
}

/// A moment; `None` if it is not written as one.
#[derive(Default)]
struct Time(Option<SystemTime>);

impl Read<'_> for Time {
    fn string(text: &str) -> Self {
        Self(text.parse::<DateTime<Utc>>().ok().map(SystemTime::from))
    }
}

impl TaskStateChange<'_> {
    /// A leaving task left when it began to stop or when its containers ended, whichever is
    /// earlier. `updatedAt` is the time of the event's own state: of a crash, the first event is
    /// that of DEPROVISIONING, ten seconds after the container's end.
    fn changed(&self) -> Option<SystemTime> {
        let Self { updated_at, stopping_at, execution_stopped_at, .. } = self;
        match Phase::of(&self.last_status, &self.desired_status) {
            Phase::Leaving => {
                let times = [updated_at, stopping_at, execution_stopped_at];
                times.into_iter().filter_map(|Any(Time(time))| *time).min()
            }
            Phase::Starting | Phase::Serving => updated_at.0.0,
        }
    }

    fn into_task(self) -> Result<Task, Unreadable> {
        let arn = TaskArn::parse(&self.task_arn).ok_or_else(|| {
            Unreadable::new(DETAIL_TYPE, format!("taskArn {:?} is not a task's ARN", self.task_arn))
        })?;
        let cluster = self
            .cluster_arn
            .or_else(|| arn.cluster_arn())
            .ok_or_else(|| Unreadable::new(DETAIL_TYPE, "missing field `clusterArn`".to_owned()))?;
        let interfaces =
            self.containers.iter().flat_map(|container| &container.0.network_interfaces);
        let addresses = interfaces.filter_map(|interface| interface.0.ipv6_address.as_deref());
        Ok(Task {
            address: first_address(addresses),
            arn,
            cluster,
            group: self.group.unwrap_or_default(),
            version: self.version,
            phase: Phase::of(&self.last_status, &self.desired_status),
            origin: None,
        })
    }
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is read of an event, as a value and as text.
    fn read(event: Value) -> Result<Sighting, Unreadable> {
        let text = read_text(&event.to_string());
        let sighting = super::read(event);
        assert_eq!(text.as_ref(), sighting.as_ref().ok());
        sighting
    }

    fn event_with(detail: Value) -> Value {
        let mut event = json!({
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "time": "2023-05-02T14:19:34Z",
            "detail": {
                "taskArn": "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e",
                "group": "service:demo-service",
                "version": 3,
                "lastStatus": "RUNNING",
                "desiredStatus": "RUNNING"
            }
        });
        if let (Some(into), Some(from)) = (event["detail"].as_object_mut(), detail.as_object()) {
            into.extend(from.clone());
        }
        event
    }

    #[test]
    fn the_text_of_another_event_or_of_none_is_not_read() {
        let event = event_with(json!({}));
        assert!(read_text(&event.to_string()).is_some());
        for (field, value) in [("source", "aws.batch"), ("detail-type", "ECS Service Action")] {
            let mut other = event.clone();
            other[field] = json!(value);
            assert_eq!(read_text(&other.to_string()), None);
        }
        let by_position =
            json!([null, null, DETAIL_TYPE, SOURCE, null, null, null, null, event["detail"]]);
        assert_eq!(read_text(&by_position.to_string()), None);
        assert_eq!(read_text(&format!("{event} {event}")), None);
    }

    #[test]
    fn what_nobody_reads_may_be_more_than_a_value_can_hold() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for odd in [deep.as_str(), r#""\ud800""#, "1e999"] {
            let text = event_with(json!({}))
                .to_string()
                .replace("\"detail\":{", &format!("\"detail\":{{\"new\":{odd},"));
            assert!(read_text(&text).is_some(), "{odd}");
        }
    }

    #[test]
    fn the_address_stands_in_the_containers_and_not_in_the_attachments() {
        let task = read(event_with(json!({
            "attachments": [{"type": "Service Connect", "details": []}],
            "containers": [
                {"name": "sidecar", "networkInterfaces": []},
                {"name": "app", "networkInterfaces": [{"ipv6Address": "2001:DB8:0::1"}]},
                {"name": "log", "networkInterfaces": [{"ipv6Address": "2001:db8::1"}]}
            ]
        })))
        .unwrap()
        .task;
        assert_eq!(task.address, Some("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn a_container_may_lack_or_garble_whatever_is_not_needed() {
        for containers in [
            json!(null),
            json!([]),
            json!([{"cpu": "null", "memory": 512, "managedAgents": "none"}]),
            json!([{"networkInterfaces": null}]),
            json!([{"networkInterfaces": [{"privateIpv4Address": "10.0.0.1"}]}]),
            json!([{"networkInterfaces": [{"ipv6Address": null}, {"ipv6Address": ""}]}]),
        ] {
            let event = event_with(json!({"containers": containers, "newField": {"a": [1]}}));
            assert_eq!(read(event).unwrap().task.address, None, "{containers}");
        }
    }

    #[test]
    fn a_timestamp_may_have_any_number_of_fraction_digits() {
        for time in ["2023-05-02T14:19:34Z", "2023-05-02T14:19:34.52Z", "2023-05-02T14:19:34.520Z"]
        {
            let mut event = event_with(json!({}));
            event["time"] = json!(time);
            let at = read(event).unwrap().at.unwrap();
            let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            assert_eq!(seconds, 1_683_037_174, "{time}");
        }
    }

    #[test]
    fn an_old_short_arn_is_read_with_the_cluster_from_beside_it() {
        let short = "arn:aws:ecs:us-east-2:123456789012:task/c50e";
        let error = read(event_with(json!({"taskArn": short}))).unwrap_err();
        assert!(error.to_string().contains("clusterArn"), "{error}");
        let cluster = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";
        let task = read(event_with(json!({"taskArn": short, "clusterArn": cluster}))).unwrap().task;
        assert_eq!(task.cluster, cluster);
    }

    #[test]
    fn what_started_a_task_may_be_left_out() {
        let group = |detail| read(event_with(detail)).unwrap().task.group;
        assert_eq!(group(json!({})), "service:demo-service");
        assert_eq!(group(json!({"group": null})), "");
    }

    #[test]
    fn an_array_is_not_read_as_an_object_by_position() {
        let arn = "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e";
        let mut event = event_with(json!({}));
        event["detail"] = json!([arn, null, null, 3, "RUNNING", "RUNNING", []]);
        assert!(read(event).is_err());
        for containers in [json!([[]]), json!([{"networkInterfaces": [["2001:db8::1"]]}])] {
            let error = read(event_with(json!({"containers": containers}))).unwrap_err();
            assert!(error.to_string().contains("expected an object"), "{error}");
        }
    }

    #[test]
    fn an_error_names_the_field() {
        for (detail, field) in [
            (json!({"version": "3"}), "detail.version: invalid type: string \"3\""),
            (json!({"taskArn": "task/1"}), "taskArn"),
            (json!({"desiredStatus": null}), "detail.desiredStatus: invalid type: null"),
            (json!({"containers": [{}, 1]}), "detail.containers[1]: invalid type"),
        ] {
            let error = read(event_with(detail)).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
        let mut event = event_with(json!({}));
        event["time"] = json!("yesterday");
        let error = read(event).unwrap_err().to_string();
        assert!(error.contains("event: time: "), "{error}");
    }

    #[test]
    fn a_task_left_when_its_containers_ended_or_when_it_was_asked_to() {
        let changed = |detail| {
            let changed = read(event_with(detail)).unwrap().changed.map(DateTime::<Utc>::from);
            changed.map(|time| time.format("%M:%S").to_string())
        };
        let times = json!({
            "updatedAt": "2026-01-01T00:00:40Z",
            "stoppingAt": "2026-01-01T00:00:30.5Z",
            "executionStoppedAt": "2026-01-01T00:00:29.123Z"
        });
        assert_eq!(changed(times.clone()), Some("00:40".to_owned()), "it serves");
        let leaving = |without: &[&str]| {
            let mut detail = times.clone();
            detail["desiredStatus"] = json!("STOPPED");
            without.iter().for_each(|field| detail[*field] = json!(null));
            changed(detail)
        };
        assert_eq!(leaving(&[]), Some("00:29".to_owned()));
        assert_eq!(leaving(&["executionStoppedAt"]), Some("00:30".to_owned()));
        assert_eq!(leaving(&["executionStoppedAt", "stoppingAt"]), Some("00:40".to_owned()));
        assert_eq!(leaving(&["executionStoppedAt", "stoppingAt", "updatedAt"]), None);
    }
}
