//! What a deployment with hold, or behind the gate, costs IPv6 clients: nothing. The figures are
//! exact, as the same seed gives the same run; `cargo deployments` compares more.

#[path = "../benches/rollout/call_per_event.rs"]
mod call_per_event;
#[allow(dead_code, reason = "the benchmark shows more of a deployment")]
#[path = "../benches/deployments/deployment.rs"]
mod deployment;
#[allow(dead_code, reason = "the benchmark prints tables")]
#[path = "../benches/deployments/figures.rs"]
mod figures;
#[allow(dead_code, reason = "the benchmark compares more ways")]
#[path = "../benches/deployments/setting.rs"]
mod setting;

use std::ops::Range;

use deployment::run;
use figures::Figures;
use setting::{Launch, Setting, Way};

/// Services and the seeds for them: large ones take longer.
const SERVICES: [(usize, Range<u64>); 2] = [(4, 0..6), (40, 0..1)];

const LAUNCHES: [Launch; 2] = [Launch::Fargate, Launch::Ec2];

fn measure(setting: Setting, seeds: &Range<u64>) -> Figures {
    let courses: Vec<_> = seeds.clone().map(|seed| run(seed, setting)).collect();
    Figures::of(setting, &courses)
}

#[test]
fn with_hold_no_target_second_is_missing_and_little_time_is_lost() {
    for (tasks, seeds) in SERVICES {
        for launch in LAUNCHES {
            let setting = |way| Setting { tasks, launch, percent: (100, 200), way };
            let without = measure(setting(Way::NoHold), &seeds);
            assert!(without.missing.iter().all(|missing| *missing > 0.0), "{without:?}");
            let faults = measure(setting(Way::Hold), &seeds).faults(&without);
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    }
}

#[test]
fn in_batches_no_target_second_is_missing_either() {
    let setting = Setting { tasks: 4, launch: Launch::Ec2, percent: (100, 150), way: Way::Hold };
    let figures = measure(setting, &(0..3));
    assert!(figures.missing.iter().all(|missing| *missing == 0.0), "{figures:?}");
}

#[test]
fn behind_the_gate_no_target_second_is_missing() {
    for launch in LAUNCHES {
        let setting = Setting { tasks: 4, launch, percent: (100, 200), way: Way::Gate };
        let figures = measure(setting, &(0..3));
        assert!(figures.missing.iter().all(|missing| *missing == 0.0), "{figures:?}");
        assert!(figures.took.iter().all(|took| took.is_finite()), "{figures:?}");
    }
}

#[test]
fn without_room_a_hold_changes_nothing_about_the_deployment() {
    let setting = |way| Setting { tasks: 4, launch: Launch::Ec2, percent: (50, 100), way };
    let [with, without] = [Way::Hold, Way::NoHold].map(|way| measure(setting(way), &(0..3)));
    assert_eq!(with.took, without.took);
    assert!(with.calls.iter().all(|calls| calls.updates == 0), "{with:?}");
}
