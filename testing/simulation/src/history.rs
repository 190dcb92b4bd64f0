//! What happened in a run, line by line, for people to read.

use std::fmt;
use std::time::Duration;

/// A run's history. Lines are only formatted if the history is wanted.
#[derive(Debug, Default)]
pub struct History {
    wanted: bool,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    at: Duration,
    who: String,
    what: String,
}

impl History {
    /// An empty history, which keeps its lines if they are `wanted`.
    pub fn new(wanted: bool) -> Self {
        Self { wanted, lines: Vec::new() }
    }

    /// Whether the lines are kept.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Notes what somebody did.
    pub fn note(&mut self, at: Duration, who: impl Into<String>, what: impl Into<String>) {
        if self.wanted {
            self.lines.push(Line { at, who: who.into(), what: what.into() });
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { at, who, what } in &self.lines {
            writeln!(f, "{:>10.3}  {who:<14}  {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}
