//! The decisions by themselves, from facts.

mod drain;
mod health;
mod listeners;
mod quota;
mod role;
mod rollout;
mod security_group;
mod subnets;
mod zones;

use std::collections::BTreeMap;
use std::time::Duration;

use super::facts::*;
use super::judge::judge;
use super::*;
use crate::core::failure::{Code, Failure};
use crate::core::fixtures::{self, ADDRESS, task};
use crate::core::task::Phase;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

fn binding(port: Option<u16>) -> Binding {
    fixtures::binding("demo-service", "demo-ipv6", port)
}

/// All that can be said of a service without tasks.
fn facts() -> Facts {
    Facts {
        role: None,
        all_zones: false,
        target_group: Ok(Some(TargetGroup {
            name: "demo-ipv6".to_owned(),
            target_type: "ip".to_owned(),
            ip_address_type: "ipv6".to_owned(),
            protocol: "TCP".to_owned(),
            port: Some(8080),
            health_check: HealthCheck { protocol: "TCP".to_owned(), port: None },
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
        lattice: Ok(None),
        quotas: Ok(Quotas {
            per_group: TargetsPerGroup::Told(1000),
            per_zone: 500,
            per_load_balancer: 3000,
        }),
        service: Ok(Some(Service {
            status: "ACTIVE".to_owned(),
            desired: 0,
            running: 0,
            task_definition: None,
            target_groups: Vec::new(),
            lattice_groups: Vec::new(),
            subnets: Vec::new(),
            security_groups: Vec::new(),
            deployment: rolling(),
        })),
        native_groups: Ok(Vec::new()),
        task_definition: Ok(Some(TaskDefinition {
            name: "demo:10".to_owned(),
            network_mode: "awsvpc".to_owned(),
            containers: Vec::new(),
        })),
        tasks: Ok(Vec::new()),
        security_groups: Ok(Vec::new()),
        subnets: Ok(Vec::new()),
        hold: None,
    }
}

/// ECS's defaults.
fn rolling() -> Deployment {
    Deployment {
        controller: "ECS".to_owned(),
        strategy: "ROLLING".to_owned(),
        is_daemon: false,
        minimum_percent: 100,
        maximum_percent: 200,
        hooks: Vec::new(),
        bake_minutes: 0,
    }
}

/// A target that tells neither address nor port.
fn target(zone: Option<&str>, state: &str) -> Target {
    let (zone, state) = (zone.map(str::to_owned), state.to_owned());
    Target { address: None, port: None, zone, state, reason: String::new() }
}

/// A group that ECS fills, behind the load balancer `ARN` of [`front`].
fn native(name: &str, targets: Vec<Target>) -> NativeGroup {
    NativeGroup {
        name: name.to_owned(),
        protocol: "TCP".to_owned(),
        load_balancers: vec!["ARN".to_owned()],
        targets: Ok(targets),
        deregistration_delay: 300,
    }
}

/// Facts about a group behind the load balancer of [`front`].
fn behind() -> Facts {
    let mut facts = Facts { front: Ok(Some(front())), ..facts() };
    group(&mut facts).load_balancers.push("ARN".to_owned());
    facts
}

fn group(facts: &mut Facts) -> &mut TargetGroup {
    facts.target_group.as_mut().unwrap().as_mut().unwrap()
}

fn denied(action: &'static str) -> Failure {
    Failure::new(action, Code::of_aws(Some("AccessDeniedException")), "no")
}

fn check(name: &str, facts: &Facts) -> Option<Check> {
    judge(&binding(Some(8080)), facts).into_iter().find(|check| check.check == name)
}

fn status(name: &str, facts: &Facts) -> Status {
    check(name, facts).unwrap().status
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
        security_groups: Vec::new(),
        zones: vec![zone],
    };
    Balancer {
        load_balancer: Ok(balancer),
        listeners: Ok(Vec::new()),
        cross_zone: Ok(false),
        ipv4_targets: BTreeMap::new(),
    }
}

#[test]
fn only_what_was_read_is_claimed() {
    let facts = Facts { tasks: Err(denied("ListTasks")), front: Ok(Some(front())), ..facts() };
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
