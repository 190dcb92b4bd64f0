//! What an invocation does: flows over the adapters in [`crate::aws`], which decide with
//! [`crate::core`] and end in a [`crate::report::Report`].

pub mod copy;
pub mod gate;
pub mod hold;
pub mod ports;
pub mod reconcile;
pub mod rollout;
pub mod settle;
pub mod task_events;
pub mod warm_up;

use std::time::Duration;

use crate::aws::deployments::Deployments;
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
}
