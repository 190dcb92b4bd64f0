//! What is read of groups: targets, pages, ports.

use std::time::Duration;

use aws_sim::{Action, Fault, Health};
use serde_json::json;

use crate::common::{Function, PORT, address, binding, ids, target, task};
use crate::scene::{group, lattice};

#[tokio::test(start_paused = true)]
async fn a_reconcile_reads_all_pages_and_writes_only_the_difference() {
    let function = lattice().await;
    for n in 0..250 {
        function.aws.put_task(&task(n));
        if n != 7 && n != 220 {
            function.aws.put_target(&function.group, &address(n), PORT);
        }
    }
    let report = function.reconciled().await;
    assert_eq!(ids(&report, "registered"), [address(7), address(220)]);
    assert_eq!(function.sizes(Action::ListTargets), [0, 0, 0]);
    let report = function.reconciled().await;
    assert!(ids(&report, "registered").is_empty());
    assert_eq!(function.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn pages_that_break_off_remove_nothing() {
    let function = lattice().await;
    for n in 0..150 {
        function.aws.put_target(&function.group, &address(n), PORT);
        function.aws.put_task(&task(n).stopped());
    }
    function.aws.fault(Fault::on(Action::ListTargets).nth(2).times(10));
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(error.contains("ListTargets: "), "{error}");
    assert_eq!(function.registered().len(), 150);
}

#[tokio::test(start_paused = true)]
async fn draining_targets_are_not_there_and_all_others_are() {
    let function = lattice().await;
    for n in 0..3 {
        function.aws.put_target(&function.group, &address(n), PORT);
        function.aws.put_task(&task(n));
    }
    function.aws.take_target(&function.group, &address(0), PORT);
    tokio::time::advance(Duration::from_secs(1)).await;
    let report = function.reconciled().await;
    assert_eq!(ids(&report, "registered"), [address(0)]);
    tokio::time::advance(Duration::from_secs(180)).await;
    function.aws.set_health(&function.group, &address(1), PORT, Health::Unhealthy);
    assert!(ids(&function.reconciled().await, "registered").is_empty());
}

#[tokio::test(start_paused = true)]
async fn addresses_are_known_however_lattice_spells_them() {
    let function = lattice().await;
    function.aws.spell_out_addresses(true);
    function.aws.put_task(&task(0));
    function.aws.put_target(&function.group, &address(0), PORT);
    assert!(ids(&function.reconciled().await, "registered").is_empty());
    assert_eq!(function.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_tasks_target_is_pruned_and_a_strangers_is_left() {
    let function = lattice().await;
    function.aws.put_task(&task(0).stopped());
    for n in [0, 1] {
        function.aws.put_target(&function.group, &address(n), PORT);
    }
    let report = function.reconciled().await;
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
    assert_eq!(ids(&report, "unowned"), [address(1)]);
}

#[tokio::test(start_paused = true)]
async fn the_groups_own_port_is_looked_up_once() {
    let aws = aws_sim::Aws::new();
    let arn = aws.add_target_group(group().port(9000));
    let function = Function::with(aws, json!([binding(&arn, None)]), &[]).await;
    for n in 0..2 {
        function.deliver(&task(n)).await.unwrap();
    }
    assert!(function.registered().contains(&format!("[{}]:9000", address(0))));
    let reads = function.actions().into_iter().filter(|a| *a == Action::GetTargetGroup);
    assert_eq!(reads.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn tags_bind_groups_of_lattice_as_well() {
    let aws = aws_sim::Aws::new();
    let arn = aws.add_target_group(group());
    aws.tag(&arn, "ecs-ipv6-targets:bind", "demo-cluster/demo-service");
    let settings = [("DISCOVER", "tags"), ("BINDINGS", "")];
    let function = Function::with(aws, json!([binding(&arn, None)]), &settings).await;
    function.deliver(&task(0)).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    let release = json!({"action": "release", "targetGroupArn": arn});
    assert_eq!(ids(&function.invoke(release).await.unwrap(), "deregistered"), [address(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_tagged_group_that_lattice_does_not_know_is_skipped() {
    let aws = aws_sim::Aws::new();
    let [arn, gone] = ["a", "b"].map(|name| aws.add_target_group(group_named(name)));
    for group in [&arn, &gone] {
        aws.tag(group, "ecs-ipv6-targets:bind", "demo-cluster/demo-service:8080");
    }
    aws.delete_target_group(&gone);
    let settings = [("DISCOVER", "tags"), ("BINDINGS", "")];
    let function = Function::with(aws, json!([binding(&arn, None)]), &settings).await;
    function.aws.put_task(&task(0));
    let report = function.reconciled().await;
    assert_eq!(report["skipped"][0]["reason"], "group-gone");
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn the_ports_of_many_groups_are_looked_up_once_beside_one_that_is_gone() {
    let aws = aws_sim::Aws::new();
    let mut groups: Vec<String> =
        (0..24).map(|n| aws.add_target_group(group_named(&format!("group-{n}")))).collect();
    for name in ["there", "gone"] {
        groups.push(aws.add_target_group(aws_sim::TargetGroup::ipv6(name).port(PORT)));
    }
    for group in &groups {
        aws.tag(group, "ecs-ipv6-targets:bind", "demo-cluster/demo-service");
    }
    aws.delete_target_group(&groups[25]);
    let settings = [("DISCOVER", "tags"), ("BINDINGS", "")];
    let function = Function::with(aws, json!([binding(&groups[0], None)]), &settings).await;
    function.aws.put_task(&task(0));
    let scheduled = aws_sim::events::scheduled(function.aws.now());
    let report = function.invoke(scheduled).await.unwrap();
    assert_eq!(ids(&report, "registered").len(), 25);
    let reads = function.actions().into_iter().filter(|a| *a == Action::GetTargetGroup);
    assert_eq!(reads.count(), 24);
}

fn group_named(name: &str) -> aws_sim::TargetGroup {
    aws_sim::TargetGroup::ipv6(name).port(PORT).lattice()
}
