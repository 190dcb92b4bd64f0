//! Batches from the queue: the promises P5 (nothing lost), P6 (isolation) and P7 (frugal), over
//! the simulated AWS.

mod common;

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, DescribeTasks, RegisterTargets};
use aws_sim::{Aws, Fault, TargetGroup, Task};
use common::{Function, PORT, address, batch, binding, failures, target, task};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn three_hundred_starts_are_two_writes_and_three_reads() {
    let function = Function::new().await;
    let answer = function.deliver_batch((0..300).map(task)).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(function.registered().len(), 300);
    let actions = function.actions();
    assert_eq!(actions.iter().filter(|action| **action == RegisterTargets).count(), 2);
    assert_eq!(actions.iter().filter(|action| **action == DescribeTasks).count(), 3);
    assert_eq!(actions.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_stops_alone_is_one_call_per_group() {
    let (function, groups) = Function::in_groups(2).await;
    function.deliver_batch((0..150).map(task)).await.unwrap();
    function.actions();
    function.deliver_batch((0..150).map(|n| task(n).deactivating())).await.unwrap();
    assert_eq!(function.actions(), [DeregisterTargets; 2]);
    assert!(groups.iter().all(|group| function.registered_in(group).is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_message_may_be_malformed_in_unread_fields_and_repeat_a_field() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let event = function.event(&task(0)).to_string();
    let twice = r#""desiredStatus":"STOPPED","desiredStatus":"#;
    for (plain, odd) in
        [(r#""detail":{"#, r#""detail":{"new":"\ud800","#), (r#""desiredStatus":"#, twice)]
    {
        assert!(event.contains(plain));
        let answer = function.invoke(batch([event.replace(plain, odd)].into_iter())).await;
        assert_eq!(answer.unwrap(), json!({"batchItemFailures": []}));
        assert_eq!(function.actions(), [RegisterTargets, DescribeTasks], "{odd}");
    }
}

#[tokio::test(start_paused = true)]
async fn registers_come_before_deregisters() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.actions();
    function.deliver_batch(&[task(0).deactivating(), task(1)]).await.unwrap();
    assert_eq!(function.actions(), [RegisterTargets, DeregisterTargets, DescribeTasks]);
    assert_eq!(function.registered(), [target(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_any_order_ends_the_same() {
    let life =
        [task(0).pending(), task(0), task(0).deactivating(), task(0).stopped(), task(1), task(1)];
    for rotation in 0..life.len() {
        let function = Function::new().await;
        let mut events: Vec<String> =
            life.iter().map(|task| function.event(task).to_string()).collect();
        events.rotate_left(rotation);
        life.iter().for_each(|task| function.aws.put_task(task));
        let answer = function.invoke(batch(events.into_iter())).await.unwrap();
        assert_eq!(failures(&answer), [] as [&str; 0]);
        assert_eq!(function.registered(), [target(1)], "rotated by {rotation}");
        // The task whose stop is in the batch is never registered at all.
        let register = function.aws.calls().into_iter().find(|c| c.action == RegisterTargets);
        assert_eq!(register.unwrap().targets, [target(1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_serves_again_is_not_deregistered_for_its_former_task() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.actions();
    let successor = Task::new("successor").address(&address(0)).running();
    function.deliver_batch(&[task(0).stopped(), successor]).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(function.actions(), [RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn only_messages_that_cannot_be_read_fail() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let unversioned = {
        let mut event = function.event(&task(1));
        event["detail"].as_object_mut().unwrap().remove("version");
        event.to_string()
    };
    let bodies = [
        "not JSON".to_owned(),
        function.event(&task(0)).to_string(),
        json!({"this is": "not an event"}).to_string(),
        unversioned,
        function.event(&task(9).service("other-service")).to_string(),
        String::new(),
    ];
    let answer = function.invoke(batch(bodies.into_iter())).await.unwrap();
    assert_eq!(failures(&answer), ["m0", "m2", "m3", "m5"]);
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_without_an_id_fails_the_batch() {
    let function = Function::new().await;
    let mut payload = batch(["poison".to_owned()].into_iter());
    payload["Records"][0].as_object_mut().unwrap().remove("messageId");
    let error = function.invoke(payload).await.unwrap_err();
    assert_eq!(error.kind(), "NamelessMessage");
}

#[tokio::test(start_paused = true)]
async fn records_may_lack_their_source_but_not_name_another() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let mut payload = batch([function.event(&task(0)).to_string()].into_iter());
    payload["Records"][0].as_object_mut().unwrap().remove("eventSource");
    payload["Records"].as_array_mut().unwrap().push(json!({"messageId": "m1", "body": "poison"}));
    let answer = function.invoke(payload).await.unwrap();
    assert_eq!((failures(&answer), function.registered()), (vec!["m1"], vec![target(0)]));
    let kinesis = json!({"Records": [{"eventSource": "aws:kinesis", "messageId": "m0"}]});
    let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]});
    for other in [kinesis, sns] {
        assert_eq!(function.invoke(other).await.unwrap_err().kind(), "UnknownInput");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_is_answered() {
    let function = Function::new().await;
    let answer = function.invoke(json!({"Records": []})).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}));
}

#[tokio::test(start_paused = true)]
async fn one_bad_target_fails_alone() {
    let function = Function::new().await;
    let mut tasks: Vec<Task> = (0..200).map(task).collect();
    tasks[77] = Task::new("foreign").address("2600::77").running();
    let answer = function.deliver_batch(&tasks).await.unwrap();
    assert_eq!(failures(&answer), ["m77"]);
    assert_eq!(function.registered().len(), 199);
    let writes = function.writes();
    assert!(writes <= 17, "{writes} calls for one bad target");
}

#[tokio::test(start_paused = true)]
async fn a_bad_target_fails_alone_whatever_elb_calls_it() {
    for code in ["InvalidTarget", "ValidationError", "TooManyRegistrationsForTargetId"] {
        for action in [RegisterTargets, DeregisterTargets] {
            let function = Function::new().await;
            let fault = Fault::on(action).error(code, "of the third kind", 400);
            function.aws.fault(fault.when_target(&address(2)));
            let mut tasks: Vec<Task> = (0..4).map(task).collect();
            if action == DeregisterTargets {
                tasks = tasks.into_iter().map(Task::deactivating).collect();
            }
            let answer = function.deliver_batch(&tasks).await.unwrap();
            assert_eq!(failures(&answer), ["m2"], "{action} {code}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_group_still_deregisters_the_tasks_that_leave() {
    let function = Function::in_group(TargetGroup::ipv6("demo-ipv6").quota(1), &[]).await;
    function.deliver(&task(0)).await.unwrap();
    let answer = function.deliver_batch(&[task(0).deactivating(), task(1)]).await.unwrap();
    assert_eq!(failures(&answer), ["m1"]);
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_quota_lets_in_as_many_as_fit() {
    let function = Function::in_group(TargetGroup::ipv6("demo-ipv6").quota(60), &[]).await;
    let answer = function.deliver_batch((0..200).map(task)).await.unwrap();
    assert_eq!((function.registered().len(), failures(&answer).len()), (60, 140));
    let writes = function.writes();
    assert!(writes <= 20, "{writes} calls against the quota");
}

#[tokio::test(start_paused = true)]
async fn a_group_of_the_wrong_family_costs_few_calls_and_blocks_no_other() {
    let aws = Aws::new();
    let wrong = aws.add_target_group(TargetGroup::ipv4("wrong"));
    let right = aws.add_target_group(TargetGroup::ipv6("right"));
    let bindings = json!([binding(&wrong, Some(PORT)), binding(&right, Some(PORT))]);
    let function = Function::with(aws, bindings, &[]).await;
    let answer = function.deliver_batch((0..200).map(task)).await.unwrap();
    assert_eq!(failures(&answer).len(), 200);
    assert_eq!(function.registered_in(&right).len(), 200);
    let calls = function.aws.take_calls();
    let wasted = calls.iter().filter(|call| call.resource.as_ref() == Some(&wrong)).count();
    assert!(wasted <= 30, "{wasted} calls to a group of the wrong family");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_refuses_starts_and_stops_alike_costs_few_calls_too() {
    let function = Function::new().await;
    for action in [RegisterTargets, DeregisterTargets] {
        function.aws.fault(Fault::on(action).error("ValidationError", "none of these", 400));
    }
    let tasks = (0..200).map(|n| if n % 2 == 0 { task(n) } else { task(n).stopped() });
    let answer = function.deliver_batch(tasks).await.unwrap();
    assert_eq!(failures(&answer).len(), 200);
    assert!(function.actions().len() <= 30);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_gone_or_denied_blocks_no_other() {
    for fault in [
        Fault::on(RegisterTargets).error("TargetGroupNotFound", "One or more not found", 400),
        Fault::on(RegisterTargets).access_denied(),
    ] {
        let (function, sound) = Function::of_two_services().await;
        function.aws.fault(fault.group(&function.group));
        let mut tasks: Vec<Task> = (0..300).map(task).collect();
        tasks[1] = task(1).service("other-service");
        let answer = function.deliver_batch(&tasks).await.unwrap();
        assert_eq!(failures(&answer).len(), 299);
        assert_eq!(function.registered_in(&sound), [target(1)]);
        let calls = function.aws.take_calls();
        let tried =
            calls.iter().filter(|call| call.resource.as_ref() == Some(&function.group)).count();
        assert_eq!(tried, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_port_fails_its_own_binding_only() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let gone = group.replace("demo-ipv6", "gone");
    let function =
        Function::with(aws, json!([binding(&group, Some(PORT)), binding(&gone, None)]), &[]).await;
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("TargetGroupNotFound") && error.contains(&gone), "{error}");
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_tasks_that_cannot_be_read_fails_only_those_that_need_it() {
    let function = Function::new().await;
    function.aws.fault(Fault::on(DescribeTasks).access_denied());
    let old: Value = function.event_of_before(Duration::from_secs(300), &task(0));
    let stop = function.event(&task(1).deactivating());
    let answer = function.invoke(batch([old, stop].map(|e| e.to_string()).into_iter())).await;
    assert_eq!(failures(&answer.unwrap()), ["m0"]);
    // What is not known to run is not registered.
    assert_eq!(function.actions(), [DescribeTasks, DeregisterTargets]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_refuses_to_describe_fails_alone() {
    let function = Function::new().await;
    let fault = Fault::on(DescribeTasks).error("InvalidParameterException", "Invalid id", 400);
    function.aws.fault(fault.when_target(&task(3).arn()));
    let tasks: Vec<Task> = (0..50).map(task).collect();
    tasks.iter().for_each(|task| function.aws.put_task(task));
    let five_minutes = Duration::from_secs(300);
    let events = tasks.iter().map(|t| function.event_of_before(five_minutes, t).to_string());
    let answer = function.invoke(batch(events)).await.unwrap();
    assert_eq!((failures(&answer), function.registered().len()), (vec!["m3"], 49));
}
