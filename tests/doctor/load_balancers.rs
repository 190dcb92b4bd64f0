//! The checks of the target group and the load balancer before it.

use aws_sim::{LoadBalancer, TargetGroup};
use serde_json::json;

use crate::account::{Account, account, findings, names, network, of};
use crate::common::{PORT, task};

#[tokio::test(start_paused = true)]
async fn a_target_group_that_is_gone_fails_and_what_hangs_on_it_is_left_out() {
    let function = account().function().await;
    function.aws.delete_target_group(&function.group);
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("target-group", "fail")]);
    let kept =
        ["target-group", "service", "not-attached", "network-mode", "task-addresses", "deployment"];
    assert_eq!(names(&answer), kept);
    assert!(of(&answer, "target-group")["fix"].as_str().unwrap().contains("targetGroupArn"));
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_takes_no_ipv6_addresses_fails() {
    let fix = "--target-type ip --ip-address-type ipv6 --protocol TCP --port 8080";
    let mut account = account();
    account.group = account.group.target_type("instance");
    account.is_faulted("target-group", "fail", "target type instance", fix).await;

    let mut account = self::account();
    account.group = TargetGroup::ipv4("demo-ipv6").port(PORT).vpc_cidr("10.0.0.0/8");
    account.group = account.group.attribute("preserve_client_ip.enabled", "true");
    account.registered = 0;
    let answer = account.examine().await;
    assert_eq!(of(&answer, "target-group")["status"], "fail");
    assert!(of(&answer, "target-group")["detail"].as_str().unwrap().contains("ipv4"));
}

#[tokio::test(start_paused = true)]
async fn a_target_group_that_no_listener_uses_fails() {
    let mut account = account();
    account.balancer = network().listener("TCP", 80, &account.native.arn());
    let fix = "aws elbv2 create-listener --load-balancer-arn ARN";
    account.is_faulted("load-balancer", "fail", "Target.NotInUse", fix).await;
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_serves_no_ipv6_client_fails() {
    let (group, native) = (account().group.arn(), account().native.arn());
    let network = || network().listener("TCP", 443, &group).listener("TCP", 80, &native);
    let ipv4 = LoadBalancer::network("demo-nlb").zones("ab").listener("TCP", 443, &group);
    let ipv4 = ipv4.listener("TCP", 80, &native);
    let application = LoadBalancer::application("demo-alb").dualstack().zones("ab");
    let application = application.listener("HTTP", 80, &group).listener("HTTP", 81, &native);
    for (balancer, detail, fix) in [
        (ipv4, "IP address type ipv4", "aws elbv2 set-ip-address-type"),
        (application, "type application", "Network Load Balancer"),
        (network().state("provisioning"), "is provisioning", "wait"),
        (network().state("failed"), "could not be set up", "create it again"),
    ] {
        let account = Account { balancer, ..account() };
        account.is_faulted("load-balancer", "fail", detail, fix).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_cannot_scale_is_warned_of() {
    let mut account = account();
    account.balancer = account.balancer.state("active_impaired");
    account.is_faulted("load-balancer", "warn", "active_impaired", "free IP addresses").await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_shares_its_traffic_out_counts() {
    let mut account = account();
    let groups = [account.native.arn(), account.group.arn()];
    account.balancer = network().weighted_listener("TCP", 443, &[&groups[0], &groups[1]]);
    account.passes("load-balancer", "TCP:443").await;
}

#[tokio::test(start_paused = true)]
async fn udp_needs_prefixes_for_source_nat() {
    for protocol in ["UDP", "TCP_UDP"] {
        let mut account = account();
        account.group = account.group.protocol(protocol);
        account.security_group = account.security_group.lets_in("udp", PORT, "::/0");
        account.balancer = network().listener(protocol, 53, &account.group.arn());
        account.balancer = account.balancer.listener("TCP", 80, &account.native.arn());
        let fix = "--enable-prefix-for-ipv6-source-nat on --subnet-mappings \
                   SubnetId=subnet-0aaaaaaaaaaaaaaaa,SourceNatIpv6Prefix=auto_assigned \
                   SubnetId=subnet-0bbbbbbbbbbbbbbbb,SourceNatIpv6Prefix=auto_assigned";
        account.is_faulted("source-nat", "fail", "no prefixes", fix).await;

        account.balancer = account.balancer.source_nat_prefixes();
        account.passes("source-nat", "demo-nlb has prefixes").await;
        assert!(!names(&account.examine().await).contains(&"client-ip"));
    }
}

#[tokio::test(start_paused = true)]
async fn clients_addresses_that_are_not_preserved_are_warned_of() {
    for protocol in ["TCP", "TLS"] {
        let mut account = account();
        account.group = TargetGroup::ipv6("demo-ipv6").port(PORT).protocol(protocol);
        let fix = format!(
            "aws elbv2 modify-target-group-attributes --target-group-arn {} --attributes \
             Key=preserve_client_ip.enabled,Value=true",
            account.group.arn()
        );
        account.is_faulted("client-ip", "warn", "preservation is off", &fix).await;

        account.group = account.group.attribute("proxy_protocol_v2.enabled", "true");
        account.passes("client-ip", "proxy protocol v2").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_zone_without_target_is_warned_of_unless_cross_zone_is_on() {
    let mut account = account();
    account.balancer = account.balancer.zones("abc");
    let fix = "Key=load_balancing.cross_zone.enabled,Value=true";
    account.is_faulted("zones", "warn", "no target in us-east-2c", fix).await;

    account.balancer = account.balancer.cross_zone();
    account.passes("zones", "none in us-east-2c, but cross-zone").await;

    account.group = account.group.attribute("load_balancing.cross_zone.enabled", "false");
    account.is_faulted("zones", "warn", "no target in us-east-2c", fix).await;

    let mut account = self::account();
    account.balancer = account.balancer.zones("abc");
    account.group = account.group.attribute("load_balancing.cross_zone.enabled", "true");
    account.passes("zones", "none in us-east-2c, but cross-zone").await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_drains_is_none() {
    let mut account = account();
    account.tasks = vec![task(0), task(1).zone('b')];
    let function = account.function().await;
    function.deliver(&task(1).zone('b').deactivating()).await.unwrap();
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("zones", "warn")]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_group_fails_if_tasks_run_that_belong_there() {
    let mut account = account();
    account.registered = 0;
    account.beside = vec![("health", "fail")];
    let fix = "{\"action\":\"reconcile\"}";
    account.is_faulted("zones", "fail", "though 2 tasks with IPv6 addresses run", fix).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_too_full_for_a_deployment_is_warned_of_and_a_full_one_fails() {
    for (limit, status, detail) in
        [(3, "warn", "2 of 3 targets: too few"), (2, "fail", "2 of 2 targets: no other")]
    {
        let function = account().function().await;
        function.aws.set_account_limit("targets-per-target-group", limit);
        let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
        assert_eq!(findings(&answer), [("quota", status)]);
        let found = of(&answer, "quota");
        assert!(found["detail"].as_str().unwrap().contains(detail), "{found:#}");
        assert!(found["fix"].as_str().unwrap().contains("Service Quotas"));
    }
}
