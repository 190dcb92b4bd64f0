//! What is known of one task after events, and after answers of ECS.

use std::net::Ipv6Addr;

use super::*;
use crate::core::fixtures::{ADDRESS, binding, task};

fn task_at(version: u64, phase: Phase, address: Option<Ipv6Addr>) -> Task {
    Task { version, ..task("c50e", phase, address) }
}

fn serving(version: u64) -> Task {
    task_at(version, Phase::Serving, ADDRESS)
}

fn seconds(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// What is known of the one task after these sightings.
fn known(sightings: impl IntoIterator<Item = (Task, Option<u64>)>) -> Known {
    let sightings = sightings.into_iter();
    let knowledge = Knowledge::fold(sightings.map(|(task, at)| Sighting {
        task,
        at: at.map(seconds),
        changed: None,
    }));
    assert_eq!(knowledge.iter().count(), 1);
    knowledge.iter().next().unwrap().clone()
}

#[test]
fn the_time_is_that_of_the_highest_version_and_the_latest_of_equals() {
    for (sightings, at, superseded) in [
        ([(3, 10), (4, 5)], 5, true),
        ([(4, 5), (3, 10)], 5, true),
        ([(3, 5), (3, 10)], 10, false),
        ([(3, 10), (3, 5)], 10, false),
    ] {
        let known = known(sightings.map(|(version, at)| (serving(version), Some(at))));
        assert_eq!((known.at, known.superseded), (Some(seconds(at)), superseded));
    }
    let third = known([3, 4, 4].map(|version| (serving(version), None)));
    assert!(third.superseded, "what was superseded stays so");
}

#[test]
fn a_clock_that_is_off_by_a_minute_makes_no_news_doubtful() {
    for (at, doubtful) in [(939, true), (940, false), (1060, false), (1061, true)] {
        assert_eq!(known([(serving(3), Some(at))]).is_doubtful(seconds(1000)), doubtful, "{at}");
    }
    assert!(known([(serving(3), None)]).is_doubtful(seconds(1000)));
}

#[test]
fn an_older_answer_leaves_open_what_neither_says() {
    for (known_address, version, answered, open) in [
        (None, 2, None, true),
        (None, 3, None, false),
        (None, 4, None, false),
        (None, 0, None, false),
        (ADDRESS, 2, None, false),
        (None, 2, ADDRESS, false),
    ] {
        let known = known([(task_at(3, Phase::Serving, known_address), None)]);
        let answer = task_at(version, Phase::Starting, answered);
        assert_eq!(known.is_left_open_by(&answer), open, "{known_address:?} {answer:?}");
    }
}

#[test]
fn an_answer_is_folded_in_and_supersedes_an_event_that_said_otherwise() {
    let mut knowledge = Knowledge::of([task_at(3, Phase::Serving, None)]);
    let arn = serving(3).arn;
    knowledge.learn(serving(3));
    let known = knowledge.get(&arn).unwrap();
    assert_eq!((known.task.address, known.superseded), (ADDRESS, false));
    knowledge.learn(task_at(4, Phase::Leaving, None));
    let known = knowledge.get(&arn).unwrap();
    assert_eq!((known.task.phase, known.superseded), (Phase::Leaving, true));
    knowledge.learn(task_at(5, Phase::Leaving, None));
    assert!(knowledge.get(&arn).unwrap().superseded);
    knowledge.learn(task("other", Phase::Serving, None));
    assert_eq!(knowledge.iter().count(), 1, "nobody asked about the other");
}

#[test]
fn a_task_that_ecs_does_not_know_leaves_only_if_it_was_registered() {
    let mut knowledge = Knowledge::of([serving(3)]);
    let arn = serving(3).arn;
    let state = |knowledge: &Knowledge| {
        let known = knowledge.get(&arn).unwrap();
        (known.gone, known.task.phase)
    };
    assert_eq!(state(&knowledge), (false, Phase::Serving));
    knowledge.learn_gone(&arn);
    assert_eq!(state(&knowledge), (true, Phase::Serving));
    knowledge.learn(serving(4));
    assert_eq!(state(&knowledge), (true, Phase::Serving));
    let mut knowledge = Knowledge::of([serving(3)]);
    knowledge.learn_gone_meanwhile(&arn);
    assert_eq!(state(&knowledge), (true, Phase::Leaving));
}

#[test]
fn unbound_tasks_are_split_off_and_others_stay() {
    let [one, two] = ["one", "two"].map(|id| task(id, Phase::Serving, None));
    let stranger = Task { group: "service:other".to_owned(), ..task("three", one.phase, None) };
    let mut knowledge = Knowledge::of([one.clone()]);
    knowledge.extend([stranger.clone(), two.clone()]);
    let split_off = knowledge.split_off_unbound(&[binding("demo", "demo-ipv6", None)]);
    assert_eq!(split_off.into_iter().map(|known| known.task).collect::<Vec<_>>(), [stranger]);
    let only = knowledge.only(|known| known.task.arn == one.arn);
    assert_eq!(only, Knowledge::of([one.clone()]));
    assert_eq!(knowledge.remove(&one.arn).map(|known| known.task), Some(one));
    assert_eq!(knowledge, Knowledge::of([two]));
}

#[test]
fn ecs_has_the_last_word_on_address_and_owner_whatever_the_versions() {
    let other = Some(Ipv6Addr::from_bits(2));
    for (version, address, group, expected, superseded) in [
        (2, other, "service:demo", (other, "service:demo"), true),
        (2, None, "", (ADDRESS, "service:demo"), false),
        (2, ADDRESS, "service:other", (ADDRESS, "service:other"), true),
        (4, ADDRESS, "service:demo", (ADDRESS, "service:demo"), false),
    ] {
        let mut knowledge = Knowledge::of([serving(3)]);
        let group = group.to_owned();
        knowledge.learn(Task { group, ..task_at(version, Phase::Serving, address) });
        let known = knowledge.get(&serving(3).arn).unwrap();
        assert_eq!((known.task.address, known.task.group.as_str()), expected);
        assert_eq!(known.superseded, superseded, "{version} {expected:?}");
    }
    let mut knowledge = Knowledge::of([Task { group: String::new(), ..serving(3) }]);
    knowledge.learn(serving(3));
    assert!(!knowledge.get(&serving(3).arn).unwrap().superseded, "it did not contradict");
}
