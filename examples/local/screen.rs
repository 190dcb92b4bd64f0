//! How the output looks.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use aws_sim::{Aws, Health, TargetRow};

use crate::input::Input;
use crate::words;
use crate::world::Delivery;

/// Where the text of a field begins.
const INDENT: usize = 13;

/// Standard output, with colours if a person reads it.
pub struct Screen {
    colours: bool,
}

/// How a piece of text looks.
#[derive(Clone, Copy)]
pub enum Look {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

impl Screen {
    /// Colours if standard output is a terminal, unless NO_COLOR is set (no-color.org).
    pub fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colours: io::stdout().is_terminal() && !unwanted }
    }

    pub fn paint(&self, look: Look, text: impl Display) -> String {
        match self.colours {
            true => format!("\x1b[{}m{text}\x1b[0m", look as u8),
            false => text.to_string(),
        }
    }

    pub fn line(&self, text: impl Display) -> io::Result<()> {
        writeln!(io::stdout(), "{text}")
    }

    pub fn text(&self, text: impl Display) -> io::Result<()> {
        write!(io::stdout(), "{text}")
    }

    pub fn heading(&self, number: usize, title: &str) -> io::Result<()> {
        self.line("")?;
        self.line(self.paint(Look::Bold, format!("{number}  {title}")))
    }

    /// Lines of text, below a heading.
    pub fn aside(&self, lines: &[&str]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.line(self.paint(Look::Dim, format!("   {line}"))))
    }

    /// A label and, next to it, lines of text.
    pub fn field(&self, label: &str, lines: &[String]) -> io::Result<()> {
        let labels = std::iter::once(label).chain(std::iter::repeat(""));
        for (label, line) in labels.zip(lines) {
            let label = self.paint(Look::Dim, format!("   {label:<width$}", width = INDENT - 3));
            self.line(format!("{label}{line}").trim_end())?;
        }
        Ok(())
    }

    /// An input, what it made the function do, and what the target group holds now.
    pub fn delivery(
        &self,
        aws: &Aws,
        group: &str,
        input: &Input,
        delivery: &Delivery,
    ) -> io::Result<()> {
        self.field("event", &words::input(input))?;
        self.field("calls", &words::calls(self, aws, &delivery.calls))?;
        self.field("answer", &words::answer(self, &delivery.answer))?;
        let logs: Vec<String> =
            delivery.logs.iter().map(|line| self.paint(Look::Dim, line)).collect();
        self.field("log", &logs)?;
        self.field("targets", &self.table(&aws.targets(group)))
    }

    /// The targets of a group, one a line below their headings.
    pub fn table(&self, rows: &[TargetRow]) -> Vec<String> {
        if rows.is_empty() {
            return vec![self.paint(Look::Dim, "none")];
        }
        let addresses: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
        let width = addresses.iter().map(String::len).max().unwrap_or_default();
        let line = |address: &str, port: &str, health: &str| {
            format!("{address:<width$}   {port:>5}   {health}")
        };
        let heads = line("address", "port", "health");
        let rule = line(&"─".repeat(width), "─────", "─────────");
        let mut lines = vec![self.paint(Look::Dim, heads), self.paint(Look::Dim, rule)];
        for (row, address) in rows.iter().zip(&addresses) {
            let health = self.paint(look_of(row.health), row.health);
            lines.push(line(address, &row.port.to_string(), &health));
        }
        lines
    }
}

fn look_of(health: Health) -> Look {
    match health {
        Health::Healthy => Look::Green,
        Health::Initial | Health::Draining => Look::Yellow,
        Health::Unhealthy | Health::UnhealthyDraining => Look::Red,
        Health::Unused => Look::Dim,
    }
}
