//! Registering and deregistering.

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, RegisterTargets};
use aws_sim::{Action, Fault};
use serde_json::Value;

use crate::common::{Function, address, failures, ids, target, task};
use crate::scene::{bad, both, group, lattice};

#[tokio::test(start_paused = true)]
async fn a_task_is_registered_while_it_serves_and_no_longer() {
    let function = lattice().await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!(report["registered"][0]["targetGroupArn"], function.group.as_str());
    assert_eq!(function.registered(), [target(0)]);
    let report = function.deliver(&task(0).stopping()).await.unwrap();
    assert_eq!(
        (ids(&report, "deregistered"), function.registered().len()),
        (vec![&*address(0)], 0)
    );
    let calls = function.calls();
    let actions: Vec<Action> = calls.iter().map(|call| call.action).collect();
    assert_eq!(actions, [RegisterTargets, DeregisterTargets]);
    assert!(calls.iter().all(|call| call.host == "vpc-lattice.us-east-2.amazonaws.com"));
}

#[tokio::test(start_paused = true)]
async fn groups_of_both_kinds_are_served_side_by_side() {
    let (function, elb) = both().await;
    let tasks = [task(0), task(1).service("other-service")];
    assert!(failures(&function.deliver_batch(&tasks).await.unwrap()).is_empty());
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(function.registered_in(&elb), [target(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_targets_go_into_a_call() {
    let function = lattice().await;
    let tasks: Vec<_> = (0..201).map(task).collect();
    assert!(failures(&function.deliver_batch(&tasks).await.unwrap()).is_empty());
    assert_eq!(function.registered().len(), 201);
    assert_eq!(function.sizes(RegisterTargets), [100, 100, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_refused_by_itself_fails_alone() {
    let function = lattice().await;
    let answer = function.deliver_batch([task(0), bad(1), task(2)]).await.unwrap();
    assert_eq!(failures(&answer), ["m1"]);
    assert_eq!(function.registered(), [target(0), target(2)]);
    assert_eq!(function.sizes(RegisterTargets), [3], "no search is needed");
    let error = function.deliver(&bad(1)).await.unwrap_err().to_string();
    let told = "RegisterTargets: ValidationError: The IP address '2001:bad::1:1' is not within";
    assert!(error.contains(told), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_as_a_whole_is_halved() {
    let function = lattice().await;
    function.aws.lattice_refuses_whole_calls(true);
    let tasks: Vec<_> = (0..30).map(|n| if n == 17 { bad(n) } else { task(n) }).collect();
    assert_eq!(failures(&function.deliver_batch(&tasks).await.unwrap()), ["m17"]);
    assert_eq!(function.registered().len(), 29);
    assert!(function.sizes(RegisterTargets).len() > 3);
}

#[tokio::test(start_paused = true)]
async fn as_many_as_fit_are_registered_in_a_full_group() {
    let function = Function::in_group(group().quota(5), &[]).await;
    let tasks: Vec<_> = (0..8).map(task).collect();
    assert_eq!(failures(&function.deliver_batch(&tasks).await.unwrap()).len(), 3);
    assert_eq!(function.registered().len(), 5);
    let error = function.deliver(&task(9)).await.unwrap_err().to_string();
    assert!(error.contains("RegisterTargets: ServiceQuotaExceededException"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_the_answer_leaves_out_has_failed() {
    let function = lattice().await;
    function.aws.fault(Fault::on(RegisterTargets).rewritten(leave_out));
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("RegisterTargets: TargetFailed: VPC Lattice left the target out"));

    let function = lattice().await;
    function.aws.fault(Fault::on(DeregisterTargets).rewritten(leave_out));
    put_back(&function, [1, 2]);
    let error = function.deliver(&task(0).stopping()).await.unwrap_err().to_string();
    assert!(error.contains("DeregisterTargets: TargetFailed: VPC Lattice left the target out"));
}

/// Puts the target of task 0 there just after each of these deregisters.
fn put_back<const N: usize>(function: &Function, deregisters: [usize; N]) {
    for nth in deregisters {
        let group = function.group.clone();
        function.aws.after(DeregisterTargets, nth, move |aws| {
            aws.put_target(&group, &address(0), 8080);
        });
    }
}

fn leave_out(answer: &mut Value) {
    answer["successful"] = Value::Array(vec![]);
}

#[tokio::test(start_paused = true)]
async fn a_target_in_both_lists_has_failed() {
    let function = lattice().await;
    function.aws.fault(Fault::on(RegisterTargets).rewritten(|answer| {
        answer["unsuccessful"] = answer["successful"].clone();
    }));
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("RegisterTargets: UnknownError: no message"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_done_if_the_target_is_not_there() {
    let function = lattice().await;
    function.aws.lattice_refuses_absent_targets(true);
    let report = function.deliver(&task(0).stopping()).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    let calls = function.calls();
    let actions: Vec<Action> = calls.iter().map(|call| call.action).collect();
    assert_eq!(actions, [DeregisterTargets, Action::ListTargets]);
    assert_eq!(calls[1].targets, [target(0)], "only that target is asked for");
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_done_if_the_target_is_draining() {
    let function = lattice().await;
    function.deliver(&task(0)).await.unwrap();
    function.deliver(&task(0).stopping()).await.unwrap();
    function.aws.lattice_refuses_absent_targets(true);
    let report = function.deliver(&task(0).stopping()).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
}

/// Found by seed 12,019,154.
#[tokio::test(start_paused = true)]
async fn a_target_that_is_there_after_a_refusal_is_deregistered_once_more() {
    let function = lattice().await;
    function.aws.lattice_refuses_absent_targets(true);
    put_back(&function, [1]);
    let report = function.deliver(&task(0).stopping()).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert!(function.registered().is_empty());
    assert_eq!(function.sizes(DeregisterTargets), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_before_the_second_deregister_is_done() {
    let function = lattice().await;
    function.aws.lattice_refuses_absent_targets(true);
    put_back(&function, [1]);
    let group = function.group.clone();
    function.aws.before(DeregisterTargets, 2, move |aws| {
        aws.take_target(&group, &address(0), 8080);
    });
    let report = function.deliver(&task(0).stopping()).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(function.sizes(Action::ListTargets), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_has_failed_if_the_target_is_still_there() {
    let function = lattice().await;
    function.deliver(&task(0)).await.unwrap();
    put_back(&function, [1, 2]);
    function.aws.fault(Fault::on(DeregisterTargets).rewritten(refuse_all));
    let error = function.deliver(&task(0).stopping()).await.unwrap_err().to_string();
    assert!(error.contains("DeregisterTargets: TargetBusy: not now"), "{error}");
    assert_eq!(function.sizes(DeregisterTargets), [1, 1], "not more often");
}

#[tokio::test(start_paused = true)]
async fn a_refused_stop_has_failed_if_nobody_can_say_more() {
    let function = lattice().await;
    function.aws.lattice_refuses_absent_targets(true);
    function.aws.fault(Fault::on(Action::ListTargets).access_denied());
    let error = function.deliver(&task(0).stopping()).await.unwrap_err().to_string();
    assert!(error.contains("DeregisterTargets: TargetNotFound: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn many_refused_stops_are_asked_about_by_twenties() {
    let function = lattice().await;
    function.aws.lattice_refuses_absent_targets(true);
    let stops: Vec<_> = (0..45).map(|n| task(n).stopping()).collect();
    assert!(failures(&function.deliver_batch(&stops).await.unwrap()).is_empty());
    assert_eq!(function.sizes(Action::ListTargets), [20, 20, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_begins_to_stop_meanwhile_is_taken_back() {
    let function = lattice().await;
    function.aws.after(RegisterTargets, 1, |aws| aws.put_task(&task(0).stopping()));
    function.deliver(&task(0)).await.unwrap();
    assert!(function.registered().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_made_again() {
    let function = lattice().await;
    function.aws.fault(Fault::on(RegisterTargets).times(1).lost_answer());
    function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(function.sizes(RegisterTargets), [1, 1]);
}

fn refuse_all(answer: &mut Value) {
    let mut refused = answer["successful"].take();
    for target in refused.as_array_mut().into_iter().flatten() {
        target["failureCode"] = "TargetBusy".into();
        target["failureMessage"] = "not now".into();
    }
    answer["successful"] = Value::Array(vec![]);
    answer["unsuccessful"] = refused;
}
