//! What the runs of a setting come to.

use crate::deployment::{Calls, Course};
use crate::setting::Setting;

/// How much longer a deployment with hold may take, in seconds.
const LONGER: f64 = 240.0;

/// The figures of one setting over all seeds.
#[derive(Clone, Debug)]
pub struct Figures {
    pub setting: Setting,
    /// Target-seconds missing, run by run.
    pub missing: Vec<f64>,
    pub worst_shortfall: usize,
    /// Target-seconds of dead targets, run by run.
    pub dead: Vec<f64>,
    /// How long each deployment took, in seconds.
    pub took: Vec<f64>,
    pub calls: Vec<Calls>,
}

impl Figures {
    /// The courses are in the order of their seeds.
    pub fn of(setting: Setting, courses: &[Course]) -> Self {
        let took = |course: &Course| course.took.map_or(f64::INFINITY, |took| took.as_secs_f64());
        Self {
            setting,
            missing: courses.iter().map(Course::missing).collect(),
            worst_shortfall: courses.iter().map(Course::worst_shortfall).max().unwrap_or(0),
            dead: courses.iter().map(|course| course.dead).collect(),
            took: courses.iter().map(took).collect(),
            calls: courses.iter().map(|course| course.calls).collect(),
        }
    }

    /// How many seconds longer each deployment took than that of the same seed without hold.
    pub fn longer(&self, without: &Self) -> Vec<f64> {
        self.took.iter().zip(&without.took).map(|(own, other)| own - other).collect()
    }

    /// The row of a table.
    pub fn row(&self, without: &Self) -> String {
        let calls = |which: fn(&Calls) -> usize| {
            spread(self.calls.iter().map(|calls| which(calls) as f64).collect())
        };
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.setting.tasks,
            self.setting.way.name(),
            spread(self.missing.clone()),
            self.worst_shortfall,
            spread(self.dead.clone()),
            spread(self.took.clone()),
            spread(self.longer(without)),
            calls(|calls| calls.updates),
            calls(|calls| calls.looks),
            calls(|calls| calls.protections),
            calls(|calls| calls.all),
            calls(|calls| calls.throttled),
        )
    }

    /// What is wrong with a hold beside no hold: what no seed may show.
    pub fn faults(&self, without: &Self) -> Vec<String> {
        let tasks = self.setting.tasks;
        let pages = tasks.div_ceil(100);
        let mut faults = Vec::new();
        for (seed, calls) in self.calls.iter().enumerate() {
            let missing = self.missing[seed];
            let longer = self.longer(without)[seed];
            // Ten tasks a call, and each look that releases some ends with a call of fewer.
            let most_updates = 2 * tasks.div_ceil(10) + calls.looks;
            let mut expect = |is_so: bool, fault: String| {
                if !is_so {
                    faults.push(format!("{:?}, seed {seed}: {fault}", self.setting));
                }
            };
            expect(missing == 0.0, format!("{missing} target-seconds are missing"));
            expect(longer <= LONGER, format!("takes {longer} s longer"));
            expect(calls.updates <= most_updates, format!("{} updates", calls.updates));
            expect(calls.protections <= pages * calls.looks, format!("{calls:?}"));
        }
        faults
    }
}

/// The head of a table of rows.
pub const HEAD: &str = "\
| tasks | | target-seconds missing | worst shortfall | dead target-seconds | deployment, s | longer, s \
| UpdateTaskProtection | looks | GetTaskProtection | all calls | throttled |
| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// The median, and the worst where it is another one.
fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let Some(worst) = values.last() else { return String::new() };
    let (median, worst) = (number(values[values.len() / 2]), number(*worst));
    if median == worst { median } else { format!("{median} ({worst})") }
}

/// With commas, as a person writes it.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "never".to_owned();
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value.round() < 0.0 { format!("-{text}") } else { text }
}
