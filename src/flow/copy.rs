//! A copy of an event that the queue has as well: it comes at once, while Lambda may keep a message
//! of a quiet queue for 20 seconds (Lambda developer guide, "Using Lambda with Amazon SQS").

use std::collections::BTreeSet;
use std::time::SystemTime;

use tracing::warn;

use crate::aws::rate_limits::AdaptiveRates;
use crate::core::binding::TargetGroupArn;
use crate::core::knowledge::Sighting;
use crate::core::plan::{Reason, Skipped};
use crate::flow::Settler;
use crate::report::Report;

impl Settler<'_> {
    /// Settles a copy of an event that the queue has as well. If the rates do not allow that at
    /// once, or something fails, the queue's message does the work, so a copy never fails.
    pub async fn copy(self, sighting: Sighting, now: SystemTime, rates: &AdaptiveRates) -> Report {
        let task = sighting.task.arn.clone();
        let covering = self.bindings.iter().filter(|binding| binding.covers(&sighting.task));
        let groups: BTreeSet<&TargetGroupArn> = covering.map(|b| &b.target_group).collect();
        let queued = Skipped::task(task, Reason::Queued);
        if !self.dry_run && !groups.is_empty() && !rates.admits_copy(groups.len()) {
            return Report { skipped: vec![queued], ..Report::default() };
        }
        let mut report = self.events([sighting], now).await.report;
        let failed = std::mem::take(&mut report.failed);
        if !failed.is_empty() {
            failed.iter().for_each(|failure| warn!(%failure, "copy left to the queue"));
            report.skipped.push(queued);
        }
        report
    }
}
