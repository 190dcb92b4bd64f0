//! One event at a time, straight from EventBridge: the promises P1 (serving), P2 (leaving),
//! P3 (convergence) and P8 (explained), over the simulated AWS.

mod common;

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, DescribeTargetGroups, DescribeTasks, RegisterTargets};
use aws_sim::{Aws, TargetGroup, Task};
use common::{Function, PORT, address, binding, binding_of_family, ids, reasons, target, task};
use serde_json::{Value, json};

const MINUTES: Duration = Duration::from_secs(300);

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_is_registered_and_looked_at_again() {
    let function = Function::new().await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(
        report,
        json!({
            "registered": [{
                "taskArn": task(0).arn(),
                "targetGroupArn": function.group,
                "id": address(0),
                "port": PORT
            }],
            "deregistered": [], "unowned": [], "skipped": [], "failed": [], "dryRun": false
        })
    );
    assert_eq!(function.actions(), [RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn the_first_event_of_a_stop_deregisters_in_one_call() {
    for stop in [task(0).asked_to_stop(), task(0).deactivating(), task(0).stopped()] {
        let function = Function::new().await;
        function.deliver(&task(0)).await.unwrap();
        function.actions();
        let report = function.deliver(&stop).await.unwrap();
        assert_eq!(function.registered(), [] as [String; 0]);
        assert_eq!(ids(&report, "deregistered"), [address(0)]);
        assert_eq!(function.actions(), [DeregisterTargets]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_names_id_and_port_and_no_availability_zone() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.deliver(&task(0).deactivating()).await.unwrap();
    let calls = function.aws.take_calls();
    let writes = calls.iter().filter(|call| call.action != DescribeTasks);
    for call in writes {
        assert_eq!(call.values("Port"), [PORT.to_string()]);
        assert_eq!(call.values("Id"), [address(0)]);
        assert_eq!(call.values("AvailabilityZone"), [] as [&str; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_changes_nothing() {
    let function = Function::new().await;
    for _ in 0..2 {
        function.deliver(&task(0)).await.unwrap();
        assert_eq!(function.registered(), [target(0)]);
    }
    for _ in 0..2 {
        function.deliver(&task(0).deactivating()).await.unwrap();
        assert_eq!(function.registered(), [] as [String; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_drains_is_brought_back_by_a_task_that_runs() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.deliver(&task(0).stopped()).await.unwrap();
    let successor = Task::new("successor").address(&address(0)).running();
    function.deliver(&successor).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_late_start_leaves_nothing_behind() {
    let function = Function::new().await;
    let start = function.event(&task(0));
    function.deliver(&task(0).stopped()).await.unwrap();
    function.actions();
    tokio::time::sleep(MINUTES).await;
    let report = function.invoke(start).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
    assert_eq!(reasons(&report), ["superseded"]);
    // It also cleans up after an earlier delivery that was killed between register and look.
    assert_eq!(function.actions(), [DescribeTasks, DeregisterTargets]);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_arrives_just_after_the_stop_leaves_nothing_behind() {
    let function = Function::new().await;
    let start = function.event(&task(0));
    function.deliver(&task(0).deactivating()).await.unwrap();
    let report = function.invoke(start).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
    assert_eq!((ids(&report, "registered").len(), reasons(&report)), (0, vec!["superseded"]));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_begins_to_stop_during_the_register_leaves_nothing_behind() {
    let function = Function::new().await;
    // The stop is handled by another instance, which finds nothing to deregister.
    function.aws.before(RegisterTargets, 1, |aws| aws.put_task(&task(0).deactivating()));
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(function.actions(), [RegisterTargets, DescribeTasks, DeregisterTargets]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_vanishes_during_the_register_leaves_nothing_behind() {
    let function = Function::new().await;
    function.aws.after(RegisterTargets, 1, |aws| aws.forget_task(&task(0).arn()));
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
    assert_eq!(reasons(&report), ["gone"]);
}

#[tokio::test(start_paused = true)]
async fn start_and_stop_handled_at_the_same_moment_leave_nothing_behind() {
    for (register, deregister) in [(0, 50), (50, 0), (20, 20)] {
        let function = Function::new().await;
        function.aws.latency(Some(RegisterTargets), Duration::from_millis(register));
        function.aws.latency(Some(DeregisterTargets), Duration::from_millis(deregister));
        let (start, stop) = (function.event(&task(0)), function.event(&task(0).deactivating()));
        function.aws.put_task(&task(0).deactivating());
        let (start, stop) = tokio::join!(function.invoke(start), function.invoke(stop));
        assert!(start.is_ok() && stop.is_ok());
        assert_eq!(function.registered(), [] as [String; 0], "{register} {deregister}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_start_is_asked_about_and_registered_if_the_task_still_runs() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.invoke(function.event_of_before(MINUTES, &task(0))).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(function.actions(), [DescribeTasks, RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn an_old_start_of_a_task_that_ecs_forgot_is_skipped_as_gone() {
    let function = Function::new().await;
    let report = function.invoke(function.event_of_before(MINUTES, &task(0))).await.unwrap();
    assert_eq!(reasons(&report), ["gone"]);
    assert_eq!(function.actions(), [DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_time_is_not_taken_for_fresh() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let mut event = function.event(&task(0));
    event.as_object_mut().unwrap().remove("time");
    function.invoke(event).await.unwrap();
    assert_eq!(function.actions(), [DescribeTasks, RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn ecs_is_asked_for_an_address_that_the_event_does_not_carry() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let start = function.event(&task(0).without_address());
    function.invoke(start).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    function.aws.put_task(&task(0).stopped());
    let stop = function.event(&task(0).stopped().without_address());
    function.invoke(stop).await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_task_without_a_change_is_skipped_with_the_reason() {
    let function = Function::new().await;
    let cases: [(Task, &str, usize); 6] = [
        (Task::new("a").provisioning(), "not-running", 0),
        (Task::new("b").activating(), "not-running", 0),
        (Task::new("c").without_address().running(), "no-address", 1),
        (Task::new("d").launch_type("EXTERNAL").running(), "no-address", 1),
        (Task::new("e").service("other-service").running(), "no-binding", 0),
        (Task::new("f").cluster("other-cluster").running(), "no-binding", 0),
    ];
    for (task, reason, calls) in cases {
        let report = function.deliver(&task).await.unwrap();
        assert_eq!(reasons(&report), [reason], "{}", task.id());
        assert_eq!(report["skipped"][0]["taskArn"], task.arn());
        assert_eq!(function.actions().len(), calls, "{}", task.id());
    }
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_service_may_have_several_groups_and_ports() {
    let aws = Aws::new();
    let web = aws.add_target_group(TargetGroup::ipv6("web").port(80));
    let dns = aws.add_target_group(TargetGroup::ipv6("dns").port(53));
    let bindings =
        json!([binding(&web, Some(8080)), binding(&web, Some(8443)), binding(&dns, None)]);
    let function = Function::with(aws, bindings, &[]).await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!(report["registered"].as_array().unwrap().len(), 3);
    let (first, second) = (format!("[{}]:8080", address(0)), format!("[{}]:8443", address(0)));
    assert_eq!(function.registered_in(&web), [first, second]);
    assert_eq!(function.registered_in(&dns), [format!("[{}]:53", address(0))]);
    function.deliver(&task(0).deactivating()).await.unwrap();
    assert_eq!(function.registered_in(&web).len() + function.registered_in(&dns).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_port_left_to_the_group_is_looked_up_once() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(5353));
    let function = Function::with(aws, json!([binding(&group, None)]), &[]).await;
    function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [format!("[{}]:5353", address(0))]);
    function.deliver(&task(1)).await.unwrap();
    let lookups = function.actions().into_iter().filter(|a| *a == DescribeTargetGroups).count();
    assert_eq!(lookups, 1);
}

#[tokio::test(start_paused = true)]
async fn a_family_binds_standalone_tasks_and_no_service() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let mut family = binding_of_family("batch", &group);
    family["cluster"] = json!("arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster");
    let function = Function::with(aws, json!([family]), &[]).await;
    function.deliver(&task(0).family("batch")).await.unwrap();
    function.deliver(&task(1).service("batch")).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
    let function = Function::with_settings(&[("DRY_RUN", "true")]).await;
    let report = function.deliver(&task(0)).await.unwrap();
    assert_eq!((ids(&report, "registered"), &report["dryRun"]), (vec![&*address(0)], &json!(true)));
    let report = function.deliver(&task(0).stopped()).await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(function.actions(), []);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_input_is_an_error_that_says_what_is_accepted() {
    let function = Function::new().await;
    let mut other_source = function.event(&task(0));
    other_source["source"] = json!("my.app");
    let mut other_kind = function.event(&task(0));
    other_kind["detail-type"] = json!("ECS Service Action");
    let s3 = json!({"Records": [{"eventSource": "aws:s3"}]});
    for input in [Value::Null, json!({}), json!([1]), json!("x"), s3, other_source, other_kind] {
        let error = function.invoke(input.clone()).await.unwrap_err();
        assert_eq!(error.kind(), "UnknownInput", "{input}");
        let message = error.to_string();
        assert!(message.contains("ECS Task State Change") && message.contains("SQS"), "{message}");
    }
    assert_eq!(function.actions(), []);
}
