//! `cargo simulate`: many seeds on all cores, or one seed with its history.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

use harness::seeds::{Command, Seeds, unless_enough};
use simulation::Outcome;
use simulation::coverage::{Cases, Coverage};

const USAGE: &str = "\
usage: cargo simulate [KIND] --seeds N [--from S]    N runs on all cores, from seed S (0) on
       cargo simulate [KIND] --seed S                one run, with its history
KIND: --bindings: bindings by tags, and target groups in other accounts
      --whole-groups: each batch that writes settles whole groups, as in a large rollout
      --deployments: deployments that are held or gated";

/// Runs a seed, with its history if that is wanted.
type Run<C> = fn(u64, bool) -> Outcome<C>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let kind = arguments.next_if(|argument| KINDS.contains(&argument.as_str()));
    match kind.as_deref() {
        Some(BINDINGS) => run(simulation::run_bindings, " --bindings", arguments),
        Some(WHOLE_GROUPS) => run(simulation::run_whole_groups, " --whole-groups", arguments),
        Some(_) => run(simulation::deployments::run, " --deployments", arguments),
        None => run(simulation::run, "", arguments),
    }
}

const BINDINGS: &str = "--bindings";
const WHOLE_GROUPS: &str = "--whole-groups";
const DEPLOYMENTS: &str = "--deployments";
const KINDS: [&str; 3] = [BINDINGS, WHOLE_GROUPS, DEPLOYMENTS];

fn run<C: Cases + Send>(
    run: Run<C>,
    option: &str,
    arguments: impl Iterator<Item = String>,
) -> ExitCode {
    match Command::read("seed", arguments) {
        Some(Command::One(seed)) => one(run, seed),
        Some(Command::Many(seeds)) => many(run, option, seeds),
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one<C: Cases>(run: Run<C>, seed: u64) -> ExitCode {
    let outcome = run(seed, true);
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
struct Sum<C> {
    coverage: Coverage<C>,
    calls: u64,
    broken: Vec<(u64, String)>,
}

impl<C: Cases> Sum<C> {
    fn new() -> Self {
        Self { coverage: Coverage::default(), calls: 0, broken: Vec::new() }
    }

    fn add(&mut self, seed: u64, outcome: Outcome<C>) {
        self.coverage.add(&outcome.coverage);
        self.calls += outcome.calls as u64;
        self.broken.extend(outcome.broken.map(|broken| (seed, broken.to_string())));
    }
}

fn many<C: Cases + Send>(run: Run<C>, option: &str, range: Range<u64>) -> ExitCode {
    let from = range.start;
    let seeds = Seeds::new(range);
    let work = || {
        let mut sum = Sum::new();
        seeds.each(|seed| {
            sum.add(seed, run(seed, false));
            unless_enough(sum.broken.len())
        });
        sum
    };
    let mut all = Sum::new();
    for mut sum in seeds.on_all_cores(work, |is_over| show_progress(&seeds, is_over)) {
        all.coverage.add(&sum.coverage);
        all.calls += sum.calls;
        all.broken.append(&mut sum.broken);
    }
    let Sum { coverage, calls, mut broken } = all;
    broken.sort();
    println!("{coverage}");
    for (seed, how) in &broken {
        println!("seed {seed}: {how}\n    see it with: cargo simulate{option} --seed {seed}");
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
