//! What a large rollout replaces, and when.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use aws_sim::Task;

use harness::dice::Dice;

/// What is rolled out: every task of some services is replaced.
#[derive(Clone, Copy, Debug)]
pub struct Rollout {
    /// The tasks of all services together.
    pub tasks: usize,
    /// The services, each with a target group of its own.
    pub services: usize,
    /// The time over which the new ones begin to run and the old ones to stop.
    pub over: Duration,
}

/// How a task stops.
pub const STOP: [fn(Task) -> Task; 4] =
    [Task::deactivating, Task::stopping, Task::deprovisioning, Task::stopped];

/// A task; those below `tasks` are the old ones.
pub fn task(number: usize, rollout: Rollout) -> (usize, Task) {
    let service = number % rollout.services;
    let [high, low] = [number >> 16, number & 0xffff].map(|part| part as u16);
    let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1 + high, low);
    let task = Task::new(&format!("{number:032x}")).address(&address.to_string());
    (service, task.service(&format!("service-{service}")))
}

/// The address at which a task serves.
pub fn address(task: &Task) -> IpAddr {
    task.ipv6().expect("every task here has an address").into()
}

/// Every change that the template's rule passes, in the order of time. A stopping task changes four
/// times.
pub fn timetable(seed: u64, rollout: Rollout) -> Vec<(Duration, usize, Task)> {
    let mut dice = Dice::of(seed ^ 1);
    let mut changes = Vec::new();
    for number in 0..rollout.tasks {
        let over = rollout.over.as_secs_f64();
        let (service, new) = task(rollout.tasks + number, rollout);
        changes.push((dice.seconds(0.0, over), service, new.running()));
        let (service, old) = task(number, rollout);
        let mut at = dice.seconds(0.0, over);
        let mut old = old.running();
        for step in STOP {
            old = step(old);
            changes.push((at, service, old.clone()));
            at += dice.seconds(0.5, 5.0);
        }
    }
    changes.sort_by_key(|(at, ..)| *at);
    changes
}
