//! Reads that fail or hang, and how many there are.

use std::time::Duration;

use aws_sim::{Action, Aws, Fault, Service, TargetGroup, Task};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::account::{account, definition, findings, names, network, of};
use crate::common::{Function, PORT, binding, task};

#[tokio::test(start_paused = true)]
async fn a_denied_read_fails_the_checks_that_need_it_and_names_the_action() {
    for (action, checks) in [
        (Action::DescribeTargetGroups, &["target-group", "health-check", "health", "rollout"][..]),
        (Action::DescribeTargetGroupAttributes, &["client-ip", "zones", "drain"]),
        (Action::DescribeTargetHealth, &["zones", "health", "quota"]),
        (Action::DescribeLoadBalancers, &["load-balancer", "zones"]),
        (Action::DescribeListeners, &["load-balancer"]),
        (Action::DescribeLoadBalancerAttributes, &["zones"]),
        (Action::DescribeAccountLimits, &["quota"]),
        (Action::DescribeServices, &["service", "not-attached", "deployment", "rollout"]),
        (Action::DescribeTaskDefinition, &["network-mode", "drain"]),
        (Action::ListTasks, &["task-addresses"]),
        (Action::DescribeTasks, &["health", "task-addresses"]),
    ] {
        // A zone without target, so that it matters whether cross-zone is on.
        let mut account = account();
        account.balancer = account.balancer.zones("abc").cross_zone();
        let function = account.function().await;
        function.aws.fault(Fault::on(action).access_denied());
        let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
        assert_eq!(answer["ok"], false);
        for check in checks {
            let found = of(&answer, check);
            assert_eq!(found["status"], "fail", "{action}: {answer:#}");
            let allow = format!("allow {} in the policy of the function's role", action.iam_name());
            assert_eq!(found["fix"], allow);
        }
        let all = answer["checks"].as_array().unwrap();
        let passed = all.iter().filter(|check| check["status"] == "pass").count();
        assert!(passed >= 3, "{action}: others are judged: {answer:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn denied_rules_are_only_warned_of_because_the_group_is_in_use() {
    let function = account().function().await;
    function.aws.fault(Fault::on(Action::DescribeRules).access_denied());
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("load-balancer", "warn")]);
    let fix = "allow elasticloadbalancing:DescribeRules in the policy of the function's role";
    assert_eq!(of(&answer, "load-balancer")["fix"], fix);
}

#[tokio::test(start_paused = true)]
async fn reads_of_ec2_that_are_denied_are_only_warned_of() {
    for (action, check) in
        [(Action::DescribeSecurityGroups, "security-group"), (Action::DescribeSubnets, "subnets")]
    {
        let mut account = account();
        account.tasks.push(Task::new("lacks").without_address().running());
        let function = account.function().await;
        function.aws.fault(Fault::on(action).access_denied());
        let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
        let found = of(&answer, check);
        assert_eq!(found["status"], "warn");
        let allow = format!("allow {} in the policy of the function's role", action.iam_name());
        assert_eq!(found["fix"], allow);
    }
}

