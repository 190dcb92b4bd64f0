//! When AWS is slow, refuses or does not answer: the promise P5 (nothing lost, nothing swallowed),
//! over the simulated AWS.

mod common;

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, DescribeTasks, RegisterTargets};
use aws_sim::{Fault, Task};
use common::{Function, address, failures, target, task};

#[tokio::test(start_paused = true)]
async fn throttling_and_server_errors_are_tried_again() {
    for fault in [
        Fault::on(RegisterTargets).times(2).throttled(),
        Fault::on(RegisterTargets).times(2).internal_error(),
        Fault::on(DescribeTasks).times(2).throttled(),
        Fault::on(DescribeTasks).times(2).internal_error(),
    ] {
        let function = Function::new().await;
        function.aws.fault(fault);
        function.deliver(&task(0)).await.unwrap();
        assert_eq!(function.registered(), [target(0)]);
        assert_eq!(function.actions().len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn throttling_that_lasts_fails_the_message() {
    let function = Function::new().await;
    function.aws.fault(Fault::on(RegisterTargets).throttled());
    let answer = function.deliver_batch(&[task(0)]).await.unwrap();
    assert_eq!(failures(&answer), ["m0"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_after_the_effect_does_no_harm() {
    for action in [RegisterTargets, DescribeTasks] {
        let function = Function::new().await;
        function.aws.fault(Fault::on(action).nth(1).lost_answer());
        function.deliver(&task(0)).await.unwrap();
        assert_eq!(function.registered(), [target(0)]);
    }
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.fault(Fault::on(DeregisterTargets).nth(1).lost_answer());
    function.deliver(&task(0).stopped()).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_direct_event_that_fails_is_an_error_that_names_all_an_operator_needs() {
    let function = Function::new().await;
    function.aws.fault(Fault::on(RegisterTargets).access_denied());
    let error = function.deliver(&task(0)).await.unwrap_err();
    assert_eq!(error.kind(), "TargetsFailed");
    let message = error.to_string();
    for named in [&task(0).arn(), &function.group, &target(0), "AccessDenied", "RegisterTargets"] {
        assert!(message.contains(named), "{named} is missing in {message}");
    }
    // The runtime logs the error's Debug, which must show nothing more.
    assert_eq!(format!("{error:?}"), format!("TargetsFailed: {message}"));
    assert!(!message.contains("x-amz") && !message.contains('\n'), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_register_that_cannot_be_confirmed_fails_so_that_it_is_retried() {
    let function = Function::new().await;
    function.aws.fault(Fault::on(DescribeTasks).times(1).access_denied());
    let start = function.event(&task(0));
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("Unconfirmed") && error.contains("AccessDenied"), "{error}");
    // Serving all the same (P1), and right after the retry.
    assert_eq!(function.registered(), [target(0)]);
    function.aws.put_task(&task(0).deactivating());
    function.invoke(start).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_killed_after_the_register_is_repaired_by_the_next() {
    let function = Function::new().await;
    let start = function.event(&task(0));
    function.aws.put_task(&task(0));
    function.aws.latency(Some(DescribeTasks), Duration::from_secs(3));
    let killed = tokio::time::timeout(Duration::from_secs(1), function.invoke(start.clone())).await;
    assert!(killed.is_err());
    assert_eq!(function.registered(), [target(0)]);
    function.aws.put_task(&task(0).stopped());
    tokio::time::sleep(Duration::from_secs(180)).await;
    function.invoke(start).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_given_up_before_the_deadline_and_reported() {
    let function = Function::new().await;
    function.aws.fault(Fault::on(RegisterTargets).hang(Duration::from_secs(600)));
    let begun = function.aws.now();
    let tasks: Vec<Task> = vec![task(0), task(1)];
    tasks.iter().for_each(|task| function.aws.put_task(task));
    let events = tasks.iter().map(|task| function.event(task).to_string());
    let left = Duration::from_secs(4);
    let answer = function.invoke_within(left, common::batch(events)).await.unwrap();
    assert_eq!(failures(&answer), ["m0", "m1"]);
    let took = function.aws.now().duration_since(begun).unwrap();
    assert!(took < left && took > left / 2, "took {took:?} of {left:?}");
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nothing_more_is_called() {
    let function = Function::new().await;
    function.aws.latency(Some(RegisterTargets), Duration::from_secs(3));
    function.aws.put_task(&task(0));
    let event = function.event(&task(0));
    let error = function.invoke_within(Duration::from_secs(3), event).await.unwrap_err();
    assert!(error.to_string().contains("DeadlineReached"), "{error}");
    assert_eq!(function.actions(), [RegisterTargets]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_connection_is_tried_again_within_the_deadline() {
    let function = Function::new().await;
    function.aws.fault(Fault::on(RegisterTargets).nth(1).hang(Duration::from_secs(600)));
    function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(function.actions(), [RegisterTargets, RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_older_than_the_event_is_not_the_last_word() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).without_address().at_version(2));
    let start = function.event(&task(0).without_address());
    let error = function.invoke(start.clone()).await.unwrap_err().to_string();
    assert!(error.contains("StaleAnswer"), "{error}");
    function.aws.put_task(&task(0));
    function.invoke(start).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_does_not_undo_a_register() {
    let function = Function::new().await;
    function.aws.put_task(&Task::new(task(0).id()).address(&address(0)).pending());
    function.invoke(function.event(&task(0))).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_taken_away_after_the_look_fails() {
    let function = Function::new().await;
    function.aws.before(RegisterTargets, 1, |aws| aws.put_task(&task(0).deactivating()));
    function.aws.fault(Fault::on(DeregisterTargets).access_denied());
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("DeregisterTargets: AccessDenied"), "{error}");
}
