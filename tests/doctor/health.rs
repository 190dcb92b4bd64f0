//! The health of the targets, and what checks it.

use aws_sim::{Health, Service, TargetGroup, TaskDefinition};
use serde_json::{Value, json};

use crate::account::{Account, account, findings, network, of};
use crate::common::{PORT, task};

/// What doctor says when so many of the two targets are unhealthy.
async fn with_unhealthy(count: u16) -> Value {
    let function = account().function().await;
    function.aws.spell_out_addresses(true);
    for n in 0..count {
        let address = task(n).ipv6().unwrap().to_string();
        function.aws.set_health(&function.group, &address, PORT, Health::Unhealthy);
    }
    function.invoke(json!({"action": "doctor"})).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_unhealthy_target_is_warned_of_and_none_healthy_fails() {
    for (count, status) in [(1, "warn"), (2, "fail")] {
        let answer = with_unhealthy(count).await;
        assert_eq!(findings(&answer), [("health", status)], "{answer:#}");
        let found = of(&answer, "health");
        let detail = format!("{count} unhealthy (Target.FailedHealthChecks)");
        assert!(found["detail"].as_str().unwrap().contains(&detail), "{found:#}");
        assert!(found["fix"].as_str().unwrap().contains("listen on [::], not on 0.0.0.0 only"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_check_of_a_udp_group_by_tcp_needs_a_port_that_answers() {
    let udp = |check: &str| {
        let group = TargetGroup::ipv6("demo-ipv6").port(PORT).protocol("UDP");
        let group = group.health_check("HTTP", check);
        let native = account().native.arn();
        let balancer = network().source_nat_prefixes().listener("UDP", 53, &group.arn());
        let definition = TaskDefinition::new("demo").udp_container("app", PORT);
        let definition = definition.container("status", 9000, None);
        let service = Service::new("demo-service").task_definition(definition);
        let service = service.attached_to(&native);
        let balancer = balancer.listener("TCP", 80, &native);
        Account { group, balancer, service, ..account() }
    };
    udp("9000").passes("health-check", "by HTTP on port 9000, which demo:10 maps").await;
    udp("traffic-port").passes("health-check", "which answers, though demo:10 does not").await;

    let function = udp("traffic-port").function().await;
    for n in 0..2 {
        let address = task(n).ipv6().unwrap().to_string();
        function.aws.set_health(&function.group, &address, PORT, Health::Unhealthy);
    }
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("health-check", "warn"), ("health", "fail")]);
    let found = of(&answer, "health-check");
    let detail = "targets are checked by HTTP on port 8080, which demo:10 does not map for TCP";
    assert_eq!(found["detail"], detail);
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_a_zone_counts_both_groups_of_a_task() {
    let account = account();
    let function = account.function().await;
    function.aws.put_target(&account.native.arn(), "10.0.0.1", PORT);
    let zone = "targets-per-availability-zone-per-network-load-balancer";
    for (most, expected) in [(4, None), (3, Some("warn")), (2, Some("fail"))] {
        function.aws.set_account_limit(zone, most);
        let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
        let found: Vec<_> = expected.map(|status| ("quota", status)).into_iter().collect();
        assert_eq!(findings(&answer), found, "{most}: {answer:#}");
        let detail = format!("2 of {most} targets of the load balancer in us-east-2a");
        assert!(of(&answer, "quota")["detail"].as_str().unwrap().starts_with(&detail));
    }
    function.aws.set_account_limit(zone, 500);
    function.aws.set_account_limit("targets-per-network-load-balancer", 3);
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("quota", "fail")]);
}
