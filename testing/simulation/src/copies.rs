//! The second way of a stop: a rule that hands it straight to the function, as a copy of what lies
//! in the queue.

use std::sync::Arc;

use aws_sim::Task;
use serde_json::{Value, json};

use crate::coverage::Case;
use crate::delivery::{soon, told_by};
use crate::evidence::Sighting;
use crate::invocation::{Ending, Kind, invoke};
use crate::promises;
use crate::run::Run;
use crate::scenario::{Delivery, Queue};
use crate::subject::{Stage, stage, words};

/// A task has changed; if it stops, EventBridge tells that twice, and this is the second way.
pub fn emit(run: &Arc<Run>, subject: usize, task: &Task) {
    let Delivery::Queue(Queue { copies: true, .. }) = run.scenario.delivery else { return };
    if stage(task) != Stage::Leaving {
        return;
    }
    let trouble = &run.scenario.trouble;
    if run.strikes(trouble.drop) {
        run.cover(Case::CopyDropped);
        return;
    }
    for _ in 0..1 + usize::from(run.strikes(trouble.duplicate)) {
        let delay = match run.strikes(trouble.delay) {
            true => run.draw_seconds(1.0, 240.0),
            false => soon(run),
        };
        let (event, sighting) = told_by(run, subject, task);
        let (run, going_on) = (run.clone(), run.deliveries.begin());
        tokio::task::spawn_local(async move {
            tokio::time::sleep(delay).await;
            hand_over(&run, event, sighting).await;
            drop(going_on);
        });
    }
}

/// Lambda's asynchronous invocation without a second try.
async fn hand_over(run: &Arc<Run>, event: Value, sighting: Sighting) {
    run.cover(Case::CopySent);
    run.note("lambda", || format!("gets a copy of {}", words(&sighting.task)));
    let payload = json!({"copy": "queued", "event": event});
    let (_, ending) = invoke(run, Kind::Copy, payload, &[sighting]).await;
    let failed = match &ending {
        Ending::Answer(report) => report["failed"].as_array().is_none_or(|f| !f.is_empty()),
        Ending::Error(_) => true,
        Ending::Killed => false,
    };
    if failed {
        run.examine(|_| promises::broken("copies fail in silence", format!("{ending:?}")));
    }
}
