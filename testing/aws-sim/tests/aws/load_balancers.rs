//! What ELBv2 says of load balancers, and what follows for target groups.

use aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum;
use aws_sim::{Aws, LoadBalancer, TargetGroup, Task};

use crate::clients::{code, elb, world};

const A: &str = "2001:db8::a";

#[tokio::test(start_paused = true)]
async fn a_load_balancer_says_what_it_is() {
    let aws = Aws::new();
    let made = LoadBalancer::network("demo-nlb").dualstack().source_nat_prefixes().zones("ac");
    let arn = aws.add_load_balancer(made);
    let call = elb(&aws).describe_load_balancers().load_balancer_arns(&arn);
    let answer = call.send().await.expect("an answer");
    let [balancer] = answer.load_balancers() else {
        panic!("one load balancer, not {answer:?}");
    };
    let zones = balancer.availability_zones().iter().filter_map(|zone| zone.zone_name());
    assert_eq!(zones.collect::<Vec<_>>(), ["us-east-2a", "us-east-2c"]);
    assert_eq!(balancer.load_balancer_name(), Some("demo-nlb"));
    assert_eq!(balancer.r#type().map(|kind| kind.as_str()), Some("network"));
    assert_eq!(balancer.ip_address_type().map(|kind| kind.as_str()), Some("dualstack"));
    let source_nat = balancer.enable_prefix_for_ipv6_source_nat();
    assert_eq!(source_nat.map(|prefixes| prefixes.as_str()), Some("on"));
    let state = balancer.state().and_then(|state| state.code());
    assert_eq!(state.map(|code| code.as_str()), Some("active"));
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_is_unknown_is_an_error() {
    let client = elb(&Aws::new());
    let refused = client.describe_load_balancers().load_balancer_arns("arn:none").send().await;
    assert_eq!(code(refused.unwrap_err()).as_deref(), Some("LoadBalancerNotFound"));
    let refused = client.describe_listeners().load_balancer_arn("arn:none").send().await;
    assert_eq!(code(refused.unwrap_err()).as_deref(), Some("LoadBalancerNotFound"));
}

#[tokio::test(start_paused = true)]
async fn listeners_name_one_group_and_share_out_between_several() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let other = aws.add_target_group(TargetGroup::ipv6("other"));
    let made = LoadBalancer::network("demo-nlb").listener("TCP", 443, &arn);
    let balancer = aws.add_load_balancer(made.weighted_listener("TCP", 80, &[&arn, &other]));
    let pages = client.describe_listeners().load_balancer_arn(&balancer).page_size(1);
    let listeners = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    let actions: Vec<(Option<&str>, usize)> = listeners
        .as_ref()
        .expect("an answer")
        .iter()
        .flat_map(|listener| listener.default_actions())
        .map(|action| {
            let several = action.forward_config().map_or(0, |config| config.target_groups().len());
            (action.target_group_arn(), several)
        })
        .collect();
    assert_eq!(actions, [(Some(arn.as_str()), 1), (None, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_target_group_names_the_load_balancer_that_uses_it() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let users = async || {
        let call = client.describe_target_groups().target_group_arns(&arn);
        let answer = call.send().await.expect("an answer");
        answer.target_groups()[0].load_balancer_arns().to_vec()
    };
    assert_eq!(users().await, [] as [String; 0]);
    let made = LoadBalancer::network("demo-nlb").listener("TCP", 443, &arn);
    let balancer = aws.add_load_balancer(made);
    assert_eq!(users().await, [balancer]);
}

#[tokio::test(start_paused = true)]
async fn targets_of_a_group_without_listener_are_unused_beside_a_balancer() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_target(&arn, A, 80);
    let health = async || {
        let call = client.describe_target_health().target_group_arn(&arn);
        let answer = call.send().await.expect("an answer");
        let health = answer.target_health_descriptions()[0].target_health().cloned();
        let health = health.expect("a health");
        (health.state().expect("a state").to_string(), health.reason().cloned())
    };
    let reason = TargetHealthReasonEnum::RegistrationInProgress;
    assert_eq!(health().await, ("initial".to_owned(), Some(reason.clone())));
    aws.add_load_balancer(LoadBalancer::network("demo-nlb"));
    let not_in_use = TargetHealthReasonEnum::NotInUse;
    assert_eq!(health().await, ("unused".to_owned(), Some(not_in_use)));
    aws.add_load_balancer(LoadBalancer::network("demo-nlb").listener("TCP", 443, &arn));
    assert_eq!(health().await, ("initial".to_owned(), Some(reason)));
}

#[tokio::test(start_paused = true)]
async fn a_target_is_in_the_zone_of_its_task() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    aws.put_task(&Task::new("one").address(A).zone('b').running());
    aws.put_target(&arn, A, 80);
    aws.put_target(&arn, "2001:db8::b", 80);
    let call = client.describe_target_health().target_group_arn(&arn);
    let answer = call.send().await.expect("an answer");
    let targets = answer.target_health_descriptions().iter().filter_map(|row| row.target());
    let zones: Vec<&str> = targets.filter_map(|target| target.availability_zone()).collect();
    assert_eq!(zones, ["us-east-2b", "us-east-2a"]);
}

#[tokio::test(start_paused = true)]
async fn attributes_and_limits_have_their_defaults() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6").protocol("UDP"));
    let call = client.describe_target_group_attributes().target_group_arn(&arn);
    let answer = call.send().await.expect("an answer");
    let attributes: Vec<(&str, &str)> = answer
        .attributes()
        .iter()
        .filter_map(|attribute| Some((attribute.key()?, attribute.value()?)))
        .collect();
    assert_eq!(
        attributes,
        [
            ("deregistration_delay.timeout_seconds", "300"),
            ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
            ("preserve_client_ip.enabled", "true"),
            ("proxy_protocol_v2.enabled", "false"),
        ]
    );
    let balancer = aws.add_load_balancer(LoadBalancer::network("demo-nlb").cross_zone());
    let call = client.describe_load_balancer_attributes().load_balancer_arn(balancer);
    let answer = call.send().await.expect("an answer");
    let crosses = answer.attributes().iter().any(|attribute| {
        attribute.key() == Some("load_balancing.cross_zone.enabled")
            && attribute.value() == Some("true")
    });
    assert!(crosses);
    aws.set_account_limit("targets-per-target-group", 7);
    let answer = client.describe_account_limits().send().await.expect("an answer");
    let limit = |name| {
        let mut limits = answer.limits().iter();
        limits.find(|limit| limit.name() == Some(name))?.max()
    };
    assert_eq!(limit("targets-per-target-group"), Some("7"));
    assert_eq!(limit("targets-per-network-load-balancer"), Some("3000"));
}
