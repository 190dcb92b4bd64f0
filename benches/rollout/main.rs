//! `cargo rollout [FOLDER]`: large rollouts by this function behind its queue, and by one call per
//! event, as tables and, with a folder, as plots in it.

mod call_per_event;
#[allow(dead_code, reason = "the test has a part of its own")]
mod rollout;
mod timetable;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use harness::plot::{Line, plot};

use crate::rollout::{Course, STEP, TEMPLATE, Way, run};
use crate::timetable::Rollout;

/// Runs of each kind; the median is printed.
const SEEDS: u64 = 3;

const ROLLOUTS: [(&str, Rollout); 2] = [
    ("1,000 tasks of 1 service", rollout(1000, 1)),
    ("10,000 tasks of 20 services, with a target group each", rollout(10_000, 20)),
];

const WAYS: [(Way, &str); 2] =
    [(TEMPLATE, "this function"), (Way::CallPerEvent, "a call per event")];

const fn rollout(tasks: usize, services: usize) -> Rollout {
    Rollout { tasks, services, over: Duration::from_secs(60) }
}

fn main() -> ExitCode {
    let (flags, folders): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument == "--bench");
    if flags.is_empty() {
        return ExitCode::SUCCESS;
    }
    let folder = folders.first();
    for (number, (title, rollout)) in ROLLOUTS.iter().enumerate() {
        println!("### {title}, replaced within {} s\n", rollout.over.as_secs());
        println!(
            "| | settled after the last change | longest that a stopping task's target stayed | writes | throttled | reads | invocations | events given up |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
        let mut lines = Vec::new();
        for (way, name) in WAYS {
            let course = median(*rollout, way);
            println!("{}", row(name, &course));
            let percent = course.in_step.iter().map(|share| 100.0 * share);
            lines.push(Line { name: name.to_owned(), values: percent.collect() });
        }
        println!();
        let Some(folder) = folder else { continue };
        let path = Path::new(folder).join(format!("rollout-{}.svg", number + 1));
        let title = format!("{title}: targets in step, %, over seconds");
        if let Err(error) = std::fs::write(&path, plot(&title, STEP, &[0, 25, 50, 75, 100], &lines))
        {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The run in the middle by its writes, throttled ones first.
fn median(rollout: Rollout, way: Way) -> Course {
    let mut courses: Vec<Course> = (0..SEEDS).map(|seed| run(seed, rollout, way)).collect();
    courses.sort_by_key(|course| (course.throttled, course.writes));
    courses.swap_remove(courses.len() / 2)
}

fn row(name: &str, course: &Course) -> String {
    let Course { last_change, settled, slowest_stop, writes, throttled, reads, .. } = course;
    let settled = match settled {
        Some(at) => format!("{:.1} s", at.saturating_sub(*last_change).as_secs_f64()),
        None => "never".to_owned(),
    };
    format!(
        "| {name} | {settled} | {:.1} s | {writes} | {throttled} | {reads} | {} | {} |",
        slowest_stop.as_secs_f64(),
        course.invocations,
        course.lost
    )
}
