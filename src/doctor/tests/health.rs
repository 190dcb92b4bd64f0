//! The health of the targets, and what checks it.

use super::drain::container;
use super::*;

/// Serving tasks, each with its target in this state and for this reason; without a state it has
/// none.
fn with_targets(states: &[(&str, &str)]) -> Facts {
    let address = |n: usize| format!("2001:db8::{n:x}").parse().ok();
    let tasks =
        (0..states.len()).map(|n| task(&n.to_string(), Phase::Serving, address(n))).collect();
    let targets = states.iter().enumerate().filter(|(_, (state, _))| !state.is_empty());
    let targets = targets.map(|(n, (state, reason))| Target {
        address: address(n),
        port: Some(8080),
        reason: (*reason).to_owned(),
        ..target(Some("us-east-2a"), state)
    });
    Facts { tasks: Ok(tasks), targets: Ok(targets.collect()), ..behind() }
}

const ILL: (&str, &str) = ("unhealthy", "Target.FailedHealthChecks");
const NEW: (&str, &str) = ("initial", "Elb.InitialHealthChecking");
const WELL: (&str, &str) = ("healthy", "");
const OFF: (&str, &str) = ("unavailable", "Target.HealthCheckDisabled");

#[test]
fn targets_of_serving_tasks_have_to_be_healthy() {
    use Status::{Fail, Pass, Warn};
    for (states, expected, says) in [
        (&[WELL, WELL][..], Pass, "2 of 2 serving tasks have healthy targets"),
        (&[WELL, NEW], Pass, "1 initial (Elb.InitialHealthChecking), for how long is not known"),
        (&[NEW, NEW], Warn, "0 of 2 serving tasks have healthy targets; 2 initial"),
        (&[WELL, ILL], Warn, "1 unhealthy (Target.FailedHealthChecks)"),
        (&[ILL, ILL, NEW], Fail, "1 initial (Elb.InitialHealthChecking), 2 unhealthy"),
        (&[WELL, ("", "")], Warn, "1 not registered"),
        (&[("", "")], Fail, "1 not registered"),
        (&[("draining", "Target.DeregistrationInProgress")], Fail, "1 draining"),
        (&[("unused", "Target.NotInUse")], Fail, "1 unused (Target.NotInUse)"),
        (&[("unhealthy.draining", "Target.FailedHealthChecks")], Fail, "1 unhealthy.draining"),
        (&[("unavailable", "Elb.InternalError")], Fail, "1 unavailable (Elb.InternalError)"),
        (&[OFF, OFF], Pass, "2 of 2"),
        (&[("a-new-state", "")], Fail, "1 a-new-state"),
    ] {
        let found = check("health", &with_targets(states)).unwrap();
        assert_eq!(found.status, expected, "{states:?}: {}", found.detail);
        assert!(found.detail.contains(says), "{}", found.detail);
        assert_eq!(found.fix.is_empty(), expected == Pass, "{}", found.fix);
    }
}

#[test]
fn an_unhealthy_target_is_suspected_of_listening_on_ipv4_only() {
    let mut facts = with_targets(&[WELL, ILL, ("", "")]);
    group(&mut facts).health_check = HealthCheck { protocol: "HTTP".to_owned(), port: Some(81) };
    let fix = check("health", &facts).unwrap().fix;
    let said = ["[::], not on 0.0.0.0", "security group", "HTTP check on port 81", "reconcile"];
    let places: Vec<usize> = said.iter().map(|said| fix.find(said).expect(said)).collect();
    assert!(places.is_sorted(), "{fix}");
}

#[test]
fn only_the_target_on_the_bound_port_counts() {
    let mut facts = with_targets(&[WELL]);
    facts.targets.as_mut().unwrap()[0].port = Some(9090);
    assert_eq!(status("health", &facts), Status::Fail);
    let bound = |port| {
        let mut checks = judge(&binding(port), &facts).into_iter();
        checks.find(|check| check.check == "health").unwrap().status
    };
    assert_eq!(bound(Some(9090)), Status::Pass);
    assert_eq!(bound(None), Status::Fail, "the group's own port is 8080");
}

#[test]
fn a_target_of_nobody_is_no_serving_tasks_target() {
    let mut facts = with_targets(&[WELL, ILL]);
    facts.tasks.as_mut().unwrap().remove(0);
    assert_eq!(status("health", &facts), Status::Fail);
}

