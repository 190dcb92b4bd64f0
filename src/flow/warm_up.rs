//! What an instance does before its first invocation: one read of each service.
//!
//! On Lambda a start has the whole CPU and an invocation only its share (a fourteenth at 128 MB),
//! so TLS handshakes are better made in the start. The reads are of use beside that: they find
//! wrong bindings early, and learn the target groups' ports.

use tokio::time::Duration;
use tracing::warn;

use crate::aws::deadline::Deadline;
use crate::aws::ecs::Ecs;
use crate::aws::elb::Targets;
use crate::aws::rate_limits::{Limits, RateLimits};
use crate::core::binding::Binding;

/// A start waits no longer for its reads. (Lambda ends one after ten seconds.)
const LONGEST: Duration = Duration::from_secs(1);

/// Target groups that are read at a start; those of further bindings are read when they are needed.
const GROUPS: usize = 20;

/// Reads target groups and tasks of the bindings. What fails is only told: invocations may still
/// succeed, and say what is wrong if they do not.
pub async fn warm_up(bindings: &[Binding], targets: &Targets, ecs: &Ecs) {
    let limits = Limits::new(Deadline::after(LONGEST), RateLimits::default());
    let mut groups: Vec<_> = bindings.iter().map(|binding| &binding.target_group).collect();
    groups.sort();
    groups.dedup();
    groups.truncate(GROUPS);
    let (wrong, tasks) =
        tokio::join!(targets.fetch_ports(&groups, &limits), ecs.connect(bindings, &limits));
    match wrong {
        Ok(wrong) => wrong.iter().for_each(|problem| warn!(problem, "target group of no use")),
        Err(error) => warn!(%error, "target groups cannot be read"),
    }
    if let Err(error) = tasks {
        warn!(%error, "tasks cannot be listed");
    }
}
