//! Tasks that start, serve and stop, and their events, from a seed.

use std::collections::VecDeque;
use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sim::{Aws, Task};

use crate::faults::FaultInjector;
use crate::queue::Queue;

/// About so many tasks serve at a time.
const SERVING: usize = 300;

/// So many stopped tasks are still known to ECS; the older ones it forgets.
const REMEMBERED: usize = 200;

/// Tasks that start, serve and stop, each with its events.
pub struct Fleet {
    dice: fastrand::Rng,
    aws: Aws,
    /// Is told which tasks serve.
    faults: Arc<FaultInjector>,
    started: usize,
    events: usize,
    serving: Vec<Task>,
    stopped: VecDeque<String>,
}

impl Fleet {
    pub fn new(seed: u64, aws: Aws, faults: Arc<FaultInjector>) -> Self {
        let (dice, stopped) = (fastrand::Rng::with_seed(seed), VecDeque::new());
        Self { dice, aws, faults, started: 0, events: 0, serving: Vec::new(), stopped }
    }

    pub fn events(&self) -> usize {
        self.events
    }

    /// The addresses that have to be in the target group.
    pub fn serving(&self) -> impl Iterator<Item = Ipv6Addr> {
        let bound = self.serving.iter().filter(|task| task.group() == "service:demo-service");
        bound.filter_map(Task::ipv6)
    }

    /// Many batches are small, some are full.
    pub fn batch_size(&mut self, most: usize) -> usize {
        match self.dice.u8(0..10) {
            0..=3 => self.dice.usize(1..=10),
            4..=7 => self.dice.usize(1..=most),
            _ => most,
        }
    }

    /// A task starts, or one stops.
    pub fn live(&mut self, queue: &mut Queue) {
        if self.dice.usize(0..2 * SERVING) >= self.serving.len() {
            self.start(queue);
        } else {
            let task = self.serving.swap_remove(self.dice.usize(0..self.serving.len()));
            self.stop(task, queue);
        }
    }

    fn start(&mut self, queue: &mut Queue) {
        self.started += 1;
        let number = self.started;
        let task = Task::new(&format!("{number:032x}"));
        let task = task.address(&format!("2001:db8::{:x}:{:x}", number >> 16, number & 0xffff));
        let task = if number.is_multiple_of(10) { task.service("other-service") } else { task };
        let task = self.report(task.pending(), queue);
        task.ipv6().inspect(|address| self.faults.serves(*address));
        let task = self.report(task.running(), queue);
        self.serving.push(task);
    }

    fn stop(&mut self, task: Task, queue: &mut Queue) {
        task.ipv6().inspect(|address| self.faults.leaves(*address));
        let task = self.report(task.deactivating(), queue);
        let task = self.report(task.stopped(), queue);
        self.stopped.push_back(task.arn());
        if self.stopped.len() > REMEMBERED {
            self.stopped.pop_front().iter().for_each(|arn| self.aws.forget_task(arn));
        }
    }

    fn report(&mut self, task: Task, queue: &mut Queue) -> Task {
        self.aws.put_task(&task);
        self.events += 1;
        queue.put(task.event(SystemTime::now()).to_string());
        task
    }
}
