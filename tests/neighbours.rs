//! Bad targets beside good ones: the promise P6 (isolation), over the simulated AWS.

mod common;

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, RegisterTargets};
use aws_sim::{Aws, Fault, TargetGroup, Task};
use common::{Function, PORT, address, batch, binding_of, failures, target, task};

/// An address outside the VPC: lower than all others, or higher.
fn bad_address(n: u16, low: bool) -> String {
    if low { format!("2000::{n:x}") } else { format!("2600::{n:x}") }
}

fn bad_task(n: u16, low: bool) -> Task {
    Task::new(&format!("bad{n:029x}")).address(&bad_address(n, low)).running()
}

async fn with_services(services: &[impl AsRef<str>]) -> Function {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let bindings = services.iter().map(|service| binding_of(service.as_ref(), &group));
    Function::with(aws.clone(), bindings.collect(), &[]).await
}

#[tokio::test(start_paused = true)]
async fn the_bad_targets_of_one_service_keep_none_of_another_out() {
    for (bad, good) in [(30, 5), (100, 5), (190, 10)] {
        for low in [true, false] {
            let function = with_services(&["broken", "demo-service"]).await;
            (0..bad).for_each(|n| function.aws.put_task(&bad_task(n, low).service("broken")));
            (0..good).for_each(|n| function.aws.put_task(&task(n)));
            let error = function.reconcile().await.unwrap_err();
            assert_eq!(function.registered().len(), usize::from(good), "{bad} bad, low: {low}");
            assert!(function.writes() <= 33);
            assert!(error.to_string().contains("ValidationError"), "{error}");

            let function = with_services(&["broken", "demo-service"]).await;
            let broken = (0..bad).map(|n| bad_task(n, low).service("broken"));
            let tasks: Vec<Task> = broken.chain((0..good).map(task)).collect();
            let answer = function.deliver_batch(&tasks).await.unwrap();
            assert_eq!(failures(&answer).len(), usize::from(bad), "{bad} bad, low: {low}");
        }
    }
}

/// Which of a service's tasks are bad: the first ones, the last ones, or all between the good ones.
fn arrangements(bad: u16, good: u16) -> [Vec<u16>; 3] {
    let all = bad + good;
    let every = all / good;
    let is_good = |n: &u16| n % every == every - 1 && n / every < good;
    let mixed = (0..all).filter(|n| !is_good(n)).collect();
    [(0..bad).collect(), (good..all).collect(), mixed]
}

/// A function whose group refuses these tasks' targets.
async fn refusing(bad: &[u16]) -> Function {
    let function = Function::new().await;
    for n in bad {
        let refused = Fault::on(RegisterTargets).error("ValidationError", "not within", 400);
        function.aws.fault(refused.when_target(&address(*n)));
    }
    function
}

