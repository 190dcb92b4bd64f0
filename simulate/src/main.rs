//! `cargo simulate`: many seeds on all cores, or one seed with its history.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use simulate::Outcome;
use simulate::coverage::Coverage;

const USAGE: &str = "\
usage: cargo simulate --seeds N [--from S]    N runs on all cores, from seed S (0) on
       cargo simulate --seed S                one run, with its history";

/// After so many broken runs there is enough to think about.
const ENOUGH: usize = 5;

enum Command {
    One(u64),
    Many { from: u64, seeds: u64 },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match command(&arguments) {
        Some(Command::One(seed)) => one(seed),
        Some(Command::Many { from, seeds }) => many(from, seeds),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn command(arguments: &[&str]) -> Option<Command> {
    let number = |text: &str| text.replace(['_', ','], "").parse::<u64>().ok();
    match *arguments {
        ["--seed", seed] => Some(Command::One(number(seed)?)),
        ["--seeds", seeds] => Some(Command::Many { from: 0, seeds: number(seeds)? }),
        ["--seeds", seeds, "--from", from] => {
            Some(Command::Many { from: number(from)?, seeds: number(seeds)? })
        }
        _ => None,
    }
}

fn one(seed: u64) -> ExitCode {
    let outcome = simulate::run(seed, true);
    // Whoever reads only the beginning of it closes the pipe.
    let _ = stdout().write_all(outcome.history.as_bytes());
    match outcome.broken {
        None => {
            eprintln!("seed {seed}: every promise was kept");
            ExitCode::SUCCESS
        }
        Some(broken) => {
            eprintln!("seed {seed}: {broken}");
            ExitCode::FAILURE
        }
    }
}

/// What all runs so far came to.
#[derive(Default)]
struct Sum {
    coverage: Coverage,
    calls: u64,
    broken: Vec<(u64, String)>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.coverage.add(&outcome.coverage);
        self.calls += outcome.calls as u64;
        self.broken.extend(outcome.broken.map(|broken| (seed, broken.to_string())));
    }
}

fn many(from: u64, seeds: u64) -> ExitCode {
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let sum = Mutex::new(Sum::default());
    let begin = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let working = AtomicUsize::new(cores);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                work(&next, from + seeds, &done, &sum);
                working.fetch_sub(1, Ordering::Relaxed);
            });
        }
        threads.spawn(|| show_progress(&done, &working, seeds, begin));
    });
    let done = done.into_inner();
    let Sum { coverage, calls, mut broken } = sum.into_inner().unwrap_or_default();
    broken.sort();
    println!("{coverage}");
    for (seed, how) in &broken {
        println!("seed {seed}: {how}\n    see it with: cargo simulate --seed {seed}");
    }
    let took = begin.elapsed().as_secs_f64();
    println!(
        "{done} seeds from {from}, {} with a broken promise; {calls} calls to AWS; {took:.0} s, {:.0} seeds a second",
        broken.len(),
        done as f64 / took
    );
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(next: &AtomicU64, end: u64, done: &AtomicU64, sum: &Mutex<Sum>) {
    let mut own = Sum::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        own.add(seed, simulate::run(seed, false));
        done.fetch_add(1, Ordering::Relaxed);
        if own.broken.len() >= ENOUGH {
            next.store(end, Ordering::Relaxed);
        }
    }
    if let Ok(mut sum) = sum.lock() {
        sum.coverage.add(&own.coverage);
        sum.calls += own.calls;
        sum.broken.append(&mut own.broken);
    }
}

/// One line, written over and over; none where nobody watches.
fn show_progress(done: &AtomicU64, working: &AtomicUsize, seeds: u64, begin: Instant) {
    if !stderr().is_terminal() {
        return;
    }
    loop {
        let so_far = done.load(Ordering::Relaxed);
        let took = begin.elapsed().as_secs_f64().max(0.001);
        eprint!("\r{so_far} of {seeds} seeds, {:.0} a second ", so_far as f64 / took);
        if working.load(Ordering::Relaxed) == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    eprintln!();
}
