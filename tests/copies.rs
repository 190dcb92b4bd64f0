//! Copies of stops that come beside the queue: the promise P10 (soon), over the simulated AWS.

mod common;

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, DescribeTasks, RegisterTargets};
use aws_sim::{Fault, Task};
use common::{Function, PORT, address, batch, ids, reasons, target, task};
use serde_json::{Value, json};

/// What the rule's input template makes of an event.
fn copy(event: Value) -> Value {
    json!({"copy": "queued", "event": event})
}

async fn deliver_copy(function: &Function, task: &Task) -> Value {
    function.aws.put_task(task);
    function.invoke(copy(function.event(task))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_acted_on_at_once_and_its_message_once_more() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.actions();
    let report = deliver_copy(&function, &task(0).deactivating()).await;
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(report["deregistered"][0]["taskArn"], task(0).arn());
    let message = function.event(&task(0).deactivating()).to_string();
    let answer = function.invoke(batch([message].into_iter())).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(function.actions(), [DeregisterTargets; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_without_the_address_is_asked_about() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.actions();
    function.aws.put_task(&task(0).deactivating());
    let event = function.event(&task(0).deactivating().without_address());
    let report = function.invoke(copy(event)).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(function.actions(), [DescribeTasks, DeregisterTargets]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_copies_is_acted_on_in_part_and_the_rest_costs_no_call() {
    let function = Function::new().await;
    function.deliver_batch((0..100).map(task)).await.unwrap();
    function.actions();
    let mut queued = 0;
    for n in 0..100 {
        let report = deliver_copy(&function, &task(n).deactivating()).await;
        queued += usize::from(reasons(&report) == ["queued"]);
        assert_eq!(report["failed"], json!([]));
    }
    let writes = function.actions();
    assert_eq!((queued + writes.len(), writes.len()), (100, 2));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let report = deliver_copy(&function, &task(50).deactivating()).await;
    assert_eq!(ids(&report, "deregistered"), [address(50)]);
    assert_eq!(reasons(&deliver_copy(&function, &task(51).deactivating()).await), ["queued"]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_costs_as_many_of_them_as_its_task_has_groups() {
    let (function, _) = Function::in_groups(2).await;
    for n in 0..20 {
        deliver_copy(&function, &task(n).deactivating()).await;
    }
    assert_eq!(function.actions(), [DeregisterTargets; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_fails_is_left_to_the_queue_and_is_no_error() {
    for fault in [
        Fault::on(DeregisterTargets).access_denied(),
        Fault::on(DeregisterTargets).throttled(),
        Fault::on(DeregisterTargets).hang(Duration::from_secs(600)),
    ] {
        let function = Function::new().await;
        function.deliver(&task(0)).await.unwrap();
        function.aws.fault(fault);
        let report = deliver_copy(&function, &task(0).deactivating()).await;
        assert_eq!((reasons(&report), &report["failed"]), (vec!["queued"], &json!([])));
        assert!(!function.metrics().concat().contains("ErrorType"));
    }
    let function = Function::new().await;
    function.aws.fault(Fault::on(DescribeTasks).access_denied());
    let silent = function.event(&task(0).deactivating().without_address());
    let report = function.invoke(copy(silent)).await.unwrap();
    assert_eq!(reasons(&report), ["queued"]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_cannot_be_read_is_left_to_the_queue_and_is_no_error() {
    let function = Function::new().await;
    let mut event = function.event(&task(0).deactivating());
    event["detail"].as_object_mut().unwrap().remove("version");
    let report = function.invoke(copy(event)).await.unwrap();
    assert_eq!((&report["skipped"], &report["failed"]), (&json!([]), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_copy_of_an_event_is_an_unknown_input() {
    let function = Function::new().await;
    let event = function.event(&task(0).deactivating());
    for input in [
        json!({"copy": "queued"}),
        json!({"copy": "queued", "event": {"source": "aws.batch"}}),
        json!({"copy": "other", "event": event}),
        json!({"copy": null, "event": event}),
    ] {
        let error = function.invoke(input).await.unwrap_err();
        assert_eq!(error.kind(), "UnknownInput");
        assert!(error.to_string().contains(r#"{"copy": "queued", "event": E}"#), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_task_without_a_binding_costs_nothing() {
    let function = Function::new().await;
    for n in 0..20 {
        let stop = task(n).service("other-service").deactivating();
        assert_eq!(reasons(&deliver_copy(&function, &stop).await), ["no-binding"]);
    }
    assert_eq!(function.actions(), []);
    let report = deliver_copy(&function, &task(0).deactivating()).await;
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_in_a_dry_run_says_what_would_be_done() {
    let function = Function::with_settings(&[("DRY_RUN", "true")]).await;
    function.aws.put_target(&function.group, &address(0), PORT);
    let report = deliver_copy(&function, &task(0).deactivating()).await;
    assert_eq!(
        (ids(&report, "deregistered"), &report["dryRun"]),
        (vec![&*address(0)], &json!(true))
    );
    assert_eq!((function.registered(), function.actions()), (vec![target(0)], vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_copy_of_a_start_is_settled_like_its_event() {
    let function = Function::new().await;
    let report = deliver_copy(&function, &task(0)).await;
    assert_eq!(ids(&report, "registered"), [address(0)]);
    assert_eq!(function.actions(), [RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn the_message_of_a_copied_stop_does_not_count_its_time_once_more() {
    let function = Function::new().await;
    function.deliver_batch(&[task(0), task(1)]).await.unwrap();
    deliver_copy(&function, &task(0).deactivating()).await;
    assert!(function.metrics().concat().contains("TimeToDeregister"));
    tokio::time::sleep(Duration::from_secs(20)).await;
    for (n, counted) in [(0, false), (1, true)] {
        function.deliver_batch(&[task(n).deactivating()]).await.unwrap();
        let metrics = function.metrics().concat();
        assert_eq!(metrics.contains("TimeToDeregister"), counted, "{metrics}");
        assert!(metrics.contains(r#""Deregistered":1"#), "{metrics}");
    }
}
