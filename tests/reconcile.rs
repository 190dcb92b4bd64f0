//! The wide net: reconcile and plan over the simulated AWS. Promises P3 (convergence), P4 (no
//! harm), P6 (isolation) and P7 (frugal).

mod common;

use std::time::Duration;

use aws_sim::Action::{
    DeregisterTargets, DescribeTargetHealth, DescribeTasks, ListTasks, RegisterTargets,
};
use aws_sim::{Action, Aws, Fault, Health, TargetGroup, Task};
use common::{Function, PORT, address, binding, binding_of, binding_of_family, ids, target, task};
use serde_json::{Value, json};

async fn with_prune(prune: &str) -> Function {
    Function::with_settings(&[("PRUNE", prune)]).await
}

/// A function that has registered a task, and missed its stop.
async fn after_a_lost_stop(prune: &str) -> Function {
    let function = with_prune(prune).await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.put_task(&task(0).stopped());
    function
}

/// A function whose binding is of the family `demo`, and under which all may go.
async fn of_a_family() -> Function {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    Function::with(aws, json!([binding_of_family("demo", &group)]), &[("PRUNE", "all")]).await
}

#[tokio::test(start_paused = true)]
async fn running_tasks_are_adopted() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.aws.put_task(&task(1));
    let scheduled = aws_sim::events::scheduled(function.aws.now());
    let report = function.invoke(scheduled).await.unwrap();
    assert_eq!(function.registered(), [target(0), target(1)]);
    assert_eq!(ids(&report, "registered"), [address(0), address(1)]);
    assert_eq!(report["registered"][0]["taskArn"], task(0).arn());
}

#[tokio::test(start_paused = true)]
async fn two_hundred_and_fifty_tasks_are_adopted_in_two_writes() {
    let function = Function::new().await;
    (0..250).for_each(|n| function.aws.put_task(&task(n)));
    function.reconcile().await.unwrap();
    assert_eq!(function.registered().len(), 250);
    let actions = function.actions();
    let count = |wanted| actions.iter().filter(|action| **action == wanted).count();
    assert_eq!((count(RegisterTargets), count(DescribeTargetHealth)), (2, 1));
    // Three pages to list, three to describe, and three to look at them again.
    assert_eq!((count(ListTasks), count(DescribeTasks), actions.len()), (3, 6, 12));
}

#[tokio::test(start_paused = true)]
async fn at_steady_state_nothing_is_written_and_three_calls_are_made() {
    for spelled_out in [false, true] {
        let function = Function::new().await;
        function.aws.spell_out_addresses(spelled_out);
        (0..3).for_each(|n| function.aws.put_task(&task(n)));
        function.reconcile().await.unwrap();
        function.actions();
        let report = function.reconcile().await.unwrap();
        assert_eq!(function.actions(), [DescribeTargetHealth, ListTasks, DescribeTasks]);
        let nothing = json!({
            "registered": [], "deregistered": [], "unowned": [], "skipped": [], "failed": [],
            "dryRun": false
        });
        assert_eq!(report, nothing);
    }
}

