//! When one read hangs: the promise P6 (isolation), over the simulated AWS.

mod common;

use std::time::{Duration, SystemTime};

use aws_sim::Action::{
    DeregisterTargets, DescribeTargetGroups, DescribeTargetHealth, DescribeTasks, ListTasks,
    RegisterTargets,
};
use aws_sim::{Aws, Fault, TargetGroup, Task};
use common::{Function, PORT, address, batch, binding, failures, target, task};
use serde_json::json;

const FOR_EVER: Duration = Duration::from_secs(600);

/// `demo-service` in `demo-cluster`, and `other-service` in the cluster `other` in another group.
async fn two_clusters(ports: [Option<u16>; 2]) -> (Function, String) {
    let aws = Aws::new();
    aws.add_cluster("other");
    let groups =
        ["first", "second"].map(|name| aws.add_target_group(TargetGroup::ipv6(name).port(PORT)));
    let [first, mut other] = [0, 1].map(|n| binding(&groups[n], ports[n]));
    other["service"] = json!("other-service");
    other["cluster"] = json!("other");
    let [_, second] = groups;
    (Function::with(aws, json!([first, other]), &[]).await, second)
}

fn other(n: u16) -> Task {
    task(n).service("other-service").cluster("other")
}

/// The error of a reconcile that takes less than Lambda's 30 s.
async fn failing_reconcile(function: &Function) -> String {
    let begun = function.aws.now();
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(elapsed(function, begun) < Duration::from_secs(30));
    error
}

