//! Listens to the function's log: the one line per invocation tells what it did and why not, also
//! where the answer does not.

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
    static TOLD: RefCell<Vec<(usize, Told)>> = const { RefCell::new(Vec::new()) };
}

/// What an invocation's line tells.
#[derive(Clone, Debug, Default)]
pub struct Told {
    input: String,
    registered: u64,
    deregistered: u64,
    unowned: u64,
    skipped_for: String,
    errors: String,
}

/// Begins to listen, on all threads of this process.
pub fn listen() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        // If somebody listens already, the history and the coverage lack what is told.
        let _ = tracing::subscriber::set_global_default(Journal);
    });
}

/// Forgets what another run on this thread told.
pub fn clear() {
    TOLD.with_borrow_mut(Vec::clear);
}

/// What this invocation told.
pub fn take(number: usize) -> Told {
    TOLD.with_borrow_mut(|told| {
        let found = told.iter().position(|(teller, _)| *teller == number);
        found.map(|place| told.swap_remove(place).1).unwrap_or_default()
    })
}

impl Told {
    /// How many tasks were skipped for this reason; none can be told if nothing was heard.
    pub fn skipped_for(&self, reason: &str) -> Option<usize> {
        let number =
            |word: &str| word.strip_prefix(reason)?.strip_prefix('=')?.parse::<usize>().ok();
        let words = self.skipped_for.split([' ', ',']);
        (!self.input.is_empty()).then(|| words.filter_map(number).sum())
    }

    /// Notes what that shows to have been exercised.
    pub fn cover(&self, coverage: &mut Coverage) {
        let reasons = [
            ("no-binding=", Case::ReasonNoBinding),
            ("no-address=", Case::ReasonNoAddress),
            ("not-running=", Case::ReasonNotRunning),
            ("superseded=", Case::ReasonSuperseded),
            ("gone=", Case::ReasonGone),
            ("queued=", Case::ReasonQueued),
        ];
        let errors = [
            (": Unconfirmed:", Case::Unconfirmed),
            (": StaleAnswer:", Case::StaleAnswer),
            (": DeadlineReached:", Case::DeadlineReached),
        ];
        let reasons = reasons.iter().filter(|(word, _)| self.skipped_for.contains(word));
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

impl fmt::Display for Told {
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

impl Visit for Told {
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

/// Hears the function and nobody else.
struct Journal;

impl Subscriber for Journal {
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
        let mut told = Told::default();
        event.record(&mut told);
        TOLD.with_borrow_mut(|all| all.push((number, told)));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
