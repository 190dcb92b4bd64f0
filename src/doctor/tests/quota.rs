//! The quotas.

use super::*;

#[test]
fn half_the_quota_leaves_room_for_a_deployment() {
    use Status::{Fail, Pass, Warn};
    let target = Target { zone: None, state: "healthy".to_owned() };
    for (count, expected) in [(500, Pass), (501, Warn), (999, Warn), (1000, Fail)] {
        let facts = Facts { targets: Ok(vec![target.clone(); count]), ..facts() };
        assert_eq!(status("quota", &facts), expected, "{count}");
    }
    let quotas = |per_group| Ok(Quotas { per_group, per_zone: 500 });
    let told = quotas(TargetsPerGroup::Told(1001));
    let facts = Facts { targets: Ok(vec![target; 500]), quotas: told, ..facts() };
    assert_eq!(status("quota", &facts), Pass);
    let assumed = Facts { quotas: quotas(TargetsPerGroup::Assumed(1000)), ..facts };
    assert!(check("quota", &assumed).unwrap().detail.contains("the default quota"));
}

#[test]
fn with_cross_zone_on_the_quota_of_a_zone_counts_for_all() {
    use Status::{Fail, Pass, Warn};
    let target = Target { zone: None, state: "healthy".to_owned() };
    for (count, expected) in [(250, Pass), (251, Warn), (500, Fail)] {
        let mut facts = Facts { targets: Ok(vec![target.clone(); count]), ..facts() };
        facts.attributes.as_mut().unwrap().cross_zone = Some(true);
        assert_eq!(status("quota", &facts), expected, "{count}");
    }
}
