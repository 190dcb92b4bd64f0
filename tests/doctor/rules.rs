//! Groups that only some clients of a listener come to, by its rules.

use aws_sim::{Action, LoadBalancer};
use serde_json::json;

use crate::account::{Account, account, findings, network, of};
use crate::common::PORT;

/// IPv4 clients go to the native group by the default action, IPv6 clients by a rule.
fn split() -> Account {
    let account = account();
    let (ipv6, ipv4) = (account.group.arn(), account.native.arn());
    let balancer = network().listener("TCP", 443, &ipv4).rule(443, 20, "ipv6", &[(&ipv6, 1)]);
    Account { balancer, ..account }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_only_a_rule_names_serves_its_clients() {
    let account = split();
    let function = account.function().await;
    function.aws.put_target(&account.native.arn(), "10.0.0.1", PORT);
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [], "{answer:#}");
    let detail = of(&answer, "load-balancer")["detail"].as_str().unwrap();
    let expected = "demo-nlb forwards TCP:443 (IPv6 clients by rule 20) to it";
    assert!(detail.starts_with(expected), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn ipv4_clients_that_are_sent_to_an_empty_group_are_warned_of() {
    let detail = "TCP:443 sends IPv4 clients to demo-ipv4, where no target is in service";
    split().is_faulted("load-balancer", "warn", detail, "attach the service to demo-ipv4").await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_tried_first_takes_the_ipv6_clients() {
    let mut account = split();
    let (ipv6, ipv4) = (account.group.arn(), account.native.arn());
    account.balancer = account.balancer.rule(443, 10, "ipv6", &[(&ipv4, 1)]);
    let detail = "TCP:443 of demo-nlb sends IPv6 clients to demo-ipv4 by rule 10";
    account.is_faulted("load-balancer", "warn", detail, "aws elbv2 modify-rule --rule-arn").await;

    account.balancer = network().listener("TCP", 443, &ipv6).rule(443, 10, "ipv6", &[(&ipv4, 1)]);
    account.is_faulted("load-balancer", "warn", detail, "aws elbv2 modify-rule --rule-arn").await;
}

#[tokio::test(start_paused = true)]
async fn a_group_of_weight_zero_serves_nobody() {
    let mut account = split();
    let (ipv6, ipv4) = (account.group.arn(), account.native.arn());
    let shared = |ours, theirs| {
        network().listener("TCP", 443, &ipv4).rule(
            443,
            9,
            "ipv6",
            &[(&ipv6, ours), (&ipv4, theirs)],
        )
    };
    account.balancer = shared(0, 1);
    let detail = "to demo-ipv4 by rule 9, where the target group has weight 0";
    let fix = format!("--actions Type=forward,TargetGroupArn={ipv6}");
    account.is_faulted("load-balancer", "warn", detail, &fix).await;
    account.balancer = shared(0, 0);
    account.is_faulted("load-balancer", "fail", "to no target group by rule 9", &fix).await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_for_ipv4_clients_alone_brings_no_ipv6_client() {
    let mut account = split();
    let (ipv6, ipv4) = (account.group.arn(), account.native.arn());
    account.balancer = network().listener("TCP", 443, &ipv4).rule(443, 20, "ipv4", &[(&ipv6, 1)]);
    let detail = "sends IPv6 clients to demo-ipv4 by the default action";
    let fix = "--priority 21 --conditions \
               '[{\"Field\":\"source-ip\",\"SourceIpConfig\":{\"IpAddressType\":\"ipv6\"}}]'";
    account.is_faulted("load-balancer", "warn", detail, fix).await;
}

#[tokio::test(start_paused = true)]
async fn an_application_load_balancers_rules_are_not_read() {
    let account = split();
    let (ipv6, ipv4) = (account.group.arn(), account.native.arn());
    let balancer = LoadBalancer::application("demo-alb").dualstack().zones("ab");
    let balancer = balancer.listener("HTTP", 80, &ipv4).listener("HTTPS", 443, &ipv6);
    let function = Account { balancer, ..account }.function().await;
    let answer = function.invoke(json!({"action": "doctor"})).await.unwrap();
    assert_eq!(findings(&answer), [("load-balancer", "fail")]);
    assert!(!function.actions().contains(&Action::DescribeRules));
}
