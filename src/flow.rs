//! What an invocation does: flows over the adapters in [`crate::aws`], which decide by
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

/// One invocation's means to settle.
#[derive(Clone, Copy)]
pub struct Settler<'a> {
    /// Which tasks belong to which target group.
    pub bindings: &'a [Binding],
    /// Where tasks are asked for.
    pub ecs: &'a Ecs,
    /// Where targets are changed.
    pub targets: &'a Targets,
    /// When to stop, and how many calls to make.
    pub limits: &'a Limits,
    /// Whether to decide and report only.
    pub dry_run: bool,
}
