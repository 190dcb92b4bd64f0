//! Events have the shape of captured ones, and ECS learns from them.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_sim::events::{scheduled, sqs_batch};
use aws_sim::{Aws, Task};
use serde_json::{Value, json};

const RUNNING: &str = include_str!("../fixtures/synthetic-dualstack-RUNNING-v3.json");
const STOPPED: &str = include_str!("../fixtures/captured-fargate-service-STOPPED-v6.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Every path in it with the type that is there, array positions left out.
fn shape(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                shape(value, &format!("{path}.{name}"), into);
            }
        }
        Value::Array(items) => {
            for item in items {
                shape(item, &format!("{path}[]"), into);
            }
        }
        Value::String(_) => drop(into.insert(format!("{path}: string"))),
        Value::Number(_) => drop(into.insert(format!("{path}: number"))),
        Value::Bool(_) => drop(into.insert(format!("{path}: bool"))),
        Value::Null => drop(into.insert(format!("{path}: null"))),
    }
}

fn shape_of(value: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    shape(value, "", &mut paths);
    paths
}

fn at() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_683_037_174_520)
}

#[test]
fn a_running_event_has_the_shape_of_the_captured_one() {
    let event = Task::new("c50e").running().event(at());
    assert_eq!(shape_of(&event), shape_of(&parse(RUNNING)));
}

#[test]
fn a_stopped_event_has_the_shape_of_the_captured_one() {
    let event = Task::new("c50e").without_address().running().stopped();
    assert_eq!(shape_of(&event.event(at())), shape_of(&parse(STOPPED)));
}

#[test]
fn an_event_tells_time_version_and_states() {
    let event = Task::new("c50e").running().deactivating().event(at());
    assert_eq!(event["time"], "2023-05-02T14:19:34Z");
    let detail = &event["detail"];
    assert_eq!(detail["updatedAt"], "2023-05-02T14:19:34.52Z");
    assert_eq!(detail["version"], 4);
    assert_eq!(detail["lastStatus"], "DEACTIVATING");
    assert_eq!(detail["desiredStatus"], "STOPPED");
}

#[test]
fn each_verb_raises_the_version() {
    let verbs: [fn(Task) -> Task; 9] = [
        Task::provisioning,
        Task::pending,
        Task::activating,
        Task::running,
        Task::asked_to_stop,
        Task::deactivating,
        Task::stopping,
        Task::deprovisioning,
        Task::stopped,
    ];
    let mut task = Task::new("a");
    for verb in verbs {
        let before = task.version();
        task = verb(task);
        assert!(task.version() > before);
    }
}

#[test]
fn a_task_asked_to_stop_keeps_its_last_status() {
    let task = Task::new("a").running().asked_to_stop();
    assert_eq!((task.last_status(), task.desired_status()), ("RUNNING", "STOPPED"));
}

#[test]
fn tasks_differ_in_their_addresses() {
    assert_ne!(Task::new("a").ipv6(), Task::new("b").ipv6());
    assert_eq!(Task::new("a").ipv6(), Task::new("a").ipv6());
}

#[test]
fn ecs_learns_every_state_from_its_event() {
    let tasks = [
        Task::new("a").running(),
        Task::new("b").family("batch").cluster("other").running().stopped(),
        Task::new("c").region("eu-west-1").account("1").with_old_arn().pending(),
        Task::new("d").launch_type("EC2").without_address().running(),
    ];
    for task in tasks {
        let aws = Aws::new();
        aws.observe(&task.event(at())).expect("a readable event");
        assert_eq!(aws.task(&task.arn()), Some(task));
    }
}

#[test]
fn ecs_learns_from_the_captured_event() {
    let aws = Aws::new();
    aws.observe(&parse(RUNNING)).expect("a readable event");
    aws.observe(&parse(STOPPED)).expect("a readable event");
    let arn =
        "arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/c50e321c974248dbaf4ae2cfa1662986";
    let task = aws.task(arn).expect("the task");
    assert_eq!((task.version(), task.desired_status()), (6, "STOPPED"));
}

#[test]
fn an_event_without_a_task_is_an_error_that_names_the_field() {
    let aws = Aws::new();
    let error = aws.observe(&json!({"detail": {}}));
    assert_eq!(error, Err("the event has no text in detail.taskArn".to_owned()));
    let error = aws.observe(&json!({"detail": {"taskArn": "nonsense"}}));
    assert_eq!(error, Err("`nonsense` is not an ARN".to_owned()));
}

#[test]
fn an_sqs_batch_carries_its_bodies() {
    let body = Task::new("a").running().event(at()).to_string();
    let batch = sqs_batch([("m-1", body.clone()), ("m-2", "{".to_owned())]);
    let record = &batch["Records"][0];
    assert_eq!(record["messageId"], "m-1");
    assert_eq!(record["body"], body);
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(batch["Records"][1]["body"], "{");
}

#[test]
fn a_schedule_event_says_so() {
    let event = scheduled(at());
    assert_eq!(event["detail-type"], "Scheduled Event");
    assert_eq!(event["source"], "aws.events");
}
