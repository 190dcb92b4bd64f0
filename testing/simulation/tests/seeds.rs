//! A range of seeds keeps every promise and reaches every case; the same seed gives the same run.

use std::ops::{ControlFlow, Range};
use std::thread;

use harness::seeds::Seeds;
use simulation::Outcome;
use simulation::coverage::{Case, Cases, Coverage};
use simulation::promises::Broken;

/// As many seeds as run within half a minute on two cores. `cargo simulate` runs more.
const SEEDS: u64 = 2500;

/// As many seeds with bindings by tags and groups in other accounts as run within 15 seconds.
const OF_BINDINGS: u64 = 300;

/// As many seeds whose batches settle whole groups.
const OF_WHOLE_GROUPS: u64 = 300;

/// Seeds beyond that range that once broke a promise, and the cause.
const BROKE_ONCE: &[(u64, &str)] = &[
    (
        154_751,
        "A task left while a full group refused its register. The deregister after the look removed \
         nothing, but the promise about PRUNE=never knew only of registers that had an effect.",
    ),
    (
        7_967,
        "A group's port was known only after some seconds. What needed no answer was written before, \
         the rest after; the promise about few calls allowed one register and one deregister.",
    ),
    (
        76_957,
        "After a throttled call, the first writes of a reconcile had too little time to try 190 \
         targets in five reconciles.",
    ),
    (
        264_870,
        "A single good target among 180 bad ones of its service was not registered at the fifth \
         receive, because each search tried only some 35 targets.",
    ),
    (
        919_710,
        "A stop was answered as done because a newer task served at its address. That task left, its \
         deregister failed and its message was received again, but the promise asked for the older \
         message.",
    ),
    (
        12_019_154,
        "A late start was registered between VPC Lattice's refusal to deregister an absent target and \
         the look whether it is there, so that the message of the stop came back.",
    ),
    (
        60_014_548,
        "A read of ECS lagged to before the beginning of the run, and showed none of the tasks that \
         run since then.",
    ),
    (
        100_305_403,
        "A good target among 180 bad ones in a group of VPC Lattice was not registered at the fifth \
         receive, because its calls take a hundred targets and each search went by that.",
    ),
    (
        100_404_285,
        "A read that failed was made again for more than a second, so that what needed no answer was \
         searched first, and the rest afterwards. The promise about few calls allowed one search.",
    ),
];

/// Likewise, with bindings by tags and groups in other accounts.
const OF_BINDINGS_BROKE_ONCE: &[(u64, &str)] = &[
    (
        3_000_263,
        "Pages of tags broke off at an instance that never read all, because events wait only so long. \
         A stop was answered as done by the binding that was known, and another was not.",
    ),
    (3_001_897, "Likewise, because a page of tags hung."),
    (
        110_042_803,
        "Like 919,710 above, but there was no register for the newer task either, because its role \
         could not be assumed, and the promise went by that.",
    ),
    (110_045_677, "Likewise, because its credentials had expired."),
];

/// Runs a seed, with its history if that is wanted.
type Run = fn(u64, bool) -> Outcome;

fn run(one: Run, range: Range<u64>) -> (Coverage, Vec<(u64, Broken)>) {
    let seeds = Seeds::new(range);
    let work = || {
        let (mut coverage, mut broken) = (Coverage::default(), Vec::new());
        seeds.each(|seed| {
            let outcome = one(seed, false);
            coverage.add(&outcome.coverage);
            broken.extend(outcome.broken.map(|how| (seed, how)));
            ControlFlow::Continue(())
        });
        (coverage, broken)
    };
    let (mut coverage, mut broken) = (Coverage::default(), Vec::new());
    for (part, how) in seeds.on_all_cores(work, |_| ()) {
        coverage.add(&part);
        broken.extend(how);
    }
    broken.sort_by_key(|(seed, _)| *seed);
    (coverage, broken)
}

fn assert_kept(one: Run, broken: &[(u64, Broken)], option: &str) {
    if let Some((seed, how)) = broken.first() {
        let history = one(*seed, true).history;
        panic!(
            "seed {seed}: {how}\n{} seeds in all: {:?}\n{history}\nsee it again with: cargo simulate {option}--seed {seed}",
            broken.len(),
            broken.iter().map(|(seed, _)| seed).collect::<Vec<_>>()
        );
    }
}

#[test]
fn every_promise_is_kept_and_every_case_is_reached() {
    let (mut coverage, broken) = run(simulation::run, 0..SEEDS);
    assert_kept(simulation::run, &broken, "");
    let (of_bindings, broken) = run(simulation::run_bindings, 0..OF_BINDINGS);
    assert_kept(simulation::run_bindings, &broken, "--bindings ");
    coverage.add(&of_bindings);
    let (_, broken) = run(simulation::run_whole_groups, 0..OF_WHOLE_GROUPS);
    assert_kept(simulation::run_whole_groups, &broken, "--whole-groups ");
    let missing: Vec<&str> = coverage.missing().into_iter().map(Case::words).collect();
    assert!(missing.is_empty(), "never reached in {SEEDS} seeds: {missing:#?}\n{coverage}");
}

#[test]
fn seeds_that_broke_a_promise_once_keep_it() {
    for (seed, _) in BROKE_ONCE {
        let (_, broken) = run(simulation::run, *seed..seed + 1);
        assert_kept(simulation::run, &broken, "");
    }
    for (seed, _) in OF_BINDINGS_BROKE_ONCE {
        let (_, broken) = run(simulation::run_bindings, *seed..seed + 1);
        assert_kept(simulation::run_bindings, &broken, "--bindings ");
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    fn both(seed: u64) -> [String; 2] {
        let kinds: [Run; 2] = [simulation::run, simulation::run_bindings];
        kinds.map(|run| run(seed, true).history)
    }
    let histories = || (0..24).flat_map(both).collect::<Vec<_>>();
    let [once, again] = [thread::spawn(histories), thread::spawn(histories)];
    let [once, again] = [once, again].map(|thread| thread.join().unwrap());
    for (place, (once, again)) in once.iter().zip(&again).enumerate() {
        let seed = place / 2;
        assert!(once.lines().count() > 10, "seed {seed} has nearly no history");
        assert_eq!(once, again, "seed {seed}");
    }
}
