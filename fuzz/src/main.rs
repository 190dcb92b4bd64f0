//! `cargo fuzz-inputs`: many cases on all cores, or one case and what came of it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fuzz_inputs::{Bench, Outcome};

const USAGE: &str = "\
usage: cargo fuzz-inputs --cases N [--from S]    N cases on all cores, from seed S (0) on
       cargo fuzz-inputs --case S                one case, and what came of it";

/// After so many failures there is enough to think about.
const ENOUGH: usize = 5;

/// How often the progress is told.
const TELL: Duration = Duration::from_secs(10);

enum Command {
    One(u64),
    Many { from: u64, cases: u64 },
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    fuzz_inputs::listen();
    match command(&arguments) {
        Some(Command::One(seed)) => one(seed),
        Some(Command::Many { from, cases }) => many(from, cases),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn command(arguments: &[&str]) -> Option<Command> {
    let number = |text: &str| text.replace(['_', ','], "").parse::<u64>().ok();
    match *arguments {
        ["--case", seed] => Some(Command::One(number(seed)?)),
        ["--cases", cases] => Some(Command::Many { from: 0, cases: number(cases)? }),
        ["--cases", cases, "--from", from] => {
            Some(Command::Many { from: number(from)?, cases: number(cases)? })
        }
        _ => None,
    }
}

fn one(seed: u64) -> ExitCode {
    let outcome = Bench::new().case(seed, true);
    println!("{}", outcome.told);
    match outcome.verdict {
        Ok(kind) => {
            println!("case {seed}: as it should be: {kind}");
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            println!("case {seed}: {wrong}");
            ExitCode::FAILURE
        }
    }
}

/// What all cases so far came to.
#[derive(Default)]
struct Sum {
    kinds: BTreeMap<&'static str, u64>,
    calls: u64,
    wrong: Vec<(u64, Outcome)>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.calls += outcome.calls as u64;
        match outcome.verdict {
            Ok(kind) => *self.kinds.entry(kind).or_default() += 1,
            Err(_) => self.wrong.push((seed, outcome)),
        }
    }
}

fn many(from: u64, cases: u64) -> ExitCode {
    let (next, done) = (AtomicU64::new(from), AtomicU64::new(0));
    let sum = Mutex::new(Sum::default());
    let begin = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let working = AtomicUsize::new(cores);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                work(&next, from.saturating_add(cases), &done, &sum);
                working.fetch_sub(1, Ordering::Relaxed);
            });
        }
        tell_progress(&done, &working, cases, begin);
    });
    let Sum { kinds, calls, mut wrong } = sum.into_inner().unwrap_or_default();
    wrong.sort_by_key(|(seed, _)| *seed);
    for (kind, count) in &kinds {
        println!("{count:>10}  {kind}");
    }
    for (seed, Outcome { verdict, told, .. }) in &wrong {
        let wrong = verdict.as_ref().err().map(String::as_str).unwrap_or_default();
        println!("case {seed}: {wrong}\n{told}    see it with: cargo fuzz-inputs --case {seed}");
    }
    let (done, took) = (done.into_inner(), begin.elapsed().as_secs_f64());
    println!(
        "{done} cases from {from}, {} of them wrong; {calls} calls to AWS; {took:.0} s, {:.0} cases a second",
        wrong.len(),
        done as f64 / took
    );
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(next: &AtomicU64, end: u64, done: &AtomicU64, sum: &Mutex<Sum>) {
    let bench = Bench::new();
    let mut own = Sum::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        own.add(seed, bench.case(seed, false));
        done.fetch_add(1, Ordering::Relaxed);
        if own.wrong.len() >= ENOUGH {
            next.store(end, Ordering::Relaxed);
        }
    }
    if let Ok(mut sum) = sum.lock() {
        for (kind, count) in own.kinds {
            *sum.kinds.entry(kind).or_default() += count;
        }
        sum.calls += own.calls;
        sum.wrong.append(&mut own.wrong);
    }
}

fn tell_progress(done: &AtomicU64, working: &AtomicUsize, cases: u64, begin: Instant) {
    let mut told = Instant::now();
    while working.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(Duration::from_millis(50));
        if told.elapsed() >= TELL {
            told = Instant::now();
            let so_far = done.load(Ordering::Relaxed);
            let took = begin.elapsed().as_secs_f64();
            eprintln!("{so_far} of {cases} cases, {:.0} a second", so_far as f64 / took);
        }
    }
}
