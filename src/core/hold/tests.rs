//! Holds by table: a service, its tasks, their protections, and what follows.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use super::*;
use crate::core::deployment::Deployment;
use crate::core::fixtures::{binding, group, task};
use crate::core::health::{Health, Healths};
use crate::core::plan::Ports;
use crate::core::task::{Origin, Phase};

const MINUTE: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(15 * 60);

fn began() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn service(desired: usize) -> Service {
    let deployment =
        |id: &str, is_primary, created| Deployment { id: id.to_owned(), is_primary, created };
    Service {
        arn: "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo".to_owned(),
        desired,
        deployments: vec![
            deployment("new", true, began()),
            deployment("old", false, began() - 1000 * MINUTE),
        ],
        maximum_percent: Some(200),
        is_daemon: false,
        is_external: false,
    }
}

/// Tasks with their targets' states. Old ones are in zones `a`, `b`, `c` in turn.
#[derive(Default)]
struct Story {
    tasks: Vec<Task>,
    healths: Healths,
    protections: Protections,
}

impl Story {
    fn task(&mut self, started_by: &str, state: &str) -> TaskArn {
        let number = self.tasks.len();
        let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) + number as u128);
        let created = if started_by == "new" { began() + MINUTE } else { began() - MINUTE };
        let task = task(&format!("{number:04}"), Phase::Serving, Some(address));
        let arn = task.arn.clone();
        self.tasks.push(Task {
            origin: Some(Origin {
                started: None,
                started_by: started_by.to_owned(),
                zone: ["a", "b", "c"][number % 3].to_owned(),
                created: Some(created),
            }),
            ..task
        });
        let health = Health { state: state.to_owned(), reason: String::new() };
        let group = self.healths.entry(group("demo")).or_default();
        group.insert((address, 80), health);
        arn
    }

    fn tasks(&mut self, count: usize, started_by: &str, state: &str) -> Vec<TaskArn> {
        (0..count).map(|_| self.task(started_by, state)).collect()
    }

    fn protect(&mut self, tasks: &[TaskArn], until: SystemTime) {
        self.protections.extend(tasks.iter().map(|task| (task.clone(), until)));
    }

    fn decide(&self, service: &Service, now: SystemTime) -> Decision {
        let bindings = [binding("demo", "demo", Some(80))];
        let rollout = Rollout::of(service, &self.tasks, &bindings, &Ports::new(), &self.healths);
        decide(service, &rollout, &self.protections, now, LIMIT)
    }
}

fn end() -> SystemTime {
    began() + LIMIT
}

#[test]
fn at_the_begin_as_many_old_tasks_as_desired_are_protected_to_the_end() {
    for (desired, old, protected) in [(4, 4, 4), (4, 6, 4), (4, 3, 3), (1, 1, 1)] {
        let mut story = Story::default();
        story.tasks(old, "old", "healthy");
        let decision = story.decide(&service(desired), began() + Duration::from_secs(30));
        assert_eq!((decision.protect.len(), decision.held), (protected, protected));
        assert_eq!((decision.minutes, decision.release.len(), decision.expires), (15, 0, false));
    }
}

#[test]
fn the_minutes_are_those_that_are_left_rounded_up() {
    for (seconds, minutes) in [(0, 15), (1, 15), (60, 14), (61, 14), (14 * 60 + 1, 1)] {
        let mut story = Story::default();
        story.tasks(2, "old", "healthy");
        let decision = story.decide(&service(2), began() + Duration::from_secs(seconds));
        assert_eq!(decision.minutes, minutes, "{seconds}");
    }
}

#[test]
fn a_begin_in_the_future_lengthens_a_hold_by_a_minute_at_most() {
    for (ahead, minutes) in [(MINUTE, 16), (2 * MINUTE, 16), (10_000 * MINUTE, 16)] {
        let mut story = Story::default();
        story.tasks(2, "old", "healthy");
        assert_eq!(story.decide(&service(2), began() - ahead).minutes, minutes, "{ahead:?}");
    }
    assert_eq!(minutes_until(began() + 2881 * MINUTE, began()), 2880, "ECS takes no more");
}

