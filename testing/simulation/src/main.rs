//! `cargo simulate`: many seeds on all cores, or one seed with its history.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use harness::seeds::{Command, Seeds, unless_enough};
use simulation::Outcome;
use simulation::coverage::Coverage;

const USAGE: &str = "\
usage: cargo simulate --seeds N [--from S]    N runs on all cores, from seed S (0) on
       cargo simulate --seed S                one run, with its history";

fn main() -> ExitCode {
    match Command::read("seed", std::env::args().skip(1)) {
        Some(Command::One(seed)) => one(seed),
        Some(Command::Many(seeds)) => many(seeds),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64) -> ExitCode {
    let outcome = simulation::run(seed, true);
    // A reader of only the beginning closes the pipe.
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

/// The sum of many runs.
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

fn many(range: Range<u64>) -> ExitCode {
    let from = range.start;
    let seeds = Seeds::new(range);
    let work = || {
        let mut sum = Sum::default();
        seeds.each(|seed| {
            sum.add(seed, simulation::run(seed, false));
            unless_enough(sum.broken.len())
        });
        sum
    };
    let mut all = Sum::default();
    for mut sum in seeds.on_all_cores(work, |is_over| show_progress(&seeds, is_over)) {
        all.coverage.add(&sum.coverage);
        all.calls += sum.calls;
        all.broken.append(&mut sum.broken);
    }
    let Sum { coverage, calls, mut broken } = all;
    broken.sort();
    println!("{coverage}");
    for (seed, how) in &broken {
        println!("seed {seed}: {how}\n    see it with: cargo simulate --seed {seed}");
    }
    println!(
        "{} seeds from {from}, {} with a broken promise; {calls} calls to AWS; {:.0} s, {:.0} seeds a second",
        seeds.done(),
        broken.len(),
        seeds.elapsed().as_secs_f64(),
        seeds.rate()
    );
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Shows the progress on one line of the terminal, if there is one.
fn show_progress(seeds: &Seeds, is_over: &dyn Fn() -> bool) {
    if !stderr().is_terminal() {
        return;
    }
    loop {
        eprint!("\r{} of {} seeds, {:.0} a second ", seeds.done(), seeds.count(), seeds.rate());
        if is_over() {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    eprintln!();
}
