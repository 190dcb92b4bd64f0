//! Serves the simulated AWS alone, for a function that somebody else runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_sim::Aws;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::input::{Input, sample};
use crate::screen::Screen;
use crate::words;
use crate::world::{self, GROUP, Pace, bindings, demo_aws, learn};

/// Short enough to watch, long enough to see each state.
const PACE: Pace = Pace { health_check: Duration::from_secs(5), draining: Duration::from_secs(15) };

/// How often the simulated AWS is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Serves the simulated AWS and shows what happens to it, until the process is ended.
pub async fn serve(screen: &Screen, address: SocketAddr, files: &[PathBuf]) -> Result<(), Error> {
    let (aws, group) = demo_aws(PACE);
    let mut known = Vec::new();
    for input in inputs(files)? {
        if let Some(why) = learn(&aws, &input).first() {
            return Err(Error::Usage(format!("{}: {why}", input.name)));
        }
        known.extend(input.events().iter().map(words::event));
    }
    let server = world::serve(&aws, address).await?;
    screen.text(instructions(&server.url(), &bindings(&group)))?;
    screen.field("ECS knows", &known)?;
    screen.field("times", &[times()])?;
    screen.line("")?;
    watch(screen, &aws, &group).await
}

fn inputs(files: &[PathBuf]) -> Result<Vec<Input>, Error> {
    if files.is_empty() {
        let samples = [sample!("task-running.json"), sample!("task-running-second.json")];
        return samples.into_iter().map(Input::of_sample).collect();
    }
    files.iter().map(|file| Input::of_file(file)).collect()
}

fn instructions(url: &str, bindings: &str) -> String {
    format!(
        "\
The simulated AWS is at {url}, until Ctrl-C. In a second terminal, the function:

export AWS_ENDPOINT_URL={url}
export AWS_REGION=us-east-2 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
export BINDINGS='{bindings}'
cargo lambda watch

In a third, events for it:

cargo lambda invoke --data-file events/task-running.json
cargo lambda invoke --data-file events/task-deactivating.json

What ECS answers is not what you invoke, but the states below; other files after --serve change
them. Calls are shown as they arrive, and the target group after each write.

"
    )
}

fn times() -> String {
    let (health_check, draining) = (PACE.health_check.as_secs(), PACE.draining.as_secs());
    format!("a target is healthy after {health_check} s and drained after {draining} s")
}

/// Prints every call, and the target group after each write and whenever it has changed by itself.
async fn watch(screen: &Screen, aws: &Aws, group: &str) -> Result<(), Error> {
    let mut shown = aws.targets(group);
    loop {
        tokio::time::sleep(LOOK).await;
        let calls = aws.take_calls();
        for call in &calls {
            let time = clock(call.at);
            screen.field(&time, &words::calls(screen, aws, std::slice::from_ref(call)))?;
        }
        let targets = aws.targets(group);
        let written = calls.iter().any(|call| call.action.is_write());
        if !written && targets != shown {
            let by_itself = "a target became healthy or was drained".to_owned();
            screen.field(&clock(aws.now()), &[by_itself])?;
        }
        if written || targets != shown {
            screen.field(GROUP, &screen.table(&targets))?;
            shown = targets;
        }
    }
}

fn clock(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).format("%H:%M:%S").to_string()
}
