//! `{"action":"release"}`: a group is emptied before its tag is taken away.

use aws_sim::Action::{DescribeTargetHealth, GetResources, ListTasks};
use aws_sim::Fault;
use serde_json::{Value, json};

use crate::common::{Function, PORT, address, ids, target, task};
use crate::scene::{DEMO, KEY, tagged, united};

fn release(group: &str) -> Value {
    json!({"action": "release", "targetGroupArn": group})
}

/// A tagged group with a serving task, one whose stop was missed, and somebody else's target.
async fn in_use() -> (Function, String) {
    let (function, tagged) = united(DEMO).await;
    function.deliver_batch([task(0), task(1)]).await.unwrap();
    function.aws.put_task(&task(1).stopped());
    function.aws.put_target(&tagged, &address(9), PORT);
    function.actions();
    (function, tagged)
}

#[tokio::test(start_paused = true)]
async fn a_release_deregisters_what_tasks_of_the_group_explain() {
    let (function, tagged) = in_use().await;
    let dry = json!({"action": "release", "targetGroupArn": tagged, "dryRun": true});
    let report = function.invoke(dry).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0), address(1)]);
    assert_eq!((&report["dryRun"], function.writes()), (&json!(true), 0));
    let report = function.invoke(release(&tagged)).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0), address(1)]);
    assert_eq!(function.registered_in(&tagged), [target(9)]);
    assert_eq!(function.registered().len(), 2, "other groups keep theirs");
    let report = function.invoke(release(&tagged)).await.unwrap();
    assert_eq!(report["deregistered"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_release_and_the_end_of_the_tag_leave_nothing_behind() {
    let (function, tagged) = in_use().await;
    function.invoke(release(&tagged)).await.unwrap();
    function.aws.untag(&tagged, KEY);
    function.scheduled().await.unwrap();
    assert_eq!(function.registered_in(&tagged), [target(9)]);
    // Without untagging, the next reconcile brings back what serves.
    function.aws.tag(&tagged, KEY, DEMO);
    function.scheduled().await.unwrap();
    assert_eq!(function.registered_in(&tagged), [target(0), target(9)]);
}

#[tokio::test(start_paused = true)]
async fn a_group_without_bindings_has_nothing_to_release() {
    let function = tagged(DEMO).await;
    let group = function.group.replace("demo-ipv6", "another");
    let report = function.invoke(release(&group)).await.unwrap();
    let nothing = json!({
        "registered": [], "deregistered": [], "unowned": [], "skipped": [], "failed": [],
        "dryRun": false
    });
    assert_eq!((report, function.actions()), (nothing, vec![GetResources]));
}

#[tokio::test(start_paused = true)]
async fn a_group_of_bindings_can_be_released_without_any_tag() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    let report = function.invoke(release(&function.group)).await.unwrap();
    assert_eq!((ids(&report, "deregistered").len(), function.registered().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_release_that_cannot_read_everything_fails() {
    for action in [GetResources, DescribeTargetHealth, ListTasks] {
        let (function, tagged) = in_use().await;
        function.aws.fault(Fault::on(action).access_denied());
        let error = function.invoke(release(&tagged)).await.unwrap_err().to_string();
        assert!(error.contains(&format!("{action}: AccessDenied")), "{error}");
    }
}
