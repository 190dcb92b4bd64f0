//! `cargo fuzz-inputs`: many cases on all cores, or one case and its outcome.

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bad_input::{Bench, Outcome};
use harness::seeds::{Command, Seeds, unless_enough};

const USAGE: &str = "\
usage: cargo fuzz-inputs --cases N [--from S]    N cases on all cores, from seed S (0) on
       cargo fuzz-inputs --case S                one case, and its outcome";

/// The interval of progress lines.
const INTERVAL: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    bad_input::listen();
    match Command::read("case", std::env::args().skip(1)) {
        Some(Command::One(seed)) => one(seed),
        Some(Command::Many(cases)) => many(cases),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64) -> ExitCode {
    let outcome = Bench::new().case(seed, true);
    println!("{}", outcome.shown);
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

/// The sum of all cases so far.
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

fn many(range: Range<u64>) -> ExitCode {
    let from = range.start;
    let cases = Seeds::new(range);
    let work = || {
        let bench = Bench::new();
        let mut sum = Sum::default();
        cases.each(|case| {
            sum.add(case, bench.case(case, false));
            unless_enough(sum.wrong.len())
        });
        sum
    };
    let mut all = Sum::default();
    for mut sum in cases.on_all_cores(work, |is_over| show_progress(&cases, is_over)) {
        for (kind, count) in sum.kinds {
            *all.kinds.entry(kind).or_default() += count;
        }
        all.calls += sum.calls;
        all.wrong.append(&mut sum.wrong);
    }
    let Sum { kinds, calls, mut wrong } = all;
    wrong.sort_by_key(|(seed, _)| *seed);
    for (kind, count) in &kinds {
        println!("{count:>10}  {kind}");
    }
    for (seed, Outcome { verdict, shown, .. }) in &wrong {
        let wrong = verdict.as_ref().err().map(String::as_str).unwrap_or_default();
        println!("case {seed}: {wrong}\n{shown}    see it with: cargo fuzz-inputs --case {seed}");
    }
    println!(
        "{} cases from {from}, {} of them wrong; {calls} calls to AWS; {:.0} s, {:.0} cases a second",
        cases.done(),
        wrong.len(),
        cases.elapsed().as_secs_f64(),
        cases.rate()
    );
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show_progress(cases: &Seeds, is_over: &dyn Fn() -> bool) {
    let mut shown = Instant::now();
    while !is_over() {
        std::thread::sleep(Duration::from_millis(50));
        if shown.elapsed() >= INTERVAL {
            shown = Instant::now();
            eprintln!("{} of {} cases, {:.0} a second", cases.done(), cases.count(), cases.rate());
        }
    }
}