#[tokio::test(start_paused = true)]
async fn ec2_that_does_not_answer_costs_a_few_seconds() {
    let function = account().function().await;
    function.aws.fault(Fault::on(Action::DescribeSecurityGroups).hang(Duration::from_secs(60)));
    let begun = Instant::now();
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("security-group", "warn")]);
    assert!(begun.elapsed() <= Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn every_action_that_is_called_is_one_that_the_denied_reads_know() {
    let function = account().function().await;
    function.invoke(json!({"action": "doctor"})).await.unwrap();
    let mut actions = function.actions();
    actions.sort();
    actions.dedup();
    assert_eq!(
        actions,
        [
            Action::DescribeTargetHealth,
            Action::DescribeTargetGroups,
            Action::DescribeTargetGroupAttributes,
            Action::DescribeLoadBalancers,
            Action::DescribeListeners,
            Action::DescribeRules,
            Action::DescribeLoadBalancerAttributes,
            Action::DescribeAccountLimits,
            Action::DescribeTasks,
            Action::ListTasks,
            Action::DescribeServices,
            Action::DescribeTaskDefinition,
            Action::DescribeSecurityGroups,
        ]
    );
}

/// Two bindings of `demo-service`, in `demo-ipv6` and in a second group behind the same load
/// balancer.
async fn two_bindings() -> Function {
    let account = account();
    let second = TargetGroup::ipv6("demo-admin").port(9090);
    let function = account.function().await;
    let second = function.aws.add_target_group(second);
    let balancer = account.balancer.listener("TCP", 9443, &second);
    function.aws.add_load_balancer(balancer);
    let bindings = json!([account.binding, binding(&second, Some(9090))]);
    Function::with(function.aws, bindings, &[]).await
}

#[tokio::test(start_paused = true)]
async fn what_bindings_share_is_read_once() {
    let function = two_bindings().await;
    function.invoke(json!({"action": "doctor"})).await.unwrap();
    let actions = function.actions();
    let calls = |action| actions.iter().filter(|called| **called == action).count();
    for (action, expected) in [
        // Two bound groups, and the native one.
        (Action::DescribeTargetGroups, 3),
        (Action::DescribeTargetGroupAttributes, 3),
        (Action::DescribeTargetHealth, 3),
        (Action::DescribeLoadBalancers, 1),
        (Action::DescribeListeners, 1),
        // One for each listener.
        (Action::DescribeRules, 3),
        (Action::DescribeLoadBalancerAttributes, 1),
        (Action::DescribeAccountLimits, 1),
        (Action::DescribeServices, 1),
        (Action::DescribeTaskDefinition, 1),
        (Action::DescribeSecurityGroups, 1),
        (Action::ListTasks, 1),
        (Action::DescribeTasks, 1),
    ] {
        assert_eq!(calls(action), expected, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_binding_that_is_broken_or_hangs_leaves_the_others_alone() {
    let hour = Duration::from_secs(3600);
    for fault in [
        Fault::on(Action::DescribeTargetGroups).internal_error(),
        Fault::on(Action::DescribeTargetGroups).hang(hour),
    ] {
        let function = two_bindings().await;
        function.aws.fault(fault.when_target(&function.group));
        let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
        let all = answer["checks"].as_array().unwrap();
        let (first, second): (Vec<&Value>, Vec<&Value>) =
            all.iter().partition(|check| check["binding"].as_str().unwrap().contains("demo-ipv6"));
        assert!(first.iter().any(|check| check["status"] == "fail"), "{first:#?}");
        let other = |name| second.iter().find(|check| check["check"] == name).unwrap();
        for check in ["target-group", "load-balancer", "service", "task-addresses"] {
            assert_eq!(other(check)["status"], "pass");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_before_the_deadline_fails_and_says_so() {
    let function = account().function().await;
    function.aws.fault(Fault::on(Action::DescribeLoadBalancers).hang(Duration::from_secs(3600)));
    let started = function.aws.now();
    let doctor = json!({"action": "doctor"});
    let answer = function.invoke_within(Duration::from_secs(4), doctor).await.unwrap();
    assert!(function.aws.now().duration_since(started).unwrap() < Duration::from_secs(4));
    assert_eq!(findings(&answer), [("load-balancer", "fail"), ("zones", "fail")]);
    let found = of(&answer, "zones");
    assert!(found["detail"].as_str().unwrap().contains("DescribeLoadBalancers: DeadlineReached"));
    assert!(found["fix"].as_str().unwrap().contains("longer timeout"));
}

#[tokio::test(start_paused = true)]
async fn listeners_and_tasks_beyond_the_first_page_count() {
    let mut account = account();
    account.balancer = network();
    for port in 1000..1500 {
        account.balancer = account.balancer.listener("TCP", port, &account.native.arn());
    }
    account.balancer = account.balancer.listener("TCP", 443, &account.group.arn());
    let function = account.function().await;
    let doctor = json!({"action": "doctor"});
    let answer = function.invoke_within(Duration::from_secs(60), doctor).await.unwrap();
    assert_eq!(of(&answer, "load-balancer")["status"], "pass", "{answer:#}");

    let mut account = self::account();
    account.tasks.extend((2..250).map(task));
    account.tasks.push(task(250).without_address());
    let answer = account.examine().await;
    let found = of(&answer, "task-addresses")["detail"].as_str().unwrap();
    assert!(found.contains("1 of 251 running tasks"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn fifty_bindings_are_examined_within_the_rates_and_half_a_minute() {
    let aws = Aws::new();
    let mut balancer = network();
    let mut bindings = Vec::new();
    for n in 0..50 {
        let group = aws.add_target_group(TargetGroup::ipv6(&format!("demo-{n}")).port(PORT));
        balancer = balancer.listener("TCP", 1000 + n, &group);
        let name = format!("demo-{n}");
        aws.add_service(Service::new(&name).task_definition(definition()));
        aws.put_task(&task(n).service(&name));
        aws.put_target(&group, &task(n).ipv6().unwrap().to_string(), PORT);
        bindings.push(json!({"cluster": "demo-cluster", "service": name, "targetGroupArn": group}));
    }
    aws.add_load_balancer(balancer);
    aws.latency(None, Duration::from_millis(50));
    let function = Function::with(aws, json!(bindings), &[]).await;
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(answer["ok"], true, "{:#?}", findings(&answer));
    assert_eq!(names(&answer).len(), 50 * 13);
}
