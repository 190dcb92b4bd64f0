//! What a sender of forged events can achieve; SECURITY.md says so.

mod common;

use aws_sim::Action::DescribeTasks;
use aws_sim::{Fault, Task};
use common::{Function, PORT, address, batch, ids, reasons, target, task};
use serde_json::json;
use tokio::time::{Duration, sleep};

/// An address that no task of the account has.
const FOREIGN: &str = "2001:db8:bad::1";

fn foreign_target() -> String {
    format!("[{FOREIGN}]:{PORT}")
}

/// A task that ECS never heard of.
fn invented() -> Task {
    Task::new("invented").address(FOREIGN).running()
}

#[tokio::test(start_paused = true)]
async fn the_address_of_an_invented_task_is_removed_in_the_same_invocation() {
    let function = Function::new().await;
    let report = function.invoke(function.event(&invented())).await.unwrap();
    assert_eq!((ids(&report, "deregistered"), reasons(&report)), (vec![FOREIGN], vec!["gone"]));
    assert_eq!(function.registered(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_invented_tasks_address_stays_if_ecs_cannot_be_asked_for_a_minute() {
    let function = Function::new().await;
    let event = function.event(&invented());
    function.aws.fault(Fault::on(DescribeTasks).access_denied().times(1));
    let error = function.invoke(event.clone()).await.unwrap_err();
    assert_eq!(error.kind(), "TargetsFailed");
    sleep(Duration::from_secs(61)).await;
    assert_eq!(reasons(&function.invoke(event).await.unwrap()), ["gone"]);
    assert_eq!(ids(&function.reconcile().await.unwrap(), "unowned"), [FOREIGN]);
    assert_eq!(function.registered(), [foreign_target()]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_address_in_a_serving_tasks_name_is_removed_at_once() {
    // However high a version the event claims.
    for version in [task(0).version(), 999] {
        let function = Function::new().await;
        function.deliver(&task(0)).await.unwrap();
        let forged = task(0).address(FOREIGN).at_version(version);
        let report = function.invoke(function.event(&forged)).await.unwrap();
        assert_eq!(ids(&report, "registered"), [""; 0]);
        assert_eq!(ids(&report, "deregistered"), [FOREIGN]);
        assert_eq!(reasons(&report), ["superseded"]);
        assert_eq!(function.registered(), [target(0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_address_in_an_old_start_is_never_registered() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let forged = task(0).address(FOREIGN).at_version(999);
    let event = function.event_of_before(Duration::from_secs(300), &forged);
    let report = function.invoke(event).await.unwrap();
    assert_eq!(
        (ids(&report, "registered"), reasons(&report)),
        (vec![&*address(0)], vec!["superseded"])
    );
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_another_service_said_to_be_of_a_bound_one_is_removed_at_once() {
    for (age, skipped) in [(0, vec!["superseded", "no-binding"]), (300, vec!["no-binding"])] {
        let function = Function::new().await;
        function.aws.put_task(&task(0).service("other-service"));
        let age = Duration::from_secs(age);
        let report = function.invoke(function.event_of_before(age, &task(0))).await.unwrap();
        let mut reasons = reasons(&report);
        reasons.sort_by_key(|reason| *reason == "no-binding");
        assert_eq!(reasons, skipped);
        assert_eq!(function.registered(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_forged_task_does_not_take_away_the_address_of_a_serving_one() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.aws.put_task(&task(1));
    let forged = task(0).address(&address(1));
    let events = [forged, task(1)].map(|task| function.event(&task).to_string());
    let answer = function.invoke(batch(events.into_iter())).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert!(function.registered().contains(&target(1)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_know_the_address_yet_takes_nothing_away() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).without_address());
    let report = function.invoke(function.event(&task(0))).await.unwrap();
    assert_eq!((ids(&report, "registered"), reasons(&report)), (vec![&*address(0)], vec![]));
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_that_name_in_another_account_or_region_is_not_bound() {
    let function = Function::new().await;
    for stranger in [task(0).account("999999999999"), task(0).region("us-east-1")] {
        for task in [stranger.clone(), stranger.deactivating()] {
            let report = function.deliver(&task).await.unwrap();
            assert_eq!(reasons(&report), ["no-binding"]);
        }
    }
    assert_eq!(function.actions(), []);
}

#[tokio::test(start_paused = true)]
async fn a_serving_task_said_to_stop_is_out_until_the_next_reconcile() {
    for stop in [task(0).stopped(), task(0).stopped().without_address()] {
        let function = Function::new().await;
        function.deliver(&task(0)).await.unwrap();
        function.invoke(function.event(&stop)).await.unwrap();
        assert_eq!(function.registered(), [""; 0]);
        assert_eq!(ids(&function.reconcile().await.unwrap(), "registered"), [address(0)]);
        assert_eq!(function.registered(), [target(0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_added_by_hand_is_lost_to_the_stop_of_an_invented_task() {
    let function = Function::new().await;
    function.aws.put_target(&function.group, FOREIGN, PORT);
    function.aws.put_target(&function.group, FOREIGN, PORT + 1);
    function.invoke(function.event(&invented().stopped())).await.unwrap();
    function.reconcile().await.unwrap();
    // On another port than the binding's nothing is touched.
    assert_eq!(function.registered(), [format!("[{FOREIGN}]:{}", PORT + 1)]);
}
