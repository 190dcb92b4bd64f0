//! What doctor says of a group of VPC Lattice.

use std::time::Duration;

use aws_sim::{Action, Aws, Fault, Health, Service, TargetGroup, TaskDefinition};
use serde_json::{Value, json};

use crate::common::{Function, PORT, address, binding, task};
use crate::scene::group;

fn service() -> Service {
    let definition = TaskDefinition::new("demo").container("app", PORT, Some(120));
    Service::new("demo-service").task_definition(definition)
}

/// A function whose two tasks are registered in a group, and all is well but for what is given.
async fn with(group: TargetGroup, service: Service) -> Function {
    let aws = Aws::new();
    let arn = aws.add_target_group(group.registration_lag(Duration::ZERO));
    aws.add_service(service);
    for n in 0..2 {
        aws.put_task(&task(n));
        aws.put_target(&arn, &address(n), PORT);
    }
    Function::with(aws, json!([binding(&arn, Some(PORT))]), &[("HOLD_MINUTES", "15")]).await
}

impl Function {
    /// Doctor's check of this name, if there is one.
    async fn check(&self, name: &str) -> Value {
        let answer = self.invoke(json!({"action": "doctor"})).await.unwrap();
        let checks = answer["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["check"] == name);
        found.cloned().unwrap_or_default()
    }

    async fn finds(&self, name: &str, status: &str, detail: &str, fix: &str) {
        let check = self.check(name).await;
        assert_eq!(check["status"], status, "{check:#}");
        assert!(check["detail"].as_str().unwrap().contains(detail), "{check:#}");
        assert!(check["fix"].as_str().unwrap().contains(fix), "{check:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_all_is_well_the_checks_of_both_kinds_pass_and_no_others_run() {
    let function = with(group(), service()).await;
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    let checks = answer["checks"].as_array().unwrap();
    let found = checks.iter().map(|check| {
        assert_eq!(check["status"], "pass", "{check:#}");
        (check["check"].as_str().unwrap(), check["detail"].as_str().unwrap())
    });
    let found: Vec<_> = found.collect();
    assert_eq!(
        found[..4],
        [
            (
                "target-group",
                "demo-lattice has type IP, IP address type IPV6, protocol HTTP HTTP1, port 8080, \
                 VPC vpc-0aaaaaaaaaaaaaaaa; it checks health by HTTP on the target's port"
            ),
            ("lattice-service", "svc-0123456789abcdef0 uses it"),
            ("health", "2 of 2 serving tasks have healthy targets"),
            ("quota", "2 of 1000 targets (the default quota)"),
        ]
    );
    let names: Vec<&str> = found[4..].iter().map(|(name, _)| *name).collect();
    let of_ecs = [
        "service",
        "not-attached",
        "network-mode",
        "task-addresses",
        "deployment",
        "rollout",
        "drain",
    ];
    assert_eq!(names, of_ecs);
    let read = function.actions();
    assert!(read.iter().all(|action| !action.iam_name().starts_with("elasticload")), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_takes_no_ipv6_addresses_is_of_no_use() {
    let ipv4 = TargetGroup::ipv4("demo").vpc_cidr("2001:db8::/32").lattice();
    let aws = Aws::new();
    let arn = aws.add_target_group(ipv4);
    let function = Function::with(aws, json!([binding(&arn, None)]), &[]).await;
    function.finds("target-group", "fail", "IP address type IPV4", "ipAddressType=IPV6").await;

    let function = with(group().target_type("instance"), service()).await;
    function.finds("target-group", "fail", "type INSTANCE", "neither can be changed").await;
    function.aws.delete_target_group(&function.group);
    function.finds("target-group", "fail", "there is no target group arn:aws:vpc", "correct").await;
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_active_or_checks_nothing_is_told() {
    let function = with(group().status("DELETE_FAILED"), service()).await;
    function.finds("target-group", "fail", "it is DELETE_FAILED", "wait some minutes").await;
    let function = with(group().health_check("none", "traffic-port"), service()).await;
    function.finds("target-group", "warn", "it checks no health", "enabled=true").await;
}

#[tokio::test(start_paused = true)]
async fn a_group_without_a_service_serves_nobody() {
    let function = with(group().without_service(), service()).await;
    function.finds("lattice-service", "fail", "stay unused", "create-listener").await;
    assert_eq!(function.check("health").await, Value::Null);
    assert_eq!(function.check("rollout").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn unhealthy_targets_are_told_with_the_prefix_list_to_let_in() {
    let function = with(group(), service()).await;
    for (count, status) in [(1, "warn"), (2, "fail")] {
        let id = address(count - 1);
        function.aws.set_health(&function.group, &id, PORT, Health::Unhealthy);
        let detail = format!("{count} unhealthy (HealthCheckFailed)");
        function.finds("health", status, &detail, "ipv6.vpc-lattice").await;
    }
    function.aws.take_target(&function.group, &address(1), PORT);
    function.finds("health", "fail", "1 draining", "\"action\":\"reconcile\"").await;
}

#[tokio::test(start_paused = true)]
async fn what_ecs_fills_itself_is_no_group_for_the_function() {
    let configurations = json!([{"advancedConfiguration":
        {"alternateTargetGroupArn": group().arn()}, "targetGroupArn": "arn:other"}]);
    let deployments = json!([{"id": "ecs-svc/1", "status": "PRIMARY",
        "vpcLatticeConfigurations": configurations}]);
    let function = with(group(), service().setting("deployments", deployments)).await;
    let fix = "--service demo-service --vpc-lattice-configurations";
    function.finds("not-attached", "fail", "ECS registers and removes targets", fix).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_must_outlast_its_targets_draining_and_its_successors_start() {
    let definition = TaskDefinition::new("demo").container("app", PORT, Some(89));
    let function = with(group(), service().task_definition(definition)).await;
    function.finds("drain", "warn", "then waits 89 s", "at least 90").await;

    let aws = Aws::new();
    let arn = aws.add_target_group(group());
    aws.add_service(service());
    let function = Function::with(aws, json!([binding(&arn, None)]), &[]).await;
    function.finds("rollout", "warn", "up to 3 minutes later", "set HOLD_MINUTES").await;
}

#[tokio::test(start_paused = true)]
async fn a_full_group_is_told() {
    let function = with(group(), service()).await;
    for n in 10..600 {
        function.aws.put_target(&function.group, &address(n), PORT);
    }
    function.finds("quota", "warn", "592 of 1000 targets", "VPC Lattice quota").await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_read_names_its_action() {
    for (action, check) in
        [(Action::GetTargetGroup, "target-group"), (Action::ListTargets, "health")]
    {
        let function = with(group(), service()).await;
        function.aws.fault(Fault::on(action).access_denied());
        let allow = format!("allow vpc-lattice:{action} in the policy of the function's role");
        function.finds(check, "fail", "AccessDeniedException", &allow).await;
    }
}
