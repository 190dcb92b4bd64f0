//! Deployments that are held or gated: a range of seeds keeps every promise and reaches every
//! situation; the same seed gives the same run.

use std::ops::{ControlFlow, Range};
use std::thread;

use harness::seeds::Seeds;
use simulation::coverage::{Cases, Coverage};
use simulation::deployments::run;
use simulation::deployments::situation::Situation;
use simulation::promises::Broken;

/// As many seeds as run within half a minute on two cores. `cargo simulate --deployments` runs
/// more.
const SEEDS: u64 = 500;

fn run_all(range: Range<u64>) -> (Coverage<Situation>, Vec<(u64, Broken)>) {
    let seeds = Seeds::new(range);
    let work = || {
        let (mut coverage, mut broken) = (Coverage::default(), Vec::new());
        seeds.each(|seed| {
            let outcome = run(seed, false);
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

#[test]
fn every_promise_of_holds_is_kept_and_every_situation_reached() {
    let (coverage, broken) = run_all(0..SEEDS);
    if let Some((seed, how)) = broken.first() {
        let seeds: Vec<u64> = broken.iter().map(|(seed, _)| *seed).collect();
        let history = run(*seed, true).history;
        panic!(
            "seed {seed}: {how}\n{} seeds in all: {seeds:?}\n{history}\nsee it again with: \
             cargo simulate --deployments --seed {seed}",
            seeds.len(),
        );
    }
    let missing: Vec<&str> = coverage.missing().into_iter().map(Cases::words).collect();
    assert!(missing.is_empty(), "never reached in {SEEDS} seeds: {missing:#?}\n{coverage}");
}

#[test]
fn the_same_seed_gives_the_same_history_of_deployments() {
    let histories = || (0..12).map(|seed| run(seed, true).history).collect::<Vec<_>>();
    let [once, again] = [thread::spawn(histories), thread::spawn(histories)];
    let [once, again] = [once, again].map(|thread| thread.join().unwrap());
    for (seed, (once, again)) in once.iter().zip(&again).enumerate() {
        assert!(once.lines().count() > 10, "seed {seed} has nearly no history");
        assert_eq!(once, again, "seed {seed}");
    }
}