#[tokio::test(start_paused = true)]
async fn the_good_targets_of_one_service_are_in_after_five_reconciles_at_most() {
    for (bad, good) in [(30, 5), (100, 5), (190, 10), (150, 50)] {
        for (number, bad_ones) in arrangements(bad, good).into_iter().enumerate() {
            let function = refusing(&bad_ones).await;
            (0..bad + good).for_each(|n| function.aws.put_task(&task(n)));
            for _ in 0..5 {
                let answer = function.reconcile().await;
                assert_eq!(answer.unwrap_err().kind(), "TargetsFailed");
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            let registered = function.registered().len();
            assert_eq!(registered, usize::from(good), "{bad} + {good}, arrangement {number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_good_messages_of_one_service_are_done_after_five_receives_at_most() {
    for (bad, good) in [(30, 5), (100, 5), (190, 10)] {
        for (number, bad_ones) in arrangements(bad, good).into_iter().enumerate() {
            let function = refusing(&bad_ones).await;
            let tasks: Vec<Task> = (0..bad + good).map(task).collect();
            tasks.iter().for_each(|task| function.aws.put_task(task));
            let event = |task: &Task| function.event(task).to_string();
            let mut messages: Vec<String> = tasks.iter().map(event).collect();
            for _ in 0..5 {
                let answer = function.invoke(batch(messages.iter().cloned())).await.unwrap();
                let failed: Vec<usize> =
                    failures(&answer).iter().map(|id| id[1..].parse().unwrap()).collect();
                messages = failed.iter().map(|index| messages[*index].clone()).collect();
                tokio::time::sleep(Duration::from_secs(180)).await;
            }
            assert_eq!(messages.len(), usize::from(bad), "{bad} + {good}, arrangement {number}");
            assert_eq!(function.registered().len(), usize::from(good));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_was_not_tried_says_so_and_not_why_another_was_refused() {
    let function = Function::new().await;
    (0..100).for_each(|n| function.aws.put_task(&bad_task(n, true)));
    let plan = function.reconcile().await.unwrap_err();
    assert!(plan.to_string().contains("RegisterTargets: NotTried: not tried: "), "{plan}");
    let of_others = function.metrics().concat();
    assert!(of_others.contains(r#""ErrorType":"NotTried""#), "{of_others}");
}

#[tokio::test(start_paused = true)]
async fn what_a_group_refuses_throughout_costs_at_most_fifty_calls() {
    let function = Function::new().await;
    let none = Fault::on(RegisterTargets).error("ValidationError", "none of these", 400);
    function.aws.fault(none);
    (0..200).for_each(|n| function.aws.put_task(&task(n)));
    for _ in 0..8 {
        function.reconcile().await.unwrap_err();
        let writes = function.writes();
        assert!(writes <= 48, "{writes} calls");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    function.aws.clear_faults();
    function.reconcile().await.unwrap();
    assert_eq!((function.registered().len(), function.writes()), (200, 1));
}

#[tokio::test(start_paused = true)]
async fn new_targets_get_in_at_once_beside_those_that_were_refused_before() {
    let function = Function::new().await;
    (0..20).for_each(|n| function.aws.put_task(&bad_task(n, true)));
    for _ in 0..2 {
        function.reconcile().await.unwrap_err();
    }
    (0..20).for_each(|n| function.aws.put_task(&task(n)));
    function.aws.take_calls();
    function.reconcile().await.unwrap_err();
    let first = function.aws.calls().into_iter().find(|call| call.action == RegisterTargets);
    assert_eq!(first.unwrap().targets.len(), 20);
    assert_eq!(function.registered().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_quota_reached_in_one_zone_stops_no_other_zone() {
    let function = Function::new().await;
    // Stands in for a zone that is full: each refusal is that of an address there.
    for n in 0..20 {
        let full = Fault::on(RegisterTargets).error("TooManyTargets", "the zone is full", 400);
        function.aws.fault(full.when_target(&format!("2001:db8:0:a::{n:x}")));
    }
    for (zone, tasks) in [("a", 0..20), ("b", 20..40), ("c", 40..60)] {
        for n in tasks {
            let address = format!("2001:db8:0:{zone}::{n:x}");
            function.aws.put_task(&Task::new(&format!("{n:032x}")).address(&address).running());
        }
    }
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(error.starts_with("20 failed: "), "{error}");
    assert!(error.contains("TooManyTargets") && error.contains("NotTried"), "{error}");
    assert_eq!(function.registered().len(), 40);
    let calls = function.writes();
    assert!(calls <= 10, "{calls} calls");
}

#[tokio::test(start_paused = true)]
async fn fourteen_broken_services_keep_anothers_good_targets_out_for_few_tries() {
    let services: Vec<String> = (0..15).map(|n| format!("s{n}")).collect();
    let function = with_services(&services).await;
    for n in 0..140u16 {
        let service = &services[usize::from(n / 10)];
        function.aws.put_task(&bad_task(n, true).service(service));
    }
    // One bad task and nine good ones.
    function.aws.put_task(&bad_task(140, false).service("s14"));
    (0..9).for_each(|n| function.aws.put_task(&task(n).service("s14")));
    reconcile_often(&function, 5).await;
    assert_eq!(function.registered().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn full_subnets_leave_the_targets_of_others_room_in_the_first_try() {
    let function = Function::new().await;
    // Two zones of two subnets each are full, the third has room; 33 tasks in each of six subnets.
    for s in 0..6u16 {
        for n in 0..33u16 {
            let address = format!("2001:db8:0:{s:x}::{n:x}");
            if s < 4 {
                let full = Fault::on(RegisterTargets).error("TooManyTargets", "it is full", 400);
                function.aws.fault(full.when_target(&address));
            }
            let task = Task::new(&format!("{:032x}", s * 100 + n)).address(&address);
            function.aws.put_task(&task.running());
        }
    }
    reconcile_often(&function, 1).await;
    assert_eq!(function.registered().len(), 66);
}

#[tokio::test(start_paused = true)]
async fn a_refused_stop_beside_refused_starts_keeps_no_other_stop_back() {
    let function = Function::new().await;
    let stops: Vec<Task> = (900..906).map(task).collect();
    function.deliver_batch(&stops).await.unwrap();
    (0..60).for_each(|n| function.aws.put_task(&bad_task(n, true)));
    stops.iter().for_each(|t| function.aws.put_task(&t.clone().stopped()));
    let refused = Fault::on(DeregisterTargets).error("InvalidTarget", "no", 400);
    function.aws.fault(refused.when_target(&address(900)));
    reconcile_often(&function, 5).await;
    assert_eq!(function.registered(), [target(900)]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_the_search_among_refused_starts() {
    // Every third task is good.
    let function = refusing(&(0..160).filter(|n| n % 3 != 0).collect::<Vec<_>>()).await;
    function.deliver(&task(900)).await.unwrap();
    function.aws.fault(Fault::on(RegisterTargets).throttled().times(1));
    function.deliver(&task(901)).await.unwrap();
    let tasks: Vec<Task> = (0..160).map(task).chain([task(900).deactivating()]).collect();
    let answer = function.deliver_batch(&tasks).await.unwrap();
    assert!(!failures(&answer).contains(&"m160"), "the stop failed");
}

/// So many reconciles, a minute apart, in which something fails.
async fn reconcile_often(function: &Function, times: usize) {
    for _ in 0..times {
        function.reconcile().await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
}
