//! Many seeds on all cores, and the command line that asks for them.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// After so many failures there is enough to think about.
pub const ENOUGH: usize = 5;

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// One seed, and what came of it.
    One(u64),
    /// A range of seeds.
    Many(Range<u64>),
}

impl Command {
    /// Reads `--<word> S` or `--<word>s N [--from S]`; numbers may be written with `_` or `,`
    /// between.
    pub fn read(word: &str, arguments: impl Iterator<Item = String>) -> Option<Self> {
        let arguments: Vec<String> = arguments.collect();
        let number = |text: &str| text.replace(['_', ','], "").parse::<u64>().ok();
        let (one, many) = (format!("--{word}"), format!("--{word}s"));
        match *arguments.iter().map(String::as_str).collect::<Vec<_>>() {
            [name, seed] if name == one => Some(Self::One(number(seed)?)),
            [name, count] if name == many => Some(Self::Many(0..number(count)?)),
            [name, count, "--from", from] if name == many => {
                let from = number(from)?;
                Some(Self::Many(from..from.saturating_add(number(count)?)))
            }
            _ => None,
        }
    }
}

/// Seeds that are given out one by one.
#[derive(Debug)]
pub struct Seeds {
    range: Range<u64>,
    next: AtomicU64,
    done: AtomicU64,
    begin: Instant,
}

impl Seeds {
    /// These seeds, beginning now.
    pub fn new(range: Range<u64>) -> Self {
        let (next, done) = (AtomicU64::new(range.start), AtomicU64::new(0));
        Self { range, next, done, begin: Instant::now() }
    }

    /// Works on seeds until none is left, for this worker or any other, or until one breaks off.
    pub fn each(&self, mut work: impl FnMut(u64) -> ControlFlow<()>) {
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.range.end {
                return;
            }
            let flow = work(seed);
            self.done.fetch_add(1, Ordering::Relaxed);
            if flow.is_break() {
                self.next.store(self.range.end, Ordering::Relaxed);
            }
        }
    }

    /// Has a worker on each core, and meanwhile `watch`, which is given a way to ask whether all is
    /// over. Returns what each worker came to.
    pub fn on_all_cores<T: Send>(
        &self,
        worker: impl Fn() -> T + Sync,
        watch: impl FnOnce(&dyn Fn() -> bool),
    ) -> Vec<T> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..cores).map(|_| scope.spawn(&worker)).collect();
            watch(&|| workers.iter().all(thread::ScopedJoinHandle::is_finished));
            let ended = workers.into_iter().map(|worker| worker.join());
            ended.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// How many are done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// The time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    /// How many were done in a second so far.
    pub fn rate(&self) -> f64 {
        self.done() as f64 / self.elapsed().as_secs_f64().max(0.001)
    }
}

/// A worker breaks off when it has seen enough failures.
pub fn unless_enough(failures: usize) -> ControlFlow<()> {
    if failures < ENOUGH { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &str) -> Option<Command> {
        Command::read("seed", arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn one_seed_or_a_range_can_be_asked_for() {
        assert_eq!(read("--seed 7"), Some(Command::One(7)));
        assert_eq!(read("--seeds 1_000"), Some(Command::Many(0..1000)));
        assert_eq!(read("--seeds 10 --from 1,000"), Some(Command::Many(1000..1010)));
        for wrong in ["", "--seed", "--seed x", "--case 7", "--seeds 1 --to 2", "--seed 7 --from 1"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_seed_is_worked_on_once() {
        let seeds = Seeds::new(5..205);
        let work = || {
            let mut mine = Vec::new();
            seeds.each(|seed| {
                mine.push(seed);
                ControlFlow::Continue(())
            });
            mine
        };
        let mut all = seeds.on_all_cores(work, |_| ()).concat();
        all.sort_unstable();
        assert_eq!(all, (5..205).collect::<Vec<_>>());
        assert_eq!((seeds.done(), seeds.count()), (200, 200));
    }

    #[test]
    fn after_enough_failures_nobody_goes_on() {
        let seeds = Seeds::new(0..1000);
        let mut failures = 0;
        seeds.each(|_| {
            failures += 1;
            unless_enough(failures)
        });
        assert_eq!(failures, ENOUGH);
        seeds.each(|seed| panic!("{seed} is left"));
    }
}