#[test]
fn without_serving_tasks_or_a_load_balancer_there_is_no_health() {
    let tasks = vec![task("a", Phase::Serving, None), task("b", Phase::Leaving, ADDRESS)];
    assert_eq!(check("health", &Facts { tasks: Ok(tasks), ..behind() }), None);
    assert_eq!(check("health", &Facts { front: Ok(None), ..with_targets(&[ILL]) }), None);
    assert_eq!(check("health", &Facts { target_group: Ok(None), ..with_targets(&[ILL]) }), None);
}

#[test]
fn health_that_cannot_be_read_fails() {
    let targets = Err(denied("DescribeTargetHealth"));
    let facts = Facts { targets, ..with_targets(&[WELL]) };
    let found = check("health", &facts).unwrap();
    assert_eq!(found.status, Status::Fail);
    assert!(found.fix.contains("elasticloadbalancing:DescribeTargetHealth"));
    let tasks = Err(denied("DescribeTasks"));
    let facts = Facts { tasks, ..with_targets(&[WELL]) };
    assert!(check("health", &facts).unwrap().fix.contains("ecs:DescribeTasks"));
}

/// A group of this protocol and check before a container that maps ports 8080 for this protocol.
fn checked(protocol: &str, port: Option<u16>, maps: &str) -> Facts {
    let mut facts = behind();
    group(&mut facts).protocol = protocol.to_owned();
    group(&mut facts).health_check.port = port;
    let mut app = container(true, &[8080], None);
    app.ports[0].protocol = maps.to_owned();
    app.ports.push(Ports { range: 9000..=9010, protocol: "tcp".to_owned() });
    facts.task_definition.as_mut().unwrap().as_mut().unwrap().containers = vec![app];
    facts
}

#[test]
fn the_check_of_a_udp_group_needs_a_tcp_port_that_answers() {
    use Status::{Pass, Warn};
    for (protocol, port, maps, expected) in [
        ("UDP", None, "udp", Some(Warn)),
        ("TCP_UDP", None, "udp", Some(Warn)),
        ("UDP", None, "tcp", Some(Pass)),
        ("UDP", Some(9005), "udp", Some(Pass)),
        ("UDP", Some(9011), "udp", Some(Warn)),
        ("TCP", Some(9011), "udp", None),
        ("TLS", None, "udp", None),
    ] {
        let facts = checked(protocol, port, maps);
        let found = check("health-check", &facts).map(|found| found.status);
        assert_eq!(found, expected, "{protocol} {port:?} {maps}");
    }
    let bound = judge(&binding(Some(9005)), &checked("UDP", None, "udp"));
    let found = bound.into_iter().find(|check| check.check == "health-check").unwrap();
    assert_eq!(found.status, Pass, "the bound port is the traffic port: {}", found.detail);
    let found = check("health-check", &checked("UDP", None, "udp")).unwrap();
    assert!(found.detail.contains("by TCP on port 8080, which demo:10 does not map for TCP"));
    let fix = format!("modify-target-group --target-group-arn {GROUP} --health-check-port PORT");
    assert!(found.fix.contains(&fix), "{}", found.fix);
}

#[test]
fn a_healthy_target_proves_that_its_check_is_answered() {
    for (state, expected) in [("healthy", Status::Pass), ("unhealthy", Status::Warn)] {
        let targets = Ok(vec![target(None, state)]);
        let facts = Facts { targets, ..checked("UDP", None, "udp") };
        assert_eq!(status("health-check", &facts), expected);
    }
    let targets = Err(denied("DescribeTargetHealth"));
    let facts = Facts { targets, ..checked("UDP", None, "udp") };
    assert_eq!(status("health-check", &facts), Status::Warn);
}

#[test]
fn a_check_of_unknown_tasks_or_port_is_left_out_and_an_unread_one_fails() {
    let facts = Facts { task_definition: Ok(None), ..checked("UDP", None, "udp") };
    assert_eq!(check("health-check", &facts), None);
    let task_definition = Err(denied("DescribeTaskDefinition"));
    let facts = Facts { task_definition, ..checked("UDP", None, "udp") };
    assert_eq!(status("health-check", &facts), Status::Fail);
}
