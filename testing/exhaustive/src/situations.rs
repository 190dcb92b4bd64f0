//! The situations, each with a small and a large budget for what goes wrong.

use crate::bounds::{Bounds, Budget};

/// How much is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// In seconds, with the tests.
    Small,
    /// In minutes, by `cargo exhaust`.
    Large,
}

/// All situations.
pub fn all(size: Size) -> Vec<Bounds> {
    let is_large = size == Size::Large;
    let more = u8::from(is_large);
    let usual = Bounds {
        has_addresses_in_events: true,
        has_early_address: true,
        batch: 2,
        instances: 2,
        ..Bounds::default()
    };
    let none = Budget::default();
    let reconcile = Budget { reconciles: 1, ..none };
    let mut situations = vec![
        Bounds {
            name: "one task, everything goes wrong",
            has_one_task: true,
            forgets: true,
            budget: Budget {
                lost: 1,
                doubled: 1,
                kills: 1,
                failures: 1,
                stale: more,
                edits: more,
                ..reconcile
            },
            ..usual
        },
        Bounds {
            name: "two tasks",
            budget: Budget { doubled: more, kills: 1, failures: 1, slow: 1, ..none },
            ..usual
        },
        Bounds {
            name: "two tasks and a reconcile",
            instances: 1 + usize::from(is_large),
            budget: Budget { kills: more, stale: more, ..reconcile },
            ..usual
        },
        Bounds {
            name: "an address that comes back",
            reuses_address: true,
            budget: Budget { doubled: more, kills: more, stale: more, slow: 1, ..reconcile },
            ..usual
        },
        Bounds {
            name: "a bad target",
            has_bad_target: true,
            budget: Budget { doubled: more, kills: 1, slow: 1, reconciles: more, ..none },
            ..usual
        },
        Bounds {
            name: "events without addresses",
            has_addresses_in_events: false,
            has_early_address: false,
            batch: 1 + usize::from(is_large),
            budget: Budget { doubled: more, stale: 1, failures: more, slow: more, ..none },
            ..usual
        },
        Bounds {
            name: "PRUNE=all",
            prunes_all: true,
            has_early_address: false,
            has_one_task: !is_large,
            batch: 1,
            budget: Budget { edits: more, stale: more, ..reconcile },
            ..usual
        },
        Bounds {
            name: "whole groups, one task",
            settles_whole_groups: true,
            has_one_task: true,
            budget: Budget {
                doubled: 1,
                kills: more,
                failures: 1,
                stale: more,
                slow: more,
                reconciles: more,
                ..none
            },
            ..usual
        },
        Bounds {
            name: "whole groups, an address that comes back",
            settles_whole_groups: true,
            reuses_address: true,
            instances: 1 + usize::from(is_large),
            batch: 1 + usize::from(is_large),
            budget: Budget { doubled: 1, slow: more, ..none },
            ..usual
        },
        Bounds {
            name: "a deployment with a hold",
            deploys: true,
            batch: 1,
            instances: 1 + usize::from(is_large),
            budget: Budget { minutes: 1 + 3 * more, lost: more, failures: more, ..reconcile },
            ..usual
        },
    ];
    if is_large {
        situations.push(Bounds {
            name: "whole groups, two tasks",
            settles_whole_groups: true,
            budget: Budget { failures: 1, ..none },
            ..usual
        });
    }
    situations
}
