//! The quotas.

use super::*;

#[test]
fn half_the_quota_leaves_room_for_a_deployment() {
    use Status::{Fail, Pass, Warn};
    let target = target(None, "healthy");
    for (count, expected) in [(500, Pass), (501, Warn), (999, Warn), (1000, Fail)] {
        let facts = Facts { targets: Ok(vec![target.clone(); count]), ..facts() };
        assert_eq!(status("quota", &facts), expected, "{count}");
    }
    let quotas = |per_group| Ok(Quotas { per_group, per_zone: 500, per_load_balancer: 3000 });
    let told = quotas(TargetsPerGroup::Told(1001));
    let facts = Facts { targets: Ok(vec![target; 500]), quotas: told, ..facts() };
    assert_eq!(status("quota", &facts), Pass);
    let assumed = Facts { quotas: quotas(TargetsPerGroup::Assumed(1000)), ..facts };
    assert!(check("quota", &assumed).unwrap().detail.contains("the default quota"));
}

#[test]
fn with_cross_zone_on_the_quota_of_a_zone_counts_for_all() {
    use Status::{Fail, Pass, Warn};
    let target = target(None, "healthy");
    for (count, expected) in [(250, Pass), (251, Warn), (500, Fail)] {
        let mut facts = Facts { targets: Ok(vec![target.clone(); count]), ..facts() };
        facts.attributes.as_mut().unwrap().cross_zone = Some(true);
        assert_eq!(status("quota", &facts), expected, "{count}");
    }
}

/// So many targets in zone `a` and as many in zone `b`.
fn in_two_zones(each: usize) -> Vec<Target> {
    let zones = ["us-east-2a", "us-east-2b"].iter();
    zones.flat_map(|zone| vec![target(Some(zone), "healthy"); each]).collect()
}

#[test]
fn a_task_in_two_groups_of_the_load_balancer_counts_twice() {
    use Status::{Fail, Pass, Warn};
    for (each, cross_zone, expected, says) in [
        (
            125,
            false,
            Pass,
            "250 of 500 targets of the load balancer in us-east-2a, with those of v4",
        ),
        (126, false, Warn, "252 of 500"),
        (250, false, Fail, "500 of 500"),
        (62, true, Pass, "248 of 500"),
        (63, true, Warn, "252 of 500 targets (cross-zone is on"),
        (125, true, Fail, "500 of 500"),
    ] {
        let mut facts = Facts { targets: Ok(in_two_zones(each)), ..behind() };
        facts.attributes.as_mut().unwrap().cross_zone = Some(cross_zone);
        facts.native_groups = Ok(vec![native("v4", in_two_zones(each))]);
        let found = check("quota", &facts).unwrap();
        assert_eq!(found.status, expected, "{each} {cross_zone}: {}", found.detail);
        assert!(found.detail.contains(says), "{}", found.detail);
        assert_eq!(found.fix.contains("per Availability Zone"), expected != Pass, "{}", found.fix);
    }
}

#[test]
fn a_group_of_another_load_balancer_does_not_count() {
    let mut facts = Facts { targets: Ok(in_two_zones(125)), ..behind() };
    let elsewhere =
        NativeGroup { load_balancers: vec!["OTHER".to_owned()], ..native("v4", in_two_zones(250)) };
    facts.native_groups = Ok(vec![elsewhere]);
    assert_eq!(check("quota", &facts).unwrap().detail, "250 of 1000 targets");
}

#[test]
fn the_quota_of_the_load_balancer_counts_in_many_zones() {
    use Status::{Fail, Pass, Warn};
    let zones = ["a", "b", "c", "d", "e", "f"];
    for (each, expected) in [(125, Pass), (126, Warn), (250, Fail)] {
        let spread = || zones.iter().flat_map(|z| vec![target(Some(z), "healthy"); each]).collect();
        let mut facts = Facts { targets: Ok(spread()), ..behind() };
        let quotas = facts.quotas.as_mut().unwrap();
        (quotas.per_group, quotas.per_zone) = (TargetsPerGroup::Told(9000), 9000);
        facts.native_groups = Ok(vec![native("v4", spread())]);
        let found = check("quota", &facts).unwrap();
        assert_eq!(found.status, expected, "{}", found.detail);
        assert!(found.detail.contains("of 3000 targets of the load balancer"), "{}", found.detail);
    }
}

#[test]
fn a_native_group_that_cannot_be_read_leaves_the_quota_unknown() {
    let mut natives = native("v4", Vec::new());
    natives.targets = Err(denied("DescribeTargetHealth"));
    let facts = Facts { native_groups: Ok(vec![natives]), ..behind() };
    let found = check("quota", &facts).unwrap();
    assert_eq!(found.status, Status::Fail);
    assert!(found.fix.contains("elasticloadbalancing:DescribeTargetHealth"), "{}", found.fix);
}
