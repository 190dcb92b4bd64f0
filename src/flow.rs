//! What an invocation does: flows over the adapters in [`crate::aws`], which decide with
//! [`crate::core`] and end in a [`crate::report::Report`].

pub mod copy;
pub mod ports;
pub mod reconcile;
pub mod settle;
pub mod task_events;
pub mod warm_up;

use crate::aws::ecs::Ecs;
use crate::aws::elb::Targets;
use crate::aws::rate_limits::Limits;
use crate::core::binding::Binding;

/// What one invocation needs to settle tasks.
#[derive(Clone, Copy)]
pub struct Settler<'a> {
    /// Which tasks belong to which target group.
    pub bindings: &'a [Binding],
    /// The adapter that reads tasks.
    pub ecs: &'a Ecs,
    /// The adapter that reads and changes targets.
    pub targets: &'a Targets,
    /// When to stop, and how many calls to make.
    pub limits: &'a Limits,
    /// Whether to decide and report, but write nothing.
    pub dry_run: bool,
}
