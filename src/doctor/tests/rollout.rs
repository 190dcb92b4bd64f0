//! How ECS deploys the service, and what keeps old tasks meanwhile.

use std::time::Duration;

use super::drain::container;
use super::*;

const HOLD: Duration = Duration::from_secs(15 * 60);

/// Facts about a service of so many tasks with this deployment.
fn deployed(desired: usize, deployment: Deployment) -> Facts {
    let mut facts = behind();
    let service = facts.service.as_mut().unwrap().as_mut().unwrap();
    (service.desired, service.deployment) = (desired, deployment);
    facts
}

fn strategy(strategy: &str) -> Deployment {
    Deployment { strategy: strategy.to_owned(), ..rolling() }
}

fn controller(controller: &str) -> Deployment {
    Deployment { controller: controller.to_owned(), ..rolling() }
}

fn percent(minimum_percent: usize, maximum_percent: usize) -> Deployment {
    Deployment { minimum_percent, maximum_percent, ..rolling() }
}

fn hooked(kind: &str, stage: &str) -> Deployment {
    Deployment { hooks: vec![stage.to_owned()], ..strategy(kind) }
}

#[test]
fn every_deployment_but_a_rolling_update_is_warned_of() {
    for (deployment, expected) in [
        (rolling(), Status::Pass),
        (strategy("BLUE_GREEN"), Status::Warn),
        (strategy("LINEAR"), Status::Warn),
        (strategy("CANARY"), Status::Warn),
        (strategy("SOMETHING_NEW"), Status::Warn),
        (controller("CODE_DEPLOY"), Status::Warn),
        (controller("EXTERNAL"), Status::Warn),
    ] {
        let name = format!("{} {}", deployment.controller, deployment.strategy);
        let found = check("deployment", &deployed(4, deployment)).unwrap();
        assert_eq!(found.status, expected, "{name}");
        assert!(name.split(' ').any(|word| found.detail.starts_with(word)), "{}", found.detail);
    }
}

#[test]
fn without_a_service_there_is_no_deployment_and_no_rollout() {
    let facts = Facts { service: Ok(None), ..behind() };
    assert_eq!(check("deployment", &facts), None);
    assert_eq!(check("rollout", &facts), None);
    let facts = Facts { service: Err(denied("DescribeServices")), ..behind() };
    assert_eq!(status("deployment", &facts), Status::Fail);
    assert_eq!(status("rollout", &facts), Status::Fail);
    assert_eq!(check("rollout", &deployed(4, controller("EXTERNAL"))), None);
}

#[test]
fn nothing_that_keeps_old_tasks_is_warned_of() {
    let mut facts = deployed(4, rolling());
    let found = check("rollout", &facts).unwrap();
    assert_eq!(found.status, Status::Warn);
    assert!(found.detail.contains("healthy 40 s after its start"), "{}", found.detail);
    assert!(found.fix.contains("HOLD_MINUTES") && !found.fix.contains("bakeTime"), "{}", found.fix);

    let mut app = container(true, &[8080], None);
    app.has_health_check = true;
    let sidecar = Container { essential: false, ..app.clone() };
    facts.task_definition.as_mut().unwrap().as_mut().unwrap().containers = vec![sidecar];
    let found = check("rollout", &facts).unwrap();
    assert!(found.detail.contains("healthy 40 s after its start"), "{}", found.detail);
    facts.task_definition.as_mut().unwrap().as_mut().unwrap().containers = vec![app];
    let found = check("rollout", &facts).unwrap();
    assert_eq!(found.status, Status::Warn, "a health check of the container is only weak");
    assert!(
        found.detail.contains("only for the health checks of the containers"),
        "{}",
        found.detail
    );

    let found = check("rollout", &deployed(4, strategy("CANARY"))).unwrap();
    assert!(found.fix.contains("bakeTimeInMinutes"), "{}", found.fix);
}

#[test]
fn a_hold_keeps_old_tasks() {
    for kind in [rolling(), strategy("BLUE_GREEN")] {
        let facts = Facts { hold: Some(HOLD), ..deployed(4, kind) };
        let found = check("rollout", &facts).unwrap();
        assert_eq!(found.status, Status::Pass);
        assert_eq!(found.detail, "old tasks are kept by the function, for at most 15 minutes");
        let native_groups = Err(denied("DescribeTargetGroups"));
        assert_eq!(status("rollout", &Facts { native_groups, ..facts }), Status::Pass);
    }
}

