//! The sample inputs in `events/`, as they are and damaged in every possible place.

mod common;

use std::path::PathBuf;

use common::{Function, failures, ids, reasons};
use ecs_ipv6_targets::core::task::Phase;
use ecs_ipv6_targets::input::task_event;
use serde_json::{Value, json};

const ADDRESS: &str = "2001:db8:1234:1a00:9691:9503:25ad:1761";
const SECOND: &str = "2001:db8:1234:1a00:47f2:8be1:6c0d:93aa";

fn samples() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("events");
    let mut samples: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        })
        .collect();
    samples.sort_by(|(a, _), (b, _)| a.cmp(b));
    samples
}

fn sample(name: &str) -> Value {
    samples().into_iter().find(|(found, _)| found == name).unwrap().1
}

#[test]
fn every_task_event_is_read_for_what_it_is() {
    use Phase::{Leaving, Serving, Starting};
    let expected = [
        ("task-bridge.json", 4, Serving, None),
        ("task-crashed.json", 5, Leaving, Some("2001:db8:1234:1a00:5c3e:a1f0:7d42:3333")),
        ("task-deactivating.json", 4, Leaving, Some(ADDRESS)),
        ("task-other-service.json", 3, Serving, Some("2001:db8:1234:1a00:9691:9503:25ad:2222")),
        ("task-pending.json", 2, Starting, Some(ADDRESS)),
        ("task-provisioning.json", 1, Starting, None),
        ("task-running-second.json", 4, Serving, Some(SECOND)),
        ("task-running.json", 3, Serving, Some(ADDRESS)),
        ("task-stopped.json", 6, Leaving, Some(ADDRESS)),
        ("task-without-ipv6.json", 3, Serving, None),
    ];
    let events = samples().into_iter().filter(|(name, _)| name.starts_with("task-"));
    let read: Vec<_> = events
        .map(|(name, event)| {
            let task = task_event::read(event).unwrap().task;
            (name, task.version, task.phase, task.address.map(|address| address.to_string()))
        })
        .collect();
    let expected = expected.map(|(name, version, phase, address)| {
        (name.to_owned(), version, phase, address.map(str::to_owned))
    });
    assert_eq!(read, expected);
}

