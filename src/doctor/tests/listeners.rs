//! The listeners before the group.

use super::*;

#[test]
fn the_command_for_a_listener_names_a_certificate_where_one_is_needed() {
    for (protocol, expected) in [("TLS", true), ("TCP", false), ("UDP", false)] {
        let mut facts = Facts { front: Ok(Some(front())), ..facts() };
        facts.target_group.as_mut().unwrap().as_mut().unwrap().protocol = protocol.to_owned();
        let found = check("load-balancer", &facts).unwrap();
        assert_eq!(found.fix.contains("--certificates"), expected, "{}", found.fix);
    }
}

const OTHER: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv4/0123456789abcdef";

fn rule(priority: u32, clients: ClientFamily, groups: &[(&str, u32)]) -> Rule {
    Rule { arn: format!("RULE-{priority}"), priority, clients, action: forward(groups) }
}

fn forward(groups: &[(&str, u32)]) -> Forward {
    Forward(groups.iter().map(|(arn, weight)| ((*arn).to_owned(), *weight)).collect())
}

fn listener(port: u16, default: &[(&str, u32)], rules: Read<Vec<Rule>>) -> Listener {
    Listener {
        arn: format!("LISTENER-{port}"),
        protocol: "TCP".to_owned(),
        port,
        default_action: forward(default),
        rules,
    }
}

/// The check of these listeners, with so many targets in the group of the IPv4 clients.
fn judged(listeners: Vec<Listener>, ipv4_targets: usize) -> Check {
    let mut facts = behind();
    let front = facts.front.as_mut().unwrap().as_mut().unwrap();
    front.listeners = Ok(listeners);
    for group in [GROUP, OTHER] {
        front.ipv4_targets.insert(group.to_owned(), Ok(ipv4_targets));
    }
    check("load-balancer", &facts).unwrap()
}

#[test]
fn rules_decide_before_the_default_action_whom_the_group_serves() {
    use ClientFamily::{Ipv4, Ipv6, Unknown};
    use Status::{Fail, Pass, Warn};
    let here = [(GROUP, 1)];
    let there = [(OTHER, 1)];
    for (default, rules, expected, says) in [
        (&here[..], vec![], Pass, "forwards TCP:443 to it"),
        (&there, vec![rule(20, Ipv6, &here)], Pass, "TCP:443 (IPv6 clients by rule 20)"),
        (&here, vec![rule(5, Ipv4, &there)], Pass, "forwards TCP:443 to it"),
        (&here, vec![rule(5, Ipv6, &there)], Warn, "sends IPv6 clients to demo-ipv4 by rule 5"),
        (
            &there,
            vec![rule(1, Ipv6, &there), rule(2, Ipv6, &here)],
            Warn,
            "sends IPv6 clients to demo-ipv4 by rule 1",
        ),
        (&there, vec![rule(1, Ipv6, &here), rule(2, Ipv6, &there)], Pass, "by rule 1"),
        (&there, vec![rule(1, Ipv4, &here)], Warn, "to demo-ipv4 by the default action"),
        (&there, vec![rule(1, Unknown, &here)], Warn, "on a condition that doctor does not know"),
        (&there, vec![rule(1, Unknown, &here), rule(2, Ipv6, &here)], Pass, "by rule 2"),
        (&there, vec![rule(1, Unknown, &there)], Fail, "no listener of demo-nlb forwards"),
        (&there, vec![], Fail, "no listener of demo-nlb forwards"),
        (&[], vec![], Fail, "no listener of demo-nlb forwards"),
        (&[(OTHER, 1), (GROUP, 1)], vec![], Pass, "TCP:443"),
        (&[(OTHER, 1), (GROUP, 0)], vec![], Warn, "where the target group has weight 0"),
        (&[(OTHER, 0), (GROUP, 999)], vec![], Pass, "TCP:443"),
        (&[(GROUP, 0)], vec![], Fail, "IPv6 clients to no target group by the default action"),
        (&[(OTHER, 0), (GROUP, 0)], vec![], Fail, "to no target group"),
        (&[(GROUP, 0)], vec![rule(3, Ipv6, &here)], Pass, "by rule 3"),
        (&here, vec![rule(3, Ipv6, &[(GROUP, 0)])], Fail, "to no target group by rule 3"),
        (&here, vec![rule(3, Ipv6, &[(OTHER, 1), (GROUP, 0)])], Warn, "by rule 3, where"),
        (&here, vec![rule(3, Ipv6, &[])], Fail, "to no target group by rule 3"),
    ] {
        let name = format!("{default:?} {rules:?}");
        let found = judged(vec![listener(443, default, Ok(rules))], 2);
        assert_eq!(found.status, expected, "{name}: {}", found.detail);
        assert!(found.detail.contains(says), "{name}: {}", found.detail);
    }
}

