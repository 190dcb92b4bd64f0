//! The role of another account, and targets outside the VPC.

use super::*;

const ROLE: &str = "arn:aws:iam::222222222222:role/there";

fn by_role(is_assumed: Read<()>) -> Facts {
    Facts { role: Some(AssumedRole { arn: ROLE.to_owned(), is_assumed }), ..behind() }
}

fn refused(code: &str) -> Failure {
    Failure::new("AssumeRole", Code::of_aws(Some(code)), "no")
}

#[test]
fn a_role_that_cannot_be_assumed_fails_with_policy_and_trust_to_fix() {
    assert_eq!(check("role", &behind()), None);
    assert_eq!(status("role", &by_role(Ok(()))), Status::Pass);
    let found = check("role", &by_role(Err(refused("AccessDenied")))).unwrap();
    assert_eq!((found.status, &*found.detail), (Status::Fail, "AssumeRole: AccessDenied: no"));
    for said in ["sts:AssumeRole", ROLE, "trust policy", "sts:ExternalId", "RoleArns"] {
        assert!(found.fix.contains(said), "{}", found.fix);
    }
    let found = check("role", &by_role(Err(refused("RegionDisabledException")))).unwrap();
    assert!(found.fix.contains("invoke doctor again"), "{}", found.fix);
}

#[test]
fn what_cannot_be_read_without_the_role_refers_to_its_check() {
    let target_group = Err(refused("AccessDenied"));
    let facts = Facts { target_group, ..by_role(Err(refused("AccessDenied"))) };
    assert_eq!(check("target-group", &facts).unwrap().fix, "fix `role` first");
}

#[test]
fn a_read_that_is_denied_there_is_to_be_allowed_to_the_role() {
    let targets = Err(denied("DescribeTargetHealth"));
    let tasks = Err(denied("ListTasks"));
    let facts = Facts { targets, ..by_role(Ok(())) };
    let fix = check("zones", &facts).unwrap().fix;
    let there = format!("elasticloadbalancing:DescribeTargetHealth in the policy of {ROLE}");
    assert!(fix.contains(&there), "{fix}");
    let facts = Facts { tasks, ..by_role(Ok(())) };
    let fix = check("task-addresses", &facts).unwrap().fix;
    assert_eq!(fix, "allow ecs:ListTasks in the policy of the function's role");
}

#[test]
fn targets_in_all_zones_ignore_that_cross_zone_is_off() {
    let facts = |cross_zone, all_zones| {
        let mut facts = behind();
        facts.attributes.as_mut().unwrap().cross_zone = Some(cross_zone);
        let targets = Ok(vec![target(Some("all"), "healthy")]);
        Facts { all_zones, targets, ..facts }
    };
    for (cross_zone, all_zones, expected) in
        [(false, true, Status::Warn), (true, true, Status::Pass), (false, false, Status::Pass)]
    {
        assert_eq!(status("zones", &facts(cross_zone, all_zones)), expected, "{cross_zone}");
    }
}

#[test]
fn a_group_of_udp_takes_no_target_of_another_vpc() {
    for (protocol, all_zones, expected) in [
        ("UDP", true, Some(Status::Fail)),
        ("TCP_UDP", true, Some(Status::Fail)),
        ("QUIC", true, Some(Status::Fail)),
        ("TCP", true, None),
        ("UDP", false, None),
    ] {
        let mut facts = Facts { all_zones, ..facts() };
        group(&mut facts).protocol = protocol.to_owned();
        let found = check("zones", &facts).map(|found| found.status);
        assert_eq!(found, expected, "{protocol} {all_zones}");
    }
}
