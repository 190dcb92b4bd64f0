//! What an invocation does: flows over the adapters in [`crate::aws`], which decide with
//! [`crate::core`] and end in a [`crate::report::Report`].

pub mod catch_up;
pub mod copy;
pub mod discovery;
pub mod explain;
pub mod gate;
pub mod hold;
pub mod ports;
pub mod reconcile;
pub mod release;
pub mod rollout;
pub mod rounds;
pub mod settle;
pub mod status;
pub mod survey;
pub mod task_events;
pub mod warm_up;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::aws::deployments::Deployments;
use crate::aws::ecs::Ecs;
use crate::aws::rate_limits::Limits;
use crate::aws::targets::Targets;
use crate::core::binding::{Binding, Source, TargetGroupArn};
use crate::core::failure::Failure;
use crate::core::task::TaskArn;
use crate::flow::catch_up::{Memory, Patience};
use crate::flow::discovery::Gap;
use crate::report::Report;
use crate::report::entry::Entry;

/// What one invocation needs to settle tasks.
#[derive(Clone, Copy)]
pub struct Settler<'a> {
    /// Which tasks belong to which target group.
    pub bindings: &'a [Binding],
    /// Why some may be missing, if they may.
    pub gap: Option<&'a Gap>,
    /// The adapter that reads tasks.
    pub ecs: &'a Ecs,
    /// The adapter that reads services and protects their tasks.
    pub deployments: &'a Deployments,
    /// The adapter that reads and changes targets.
    pub targets: &'a Targets,
    /// When to stop, and how many calls to make.
    pub limits: &'a Limits,
    /// How long a deployment may be held; `None` holds none.
    pub hold: Option<Duration>,
    /// Whether to decide and report, but write nothing.
    pub dry_run: bool,
    /// How long writes may wait for the rates before those are left out that a read shows as made.
    /// If not endless, nothing is written for tasks about which nothing is new, either.
    pub patience: Patience,
    /// What this instance remembers of settling whole groups.
    pub memory: &'a Memory,
    /// The tasks about which nothing is new.
    pub done: &'a BTreeSet<TaskArn>,
    /// Whether a dry run says where each binding stands.
    pub names_bindings: bool,
}

impl Settler<'_> {
    /// Records that something could not be done with a target. If the target group is only tagged,
    /// and AWS does not know it, it was deleted, and there is nothing to be done.
    fn fail(self, report: &mut Report, entry: impl Into<Entry>, error: &Failure) {
        let entry = entry.into();
        if self.is_gone(&entry.target_group_arn, error) {
            report.skip_gone(entry);
        } else {
            report.fail(entry, error);
        }
    }

    /// Whether this failure of a call says that a target group is gone that only tags bind.
    fn is_gone(self, group: &TargetGroupArn, error: &Failure) -> bool {
        let mut bindings = self.bindings.iter().filter(|binding| binding.target_group == *group);
        error.says_no_group() && bindings.all(|binding| binding.source == Source::Tag)
    }
}
