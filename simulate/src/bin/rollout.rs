//! `cargo rollout [FILE.svg]`: a large rollout by this function behind its queue, and by one call per event,
//! as a table and a plot.

use std::process::ExitCode;
use std::time::Duration;

use simulate::plot::{Line, plot};
use simulate::rollout::{Course, STEP, TEMPLATE, Way, run};
use simulate::timetable::Rollout;

/// Runs of each kind; the middle one is told.
const SEEDS: u64 = 5;

const ROLLOUT: Rollout = Rollout { tasks: 1000, services: 1, over: Duration::from_secs(60) };

fn main() -> ExitCode {
    println!(
        "| 1,000 tasks of one service replaced in 60 s | settled after the last change | longest that a stopping task's target stayed | writes | throttled | reads | invocations | events given up |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut lines = Vec::new();
    for (way, name) in [(TEMPLATE, "this function"), (Way::CallPerEvent, "a call per event")] {
        let course = median(way);
        println!("{}", row(name, &course));
        lines.push(Line { name: name.to_owned(), values: course.in_step });
    }
    let Some(path) = std::env::args().nth(1) else { return ExitCode::SUCCESS };
    match std::fs::write(&path, plot("Targets in step, %, over seconds", STEP, &lines)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The run in the middle by its writes, throttled ones first.
fn median(way: Way) -> Course {
    let mut courses: Vec<Course> = (0..SEEDS).map(|seed| run(seed, ROLLOUT, way)).collect();
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
