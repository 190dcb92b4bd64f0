//! A role that cannot be assumed, or that is taken away, fails its own groups and nothing else.

use std::time::Duration;

use aws_sim::Action::{AssumeRole, RegisterTargets};
use aws_sim::{Aws, Fault};
use serde_json::json;

use crate::common::{Function, batch, failures, target, task};
use crate::scene::{EXTERNAL_ID, ROLE, by_role, group_there, pass, task_there, two_accounts, with};

const DENIED: &str = "AssumeRole: AccessDenied: User: ";

#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_assumed_fails_its_groups_alone() {
    let (function, there) = two_accounts().await;
    function.aws.delete_role(ROLE);
    let bodies = [task(0), task_there(1)].map(|task| {
        function.aws.put_task(&task);
        function.event(&task).to_string()
    });
    let answer = function.invoke(batch(bodies.into_iter())).await.unwrap();
    assert_eq!(failures(&answer), ["m1"]);
    assert_eq!(function.registered(), [target(0)]);
    for payload in [json!({"action": "reconcile"}), function.event(&task_there(1))] {
        let error = function.failure(payload).await;
        assert!(error.contains(DENIED) && error.contains(&there), "{error}");
        assert!(!error.contains("demo-ipv6"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denied_role_is_tried_again_by_the_next_invocation() {
    let (function, there) = two_accounts().await;
    function.aws.delete_role(ROLE);
    function.deliver(&task_there(0)).await.unwrap_err();
    function.aws.add_role(ROLE, Some(EXTERNAL_ID));
    function.deliver(&task_there(0)).await.unwrap();
    assert_eq!(function.registered_in(&there), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn many_groups_of_a_denied_role_do_not_ask_for_it_one_by_one() {
    let aws = Aws::new();
    let group = |n| by_role("demo-service", &aws.add_target_group(group_there(&format!("g-{n}"))));
    let bindings = (0..12).map(group).collect();
    let function = Function::with(aws.clone(), bindings, &[]).await;
    aws.latency(None, Duration::from_millis(20));
    function.deliver(&task(0)).await.unwrap_err();
    // Four are under way at once.
    let asked = function.calls_of(AssumeRole).len();
    assert!(asked <= 6, "{asked} calls");
}

#[tokio::test(start_paused = true)]
async fn the_wrong_external_id_fails_its_groups_and_is_not_shown() {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let [right, wrong] = ["right", "wrong"].map(|name| aws.add_target_group(group_there(name)));
    let mistaken = with(by_role("other-service", &wrong), json!({"externalId": "of-another"}));
    let bindings = json!([by_role("other-service", &right), mistaken]);
    let function = Function::with(aws, bindings, &[]).await;
    let error = function.deliver(&task_there(0)).await.unwrap_err().to_string();
    assert!(error.contains(DENIED) && error.contains(&wrong), "{error}");
    assert!(!error.contains("of-another") && !error.contains(EXTERNAL_ID), "{error}");
    assert_eq!(function.registered_in(&right), [target(0)]);
    assert_eq!(function.registered_in(&wrong), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_external_id_that_sts_repeats_is_not_shown() {
    let (function, _) = two_accounts().await;
    let message = format!("Value '{EXTERNAL_ID}' at 'externalId' failed to satisfy constraint");
    function.aws.fault(Fault::on(AssumeRole).error("ValidationError", &message, 400));
    let error = function.deliver(&task_there(0)).await.unwrap_err().to_string();
    assert!(error.contains("Value '***' at"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn no_target_is_to_blame_for_what_sts_does_not_accept() {
    let (function, _) = two_accounts().await;
    function.aws.fault(Fault::on(AssumeRole).error("ValidationError", "no", 400));
    let answer = function.deliver_batch((0..8).map(task_there)).await.unwrap();
    assert_eq!(failures(&answer).len(), 8);
    assert_eq!(function.calls_of(AssumeRole).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_role_deleted_in_the_middle_fails_until_there_is_one_again() {
    let (function, there) = two_accounts().await;
    function.deliver(&task_there(0)).await.unwrap();
    function.aws.before(RegisterTargets, 1, |aws| aws.delete_role(ROLE));
    let error = function.deliver(&task_there(1)).await.unwrap_err().to_string();
    assert!(error.contains("RegisterTargets: InvalidClientTokenId"), "{error}");
    let error = function.deliver_batch([task(2), task_there(1)]).await.unwrap();
    assert_eq!(failures(&error), ["m1"]);
    let error = function.deliver(&task_there(1)).await.unwrap_err().to_string();
    assert!(error.contains(DENIED), "{error}");
    function.aws.add_role(ROLE, Some(EXTERNAL_ID));
    function.deliver(&task_there(1)).await.unwrap();
    assert_eq!(function.registered_in(&there), [target(0), target(1)]);
    assert_eq!(function.registered(), [target(2)]);
}

/// A role made anew under its old name is another one: credentials of the old one are invalid.
#[tokio::test(start_paused = true)]
async fn credentials_that_elb_refuses_are_not_used_again() {
    for code in ["InvalidClientTokenId", "ExpiredToken", "AccessDenied"] {
        let (function, _) = two_accounts().await;
        function.deliver(&task_there(0)).await.unwrap();
        let refused = Fault::on(RegisterTargets).times(1).error(code, "no", 403);
        function.aws.fault(refused);
        function.deliver(&task_there(1)).await.unwrap_err();
        function.aws.take_calls();
        function.deliver(&task_there(1)).await.unwrap();
        assert_eq!(function.calls_of(AssumeRole).len(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_trusts_no_longer_serves_until_its_credentials_end() {
    let (function, there) = two_accounts().await;
    function.deliver(&task_there(0)).await.unwrap();
    function.aws.distrust(ROLE);
    pass(50).await;
    function.deliver(&task_there(1)).await.unwrap();
    pass(6).await;
    let error = function.deliver(&task_there(2)).await.unwrap_err().to_string();
    assert!(error.contains(DENIED), "{error}");
    assert_eq!(function.registered_in(&there), [target(0), target(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_takes_more_than_a_second_fails_no_write() {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let groups: Vec<String> =
        (0..30).map(|n| aws.add_target_group(group_there(&format!("tg-{n}")))).collect();
    let bindings = groups.iter().map(|group| by_role("other-service", group)).collect();
    let function = Function::with(aws, bindings, &[]).await;
    function.aws.fault(Fault::on(AssumeRole).hang(Duration::from_millis(1200)));
    pass(120).await;
    let answer = function.deliver_batch([task_there(1)]).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    assert!(groups.iter().all(|group| function.registered_in(group) == [target(1)]));
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_hangs_keeps_nobody_else_waiting() {
    let (function, _) = two_accounts().await;
    function.aws.fault(Fault::on(AssumeRole).hang(Duration::from_secs(60)));
    let bodies = [task(0), task_there(1)].map(|task| {
        function.aws.put_task(&task);
        function.event(&task).to_string()
    });
    let answer = function.invoke(batch(bodies.into_iter())).await.unwrap();
    assert_eq!((failures(&answer), function.registered()), (vec!["m1"], vec![target(0)]));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_sts_is_asked_again() {
    let (function, there) = two_accounts().await;
    function.aws.fault(Fault::on(AssumeRole).times(2).throttled());
    function.deliver(&task_there(0)).await.unwrap();
    assert_eq!(function.registered_in(&there), [target(0)]);
    assert_eq!(function.calls_of(AssumeRole).len(), 3);
}
