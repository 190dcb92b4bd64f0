//! A few seconds of cases. `cargo fuzz-inputs --cases 10000000` runs many.

use std::collections::BTreeSet;
use std::thread;

use bad_input::{Bench, listen};

/// The cases of each of two threads: as many as a few seconds allow.
const CASES: u64 = 10_000;

/// The kinds of cases that must be reached, so that not every input is merely refused.
const KINDS: &[&str] = &[
    "batch: NamelessMessage",
    "batch: all done",
    "batch: all returned",
    "batch: some returned",
    "copy: done",
    "copy: unreadable",
    "deployment: UnreadableEvent",
    "deployment: ignored",
    "describe",
    "doctor",
    "event: UnreadableEvent",
    "event: deregistered",
    "event: registered",
    "event: skipped, gone",
    "event: skipped, no-address",
    "event: skipped, no-binding",
    "event: skipped, not-running",
    "explain: known",
    "explain: unknown",
    "hook: FAILED",
    "hook: IN_PROGRESS",
    "hook: SUCCEEDED",
    "no JSON: the runtime refuses it",
    "plan",
    "reconcile",
    "refused: UnknownInput",
    "release",
    "settings: accepted",
    "settings: mistake in BINDINGS",
    "settings: mistake in DISCOVER",
    "settings: mistake in DRY_RUN",
    "settings: mistake in HOLD_MINUTES",
    "settings: mistake in PRUNE",
    "settings: mistake in an entry of BINDINGS",
    "widget",
];

fn run(cases: impl Iterator<Item = u64>) -> BTreeSet<&'static str> {
    listen();
    let bench = Bench::new();
    let kind = |case| {
        let outcome = bench.case(case, false);
        outcome.verdict.unwrap_or_else(|wrong| {
            panic!(
                "case {case}: {wrong}\n{}\nsee it again with: cargo fuzz-inputs --case {case}",
                outcome.shown
            )
        })
    };
    cases.map(kind).collect()
}

#[test]
fn every_input_and_setting_ends_as_documented_and_every_kind_is_reached() {
    let parts = [0..CASES, CASES..2 * CASES].map(|cases| thread::spawn(|| run(cases)));
    let reached: BTreeSet<_> = parts.into_iter().flat_map(|part| part.join().unwrap()).collect();
    let missing: Vec<_> = KINDS.iter().filter(|kind| !reached.contains(*kind)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
fn the_same_seed_gives_the_same_case() {
    let (once, again) = (Bench::new(), Bench::new());
    // The earlier cases of the first must make no difference.
    (5_000..5_200).for_each(|case| drop(once.case(case, false)));
    for case in 0..300 {
        assert_eq!(once.case(case, true).shown, again.case(case, true).shown, "case {case}");
    }
}
