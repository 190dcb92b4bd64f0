//! Calls that fail as a whole, and how fast calls are made.

use std::time::Duration;

use aws_sim::Action::{DeregisterTargets, ListTargets, RegisterTargets};
use aws_sim::{Fault, Rate};
use tokio::time::Instant;

use crate::common::{Function, PORT, binding, failures, target, task};
use crate::scene::{both, group, lattice};

#[tokio::test(start_paused = true)]
async fn a_group_that_is_gone_fails_its_tasks_with_one_call() {
    let (function, elb) = both().await;
    function.aws.delete_target_group(&function.group);
    let tasks = (0..150).map(task).chain([task(200).service("other-service")]);
    let answer = function.deliver_batch(tasks).await.unwrap();
    assert_eq!(failures(&answer).len(), 150);
    assert_eq!(function.registered_in(&elb), [target(200)]);
    assert_eq!(function.writes(), 2);
    let error = function.deliver(&task(0)).await.unwrap_err().to_string();
    assert!(error.contains("RegisterTargets: ResourceNotFoundException"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_is_not_repeated_for_other_targets() {
    let function = lattice().await;
    function.aws.fault(Fault::on(RegisterTargets).access_denied());
    assert_eq!(failures(&function.deliver_batch((0..150).map(task)).await.unwrap()).len(), 150);
    assert_eq!(function.writes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_in_creation_is_in_conflict_until_it_is_there() {
    let function = Function::in_group(group().status("CREATE_IN_PROGRESS"), &[]).await;
    assert_eq!(failures(&function.deliver_batch([task(0), task(1)]).await.unwrap()).len(), 2);
    assert_eq!(function.writes(), 1, "no target is to blame, so there is no search");
    function.aws.add_target_group(group());
    assert!(failures(&function.deliver_batch([task(0), task(1)]).await.unwrap()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_made_again_and_counted() {
    let function = lattice().await;
    function.aws.fault(Fault::on(RegisterTargets).times(2).throttled());
    function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.sizes(RegisterTargets), [1, 1, 1]);
    let metrics = function.metrics().concat();
    assert!(metrics.contains(r#""Throttles":2"#), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn lattice_has_rates_for_itself() {
    let aws = aws_sim::Aws::new();
    let groups: Vec<String> = (0..30)
        .map(|n| {
            let group = aws_sim::TargetGroup::ipv6(&format!("group-{n}")).port(PORT);
            aws.add_target_group(if n % 2 == 0 { group.lattice() } else { group })
        })
        .collect();
    let bindings = groups.iter().map(|group| binding(group, Some(PORT))).collect();
    let function = Function::with(aws, bindings, &[]).await;
    function.aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let begin = Instant::now();
    function.deliver(&task(0)).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "30 writes at once are two bursts of 15");
    assert!(!function.metrics().concat().contains(r#""Throttles":1"#));
}

#[tokio::test(start_paused = true)]
async fn a_large_rollout_stays_within_the_rates() {
    let aws = aws_sim::Aws::new();
    let groups: Vec<String> = (0..40)
        .map(|n| {
            let group = aws_sim::TargetGroup::ipv6(&format!("group-{n}")).port(PORT);
            aws.add_target_group(group.lattice())
        })
        .collect();
    let bindings = groups.iter().map(|group| binding(group, Some(PORT))).collect();
    let function = Function::with(aws, bindings, &[]).await;
    function.aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    let begin = Instant::now();
    function.deliver(&task(0)).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(5), "20 at once, then 4 a second");
    assert_eq!(function.writes(), 40, "none was throttled");
}

#[tokio::test(start_paused = true)]
async fn a_throttled_instance_is_careful_with_lattice_alone() {
    let (function, elb) = both().await;
    function.aws.fault(Fault::on(RegisterTargets).group(&function.group).times(1).throttled());
    function.deliver(&task(0)).await.unwrap();
    let begin = Instant::now();
    for n in 1..=4 {
        function.deliver(&task(n)).await.unwrap();
    }
    assert!(begin.elapsed() > Duration::from_millis(500), "2 a second, the bucket being empty");
    let begin = Instant::now();
    function.deliver(&task(5).service("other-service")).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(100), "that of ELB is full");
    assert_eq!(function.registered_in(&elb), [target(5)]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_hangs_delays_no_other_kind() {
    let (function, elb) = both().await;
    let hang = Fault::on(RegisterTargets).group(&function.group).hang(Duration::from_secs(60));
    function.aws.fault(hang);
    let tasks = [task(0), task(1).service("other-service")];
    assert_eq!(failures(&function.deliver_batch(&tasks).await.unwrap()), ["m0"]);
    assert_eq!(function.registered_in(&elb), [target(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_denied_removes_nothing() {
    let (function, elb) = both().await;
    for group in [&function.group, &elb] {
        function.aws.put_target(group, "2001:db8::1:1", PORT);
    }
    function.aws.put_task(&task(0).stopped());
    function.aws.fault(Fault::on(ListTargets).access_denied());
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(error.contains("ListTargets: AccessDeniedException"), "{error}");
    assert!(!function.actions().contains(&DeregisterTargets));
}