#[test]
fn a_hold_keeps_no_old_tasks_of_a_service_with_task_sets() {
    let facts = Facts { hold: Some(HOLD), ..deployed(4, controller("CODE_DEPLOY")) };
    let found = check("rollout", &facts).unwrap();
    assert_eq!(found.status, Status::Warn);
    let fix = "attach the service to an IPv4 target group of the same load balancer";
    assert_eq!(found.fix, fix);
}

#[test]
fn a_native_group_of_the_same_load_balancer_keeps_old_tasks() {
    let mut facts = deployed(4, rolling());
    facts.native_groups = Ok(vec![native("demo-ipv4", Vec::new())]);
    let found = check("rollout", &facts).unwrap();
    assert_eq!(found.status, Status::Pass);
    assert!(
        found.detail.contains("ECS, until the targets in demo-ipv4 are healthy"),
        "{}",
        found.detail
    );

    facts.native_groups.as_mut().unwrap()[0].load_balancers = vec!["OTHER".to_owned()];
    assert_eq!(status("rollout", &facts), Status::Warn, "another load balancer");
    facts.native_groups.as_mut().unwrap()[0].load_balancers.clear();
    assert_eq!(status("rollout", &facts), Status::Warn, "no load balancer");
    group(&mut facts).load_balancers.clear();
    assert_eq!(status("rollout", &facts), Status::Warn, "neither has one");
    facts.native_groups = Err(denied("DescribeTargetGroups"));
    assert_eq!(status("rollout", &facts), Status::Fail);
}

#[test]
fn a_hook_or_a_bake_time_keeps_old_tasks_unless_the_update_rolls() {
    use Status::{Pass, Warn};
    let bakes = |kind, bake_minutes| Deployment { bake_minutes, ..strategy(kind) };
    for (deployment, expected) in [
        (hooked("BLUE_GREEN", "POST_SCALE_UP"), Pass),
        (hooked("CANARY", "POST_PRODUCTION_TRAFFIC_SHIFT"), Pass),
        (hooked("LINEAR", "PRE_SCALE_UP"), Warn),
        (hooked("LINEAR", "RECONCILE_SERVICE"), Warn),
        (hooked("ROLLING", "POST_SCALE_UP"), Warn),
        (bakes("BLUE_GREEN", 5), Pass),
        (bakes("BLUE_GREEN", 4), Warn),
        (bakes("ROLLING", 60), Warn),
    ] {
        let name = format!("{deployment:?}");
        assert_eq!(status("rollout", &deployed(4, deployment)), expected, "{name}");
    }
}

#[test]
fn tasks_that_stop_before_others_run_can_be_kept_by_nothing() {
    use Status::{Pass, Warn};
    for (desired, minimum, maximum, expected) in [
        (4, 100, 200, Pass),
        (4, 99, 200, Warn),
        (4, 50, 100, Warn),
        (4, 100, 125, Pass),
        (4, 100, 124, Warn),
        (1, 100, 199, Warn),
        (0, 100, 200, Pass),
        (0, 100, 100, Warn),
        (3, 0, 0, Warn),
    ] {
        let mut facts = deployed(desired, percent(minimum, maximum));
        facts.hold = Some(HOLD);
        facts.native_groups = Ok(vec![native("demo-ipv4", Vec::new())]);
        let found = check("rollout", &facts).unwrap();
        assert_eq!(found.status, expected, "{desired} {minimum}/{maximum}: {}", found.detail);
    }
    // Blue/green starts all new tasks first, whatever these say.
    let deployment = Deployment { strategy: "BLUE_GREEN".to_owned(), ..percent(0, 100) };
    let facts = Facts { hold: Some(HOLD), ..deployed(4, deployment) };
    assert_eq!(status("rollout", &facts), Pass);
}

#[test]
fn a_daemon_has_no_room_and_is_told_what_has() {
    let deployment = Deployment { is_daemon: true, ..percent(0, 100) };
    let found = check("rollout", &deployed(3, deployment)).unwrap();
    assert_eq!(found.status, Status::Warn);
    assert!(found.detail.contains("no room for a new task beside 3 tasks"), "{}", found.detail);
    assert!(found.fix.contains("REPLICA"), "{}", found.fix);
}
