//! `cargo deployments [FOLDER]`: deployments with and without hold, and by the ways that stand
//! beside it, as tables and, with a folder, as a plot in it.

#[path = "../rollout/call_per_event.rs"]
mod call_per_event;
mod deployment;
mod figures;
mod setting;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use harness::plot::{Line, plot};
use harness::seeds::Seeds;

use crate::deployment::{Course, STEP, run};
use crate::figures::{Figures, HEAD};
use crate::setting::{Launch, Setting, Way};

const USAGE: &str = "usage: cargo deployments [--seeds N] [--tasks N] [FOLDER]
    N seeds (20) of services of 4, 40 and 400 tasks, or of N tasks alone; a plot in the folder";

/// `minimumHealthyPercent` and `maximumPercent`, with the ways that are compared there: ECS's
/// default, batches, and what leaves no room for a hold. BLUE_GREEN heeds neither percentage.
const COMPARED: [((usize, usize), &[Way]); 3] = [
    (ROOM, &[Way::CallPerEvent, Way::NoHold, Way::Hold, LOOKS, Way::NativeGroup, Way::Gate]),
    ((100, 150), &[Way::NoHold, Way::Hold, LOOKS]),
    ((50, 100), &[Way::CallPerEvent, Way::NoHold, Way::Hold, LOOKS, Way::NativeGroup]),
];

/// Room for all new tasks beside the old ones.
const ROOM: (usize, usize) = (100, 200);

const LOOKS: Way = Way::HoldWithLooks(Duration::from_secs(15));

/// The service of the plot.
const PLOTTED: Setting =
    Setting { tasks: 40, launch: Launch::Fargate, percent: ROOM, way: Way::NoHold };

struct Arguments {
    seeds: u64,
    tasks: Vec<usize>,
    folder: Option<String>,
}

fn main() -> ExitCode {
    let (flags, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument == "--bench");
    if flags.is_empty() {
        return ExitCode::SUCCESS;
    }
    let Some(arguments) = parse(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if let Some(folder) = &arguments.folder {
        let path = Path::new(folder).join("deployment.svg");
        if let Err(error) = std::fs::write(&path, plot_one()) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    let faults = compare(&arguments);
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads the arguments; none if one is not understood.
fn parse(arguments: Vec<String>) -> Option<Arguments> {
    let mut read = Arguments { seeds: 20, tasks: vec![4, 40, 400], folder: None };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seeds" => read.seeds = arguments.next()?.parse().ok().filter(|seeds| *seeds > 0)?,
            "--tasks" => read.tasks = vec![arguments.next()?.parse().ok().filter(|n| *n > 0)?],
            flag if flag.starts_with('-') => return None,
            _ if read.folder.is_some() => return None,
            _ => read.folder = Some(argument),
        }
    }
    Some(read)
}

/// Prints the tables; the answer is what no hold may show.
fn compare(arguments: &Arguments) -> Vec<String> {
    let mut faults = Vec::new();
    for (percent, ways) in COMPARED {
        for launch in [Launch::Fargate, Launch::Ec2] {
            println!("### {}/{}, {}\n\n{HEAD}", percent.0, percent.1, launch.name());
            for tasks in &arguments.tasks {
                let setting = |way| Setting { tasks: *tasks, launch, percent, way };
                let without = measure(setting(Way::NoHold), arguments.seeds);
                for way in ways {
                    let figures = match way {
                        Way::NoHold => without.clone(),
                        way => measure(setting(*way), arguments.seeds),
                    };
                    println!("{}", figures.row(&without));
                    if way.is_hold() && percent == ROOM {
                        faults.extend(figures.faults(&without));
                    }
                }
            }
            println!();
        }
    }
    faults
}

fn measure(setting: Setting, seeds: u64) -> Figures {
    let seeds = Seeds::new(0..seeds);
    let worker = || {
        let mut courses = Vec::new();
        seeds.each(|seed| {
            courses.push((seed, run(seed, setting)));
            ControlFlow::Continue(())
        });
        courses
    };
    let mut courses = seeds.on_all_cores(worker, |_| ()).concat();
    courses.sort_by_key(|(seed, _)| *seed);
    let courses: Vec<Course> = courses.into_iter().map(|(_, course)| course).collect();
    Figures::of(setting, &courses)
}

/// One deployment with and without hold.
fn plot_one() -> String {
    let line = |way: Way| {
        let serving = run(0, Setting { way, ..PLOTTED }).serving;
        let values = serving.into_iter().map(|serving| serving as f64).collect();
        Line { name: way.name().to_owned(), values }
    };
    let tasks = PLOTTED.tasks as u32;
    let marks: Vec<u32> = (0..=4).map(|part| part * tasks / 2).collect();
    let title = format!("healthy IPv6 targets of a service of {tasks} tasks, over seconds");
    plot(&title, STEP, &marks, &[line(Way::NoHold), line(Way::Hold)])
}
