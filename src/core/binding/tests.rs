//! What a cluster, an owner and a binding stand for.

use super::*;
use crate::core::fixtures::{CLUSTER, binding, task};
use crate::core::task::Phase;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

fn cluster(text: &str) -> Option<Cluster> {
    Cluster::parse(text, &TargetGroupArn::parse(GROUP).unwrap())
}

#[test]
fn a_cluster_is_known_by_its_arn_or_by_its_name_at_home() {
    assert!(cluster("demo-cluster").unwrap().is(CLUSTER));
    assert!(cluster(CLUSTER).unwrap().is(CLUSTER));
    assert!(!cluster("demo").unwrap().is(CLUSTER));
    let replaced = [("123456789012", "210987654321"), ("us-east-2", "us-east-1")];
    for (home, elsewhere) in replaced {
        let elsewhere = CLUSTER.replace(home, elsewhere);
        assert!(!cluster("demo-cluster").unwrap().is(&elsewhere));
        assert!(!cluster(CLUSTER).unwrap().is(&elsewhere));
        assert!(cluster(&elsewhere).unwrap().is(&elsewhere));
    }
    let eks = CLUSTER.replace(":ecs:", ":eks:");
    for text in ["no spaces", "", "arn:aws:ecs:us-east-2:123456789012:service/a/b", &eks] {
        assert_eq!(cluster(text), None, "{text}");
    }
}

#[test]
fn a_cluster_is_in_its_account_and_region_and_its_services_are_too() {
    let cluster = cluster("demo-cluster").unwrap();
    assert_eq!(
        cluster.arn_of_service("demo"),
        "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo"
    );
    assert!(cluster.is_in("arn:aws:ecs:us-east-2:123456789012"));
    for elsewhere in ["arn:aws:ecs:us-east-1:123456789012", "arn:aws:ecs:us-east-2:12345678901"] {
        assert!(!cluster.is_in(elsewhere), "{elsewhere}");
    }
}

#[test]
fn a_cluster_of_an_unknown_account_is_no_other_until_the_account_is_known() {
    let group = TargetGroupArn::parse(GROUP).unwrap();
    assert_eq!(Cluster::of_unknown_account(CLUSTER, &group), None);
    let unknown = Cluster::of_unknown_account("demo-cluster", &group).unwrap();
    assert!(unknown.lacks_account() && !unknown.is(CLUSTER));
    assert_eq!((unknown.as_str(), unknown.region()), ("demo-cluster", "us-east-2"));
    let known = unknown.in_account("123456789012");
    assert!(!known.lacks_account() && known.is(CLUSTER));
    assert_eq!(known.as_str(), CLUSTER);
    assert!(known.in_account("222222222222").is(CLUSTER));
}

#[test]
fn a_service_and_a_family_of_one_name_are_different_owners() {
    let service = Owner::Service("demo".into());
    let family = Owner::Family("demo".into());
    assert!(service.owns("service:demo") && !service.owns("family:demo"));
    assert!(family.owns("family:demo") && !family.owns("service:demo"));
    assert!(!service.owns("demo") && !service.owns("service:demo-2"));
}

#[test]
fn what_was_given_is_shown_as_it_was_given() {
    let group = TargetGroupArn::parse(GROUP).unwrap();
    assert_eq!((group.as_str(), group.to_string().as_str()), (GROUP, GROUP));
    assert_eq!(serde_json::to_value(&group).unwrap(), GROUP);
    for text in ["demo-cluster", CLUSTER] {
        let cluster = cluster(text).unwrap();
        assert_eq!((cluster.as_str(), cluster.region()), (text, "us-east-2"));
        assert_eq!(cluster.to_string(), "demo-cluster");
    }
    assert_eq!(Owner::Service("demo".into()).to_string(), "service:demo");
    assert_eq!(Owner::Family("demo".into()).to_string(), "family:demo");
}

#[test]
fn a_binding_covers_the_tasks_of_its_owner_in_its_cluster_alone() {
    let task = task("c50e", Phase::Serving, None);
    let of_other = Task { group: "service:other".to_owned(), ..task.clone() };
    let elsewhere = Task { cluster: CLUSTER.replace("demo-cluster", "other"), ..task.clone() };
    let binding = binding("demo", "demo-ipv6", None);
    assert!(binding.covers(&task));
    assert!(!binding.covers(&elsewhere) && !binding.covers(&of_other));
}

#[test]
fn a_binding_repeats_one_that_differs_in_nothing() {
    let in_cluster = |text: &str| Binding {
        cluster: cluster(text).unwrap(),
        ..binding("demo", "demo-ipv6", Some(80))
    };
    let one = binding("demo", "demo-ipv6", Some(80));
    for (other, repeats) in [
        (in_cluster(CLUSTER), true),
        (in_cluster("elsewhere"), false),
        (binding("other", "demo-ipv6", Some(80)), false),
        (binding("demo", "other", Some(80)), false),
        (binding("demo", "demo-ipv6", None), false),
    ] {
        assert_eq!((one.repeats(&other), other.repeats(&one)), (repeats, repeats), "{other:?}");
    }
}

#[test]
fn a_binding_says_what_it_binds_and_where_it_stands() {
    let entry = binding("demo", "demo-ipv6", Some(80));
    assert_eq!(entry.to_string(), "service:demo in demo-cluster → demo-ipv6:80");
    assert_eq!(entry.source(), "BINDINGS[0]");
    let tag = Binding { source: Source::Tag, port: None, ..entry };
    assert_eq!(tag.to_string(), "service:demo in demo-cluster → demo-ipv6");
    assert_eq!(tag.source(), "tag ecs-ipv6-targets:bind=demo-cluster/demo");
}

#[test]
fn at_home_only_a_cluster_without_an_account_gets_one() {
    let known = binding("demo", "demo-ipv6", None);
    let cluster = Cluster::of_unknown_account("demo-cluster", &known.target_group).unwrap();
    let unknown = Binding { cluster, ..known.clone() };
    assert!(unknown.at_home("123456789012").repeats(&known));
    assert_eq!(known.clone().at_home("222222222222"), known);
}