fn elapsed(function: &Function, begun: SystemTime) -> Duration {
    function.aws.now().duration_since(begun).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_fails_its_own_binding_only() {
    for action in [ListTasks, DescribeTargetHealth] {
        let (function, second) = two_clusters([Some(PORT); 2]).await;
        let of = if action == ListTasks { "other" } else { second.as_str() };
        // A lost start and a lost stop of the first service.
        function.deliver(&task(0)).await.unwrap();
        function.aws.put_task(&task(0).stopped());
        function.aws.put_task(&task(1));
        function.aws.put_task(&other(2));
        function.aws.fault(Fault::on(action).group(of).hang(FOR_EVER));
        let error = failing_reconcile(&function).await;
        assert!(error.starts_with("1 failed: ") && error.contains(&second), "{action}: {error}");
        assert_eq!(function.registered(), [target(1)], "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_that_cannot_be_looked_up_in_time_holds_up_no_other_binding() {
    let (function, second) = two_clusters([Some(PORT), None]).await;
    function.aws.put_task(&task(0));
    function.aws.put_task(&other(1));
    function.aws.fault(Fault::on(DescribeTargetGroups).hang(FOR_EVER));
    let error = failing_reconcile(&function).await;
    assert!(error.starts_with("1 failed: ") && error.contains(&second), "{error}");
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn reads_of_many_groups_that_hang_hold_up_none_of_the_others() {
    let (function, groups) = Function::in_groups(12).await;
    function.aws.put_task(&task(0));
    for group in &groups[..11] {
        function.aws.fault(Fault::on(DescribeTargetHealth).group(group).hang(FOR_EVER));
    }
    let error = failing_reconcile(&function).await;
    assert!(error.starts_with("11 failed: "), "{error}");
    assert_eq!(function.registered_in(&groups[11]), [target(0)]);
}

/// Messages of starts that are so old that ECS has to be asked.
fn doubtful(function: &Function, tasks: std::ops::Range<u16>) -> Vec<String> {
    let old = Duration::from_secs(180);
    tasks.map(|n| function.event_of_before(old, &task(n)).to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn while_ecs_hangs_stops_that_need_no_answer_are_done_at_once() {
    for starts in [5, 100, 450] {
        let function = Function::new().await;
        function.deliver(&task(900)).await.unwrap();
        function.aws.fault(Fault::on(DescribeTasks).hang(FOR_EVER));
        let mut messages = vec![function.event(&task(900).deactivating()).to_string()];
        messages.extend(doubtful(&function, 0..starts));
        let (answer, gone) =
            tokio::join!(function.invoke(batch(messages.into_iter())), time_until_empty(&function));
        assert!(gone <= Duration::from_secs(2), "{starts} starts: after {gone:?}");
        let answer = answer.unwrap();
        assert_eq!(failures(&answer).len(), usize::from(starts), "the starts alone");
        assert!(!failures(&answer).contains(&"m0"));
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_port_is_not_known_the_other_groups_targets_are_written() {
    let (function, _) = two_clusters([Some(PORT), None]).await;
    let tasks = [task(0), other(1)];
    tasks.iter().for_each(|task| function.aws.put_task(task));
    function.aws.fault(Fault::on(DescribeTargetGroups).hang(FOR_EVER));
    let events = tasks.iter().map(|task| function.event(task).to_string());
    let answer = function.invoke(batch(events)).await.unwrap();
    assert_eq!((failures(&answer), function.registered()), (vec!["m1"], vec![target(0)]));
    let calls = function.aws.calls();
    let register = calls.iter().find(|call| call.action == RegisterTargets).unwrap();
    assert_eq!(register.targets, [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_may_serve_a_task_in_doubt_waits_for_the_answer() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    let successor = Task::new("successor").address(&address(0)).running();
    function.aws.put_task(&successor);
    function.aws.fault(Fault::on(DescribeTasks).times(1).hang(Duration::from_secs(3)));
    let old = function.event_of_before(Duration::from_secs(180), &successor).to_string();
    let stop = function.event(&task(0).stopped()).to_string();
    function.actions();
    let answer = function.invoke(batch([old, stop].into_iter())).await.unwrap();
    assert_eq!((failures(&answer), function.registered()), (vec![], vec![target(0)]));
    assert_eq!(function.actions(), [DescribeTasks, RegisterTargets, DescribeTasks]);
}

#[tokio::test(start_paused = true)]
async fn writes_that_hang_in_one_group_leave_time_for_the_look_at_the_others() {
    let function = with_hanging_writes().await;
    let tasks = [
        task(0),
        task(1).service("other-service"),
        task(2).service("other-service").deactivating(),
    ];
    let answer = function.deliver_batch(&tasks).await.unwrap();
    assert_eq!(failures(&answer), ["m1", "m2"]);
}

#[tokio::test(start_paused = true)]
async fn what_left_in_between_is_removed_while_another_groups_writes_hang() {
    let function = with_hanging_writes().await;
    let old = task(0);
    function.aws.put_task(&old.clone().deactivating());
    let tasks = [task(1).service("other-service"), task(2).service("other-service").deactivating()];
    tasks.iter().for_each(|t| function.aws.put_task(t));
    let bodies = [&old].into_iter().chain(&tasks).map(|t| function.event(t).to_string());
    function.invoke(batch(bodies)).await.unwrap();
    assert_eq!(function.registered(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn writes_made_before_an_answer_leave_time_for_those_made_after_it() {
    let function = with_hanging_writes().await;
    function.aws.put_target(&function.group, &address(5), PORT);
    function.aws.latency(Some(DescribeTasks), Duration::from_millis(1200));
    let tasks = [
        task(1).service("other-service"),
        task(2).service("other-service").deactivating(),
        task(5).deactivating(),
    ];
    tasks.iter().for_each(|t| function.aws.put_task(t));
    let silent = function.event(&tasks[2].clone().without_address()).to_string();
    let bodies = tasks[..2].iter().map(|t| function.event(t).to_string()).chain([silent]);
    let answer = function.invoke(batch(bodies)).await.unwrap();
    assert_eq!((failures(&answer), function.registered()), (vec!["m0", "m1"], vec![]));
}

#[tokio::test(start_paused = true)]
async fn in_a_short_time_every_group_has_its_turn_once_in_a_while() {
    let (function, groups) = Function::in_groups(60).await;
    function.aws.latency(None, Duration::from_millis(50));
    function.aws.put_task(&task(0));
    for _ in 0..6 {
        function.invoke_within(Duration::from_secs(5), json!({"action": "reconcile"})).await.ok();
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(groups.iter().filter(|g| function.registered_in(g).is_empty()).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_address_waits_for_its_own_clusters_answer_alone() {
    let (function, _) = two_clusters([Some(PORT); 2]).await;
    function.aws.put_target(&function.group, &address(0), PORT);
    let cluster = other(1).cluster_arn();
    function.aws.fault(Fault::on(DescribeTasks).group(&cluster).hang(FOR_EVER));
    let stops = [task(0), other(1)].map(Task::deactivating);
    stops.iter().for_each(|task| function.aws.put_task(task));
    let bodies = stops.map(|task| function.event(&task.without_address()).to_string());
    let (_, gone) =
        tokio::join!(function.invoke(batch(bodies.into_iter())), time_until_empty(&function));
    assert!(gone < Duration::from_secs(3), "{gone:?}");
}

/// How long it takes until no target is left in the first group.
async fn time_until_empty(function: &Function) -> Duration {
    let begun = function.aws.now();
    while !function.registered().is_empty() && elapsed(function, begun) < FOR_EVER {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    elapsed(function, begun)
}

/// Two services, and a second group that takes no writes in any time.
async fn with_hanging_writes() -> Function {
    let (function, second) = Function::of_two_services().await;
    for action in [RegisterTargets, DeregisterTargets] {
        function.aws.fault(Fault::on(action).group(&second).hang(FOR_EVER));
    }
    function
}