/// What captured events show. That the interfaces carry the IPv6 address is the word of AWS's
/// schema of the event: no captured event has one.
#[test]
fn the_task_events_have_the_shape_of_captured_ones() {
    let required = "taskArn clusterArn version lastStatus desiredStatus containers overrides \
                    createdAt updatedAt taskDefinitionArn";
    for (name, event) in samples().into_iter().filter(|(name, _)| name.starts_with("task-")) {
        let detail = &event["detail"];
        for field in required.split_whitespace() {
            assert!(detail.get(field).is_some(), "{name}: {field}");
        }
        let updated = detail["updatedAt"].as_str().unwrap();
        assert_eq!(event["time"], format!("{}Z", &updated[..19]), "{name}: cut to the second");
        let attachments = detail["attachments"].as_array().unwrap();
        for attachment in attachments.iter().filter(|a| a["type"] == "elb" || a["type"] == "sdi") {
            assert_eq!(attachment["details"], json!([]), "{name}");
        }
        // A task that runs in a bridge network has no interface of its own.
        for interface in attachments.iter().filter(|a| a["type"] == "eni") {
            let (interface_is, containers_are) = match detail["lastStatus"].as_str().unwrap() {
                "PROVISIONING" => ("PRECREATED", "PENDING"),
                "PENDING" => ("ATTACHED", "PENDING"),
                "RUNNING" | "DEACTIVATING" => ("ATTACHED", "RUNNING"),
                "DEPROVISIONING" => ("ATTACHED", "STOPPED"),
                "STOPPED" => ("DELETED", "STOPPED"),
                other => panic!("{name}: {other}"),
            };
            assert_eq!(interface["status"], interface_is, "{name}");
            for container in detail["containers"].as_array().unwrap() {
                assert_eq!(container["lastStatus"], containers_are, "{name}");
                let kept = container["networkInterfaces"].as_array().unwrap();
                let count = usize::from(interface_is != "PRECREATED");
                assert_eq!(kept.len(), count, "{name}: stop events keep the interface");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_deregisters_the_task_before_its_interface_is_deleted() {
    let function = Function::new().await;
    let crash = sample("task-crashed.json");
    let address = "2001:db8:1234:1a00:5c3e:a1f0:7d42:3333";
    function.aws.put_target(&function.group, address, 8080);
    let report = function.invoke(crash).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address]);
    assert_eq!(function.registered(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_batches_register_both_tasks_and_return_the_poison() {
    for (name, poison) in [
        ("sqs-batch.json", &[][..]),
        ("sqs-batch-with-poison.json", &["e5c7f8a1-6b2d-4c3e-9f10-8a7b6c5d4e3f"]),
    ] {
        let function = Function::new().await;
        function.aws.observe(&sample("task-running.json")).unwrap();
        function.aws.observe(&sample("task-running-second.json")).unwrap();
        let answer = function.invoke(sample(name)).await.unwrap();
        assert_eq!(failures(&answer), poison, "{name}");
        assert_eq!(function.registered(), [SECOND, ADDRESS].map(|a| format!("[{a}]:8080")));
    }
}

#[tokio::test(start_paused = true)]
async fn the_copy_of_a_stop_is_a_copy_of_the_sample_and_deregisters_its_task() {
    let function = Function::new().await;
    let copy = sample("copy-of-stop.json");
    assert_eq!(copy, json!({"copy": "queued", "event": sample("task-deactivating.json")}));
    function.aws.put_target(&function.group, ADDRESS, 8080);
    let report = function.invoke(copy).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [ADDRESS]);
    assert_eq!(function.registered(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_samples_for_people_explain_a_task_and_show_and_describe_the_page() {
    let function = Function::new().await;
    function.aws.observe(&sample("task-running.json")).unwrap();
    let explained = function.invoke(sample("explain.json")).await.unwrap();
    assert_eq!(explained["bindings"][0]["would"], "register");
    let page = function.invoke(sample("widget.json")).await.unwrap();
    assert!(page.as_str().unwrap().contains(ADDRESS), "{page}");
    let described = function.invoke(sample("describe.json")).await.unwrap();
    assert!(described["markdown"].is_string(), "{described}");
}

#[tokio::test(start_paused = true)]
async fn a_bridge_task_and_one_without_ipv6_are_skipped_for_lack_of_an_address() {
    let function = Function::new().await;
    for name in ["task-bridge.json", "task-without-ipv6.json"] {
        function.aws.observe(&sample(name)).unwrap();
        let report = function.invoke(sample(name)).await.unwrap();
        assert_eq!((reasons(&report), ids(&report, "registered").len()), (vec!["no-address"], 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_an_array_is_not_read_by_position() {
    let function = Function::new().await;
    let mut batch = sample("sqs-batch.json");
    let body = batch["Records"][0]["body"].take();
    batch["Records"][0] = json!(["some id", "some handle", body]);
    let error = function.invoke(batch).await.unwrap_err();
    assert_eq!(error.kind(), "NamelessMessage");
    assert!(!function.registered().contains(&format!("[{ADDRESS}]:8080")));
}

/// Every place in a JSON value, as a pointer.
fn places(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                self::places(value, format!("{at}/{}", key.replace('/', "~1")), places);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                self::places(value, format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(at);
}

/// The value with one place removed, and with something odd in that place.
fn damaged(value: &Value, place: &str) -> Vec<Value> {
    let odd =
        [json!(null), json!(true), json!(-1), json!(1e300), json!("null"), json!([]), json!({})];
    let mut damaged: Vec<Value> = odd
        .into_iter()
        .map(|odd| {
            let mut copy = value.clone();
            *copy.pointer_mut(place).unwrap() = odd;
            copy
        })
        .collect();
    if let Some((parent, key)) = place.rsplit_once('/') {
        let mut copy = value.clone();
        match copy.pointer_mut(parent) {
            Some(Value::Object(map)) => _ = map.remove(key),
            Some(Value::Array(list)) => _ = list.remove(key.parse().unwrap()),
            _ => unreachable!("a place has a parent"),
        }
        damaged.push(copy);
    }
    damaged
}

#[tokio::test(start_paused = true)]
async fn a_damaged_input_is_handled_and_never_touches_another_address() {
    let mut accepted = 0;
    let mut refused = 0;
    for (name, sample) in samples() {
        let function = Function::new().await;
        let mut pointers = Vec::new();
        places(&sample, String::new(), &mut pointers);
        for damaged in pointers.iter().flat_map(|place| damaged(&sample, place)) {
            match function.invoke(damaged.clone()).await {
                Ok(_) => accepted += 1,
                Err(error) => {
                    refused += 1;
                    assert!(
                        ["UnknownInput", "UnreadableEvent", "NamelessMessage", "TargetsFailed"]
                            .contains(&error.kind()),
                        "{name}: {error} for {damaged}"
                    );
                }
            }
        }
        let ours = |target: &String| {
            target.starts_with('[')
                && sample
                    .to_string()
                    .contains(target.trim_start_matches('[').split(']').next().unwrap_or_default())
        };
        let calls = function.aws.calls();
        let touched = calls.iter().filter(|call| call.values("TargetGroupArn").len() == 1);
        for target in touched.flat_map(|call| &call.targets) {
            assert!(ours(target), "{name}: touched {target}");
        }
    }
    // Most fields do not matter, so most damage does none; some fields are needed.
    assert!(accepted > 4_000 && refused > 100, "{accepted} accepted, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_batch_returns_no_intact_message() {
    let function = Function::new().await;
    function.aws.observe(&sample("task-running.json")).unwrap();
    function.aws.observe(&sample("task-running-second.json")).unwrap();
    let batch = sample("sqs-batch.json");
    let sound = batch["Records"][1]["messageId"].as_str().unwrap().to_owned();
    let mut pointers = Vec::new();
    places(&batch["Records"][0], String::new(), &mut pointers);
    for place in pointers.iter().filter(|place| !place.is_empty()) {
        for record in damaged(&batch["Records"][0], place) {
            let mut batch = batch.clone();
            batch["Records"][0] = record;
            if let Ok(answer) = function.invoke(batch).await {
                assert!(!failures(&answer).contains(&sound.as_str()), "damage at {place}");
            }
        }
    }
}