#[test]
fn zones_keep_tasks_in_turn_and_healthy_ones_first() {
    let mut story = Story::default();
    let states = ["healthy", "initial", "healthy", "healthy", "healthy", "unhealthy", "healthy"];
    let old = states.map(|state| story.task("old", state));
    let decision = story.decide(&service(5), began());
    // Zones: 0 3 6 in a, 1 4 in b, 2 5 in c.
    let expected = [0, 4, 2, 3, 1].map(|number: usize| old[number].clone());
    assert_eq!(decision.protect, expected);
    story.tasks.reverse();
    assert_eq!(story.decide(&service(5), began()).protect, expected, "in whatever order");
}

#[test]
fn each_new_task_that_is_ready_releases_an_old_one() {
    for (ready, released) in [(0, 0), (1, 1), (3, 3), (4, 4), (6, 4)] {
        let mut story = Story::default();
        let old = story.tasks(4, "old", "healthy");
        story.tasks(ready, "new", "healthy");
        story.tasks(2, "new", "initial");
        story.protect(&old, end());
        let decision = story.decide(&service(4), began() + 3 * MINUTE);
        assert_eq!(decision.release.len(), released, "{ready} ready");
        assert_eq!(decision.why_not, (ready >= 4).then_some(NoHold::Ready));
        assert_eq!((decision.protect.len(), decision.held), (0, 4 - released));
    }
}

#[test]
fn a_protection_that_ends_later_is_the_applications_and_counts_as_kept() {
    let mut story = Story::default();
    let old = story.tasks(4, "old", "healthy");
    story.protect(&old[..3], end() + 10 * MINUTE);
    let decision = story.decide(&service(4), began());
    assert_eq!(decision.protect, old[3..]);
    assert_eq!(story.decide(&service(3), began()).protect, [], "never more than desired");
    story.protect(&old[3..], end());
    story.tasks(4, "new", "healthy");
    let decision = story.decide(&service(4), began() + 3 * MINUTE);
    assert_eq!(decision.release, old[3..]);
}

#[test]
fn a_retry_protects_the_rest_and_renews_nothing() {
    let mut story = Story::default();
    let old = story.tasks(6, "old", "healthy");
    story.protect(&old[..3], end());
    let decision = story.decide(&service(4), began() + MINUTE);
    assert_eq!((decision.protect, decision.held), (old[3..4].to_vec(), 4));
    // Later ECS may wait for protected tasks already, and refuses.
    story.tasks(1, "new", "healthy");
    let decision = story.decide(&service(5), began() + MINUTE);
    assert_eq!((decision.protect.len(), decision.release.len(), decision.held), (0, 0, 3));
}

#[test]
fn a_task_that_replaced_an_old_one_meanwhile_is_not_protected() {
    let mut story = Story::default();
    let old = story.tasks(2, "old", "healthy");
    for (created, protected) in
        [(Some(began() + MINUTE), 1), (Some(began()), 2), (Some(began() - MINUTE), 2), (None, 2)]
    {
        story.tasks[1].origin.as_mut().unwrap().created = created;
        let decision = story.decide(&service(2), began() + MINUTE);
        assert_eq!(decision.protect, old[..protected], "{created:?}");
    }
}

#[test]
fn a_first_look_that_finds_new_tasks_ready_protects_for_the_others() {
    let mut story = Story::default();
    let old = story.tasks(4, "old", "healthy");
    story.tasks(1, "new", "healthy");
    let decision = story.decide(&service(4), began() + 3 * MINUTE);
    assert_eq!((decision.protect, decision.held), (old[..3].to_vec(), 3));
}