#[tokio::test(start_paused = true)]
async fn the_targets_are_read_before_the_tasks() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.aws.put_target(&function.group, &address(9), PORT);
    function.reconcile().await.unwrap();
    let reads: Vec<Action> = function.actions().into_iter().take(4).collect();
    assert_eq!(reads, [DescribeTargetHealth, ListTasks, DescribeTasks, ListTasks]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_was_lost_is_caught_up() {
    for prune in ["proven", "all"] {
        let function = after_a_lost_stop(prune).await;
        let report = function.reconcile().await.unwrap();
        assert_eq!(function.registered(), [] as [String; 0]);
        assert_eq!(report["deregistered"][0]["taskArn"], task(0).arn());
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_asked_to_stop_but_still_runs_is_deregistered() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.put_task(&task(0).asked_to_stop());
    function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_no_task_explains_is_left_alone_unless_all_may_go() {
    let stranger = "2001:db8::9:9";
    for (prune, remains) in [("proven", 1), ("never", 1), ("all", 0)] {
        let function = with_prune(prune).await;
        function.aws.put_target(&function.group, stranger, PORT);
        let report = function.reconcile().await.unwrap();
        assert_eq!(function.registered().len(), remains, "{prune}");
        let list = if remains == 1 { "unowned" } else { "deregistered" };
        assert_eq!(ids(&report, list), [stranger], "{prune}");
        assert_eq!(report[list][0].get("taskArn"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_at_all_is_removed_under_never() {
    let function = after_a_lost_stop("never").await;
    let report = function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(ids(&report, "unowned"), [address(0)]);
}

#[tokio::test(start_paused = true)]
async fn only_the_port_of_the_binding_is_proven() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).stopped());
    function.aws.put_target(&function.group, &address(0), 9999);
    let report = function.reconcile().await.unwrap();
    assert_eq!(function.registered().len(), 1);
    assert_eq!(report["unowned"][0]["port"], 9999);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_of_another_service_proves_nothing() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).service("other-service").stopped());
    function.aws.put_target(&function.group, &address(0), PORT);
    function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_came_back_with_a_task_that_serves_stays() {
    for prune in ["proven", "all"] {
        let function = with_prune(prune).await;
        function.aws.put_task(&task(0).stopped());
        function.aws.put_task(&Task::new("successor").address(&address(0)).running());
        function.aws.put_target(&function.group, &address(0), PORT);
        function.aws.put_target(&function.group, "2001:db8::9:9", PORT);
        function.reconcile().await.unwrap();
        assert!(function.registered().contains(&target(0)), "{prune}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_added_between_the_reads_is_not_removed_even_if_all_may_go() {
    let function = with_prune("all").await;
    let group = function.group.clone();
    function.aws.after(DescribeTargetHealth, 1, move |aws| {
        aws.put_target(&group, "2001:db8::9:9", PORT);
    });
    function.reconcile().await.unwrap();
    assert_eq!(function.registered().len(), 1);
    assert_eq!(function.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_about_to_run_keeps_its_target_even_if_all_may_go() {
    let function = with_prune("all").await;
    function.aws.put_target(&function.group, &address(0), PORT);
    let starting = Task::new(task(0).id()).address(&address(0)).pending();
    function.aws.put_task(&starting);
    let report = function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(report["skipped"], json!([{"taskArn": task(0).arn(), "reason": "not-running"}]));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_begins_to_stop_between_read_and_write_leaves_nothing() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.aws.before(RegisterTargets, 1, |aws| aws.put_task(&task(0).deactivating()));
    let report = function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [] as [String; 0]);
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_is_registered_again_while_its_target_drains() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.deliver(&task(0).stopped()).await.unwrap();
    function.aws.put_task(&Task::new("successor").address(&address(0)).running());
    function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_fails_its_checks_is_registered_all_the_same() {
    for health in [Health::Unhealthy, Health::UnhealthyDraining] {
        let function = Function::new().await;
        function.deliver(&task(1)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        function.aws.set_health(&function.group, &address(1), PORT, health);
        function.actions();
        function.reconcile().await.unwrap();
        assert_eq!(function.writes(), 0, "{health}");
        function.aws.put_task(&task(1).stopped());
        let report = function.reconcile().await.unwrap();
        assert_eq!(ids(&report, "deregistered"), [address(1)], "{health}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_family_that_ecs_does_not_know_empties_no_group_even_if_all_may_go() {
    let function = of_a_family().await;
    function.aws.put_target(&function.group, &address(0), PORT);
    let report = function.reconcile().await.unwrap();
    assert_eq!((ids(&report, "unowned"), function.registered().len()), (vec![&*address(0)], 1));
    // A task of it that has stopped shows that the name is right.
    function.aws.put_task(&task(1).family("demo").stopped());
    let report = function.reconcile().await.unwrap();
    assert_eq!(ids(&report, "deregistered"), [address(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_listed_task_that_ecs_does_not_know_fails_no_family() {
    let function = of_a_family().await;
    function.aws.put_target(&function.group, &address(9), PORT);
    function.aws.put_task(&task(0).family("demo"));
    function.aws.put_task(&task(1).family("demo"));
    function.aws.after(ListTasks, 1, |aws| aws.forget_task(&task(0).arn()));
    let report = function.reconcile().await.unwrap();
    assert_eq!(ids(&report, "registered"), [address(1)]);
    // What is not known whole removes nothing.
    assert_eq!(function.registered(), [target(1), target(9)]);
}

#[tokio::test(start_paused = true)]
async fn a_draining_target_of_a_task_that_left_is_not_written_again() {
    let function = Function::new().await;
    function.deliver(&task(0)).await.unwrap();
    function.deliver(&task(0).stopped()).await.unwrap();
    function.actions();
    function.reconcile().await.unwrap();
    assert_eq!(function.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_fails_removes_nothing_and_fails_its_binding() {
    for action in [DescribeTargetHealth, ListTasks, DescribeTasks] {
        for prune in ["proven", "all"] {
            let function = after_a_lost_stop(prune).await;
            function.aws.put_task(&task(1));
            function.aws.fault(Fault::on(action).access_denied());
            let error = function.reconcile().await.unwrap_err();
            assert_eq!(error.kind(), "TargetsFailed");
            let message = error.to_string();
            assert!(message.contains(action.name()) && message.contains(&function.group));
            assert!(function.registered().contains(&target(0)), "{action} {prune}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stopped_tasks_that_cannot_be_read_remove_nothing_and_hold_up_no_start() {
    for prune in ["proven", "all"] {
        let function = after_a_lost_stop(prune).await;
        function.aws.put_task(&task(1));
        function.aws.fault(Fault::on(ListTasks).nth(2).access_denied());
        assert!(function.reconcile().await.is_err());
        assert_eq!(function.registered(), [target(0), target(1)], "{prune}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_be_removed_stopped_tasks_are_not_read() {
    let function = Function::new().await;
    function.aws.put_target(&function.group, &address(9), PORT);
    function.aws.fault(Fault::on(ListTasks).access_denied());
    let plan = function.invoke(json!({"action": "plan"})).await.unwrap();
    assert_eq!(plan["failed"].as_array().unwrap().len(), 1, "{plan}");
    assert_eq!(function.actions(), [DescribeTargetHealth, ListTasks]);
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_in_a_dry_run_writes_nothing() {
    let function = Function::with_settings(&[("DRY_RUN", "true"), ("PRUNE", "all")]).await;
    function.aws.put_task(&task(0));
    function.aws.put_target(&function.group, &address(9), PORT);
    let report = function.reconcile().await.unwrap();
    assert_eq!(
        (ids(&report, "registered"), ids(&report, "deregistered")),
        (vec![&*address(0)], vec![&*address(9)])
    );
    assert_eq!((&report["dryRun"], function.writes()), (&json!(true), 0));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_read_holds_up_no_other() {
    let function = Function::new().await;
    (0..250).for_each(|n| function.aws.put_task(&task(n)));
    function.aws.fault(Fault::on(DescribeTasks).when_target(&task(0).arn()).access_denied());
    assert!(function.reconcile().await.is_err());
    assert_eq!(function.registered().len(), 150);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_holds_up_none_of_those_listed() {
    let function = Function::new().await;
    (0..250).for_each(|n| function.aws.put_task(&task(n)));
    function.aws.fault(Fault::on(ListTasks).nth(3).access_denied());
    assert!(function.reconcile().await.is_err());
    assert_eq!(function.registered().len(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_task_listed_but_not_described_is_a_gap_even_if_all_may_go() {
    let function = with_prune("all").await;
    function.deliver(&task(0)).await.unwrap();
    function.aws.after(ListTasks, 1, |aws| aws.forget_task(&task(0).arn()));
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(error.contains(&task(0).arn()), "{error}");
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn while_a_task_awaits_its_address_any_target_may_be_its_own() {
    let function = with_prune("all").await;
    function.aws.put_target(&function.group, &address(0), PORT);
    function.aws.put_task(&Task::new(task(0).id()).without_address().provisioning());
    let report = function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(ids(&report, "unowned"), [address(0)]);
}

/// A task of each of two services that are not registered yet.
async fn two_groups() -> (Function, String) {
    let (function, second) = Function::of_two_services().await;
    function.aws.put_task(&task(0));
    function.aws.put_task(&task(1).service("other-service"));
    (function, second)
}

#[tokio::test(start_paused = true)]
async fn a_broken_binding_is_an_error_after_the_others_are_done() {
    let (function, second) = two_groups().await;
    function.aws.delete_target_group(&function.group.clone());
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(error.contains("TargetGroupNotFound") && error.contains(&function.group), "{error}");
    assert!(!error.contains(&second), "{error}");
    assert_eq!(function.registered_in(&second), [target(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_error_names_every_binding_that_failed() {
    let (function, second) = two_groups().await;
    function.aws.fault(Fault::on(ListTasks).access_denied());
    let error = function.reconcile().await.unwrap_err().to_string();
    for named in [&function.group, &second, "service:demo-service", "service:other-service"] {
        assert!(error.contains(named), "{named} is missing in {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_names_many_bindings_too() {
    let (function, groups) = Function::in_groups(25).await;
    function.aws.fault(Fault::on(ListTasks).access_denied());
    let error = function.reconcile().await.unwrap_err().to_string();
    assert!(groups.iter().all(|group| error.contains(group)), "{error}");
}

/// Two services in one group on one port, and a third on another port of it.
async fn shared_group() -> Function {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("shared").port(PORT));
    let services = ["demo-service", "other-service", "third-service"];
    let mut bindings = services.map(|service| binding_of(service, &group));
    bindings[2]["port"] = json!(9090);
    Function::with(aws, json!(bindings), &[("PRUNE", "all")]).await
}

#[tokio::test(start_paused = true)]
async fn bindings_that_share_a_group_do_not_remove_each_others_targets() {
    let function = shared_group().await;
    function.aws.put_task(&task(0));
    function.aws.put_task(&task(1).service("other-service"));
    function.aws.put_task(&task(2).service("third-service"));
    for _ in 0..2 {
        function.reconcile().await.unwrap();
        let third = format!("[{}]:9090", address(2));
        assert_eq!(function.registered(), [target(0), target(1), third]);
    }
    let report = function.reconcile().await.unwrap();
    assert_eq!(report["deregistered"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn in_a_shared_group_an_unread_service_protects_its_targets() {
    let function = shared_group().await;
    function.aws.put_task(&task(1).service("other-service"));
    function.aws.put_target(&function.group, &address(1), PORT);
    function.aws.put_task(&task(0));
    function.aws.fault(Fault::on(ListTasks).nth(2).access_denied());
    assert!(function.reconcile().await.is_err());
    assert!(function.registered().contains(&target(1)));
}

#[tokio::test(start_paused = true)]
async fn a_service_of_several_bindings_is_read_once() {
    let aws = Aws::new();
    let groups = ["web", "dns"].map(|name| aws.add_target_group(TargetGroup::ipv6(name)));
    let mut bindings = groups.map(|group| binding(&group, Some(PORT)));
    bindings[1]["cluster"] = json!("arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster");
    let function = Function::with(aws, json!(bindings), &[]).await;
    function.aws.put_task(&task(0));
    function.reconcile().await.unwrap();
    function.actions();
    function.reconcile().await.unwrap();
    let mut actions = function.actions();
    actions.sort_by_key(|action| action.name());
    assert_eq!(actions, [DescribeTargetHealth, DescribeTargetHealth, DescribeTasks, ListTasks]);
}

#[tokio::test(start_paused = true)]
async fn a_family_binding_leaves_the_services_of_that_family_alone() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let function = Function::with(aws, json!([binding_of_family("batch", &group)]), &[]).await;
    function.aws.put_task(&task(0).family("batch"));
    function.aws.put_task(&task(1).task_definition("batch"));
    function.aws.put_task(&task(2).task_definition("batch").without_address());
    let report = function.reconcile().await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    assert_eq!(report["skipped"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_a_drifted_world_says_what_a_reconcile_does_without_writing() {
    let function = after_a_lost_stop("proven").await;
    function.aws.put_task(&task(1));
    function.aws.put_task(&task(2).without_address());
    function.aws.put_target(&function.group, "2001:db8::9:9", PORT);
    function.actions();
    let mut plan = function.invoke(json!({"action": "plan"})).await.unwrap();
    assert_eq!(function.writes(), 0);
    assert_eq!(ids(&plan, "registered"), [address(1)]);
    assert_eq!(ids(&plan, "deregistered"), [address(0)]);
    assert_eq!(ids(&plan, "unowned"), ["2001:db8::9:9"]);
    assert_eq!(plan["skipped"], json!([{"taskArn": task(2).arn(), "reason": "no-address"}]));
    assert_eq!(plan["dryRun"], true);
    let report = function.reconcile().await.unwrap();
    plan["dryRun"] = json!(false);
    assert_eq!(plan, report);
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_what_fails_beside_what_would_be_done() {
    let (function, second) = two_groups().await;
    function.aws.delete_target_group(&function.group.clone());
    let plan = function.invoke(json!({"action": "plan"})).await.unwrap();
    assert_eq!(ids(&plan, "registered"), [address(1)]);
    assert_eq!(plan["registered"][0]["targetGroupArn"], second);
    assert_eq!(plan["failed"][0]["targetGroupArn"], function.group);
    assert!(plan["failed"][0]["error"].as_str().unwrap().contains("TargetGroupNotFound"));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_targets_and_fifty_bindings_stay_within_the_documented_rates() {
    let aws = Aws::new();
    let bindings: Vec<Value> = (0..50)
        .map(|n| {
            let group = aws.add_target_group(TargetGroup::ipv6(&format!("group-{n}")));
            binding_of(&format!("service-{n}"), &group)
        })
        .collect();
    let function = Function::with(aws, json!(bindings), &[]).await;
    for n in 0..1_000_u16 {
        function.aws.put_task(&task(n).service("service-0"));
    }
    (1..50).for_each(|n| function.aws.put_task(&task(1_000 + n).service(&format!("service-{n}"))));
    function.reconcile().await.unwrap();
    assert_eq!(function.registered().len(), 1_000);
    let calls = function.aws.take_calls();
    for (kind, at_once, per_second) in [
        (&[RegisterTargets, DeregisterTargets][..], 20.0, 4.0),
        (&[RegisterTargets, DeregisterTargets, DescribeTargetHealth], 40.0, 10.0),
        (&[ListTasks, DescribeTasks], 100.0, 20.0),
    ] {
        let times: Vec<_> =
            calls.iter().filter(|c| kind.contains(&c.action)).map(|c| c.at).collect();
        let mut tokens = at_once;
        for (index, at) in times.iter().enumerate() {
            let since = times[index.saturating_sub(1)];
            let passed = at.duration_since(since).unwrap().as_secs_f64();
            tokens = f64::min(at_once, tokens + passed * per_second) - 1.0;
            assert!(tokens > -0.01, "call {index} of {kind:?} comes too early");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_reached_before_the_deadline_is_an_error() {
    let (function, second) = two_groups().await;
    let hang = Fault::on(DescribeTargetHealth).hang(Duration::from_secs(600));
    function.aws.fault(hang.group(&second));
    let left = Duration::from_secs(5);
    let result = function.invoke_within(left, json!({"action": "reconcile"})).await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("DeadlineReached") && error.contains(&second), "{error}");
    // And what hangs in one group holds up no other.
    assert_eq!(function.registered(), [target(0)]);
}
