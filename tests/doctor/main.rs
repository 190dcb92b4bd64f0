//! `{"action":"doctor"}` over the simulated AWS: every check in a world where it passes and in one
//! where it does not, reads that fail, and how many reads there are.

#[path = "../common/mod.rs"]
mod common;

mod account;
mod deployments;
mod health;
mod load_balancers;
mod network;
mod reads;
mod rules;
mod services;

use account::account;
use aws_sim::Action;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn where_all_is_well_every_check_passes_and_says_what_it_found() {
    let answer = account().examine().await;
    let check = |name: &str, detail: &str| {
        json!({
            "binding": "service:demo-service in demo-cluster → demo-ipv6:8080",
            "check": name, "status": "pass", "detail": detail, "fix": ""
        })
    };
    assert_eq!(
        answer,
        json!({"ok": true, "checks": [
            check(
                "target-group",
                "demo-ipv6 has target type ip, IP address type ipv6, protocol TCP"
            ),
            check("load-balancer", "demo-nlb forwards TCP:443 to it, network, dualstack, active"),
            check("client-ip", "client IP preservation is on"),
            check("zones", "targets in us-east-2a, us-east-2b"),
            check("health", "2 of 2 serving tasks have healthy targets"),
            check("security-group", "sg-1 lets IPv6 in on tcp:8080"),
            check("quota", "2 of 1000 targets"),
            check("service", "ACTIVE, 2 of 2 tasks run"),
            check("not-attached", "demo-ipv6 is not among the service's load balancers"),
            check("network-mode", "demo:10 has network mode awsvpc"),
            check("task-addresses", "all 2 running tasks have IPv6 addresses"),
            check("deployment", "ROLLING: old and new tasks are expected to serve side by side"),
            check("rollout", "old tasks are kept by ECS, until the targets in demo-ipv4 are healthy"),
            check(
                "drain",
                "ECS waits 300 s for demo-ipv4 before SIGTERM, then 30 s for the containers; \
                 the IPv6 target drains for 300 s"
            ),
        ]})
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written() {
    let function = account().function().await;
    function.invoke(json!({"action": "doctor"})).await.unwrap();
    let writes = [Action::RegisterTargets, Action::DeregisterTargets];
    assert!(!function.actions().iter().any(|action| writes.contains(action)));
}