#[test]
fn a_protection_is_the_holds_if_it_ends_within_the_rounding() {
    for (later, ours) in [(ROUNDING, true), (ROUNDING + Duration::from_secs(1), false)] {
        let mut story = Story::default();
        let [old, new] = ["old", "new"].map(|by| story.task(by, "healthy"));
        story.protect(&[old.clone(), new.clone()], end() + later);
        let decision = story.decide(&service(1), began() + MINUTE);
        assert_eq!(decision.release, if ours { vec![old, new] } else { vec![] });
    }
}

#[test]
fn nothing_is_held_for_a_reason_and_what_was_is_released() {
    let daemon = Service { is_daemon: true, ..service(2) };
    let external = Service { is_external: true, ..service(2) };
    let no_room = Service { maximum_percent: Some(149), ..service(2) };
    let idle = Service { deployments: vec![], ..service(2) };
    for (service, why, released) in [
        (daemon, NoHold::Daemon, 2),
        (external, NoHold::External, 2),
        (no_room, NoHold::NoRoom, 2),
        (service(0), NoHold::NothingDesired, 2),
        (idle, NoHold::NoDeployment, 2),
    ] {
        for protected in [false, true] {
            let mut story = Story::default();
            let old = story.tasks(2, "old", "healthy");
            if protected {
                story.protect(&old, began());
            }
            let decision = story.decide(&service, began());
            assert_eq!(decision.why_not, Some(why));
            assert_eq!((decision.protect.len(), decision.held), (0, 0), "{why}");
            assert_eq!(decision.release.len(), if protected { released } else { 0 }, "{why}");
        }
    }
    let decision = Story::default().decide(&service(2), began());
    assert_eq!(decision.why_not, Some(NoHold::NoOldTasks));
    assert!(Service { maximum_percent: Some(150), ..service(2) }.has_room());
    assert!(Service { maximum_percent: None, ..service(2) }.has_room());
}

#[test]
fn after_the_end_nothing_is_protected_and_nothing_needed_is_released() {
    let mut story = Story::default();
    let old = story.tasks(2, "old", "healthy");
    assert_eq!(story.decide(&service(2), end()).protect, []);
    story.protect(&old, end() + Duration::from_secs(30));
    let decision = story.decide(&service(2), end());
    assert_eq!((decision.why_not, decision.release.len()), (Some(NoHold::Over), 0));
}

#[test]
fn the_end_is_announced_a_minute_before_if_targets_are_still_awaited() {
    let far = end() + 10 * MINUTE;
    for (new, before, until, announced) in [
        ("initial", 59, end(), true),
        ("initial", 60, end(), true),
        ("initial", 61, end(), false),
        ("healthy", 59, end(), false),
        ("initial", 59, far, false),
    ] {
        let mut story = Story::default();
        let old = story.tasks(2, "old", "healthy");
        story.tasks(2, "new", new);
        story.protect(&old, until);
        let decision = story.decide(&service(2), end() - Duration::from_secs(before));
        assert_eq!(decision.expires, announced, "{new}, {before} s before, {until:?}");
    }
}

#[test]
fn a_rollback_releases_the_tasks_that_stay() {
    let mut story = Story::default();
    let stay = ["healthy", "initial"].map(|state| story.task("old", state));
    story.tasks(2, "new", "unhealthy");
    story.protect(&stay, end());
    let mut service = service(2);
    service.deployments.iter_mut().for_each(|d| d.is_primary = d.id == "old");
    let decision = story.decide(&service, began() + 5 * MINUTE);
    assert_eq!((decision.release, decision.protect), (stay.to_vec(), vec![]));
}

#[test]
fn every_reason_for_no_hold_is_told_in_words_of_its_own() {
    use NoHold::*;
    let reasons = [Daemon, External, NoDeployment, NothingDesired, NoOldTasks, NoRoom, Over, Ready];
    let words: BTreeSet<String> = reasons.iter().map(NoHold::to_string).collect();
    assert_eq!(words.len(), reasons.len());
    assert_eq!(
        NoRoom.to_string(),
        "maximumPercent leaves no room for new tasks beside the old ones"
    );
}
