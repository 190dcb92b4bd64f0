//! The tasks' security groups, by their rules.

use super::*;

fn rule(protocol: &str, ports: Option<(i64, i64)>) -> Inbound {
    Inbound { protocol: protocol.to_owned(), ports, ..Inbound::default() }
}

fn from(range: &str, rule: Inbound) -> Inbound {
    Inbound { ipv6: vec![range.to_owned()], ..rule }
}

fn with(rules: Vec<Inbound>) -> Facts {
    let groups = vec![SecurityGroup { id: "sg-1".to_owned(), rules }];
    Facts { security_groups: Ok(groups), ..behind() }
}

fn found(facts: &Facts) -> (Status, String, String) {
    let found = check("security-group", facts).unwrap();
    (found.status, found.detail, found.fix)
}

#[test]
fn a_rule_for_all_of_ipv6_on_the_port_passes() {
    for rule in [
        rule("tcp", Some((8080, 8080))),
        rule("6", Some((8000, 9000))),
        rule("-1", None),
        rule("tcp", Some((-1, -1))),
    ] {
        let facts = with(vec![from("::/0", rule.clone())]);
        let (status, detail, fix) = found(&facts);
        assert_eq!(status, Status::Pass, "{rule:?}");
        assert_eq!((detail.as_str(), fix.as_str()), ("sg-1 lets IPv6 in on tcp:8080", ""));
    }
}

#[test]
fn rules_that_let_no_ipv6_in_on_the_port_fail_and_name_the_command() {
    let ipv4 = Inbound { has_ipv4: true, ..rule("tcp", Some((8080, 8080))) };
    let command = "aws ec2 authorize-security-group-ingress --group-id sg-1 --ip-permissions \
                   'IpProtocol=tcp,FromPort=8080,ToPort=8080,Ipv6Ranges=[{CidrIpv6=::/0}]'";
    for (rules, detail) in [
        (vec![], "sg-1 lets no IPv6 in on tcp:8080"),
        (vec![ipv4], "sg-1 lets no IPv6 in on tcp:8080, only IPv4"),
        (vec![from("::/0", rule("udp", None))], "sg-1 lets no IPv6 in on tcp:8080"),
        (vec![from("::/0", rule("tcp", Some((1, 8079))))], "sg-1 lets no IPv6 in on tcp:8080"),
    ] {
        let found = found(&with(rules));
        assert_eq!(found, (Status::Fail, detail.to_owned(), command.to_owned()));
    }
}

#[test]
fn sources_whose_addresses_are_not_known_warn() {
    let others = Inbound { others: vec!["sg-2".to_owned()], ..rule("tcp", None) };
    let mut facts = with(vec![others]);
    assert_eq!(found(&facts).0, Status::Warn);
    let front = facts.front.as_mut().unwrap().as_mut().unwrap();
    front.load_balancer.as_mut().unwrap().security_groups.push("sg-2".to_owned());
    let (status, detail, _) = found(&facts);
    assert_eq!(status, Status::Pass);
    assert_eq!(detail, "sg-1 lets IPv6 in on tcp:8080, from some addresses");
    let some = with(vec![from("2001:db8::/32", rule("tcp", None))]);
    assert_eq!(found(&some).1, "sg-1 lets IPv6 in on tcp:8080, from some addresses");
}

#[test]
fn the_ports_are_those_of_the_traffic_and_of_the_health_check() {
    for (protocol, check_port, ways) in [
        ("UDP", None, "tcp:8080, udp:8080"),
        ("TCP_UDP", Some(9000), "tcp:8080, tcp:9000, udp:8080"),
        ("TLS", Some(9000), "tcp:8080, tcp:9000"),
    ] {
        let mut facts = with(vec![from("::/0", rule("-1", None))]);
        group(&mut facts).protocol = protocol.to_owned();
        group(&mut facts).health_check.port = check_port;
        assert_eq!(found(&facts).1, format!("sg-1 lets IPv6 in on {ways}"));
    }
}

#[test]
fn what_is_not_known_is_left_out_and_what_is_not_read_warns() {
    assert_eq!(check("security-group", &behind()), None);
    let error = Code::of_aws(Some("UnauthorizedOperation"));
    let error = Failure::new("DescribeSecurityGroups", error, "no");
    let (status, _, fix) = found(&Facts { security_groups: Err(error), ..behind() });
    assert_eq!(status, Status::Warn);
    assert_eq!(fix, "allow ec2:DescribeSecurityGroups in the policy of the function's role");
}
