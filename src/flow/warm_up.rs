//! What an instance does before its first invocation: one read of each service.
//!
//! On Lambda init has a full CPU and an invocation only its share (a fourteenth at 128 MB), so TLS
//! handshakes belong in init. The reads are also useful in themselves: they find wrong bindings
//! early, and look up the target groups' ports.

use tokio::time::Duration;
use tracing::warn;

use crate::aws::deadline::Deadline;
use crate::aws::ecs::Ecs;
use crate::aws::elb::Targets;
use crate::aws::rate_limits::{Limits, RateLimits};
use crate::core::binding::Binding;

/// How long init waits for its reads. (Lambda ends init after ten seconds.)
const LONGEST: Duration = Duration::from_secs(1);

/// How many target groups are read during init; those of further bindings are read when needed.
const GROUPS: usize = 20;

/// Reads target groups and tasks of the bindings. Failures are only logged: invocations may still
/// succeed, and report what is wrong if they do not.
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
