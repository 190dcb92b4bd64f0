//! The tables, in Markdown.

use std::time::Duration;

use crate::arguments::Arguments;
use crate::measure::{Measured, Measurements};
use crate::process;
use crate::rivals::{Kind, Rival};

pub fn heading(arguments: &Arguments) -> String {
    let Arguments { starts, warm, python, .. } = arguments;
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get());
    let python = if *python { "" } else { "\nBoto3 does not take part (`--without-python`)." };
    format!(
        "# Cold starts\n\nMedians over {starts} starts of each function and, of one process each, {warm} further \
         invocations; all functions take turns.\nTimes in ms. {cpus} CPUs. {}{python}\n",
        load()
    )
}

pub fn load() -> String {
    format!("Load over 1, 5 and 15 minutes: {}.", process::load())
}

/// A table of starts, and of what followed if that was measured.
pub fn starts(measurements: &Measurements) -> String {
    let warm = measurements.iter().any(|measured| measured.warm.is_some());
    let mut head =
        vec!["", "init", "÷ `lambda_runtime`", "first", "init + first", "÷ this function", "CPU"];
    if warm {
        head.extend(["warm", "warm p99", "peak RSS, MiB"]);
    }
    let rows = measurements.iter().map(|measured| row(measured, measurements));
    table(&head, rows)
}

fn row(measured: &Measured, all: &Measurements) -> Vec<String> {
    let to = |kind, time: fn(&Measured) -> Duration| {
        let base = all.get(kind);
        base.map_or_else(String::new, |base| format!("{:.1}", ratio(time(measured), time(base))))
    };
    let mut row = vec![
        measured.name.to_owned(),
        ms(measured.init),
        to(Kind::Floor, |measured| measured.init),
        ms(measured.first),
        ms(measured.both),
        to(Kind::Ours, |measured| measured.both),
        ms(measured.cpu),
    ];
    if let Some(warm) = measured.warm {
        row.extend([ms(warm.median), ms(warm.p99), format!("{:.1}", warm.peak as f64 / 1024.0)]);
    }
    row
}

/// A table of what is deployed.
pub fn sizes(rivals: &[Rival]) -> String {
    let mb = |bytes: u64| format!("{:.2}", bytes as f64 / 1e6);
    let size = |rival: &Rival| match &rival.size {
        Some(size) => [mb(size.binary), mb(size.zip)],
        None => ["-".to_owned(), "-".to_owned()],
    };
    let rows =
        rivals.iter().map(|rival| [vec![rival.name().to_owned()], size(rival).to_vec()].concat());
    table(&["", "binary, MB", "zip, MB"], rows)
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![line(head.iter().copied())];
    lines.push(line(head.iter().enumerate().map(|(n, _)| if n == 0 { "---" } else { "---:" })));
    lines.extend(rows.map(|row| line(row.iter().map(String::as_str))));
    lines.join("\n") + "\n"
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 100.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// How many times one is the other.
fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}
