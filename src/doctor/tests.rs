//! The decisions by themselves, from facts.

use std::time::Duration;

use super::facts::*;
use super::judge::judge;
use super::*;
use crate::core::failure::{Code, Failure};
use crate::core::fixtures::{self, ADDRESS, task};
use crate::core::task::Phase;

fn binding(port: Option<u16>) -> Binding {
    fixtures::binding("demo-service", "demo-ipv6", port)
}

/// All that can be said of a service without tasks.
fn facts() -> Facts {
    Facts {
        target_group: Ok(Some(TargetGroup {
            name: "demo-ipv6".to_owned(),
            target_type: "ip".to_owned(),
            ip_address_type: "ipv6".to_owned(),
            protocol: "TCP".to_owned(),
            port: Some(8080),
            load_balancers: Vec::new(),
        })),
        attributes: Ok(Attributes {
            preserves_client_ip: true,
            proxy_protocol: false,
            cross_zone: None,
            deregistration_delay: 300,
        }),
        targets: Ok(Vec::new()),
        front: Ok(None),
        quotas: Ok(Quotas { per_group: TargetsPerGroup::Told(1000), per_zone: 500 }),
        service: Ok(Some(Service {
            status: "ACTIVE".to_owned(),
            desired: 0,
            running: 0,
            task_definition: None,
            target_groups: Vec::new(),
            subnets: Vec::new(),
        })),
        native_groups: Ok(Vec::new()),
        task_definition: Ok(Some(TaskDefinition {
            name: "demo:10".to_owned(),
            network_mode: "awsvpc".to_owned(),
            containers: Vec::new(),
        })),
        tasks: Ok(Vec::new()),
    }
}

fn check(name: &str, facts: &Facts) -> Option<Check> {
    judge(&binding(Some(8080)), facts).into_iter().find(|check| check.check == name)
}

fn status(name: &str, facts: &Facts) -> Status {
    check(name, facts).unwrap().status
}

/// Facts about how a task ends.
fn ending(delay: u32, native: &[(&str, u32)], containers: Vec<Container>) -> Facts {
    let mut facts = facts();
    facts.attributes.as_mut().unwrap().deregistration_delay = delay;
    let native = native.iter().map(|(protocol, delay)| NativeGroup {
        name: "demo-ipv4".to_owned(),
        protocol: (*protocol).to_owned(),
        deregistration_delay: *delay,
    });
    facts.native_groups = Ok(native.collect());
    facts.task_definition.as_mut().unwrap().as_mut().unwrap().containers = containers;
    facts
}

fn container(essential: bool, ports: &[u16], stop_timeout: Option<u32>) -> Container {
    let name = "app".to_owned();
    Container { name, essential, ports: ports.to_vec(), stop_timeout }
}

#[test]
fn a_task_has_to_serve_for_the_delay_and_at_least_two_minutes() {
    use Status::{Pass, Warn};
    let app = |stop_timeout| vec![container(true, &[8080], stop_timeout)];
    for (delay, native, stop, expected) in [
        (300, &[][..], None, Warn),
        (300, &[], Some(120), Warn),
        (120, &[], Some(120), Pass),
        (120, &[], Some(119), Warn),
        (0, &[], Some(119), Warn),
        (0, &[], Some(120), Pass),
        (300, &[("TCP", 300)], None, Pass),
        (300, &[("TCP", 270)], None, Pass),
        (300, &[("TCP", 269)], None, Warn),
        (300, &[("TCP", 60), ("UDP", 300)], None, Pass),
        (300, &[("HTTP", 300)], None, Warn),
    ] {
        let facts = ending(delay, native, app(stop));
        assert_eq!(status("drain", &facts), expected, "{delay} {native:?} {stop:?}");
    }
}

#[test]
fn the_containers_that_map_the_port_count_or_else_the_essential_ones() {
    let stop = |containers| check("drain", &ending(300, &[], containers)).unwrap().detail;
    let sidecar = container(false, &[], Some(2));
    let app = container(true, &[8080], Some(110));
    let agent = container(true, &[], Some(60));
    assert!(stop(vec![sidecar.clone(), app, agent.clone()]).contains("110 s"));
    let proxy = container(true, &[], Some(90));
    assert!(stop(vec![sidecar.clone(), agent, proxy]).contains("60 s"));
    assert!(stop(vec![sidecar]).contains("30 s"));
}

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

