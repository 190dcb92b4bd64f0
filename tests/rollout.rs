//! What a large rollout costs with the queue of template.yaml. The figures are exact: the same seed
//! gives the same run.

#[path = "../benches/rollout/call_per_event.rs"]
mod call_per_event;
#[allow(dead_code, reason = "the benchmark compares more")]
#[path = "../benches/rollout/rollout.rs"]
mod rollout;
#[path = "../benches/rollout/timetable.rs"]
mod timetable;

use std::time::Duration;

use harness::delivery::Queue;
use rollout::{Course, TEMPLATE, run, stop_one};
use timetable::Rollout;

#[test]
fn a_thousand_tasks_are_replaced_in_few_writes_and_nothing_is_throttled() {
    let rollout = Rollout { tasks: 1000, services: 1, over: Duration::from_secs(60) };
    let course = settled_within(Duration::from_secs(5), rollout);
    assert!(course.slowest_stop <= Duration::from_secs(3), "{:?}", course.slowest_stop);
    assert_eq!((course.throttled, course.lost), (0, 0));
    assert!(course.writes <= 150, "{} writes", course.writes);
}

#[test]
fn twenty_groups_are_right_half_a_minute_after_the_last_change() {
    let rollout = Rollout { tasks: 1000, services: 20, over: Duration::from_secs(20) };
    // Such a rollout is chaotic: one seed says little.
    let mut took = [0, 1, 2].map(|seed| {
        let course = run(seed, rollout, TEMPLATE);
        assert_eq!(course.lost, 0);
        let settled = course.settled.expect("the groups are right in the end");
        settled.saturating_sub(course.last_change)
    });
    took.sort();
    assert!(took[1] <= Duration::from_secs(30), "{took:?}");
    assert!(took[2] <= Duration::from_secs(40), "{took:?}");
}

/// The course of a rollout with seed 0, whose groups are right this long after the last change.
fn settled_within(time: Duration, rollout: Rollout) -> Course {
    let course = run(0, rollout, TEMPLATE);
    let settled = course.settled.expect("the groups are right in the end");
    assert!(settled <= course.last_change + time, "{settled:?}");
    course
}

#[test]
fn a_lone_stop_is_deregistered_within_two_seconds_whatever_the_queue_does() {
    for seed in 0..20 {
        let took = stop_one(seed, TEMPLATE).expect("it is deregistered");
        assert!(took <= Duration::from_secs(2), "seed {seed}: {took:?}");
    }
}

#[test]
fn the_queue_is_that_of_the_template() {
    let template = include_str!("../template.yaml");
    let Queue { concurrency, window, batch } = Queue::TEMPLATE;
    for setting in [
        format!("MaximumConcurrency: {concurrency}\n"),
        format!("MaximumBatchingWindowInSeconds: {}\n", window.as_secs()),
        format!("BatchSize: {batch}\n"),
    ] {
        assert!(template.contains(&setting), "template.yaml does not say {setting}");
    }
}
