//! The checks of the service, its task definition and its tasks.

use std::time::Duration;

use aws_sim::{Service, Task, TaskDefinition};
use serde_json::json;

use crate::account::{Account, account, definition, findings, names, of};
use crate::common::{PORT, task};

#[tokio::test(start_paused = true)]
async fn a_service_without_tasks_is_warned_of() {
    let mut account = account();
    account.tasks.clear();
    let answer = account.examine().await;
    assert_eq!(findings(&answer), [("zones", "warn"), ("task-addresses", "warn")]);
    assert_eq!(answer["ok"], true);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_there_fails_and_what_hangs_on_it_is_left_out() {
    let mut account = account();
    account.service = Service::new("another");
    account.tasks = vec![];
    let answer = account.examine().await;
    let found = of(&answer, "service");
    assert_eq!(found["status"], "fail");
    assert_eq!(found["detail"], "the cluster demo-cluster has no service demo-service");
    let kept = ["target-group", "load-balancer", "client-ip", "zones", "quota", "service"];
    assert_eq!(names(&answer), kept);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_active_fails() {
    for status in ["DRAINING", "INACTIVE"] {
        let mut account = account();
        account.service = account.service.status(status);
        account.is_faulted("service", "fail", status, "BINDINGS").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_there_fails_and_says_so() {
    let mut account = account();
    account.binding["cluster"] = json!("nowhere");
    let answer = account.examine().await;
    let found = of(&answer, "service");
    assert_eq!(found["status"], "fail");
    assert_eq!(found["fix"], "correct `cluster` in BINDINGS");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_ecs_fills_by_itself_fails() {
    let (ipv4, ipv6) = (account().native.arn(), account().group.arn());
    let service = || Service::new("demo-service").task_definition(definition());
    let update = "aws ecs update-service --cluster demo-cluster --service demo-service \
                  --load-balancers";
    for (service, keep) in [
        (service().attached_to(&ipv4).attached_to(&ipv6), "JSON, where JSON lists only demo-ipv4"),
        (service().attached_to_both(&ipv4, &ipv6), "JSON, where JSON lists only demo-ipv4"),
    ] {
        let account = Account { service, ..account() };
        let fix = format!("{update} {keep}");
        account.is_faulted("not-attached", "fail", "ECS removes the targets", &fix).await;
    }
    let account = Account { service: service().attached_to(&ipv6), ..account() };
    let answer = account.examine().await;
    assert_eq!(of(&answer, "not-attached")["fix"], format!("{update} '[]'"));
    assert_eq!(of(&answer, "drain")["status"], "warn", "the group itself holds no task");
}

#[tokio::test(start_paused = true)]
async fn tasks_without_network_interfaces_of_their_own_fail() {
    for (definition, mode) in [
        (definition().network_mode("host"), "host"),
        (definition().without_network_mode(), "bridge"),
    ] {
        let mut account = account();
        account.service = account.service.task_definition(definition);
        account.is_faulted("network-mode", "fail", mode, "`networkMode` awsvpc").await;
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_without_ipv6_addresses_fail() {
    let mut account = account();
    account.tasks.push(Task::new("starts").without_address().pending());
    account.passes("task-addresses", "all 2 running tasks").await;

    account.tasks.push(task(2).without_address());
    account.beside = vec![("subnets", "warn")];
    let fix = "for s in subnet-0aaaaaaaaaaaaaaaa; do aws ec2 modify-subnet-attribute \
               --subnet-id $s --assign-ipv6-address-on-creation; done; aws ecs \
               put-account-setting-default --name dualStackIPv6 --value enabled";
    account.is_faulted("task-addresses", "fail", "1 of 3 running tasks", fix).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_stops_before_its_target_is_drained_is_warned_of() {
    let detached = || Service::new("demo-service");
    let stops = |seconds| TaskDefinition::new("demo").container("app", PORT, seconds);
    let fix = "Key=deregistration_delay.timeout_seconds,Value=120";

    let mut account = account();
    account.beside = vec![("rollout", "warn")];
    account.service = detached().task_definition(definition());
    let detail = "ECS sends SIGTERM at once, then waits 30 s for the containers; the IPv6 target \
                  drains for 300 s";
    account.is_faulted("drain", "warn", detail, fix).await;

    account.service = detached().task_definition(stops(Some(120)));
    account.is_faulted("drain", "warn", "then waits 120 s", fix).await;

    account.group = account.group.deregistration_delay(Duration::from_secs(120));
    account.passes("drain", "which must go on serving").await;
}

#[tokio::test(start_paused = true)]
async fn a_native_group_holds_tasks_only_as_long_as_it_drains_itself() {
    let mut account = account();
    account.native = account.native.deregistration_delay(Duration::from_secs(60));
    let detail = "ECS waits 60 s for demo-ipv4 before SIGTERM, then 30 s";
    account.is_faulted("drain", "warn", detail, "at least 300 s").await;

    account.native = account.native.deregistration_delay(Duration::from_secs(300)).protocol("HTTP");
    account.is_faulted("drain", "warn", "SIGTERM at once", "IPv4 target group").await;
}

#[tokio::test(start_paused = true)]
async fn a_family_has_no_service_to_check() {
    let mut account = account();
    let of_a_service = task(2).without_address();
    account.tasks = vec![task(0).family("demo"), task(1).family("demo").zone('b'), of_a_service];
    account.group = account.group.deregistration_delay(Duration::from_secs(120));
    account.service = account.service.task_definition(TaskDefinition::new("demo").container(
        "app",
        PORT,
        Some(120),
    ));
    account.binding = json!({
        "cluster": "demo-cluster", "family": "demo", "targetGroupArn": account.group.arn()
    });
    account.passes("task-addresses", "all 2 running tasks").await;
    let answer = account.examine().await;
    assert_eq!(answer["checks"][0]["binding"], "family:demo in demo-cluster → demo-ipv6");
    let checks = names(&answer);
    assert!(!checks.contains(&"service") && !checks.contains(&"not-attached"));
    assert!(!checks.contains(&"deployment") && !checks.contains(&"rollout"));
    assert!(checks.contains(&"network-mode") && checks.contains(&"drain"));
    assert!(checks.contains(&"health"));
}
