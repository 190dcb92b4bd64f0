//! A batch from the queue: its messages, and then the groups in which writes had to wait.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tracing::warn;

use crate::aws::rate_limits::Limits;
use crate::core::binding::TargetGroupArn;
use crate::core::knowledge::{Knowledge, Sighting};
use crate::error::Error;
use crate::flow::Settler;
use crate::flow::catch_up::{Basis, has_time_to_catch_up};
use crate::flow::discovery::Gap;
use crate::flow::task_events::Settled;
use crate::handler::Handler;
use crate::handler::answers::{answer, failures};
use crate::input::deployment_event::ServiceArn;
use crate::input::sqs::Message;
use crate::report::Report;
use crate::report::failed::Failed;
use crate::report::metrics::{EventTimes, InvocationKind};

/// How long a read of tags may take before groups are settled after a batch.
const TAGS_BEFORE_CATCH_UP: Duration = Duration::from_secs(5);

impl Handler {
    pub(super) async fn batch(
        &self,
        messages: &[Message],
        now: SystemTime,
        limits: &Limits,
    ) -> Result<Value, Error> {
        messages.iter().for_each(Message::log);
        let sightings = messages.iter().filter_map(Message::sighting);
        // A stop that a copy settled took only as long as the copy.
        let heard = {
            let copied = self.copied();
            let is_news = |sighting: &&Sighting| !copied.contains(&sighting.task.arn);
            EventTimes::of(sightings.clone().filter(is_news), now)
        };
        let unreadable = messages.iter().filter(|message| message.news.is_err()).count();
        let services: BTreeSet<&ServiceArn> =
            messages.iter().filter_map(Message::deployment).collect();
        let bound = self.discovery.recent(now, limits).await;
        let settle = Settler { patience: self.patience, ..self.settle(&bound, limits) };
        let (settled, holds) = tokio::join!(
            settle.events(sightings.cloned(), now),
            settle.deployments(&services, now)
        );
        let is_failed = |(_, holds): &&(_, Report)| holds.failed.iter().any(Failed::may_be_retried);
        let failed_services = holds.iter().filter(is_failed).map(|(service, _)| *service).collect();
        let Settled { mut report, knowledge, delayed } = settled;
        let failed_messages = failures(messages, &report, &failed_services)?;
        holds.into_iter().for_each(|(_, holds)| report.add_holds(holds));
        self.tell("sqs", &InvocationKind::Events { heard, unreadable }, &report);
        if !delayed.is_empty() && has_time_to_catch_up(limits) {
            self.catch_up(delayed, &knowledge, limits).await;
        }
        answer(&failed_messages)
    }

    /// By bindings read anew: those for events may be of before a group's release, and nobody would
    /// empty it again.
    async fn catch_up(
        &self,
        delayed: BTreeSet<TargetGroupArn>,
        known: &Knowledge,
        limits: &Limits,
    ) {
        let for_tags = limits.at_most(TAGS_BEFORE_CATCH_UP);
        let now = (self.clock)();
        let bound = self.discovery.anew(now, &for_tags).await;
        if let Some(Gap { failure, .. }) = &bound.gap {
            warn!(%failure, "groups are left to their messages: tags cannot be read");
            return;
        }
        let settle = self.settle(&bound, limits);
        let basis = Basis { known, kept: bound.kept(), prune: self.config.prune, now };
        let report = settle.catch_up(delayed, &basis).await;
        self.tell("catch-up", &InvocationKind::CatchUp, &report);
    }
}
