//! The zones of the targets.

use super::*;

#[test]
fn unused_targets_are_reported_and_zones_are_not_guessed() {
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
        assert_eq!(target(None, state).is_in_service(), expected, "{state}");
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
