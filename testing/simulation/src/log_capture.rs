//! Captures the function's log. The one line of an invocation says what was done and why something
//! was not, even where the answer does not say so.

use std::cell::RefCell;
use std::fmt;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::coverage::{Case, Coverage};
use crate::invocation::NUMBER;

thread_local! {
    static LINES: RefCell<Vec<(usize, LogLine)>> = const { RefCell::new(Vec::new()) };
}

/// The log line of an invocation.
#[derive(Clone, Debug, Default)]
pub struct LogLine {
    input: String,
    registered: u64,
    deregistered: u64,
    unowned: u64,
    skipped_for: String,
    errors: String,
}

/// Begins to capture, on all threads of this process.
pub fn listen() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        // If there is a subscriber already, the history and the coverage lack what is logged.
        let _ = tracing::subscriber::set_global_default(LogCapture);
    });
}

/// Forgets the lines of an earlier run on this thread.
pub fn clear() {
    LINES.with_borrow_mut(Vec::clear);
}

/// The line of this invocation, or an empty one if none was captured.
pub fn take(number: usize) -> LogLine {
    LINES.with_borrow_mut(|lines| {
        let found = lines.iter().position(|(writer, _)| *writer == number);
        found.map(|index| lines.swap_remove(index).1).unwrap_or_default()
    })
}

impl LogLine {
    /// How many tasks were skipped for this reason; none if no line was captured.
    pub fn skipped_for(&self, reason: &str) -> Option<usize> {
        let number =
            |word: &str| word.strip_prefix(reason)?.strip_prefix('=')?.parse::<usize>().ok();
        let words = self.skipped_for.split([' ', ',']);
        (!self.input.is_empty()).then(|| words.filter_map(number).sum())
    }

    /// Notes the cases that the line shows.
    pub fn cover(&self, coverage: &mut Coverage) {
        let reasons = [
            ("no-binding=", Case::ReasonNoBinding),
            ("no-address=", Case::ReasonNoAddress),
            ("not-running=", Case::ReasonNotRunning),
            ("superseded=", Case::ReasonSuperseded),
            ("gone=", Case::ReasonGone),
            ("queued=", Case::ReasonQueued),
            ("group-gone=", Case::ReasonGroupGone),
        ];
        let errors = [
            (": Unconfirmed:", Case::Unconfirmed),
            (": StaleAnswer:", Case::StaleAnswer),
            (": DeadlineReached:", Case::DeadlineReached),
            (": BadTag:", Case::BadTag),
        ];
        let has = |word: &str| self.skipped_for.split([' ', ',']).any(|w| w.starts_with(word));
        let reasons = reasons.iter().filter(|(word, _)| has(word));
        let errors = errors.iter().filter(|(word, _)| self.errors.contains(word));
        reasons.chain(errors).for_each(|(_, case)| coverage.note(*case));
        if self.input == "reconcile" {
            let counts = [
                (self.registered, Case::ReconcileRegistered),
                (self.deregistered, Case::ReconcilePruned),
                (self.unowned, Case::ReconcileFoundUnowned),
            ];
            let some = counts.iter().filter(|(count, _)| *count > 0);
            some.for_each(|(_, case)| coverage.note(*case));
        }
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registered, deregistered, unowned, skipped_for, errors, .. } = self;
        write!(f, "registered {registered}, deregistered {deregistered}, unowned {unowned}")?;
        if !skipped_for.is_empty() {
            write!(f, ", skipped for {skipped_for}")?;
        }
        if !errors.is_empty() {
            write!(f, ", failed: {errors}")?;
        }
        Ok(())
    }
}

impl Visit for LogLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "skipped_for" => self.skipped_for = format!("{value:?}"),
            "errors" => self.errors = format!("{value:?}"),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "input" {
            value.clone_into(&mut self.input);
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "registered" => self.registered = value,
            "deregistered" => self.deregistered = value,
            "unowned" => self.unowned = value,
            _ => {}
        }
    }
}

/// Receives the lines of the function's report and no others.
struct LogCapture;

impl Subscriber for LogCapture {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ecs_ipv6_targets::report" && *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let Ok(number) = NUMBER.try_with(|number| *number) else { return };
        let mut line = LogLine::default();
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| lines.push((number, line)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
