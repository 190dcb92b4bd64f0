//! What is to be reached.

use std::time::Duration;

use crate::measure::{Measured, Measurements};
use crate::rivals::{Kind, Rival};
use crate::tables::ratio;

/// A line for each of them. `part` was measured with 1/14 of a CPU after init.
pub fn tell(rivals: &[Rival], full: &Measurements, part: Option<&Measurements>) -> String {
    let init = |measured: &Measured| measured.init;
    let both = |measured: &Measured| measured.both;
    let first = |measured: &Measured| measured.first;
    let first_to = |kind| part.and_then(|part| to(part, kind, first));
    let ours = rivals.iter().find(|rival| rival.kind == Kind::Ours);
    let zip = ours.and_then(|ours| ours.size.as_ref()).map(|size| size.zip as f64 / 1e6);
    let warm = full.get(Kind::Ours).and_then(|ours| ours.warm);
    let peak = warm.map(|warm| warm.peak as f64 / 1024.0);
    let multiple = |of: f64| format!("{of:.2} times");
    let fraction = |of: f64| format!("1/{:.1}", 1.0 / of);
    let lines = [
        line("init, of `lambda_runtime`'s", to(full, Kind::Floor, init), 2.5, multiple),
        line("init + first, of boto3's", to(full, Kind::Boto3, both), 1.0 / 30.0, fraction),
        line("first at 1/14 CPU, of boto3's", first_to(Kind::Boto3), 1.0 / 8.0, fraction),
        line("first at 1/14 CPU, of the defaults'", first_to(Kind::Defaults), 1.0 / 6.0, fraction),
        line("zip", zip, 2.5, |mb| format!("{mb:.2} MB")),
        line("peak RSS", peak, 9.0, |mib| format!("{mib:.1} MiB")),
    ];
    lines.join("\n") + "\n"
}

/// How many times another's time this function's is.
fn to(all: &Measurements, kind: Kind, time: fn(&Measured) -> Duration) -> Option<f64> {
    Some(ratio(time(all.get(Kind::Ours)?), time(all.get(kind)?)))
}

fn line(what: &str, measured: Option<f64>, most: f64, unit: fn(f64) -> String) -> String {
    let Some(measured) = measured else {
        return format!("- {what}: not measured");
    };
    let verdict = if measured <= most { "reached" } else { "missed" };
    format!("- {what}: {}, at most {}: {verdict}", unit(measured), unit(most))
}
