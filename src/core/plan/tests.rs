//! Plans by table: tasks under bindings, and the changes and reasons that follow.

use super::*;
use crate::core::fixtures::{ADDRESS, binding, group, task};
use crate::core::task::Task;

/// One service in a group on a port of its own choice and in a group on that group's port;
/// another service in a third group.
fn bindings() -> [Binding; 3] {
    [("demo", "fixed", Some(80)), ("demo", "own", None), ("other", "others", None)]
        .map(|(service, group, port)| binding(service, group, port))
}

fn reasons(plan: &Plan) -> Vec<String> {
    plan.skipped.iter().map(|skipped| skipped.reason.to_string()).collect()
}

#[test]
fn a_task_without_a_change_is_skipped_for_the_reason_that_is_the_case() {
    for (phase, address, gone, reason) in [
        (Phase::Starting, ADDRESS, false, "not-running"),
        (Phase::Starting, None, false, "not-running"),
        (Phase::Serving, None, false, "no-address"),
        (Phase::Leaving, None, false, "no-address"),
        (Phase::Serving, ADDRESS, true, "gone"),
        (Phase::Serving, None, true, "gone"),
    ] {
        let task = task("c50e", phase, address);
        let mut knowledge = Knowledge::of([task.clone()]);
        if gone {
            knowledge.learn_gone(&task.arn);
        }
        let plan = plan(&bindings(), &Ports::new(), &knowledge);
        assert_eq!(reasons(&plan), [reason], "{phase:?} {address:?} {gone}");
        assert_eq!(Plan { skipped: vec![], ..plan }, Plan::default());
    }
}

#[test]
fn a_groups_port_is_asked_for_where_it_decides_and_missed_where_unknown() {
    let (bindings, own) = (bindings(), group("own"));
    for (phase, address, needed) in [
        (Phase::Serving, ADDRESS, true),
        (Phase::Leaving, ADDRESS, true),
        (Phase::Starting, ADDRESS, false),
        (Phase::Serving, None, true),
    ] {
        let task = task("c50e", phase, address);
        let knowledge = Knowledge::of([task.clone()]);
        let asked = groups_to_ask_for_their_port(&bindings, &knowledge);
        assert_eq!(asked, needed.then(|| own.clone()).into_iter().collect(), "{phase:?}");
        let portless = address.filter(|_| needed).map(|id| {
            let (task, group) = (task.arn, own.clone());
            Portless { task, group, id }
        });
        let portless: Vec<Portless> = portless.into_iter().collect();
        assert_eq!(plan(&bindings, &Ports::new(), &knowledge).portless, portless, "{phase:?}");
        let ports = Ports::from([(own.clone(), 53), (group("fixed"), 99)]);
        let plan = plan(&bindings, &ports, &knowledge);
        assert_eq!(plan.portless, []);
        let changes = plan.register.iter().chain(&plan.deregister);
        let ports: Vec<u16> = changes.map(|change| change.target.port).collect();
        let expected: &[u16] = if needed && address.is_some() { &[80, 53] } else { &[] };
        assert_eq!(ports, expected, "a binding's own port comes first");
    }
}

#[test]
fn after_the_look_a_leaving_tasks_target_goes_unless_another_serves_there() {
    let [leaves, stays] = ["leaves", "stays"].map(|id| task(id, Phase::Serving, ADDRESS));
    let other = Some("2001:db8::2".parse().unwrap());
    for (address, deregistered, left) in [(other, 1, 1), (ADDRESS, 0, 1)] {
        let stays = Task { address, ..stays.clone() };
        let mut knowledge = Knowledge::of([leaves.clone(), stays.clone()]);
        let plan = plan(&bindings()[..1], &Ports::new(), &knowledge);
        assert_eq!((plan.register.len(), plan.deregister.len()), (2, 0));
        knowledge.learn(Task { phase: Phase::Leaving, version: 4, ..leaves.clone() });
        let plan = plan.revised(&bindings()[..1], &Ports::new(), &knowledge);
        let tasks = |changes: &[Change]| {
            changes.iter().map(|change| change.task.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(tasks(&plan.register), vec![stays.arn; left]);
        assert_eq!(tasks(&plan.deregister), vec![leaves.arn.clone(); deregistered]);
        assert_eq!(reasons(&plan), ["superseded"]);
    }
}

#[test]
fn after_the_look_a_target_goes_that_turns_out_not_to_be_the_tasks() {
    let other = Some("2001:db8::2".parse().unwrap());
    let seen = task("c50e", Phase::Serving, ADDRESS);
    for (address, owner, goes, why) in [
        (ADDRESS, "service:demo", 0, vec![]),
        (other, "service:demo", 1, vec!["superseded"]),
        (ADDRESS, "service:other", 1, vec!["superseded"]),
        (ADDRESS, "service:unbound", 1, vec!["no-binding", "superseded"]),
    ] {
        let mut knowledge = Knowledge::of([seen.clone()]);
        let plan = plan(&bindings(), &Ports::new(), &knowledge);
        knowledge.learn(Task { address, group: owner.to_owned(), ..seen.clone() });
        let plan = plan.revised(&bindings(), &Ports::new(), &knowledge);
        assert_eq!((plan.register.len(), plan.deregister.len()), (1 - goes, goes), "{owner}");
        assert_eq!(reasons(&plan), why);
    }
}

#[test]
fn a_task_is_skipped_once_for_one_reason() {
    let [left, serves] = ["1", "2"].map(|id| task(id, Phase::Serving, ADDRESS));
    let starts = task("3", Phase::Starting, None);
    let mut knowledge = Knowledge::of([left.clone(), serves, starts]);
    knowledge.learn(Task { phase: Phase::Leaving, version: 4, ..left });
    let plan = plan(&bindings()[..1], &Ports::new(), &knowledge);
    // The first for its event, and for its target, which serves another.
    assert_eq!(reasons(&plan), ["superseded", "not-running"]);
    assert_eq!((plan.register.len(), plan.deregister.len()), (1, 0));
}

#[test]
fn a_stop_counts_even_if_ecs_has_forgotten_the_task() {
    let stopped = task("c50e", Phase::Leaving, ADDRESS);
    let mut knowledge = Knowledge::of([stopped.clone()]);
    knowledge.learn_gone(&stopped.arn);
    let plan = plan(&bindings()[..1], &Ports::new(), &knowledge);
    assert_eq!((plan.register.len(), plan.deregister.len()), (0, 1));
    assert_eq!(reasons(&plan), ["gone"]);
}