#[test]
fn unused_targets_are_reported_and_zones_are_not_guessed() {
    let target = |zone: Option<&str>, state: &str| Target {
        zone: zone.map(str::to_owned),
        state: state.to_owned(),
    };
    for (targets, expected, says) in [
        (vec![target(Some("us-east-2a"), "healthy")], Status::Pass, "us-east-2a"),
        (vec![target(None, "healthy")], Status::Pass, "not known"),
        (vec![target(Some("all"), "healthy")], Status::Pass, "us-east-2a"),
        (
            vec![target(Some("us-east-2a"), "healthy"), target(Some("us-east-2b"), "unused")],
            Status::Fail,
            "1 targets are unused",
        ),
    ] {
        let facts = Facts { targets: Ok(targets), front: Ok(Some(front())), ..facts() };
        let found = check("zones", &facts).unwrap();
        assert_eq!(found.status, expected, "{}", found.detail);
        assert!(found.detail.contains(says), "{}", found.detail);
    }
}

#[test]
fn a_target_on_its_way_out_or_out_of_use_is_not_in_service() {
    for (state, expected) in [
        ("initial", true),
        ("healthy", true),
        ("unhealthy", true),
        ("unavailable", true),
        ("unused", false),
        ("draining", false),
        ("unhealthy.draining", true),
    ] {
        let target = Target { zone: None, state: state.to_owned() };
        assert_eq!(target.is_in_service(), expected, "{state}");
    }
}

/// A load balancer in one zone.
fn front() -> Balancer {
    let zone = Zone { name: "us-east-2a".to_owned(), subnet: "subnet-0".to_owned() };
    let balancer = LoadBalancer {
        arn: "ARN".to_owned(),
        name: "demo-nlb".to_owned(),
        kind: "network".to_owned(),
        state: "active".to_owned(),
        ip_address_type: "dualstack".to_owned(),
        source_nat_prefixes: false,
        zones: vec![zone],
    };
    Balancer { load_balancer: Ok(balancer), listeners: Ok(Vec::new()), cross_zone: Ok(false) }
}

#[test]
fn the_command_for_a_listener_names_a_certificate_where_one_is_needed() {
    for (protocol, expected) in [("TLS", true), ("TCP", false), ("UDP", false)] {
        let mut facts = Facts { front: Ok(Some(front())), ..facts() };
        facts.target_group.as_mut().unwrap().as_mut().unwrap().protocol = protocol.to_owned();
        let found = check("load-balancer", &facts).unwrap();
        assert_eq!(found.fix.contains("--certificates"), expected, "{}", found.fix);
    }
}

#[test]
fn an_empty_group_is_as_it_should_be_while_no_task_with_an_address_serves() {
    use Phase::{Leaving, Serving};
    for (tasks, expected) in [
        (vec![], Status::Warn),
        (vec![task("a", Serving, None), task("b", Leaving, ADDRESS)], Status::Warn),
        (vec![task("a", Serving, ADDRESS)], Status::Fail),
    ] {
        let facts = Facts { tasks: Ok(tasks), front: Ok(Some(front())), ..facts() };
        assert_eq!(status("zones", &facts), expected, "{:?}", facts.tasks);
    }
}

#[test]
fn only_what_was_read_is_claimed() {
    let error = Failure::new("ListTasks", Code::of_aws(Some("AccessDeniedException")), "no");
    let facts = Facts { tasks: Err(error), front: Ok(Some(front())), ..facts() };
    for name in ["zones", "task-addresses"] {
        let found = check(name, &facts).unwrap();
        assert_eq!(found.status, Status::Fail);
        let fix = "allow ecs:ListTasks in the policy of the function's role";
        assert_eq!(found.fix, fix);
    }
}

#[test]
fn a_binding_without_port_is_named_without() {
    let named = |port| judge(&binding(port), &facts())[0].binding.clone();
    assert_eq!(named(None), "service:demo-service in demo-cluster → demo-ipv6");
    assert_eq!(named(Some(8080)), "service:demo-service in demo-cluster → demo-ipv6:8080");
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_twice_at_the_same_time_is_read_once() {
    let memo = memo::Memo::default();
    let reads = std::cell::Cell::new(0);
    let read = async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        reads.set(reads.get() + 1);
        reads.get()
    };
    let (one, same) = tokio::join!(memo.get("a", read()), memo.get("a", read()));
    assert_eq!((one, same, memo.get("b", read()).await, memo.get("a", read()).await), (1, 1, 2, 1));
}
