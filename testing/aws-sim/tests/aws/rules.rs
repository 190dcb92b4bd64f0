//! Listener rules, by which clients of one IP family go elsewhere.

use crate::clients::{code, elb, world};
use aws_sim::{Aws, LoadBalancer, TargetGroup};

#[tokio::test(start_paused = true)]
async fn a_listener_lists_its_own_rules_and_its_default_one() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let other = aws.add_target_group(TargetGroup::ipv4("demo-ipv4"));
    let made = LoadBalancer::network("demo-nlb").listener("TCP", 443, &other);
    let made = made.listener("TCP", 80, &other);
    let made = made.rule(443, 20, "ipv6", &[(&arn, 3), (&other, 0)]);
    let balancer = aws.add_load_balancer(made);
    let call = client.describe_listeners().load_balancer_arn(&balancer);
    let answer = call.send().await.expect("an answer");
    let rules = async |listener: usize| {
        let listener = answer.listeners()[listener].listener_arn().expect("an ARN");
        let pages = client.describe_rules().listener_arn(listener).page_size(1);
        let rules = pages.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        rules.expect("an answer")
    };
    let rules_of_443 = rules(0).await;
    let [rule, default] = rules_of_443.as_slice() else {
        panic!("two rules, not {rules_of_443:?}");
    };
    assert_eq!((rule.priority(), rule.is_default()), (Some("20"), Some(false)));
    let source = rule.conditions()[0].source_ip_config().expect("a condition");
    assert_eq!(source.ip_address_type().map(|family| family.as_str()), Some("ipv6"));
    let forward = rule.actions()[0].forward_config().expect("an action");
    let groups = forward.target_groups().iter();
    let groups: Vec<_> =
        groups.map(|group| (group.target_group_arn().unwrap(), group.weight())).collect();
    assert_eq!(groups, [(arn.as_str(), Some(3)), (other.as_str(), Some(0))]);
    assert_eq!((default.priority(), default.is_default()), (Some("default"), Some(true)));
    assert_eq!(rules(1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_only_a_rule_names_is_used() {
    let (aws, client, arn) = world(TargetGroup::ipv6("demo-ipv6"));
    let other = aws.add_target_group(TargetGroup::ipv4("demo-ipv4"));
    let made = LoadBalancer::network("demo-nlb").listener("TCP", 443, &other);
    let balancer = aws.add_load_balancer(made.rule(443, 20, "ipv6", &[(&arn, 1)]));
    let call = client.describe_target_groups().target_group_arns(&arn);
    let answer = call.send().await.expect("an answer");
    assert_eq!(answer.target_groups()[0].load_balancer_arns(), [balancer]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_unknown_has_no_rules() {
    let refused = elb(&Aws::new()).describe_rules().listener_arn("arn:none").send().await;
    assert_eq!(code(refused.unwrap_err()).as_deref(), Some("ListenerNotFound"));
}
