//! What an instance does before its first invocation: one read of each service that its settings
//! need.
//!
//! On Lambda init has a full CPU and an invocation only its share (a fourteenth at 128 MB), so TLS
//! handshakes belong in init. The reads are also useful in themselves: they find wrong bindings
//! early, and look up the target groups' ports.

use std::time::SystemTime;

use tokio::time::Duration;
use tracing::{debug, warn};

use crate::aws::deadline::Deadline;
use crate::aws::ecs::Ecs;
use crate::aws::rate_limits::{Limits, RateLimits};
use crate::aws::targets::Targets;
use crate::flow::discovery::Discovery;

/// How long init waits for its reads. (Lambda ends init after ten seconds.)
const LONGEST: Duration = Duration::from_secs(1);

/// How many target groups are read during init; those of further bindings are read when needed.
const GROUPS: usize = 20;

/// Reads tags if bindings come from there, and target groups and tasks of the bindings. Failures
/// are only logged: invocations may still succeed, and report what is wrong if they do not.
pub async fn warm_up(discovery: &Discovery, now: SystemTime, targets: &Targets, ecs: &Ecs) {
    let limits = Limits::new(Deadline::after(LONGEST), RateLimits::default());
    let snapshot = discovery.anew(now, &limits.for_part(0.5)).await;
    if let Some(gap) = &snapshot.gap {
        warn!(failure = %gap.failure, "tags cannot be read");
    }
    let bindings = &snapshot.bindings;
    if bindings.is_empty() {
        return;
    }
    let mut groups: Vec<_> = bindings.iter().map(|binding| &binding.target_group).collect();
    groups.sort();
    groups.dedup();
    groups.truncate(GROUPS);
    let (wrong, tasks) =
        tokio::join!(targets.fetch_ports(&groups, &limits), ecs.connect(bindings, &limits));
    match wrong {
        Ok(wrong) => wrong.iter().for_each(|problem| warn!(problem, "target group of no use")),
        // Of tagged groups some may be gone.
        Err(error) if discovery.is_on() => debug!(%error, "target groups cannot be read"),
        Err(error) => warn!(%error, "target groups cannot be read"),
    }
    if let Err(error) = tasks {
        warn!(%error, "tasks cannot be listed");
    }
}
