//! What somebody can reach who may send the function events of their own making; SECURITY.md tells it.

mod common;

use common::{Function, PORT, address, binding, ids, reasons, target, task};
use serde_json::{Value, json};
use sim::Action::DescribeTasks;
use sim::{Aws, Fault, TargetGroup, Task};
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

async fn reconcile(function: &Function) -> Value {
    function.invoke(json!({"action": "reconcile"})).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_address_of_an_invented_task_is_removed_in_the_same_invocation() {
    let function = Function::new().await;
    let report = function.invoke(function.event(&invented())).await.unwrap();
    assert_eq!((ids(&report, "deregistered"), reasons(&report)), (vec![FOREIGN], vec!["gone"]));
    assert_eq!(function.registered(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_address_of_an_invented_task_stays_unowned_if_ecs_cannot_be_asked_for_a_minute() {
    let function = Function::new().await;
    let event = function.event(&invented());
    function.aws.fault(Fault::on(DescribeTasks).access_denied().times(1));
    let error = function.invoke(event.clone()).await.unwrap_err();
    assert_eq!(error.kind(), "TargetsFailed");
    sleep(Duration::from_secs(61)).await;
    assert_eq!(reasons(&function.invoke(event).await.unwrap()), ["gone"]);
    assert_eq!(ids(&reconcile(&function).await, "unowned"), [FOREIGN]);
    assert_eq!(function.registered(), [foreign_target()]);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_address_in_the_name_of_a_serving_task_stays_unowned_unless_all_is_pruned() {
    for (prune, removed) in [("proven", false), ("all", true)] {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
        let bindings = json!([binding(&group, Some(PORT))]);
        let function = Function::with(aws, bindings, &[("PRUNE", prune)]).await;
        function.deliver(&task(0)).await.unwrap();
        function.invoke(function.event(&task(0).address(FOREIGN))).await.unwrap();
        let both = [target(0), foreign_target()];
        assert!(both.iter().all(|target| function.registered().contains(target)));

        let report = reconcile(&function).await;
        let listed = if removed { "deregistered" } else { "unowned" };
        assert_eq!(ids(&report, listed), [FOREIGN], "{prune}");
        assert_eq!(function.registered().contains(&both[1]), !removed, "{prune}");
        assert!(function.registered().contains(&both[0]), "{prune}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_serving_task_said_to_stop_is_out_until_the_next_reconcile() {
    for stop in [task(0).stopped(), task(0).stopped().without_address()] {
        let function = Function::new().await;
        function.deliver(&task(0)).await.unwrap();
        function.invoke(function.event(&stop)).await.unwrap();
        assert_eq!(function.registered(), [""; 0]);
        assert_eq!(ids(&reconcile(&function).await, "registered"), [address(0)]);
        assert_eq!(function.registered(), [target(0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_added_by_hand_does_not_come_back_after_the_stop_of_an_invented_task() {
    let function = Function::new().await;
    function.aws.put_target(&function.group, FOREIGN, PORT);
    function.aws.put_target(&function.group, FOREIGN, PORT + 1);
    function.invoke(function.event(&invented().stopped())).await.unwrap();
    reconcile(&function).await;
    // On another port than the binding's nothing is touched.
    assert_eq!(function.registered(), [format!("[{FOREIGN}]:{}", PORT + 1)]);
}