#[test]
fn the_fix_is_a_rule_that_is_changed_or_a_new_one_of_a_free_priority() {
    use ClientFamily::{Ipv4, Ipv6};
    let here = [(GROUP, 1)];
    let there = [(OTHER, 1)];
    let fix = |rules| judged(vec![listener(443, &there, Ok(rules))], 2).fix;
    assert_eq!(
        fix(vec![rule(1, Ipv6, &there), rule(2, Ipv6, &here)]),
        format!(
            "aws elbv2 modify-rule --rule-arn RULE-1 --actions Type=forward,TargetGroupArn={GROUP}"
        )
    );
    let create = |priority: u32| {
        format!(
            "aws elbv2 create-rule --listener-arn LISTENER-443 --priority {priority} --conditions \
             '[{{\"Field\":\"source-ip\",\"SourceIpConfig\":{{\"IpAddressType\":\"ipv6\"}}}}]' \
             --actions Type=forward,TargetGroupArn={GROUP}"
        )
    };
    assert_eq!(fix(vec![rule(1, Ipv4, &here)]), create(20));
    assert_eq!(fix(vec![rule(20, Ipv4, &here), rule(21, Ipv4, &here)]), create(22));
}

#[test]
fn a_listener_that_misleads_is_named_beside_one_that_serves() {
    let wrong = listener(443, &[(OTHER, 1), (GROUP, 0)], Ok(Vec::new()));
    let dead = listener(444, &[(GROUP, 0)], Ok(Vec::new()));
    let right = listener(80, &[(GROUP, 1)], Ok(Vec::new()));
    let foreign = listener(81, &[(OTHER, 1)], Ok(Vec::new()));
    let found = judged(vec![right.clone(), foreign.clone(), wrong, dead.clone()], 2);
    assert_eq!(found.status, Status::Warn, "{}", found.detail);
    assert!(found.detail.starts_with("TCP:443 of demo-nlb sends"), "{}", found.detail);
    assert!(found.detail.contains("; TCP:444 of demo-nlb sends"), "{}", found.detail);
    assert_eq!(judged(vec![right, foreign.clone()], 2).status, Status::Pass);
    assert_eq!(judged(vec![dead, foreign], 2).status, Status::Fail);
}

#[test]
fn rules_that_cannot_be_read_are_warned_of_and_name_their_action() {
    let unread = || Err(denied("DescribeRules"));
    let here = listener(443, &[(GROUP, 1)], unread());
    let there = listener(443, &[(OTHER, 1)], unread());
    for (listener, says) in [
        (here, "by its default action; whether a rule sends IPv6 clients elsewhere is not known"),
        (there.clone(), "by a rule it seems; for which clients is not known"),
    ] {
        let found = judged(vec![listener], 2);
        assert_eq!(found.status, Status::Warn, "{}", found.detail);
        assert!(found.detail.contains(says), "{}", found.detail);
        assert!(found.detail.contains("DescribeRules: AccessDenied"), "{}", found.detail);
        let fix = "allow elasticloadbalancing:DescribeRules in the policy of the function's role";
        assert_eq!(found.fix, fix);
    }
    let right = listener(80, &[(GROUP, 1)], Ok(Vec::new()));
    assert_eq!(judged(vec![there, right], 2).status, Status::Pass, "a listener of others");
}

#[test]
fn ipv4_clients_that_find_no_target_are_warned_of() {
    use ClientFamily::{Ipv4, Ipv6};
    let (here, there) = ([(GROUP, 1)], [(OTHER, 1)]);
    let split = || listener(443, &there, Ok(vec![rule(20, Ipv6, &here)]));
    let found = judged(vec![split()], 0);
    assert_eq!(found.status, Status::Warn);
    assert!(
        found.detail.contains("IPv4 clients to demo-ipv4, where no target"),
        "{}",
        found.detail
    );
    assert_eq!(judged(vec![split()], 1).status, Status::Pass);
    let by_rule = vec![rule(20, Ipv6, &here), rule(21, Ipv4, &there)];
    assert_eq!(judged(vec![listener(443, &here, Ok(by_rule))], 0).status, Status::Warn);
    let both = listener(443, &here, Ok(vec![rule(20, Ipv6, &here)]));
    assert_eq!(judged(vec![both], 0).status, Status::Pass, "the group gets all clients");
    let unread = judged(vec![listener(443, &[("arn:x/unread/y", 1)], split().rules)], 0);
    assert_eq!(unread.status, Status::Pass, "nothing is claimed of targets that were not read");
}
