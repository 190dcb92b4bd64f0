//! Serves the simulated AWS, for a function that somebody else runs, and the status page.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_sim::{Aws, Call};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::Error;
use crate::input::{Input, sample};
use crate::page::Pages;
use crate::play::{Play, SETTINGS};
use crate::scenes::{self, Scene};
use crate::screen::Screen;
use crate::words;
use crate::world::{self, GROUP, Pace, bindings, demo_aws, learn};

/// Short enough to watch, long enough to see each state.
const PACE: Pace = Pace { health_check: Duration::from_secs(5), draining: Duration::from_secs(15) };

/// How often the simulated AWS is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Serves the simulated AWS and shows what happens to it, until the process is ended.
pub async fn serve(screen: &Screen, address: SocketAddr, files: &[PathBuf]) -> Result<(), Error> {
    // First, because minutes pass while they are made.
    let scenes = scenes::all().await?;
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
    let pages =
        show(screen, server.addr, Scene::live(&aws, &binding_value(&group), &[]), scenes).await?;
    tokio::try_join!(pages, watch(screen, &aws, &group)).map(drop)
}

/// Serves a world in which a service is deployed again and again, with a function that follows it.
pub async fn play(screen: &Screen, address: SocketAddr) -> Result<(), Error> {
    let scenes = scenes::all().await?;
    let play = Play::new();
    let Play { aws, group, .. } = &play;
    let server = world::serve(aws, address).await?;
    screen.line("A service of four tasks is deployed again and again, until Ctrl-C.")?;
    let pages =
        show(screen, server.addr, Scene::live(aws, &binding_value(group), &SETTINGS), scenes)
            .await?;
    tokio::try_join!(pages, play.run(), watch(screen, aws, group)).map(drop)
}

/// Says where the status page is, beside the address of the simulated AWS, and returns what serves
/// it.
async fn show(
    screen: &Screen,
    aws_at: SocketAddr,
    live: Scene,
    scenes: Vec<Scene>,
) -> Result<impl Future<Output = Result<(), Error>>, Error> {
    let next = SocketAddr::new(aws_at.ip(), aws_at.port().checked_add(1).unwrap_or_default());
    let any = SocketAddr::new(aws_at.ip(), 0);
    let (listener, url) = match Pages::listen(next).await {
        Ok(listening) => listening,
        Err(_) => Pages::listen(any).await?,
    };
    let pages = Pages::new(live, scenes);
    screen.field("page", &[format!("{url} shows what is served, and reloads itself")])?;
    screen.line("")?;
    Ok(pages.serve(listener))
}

/// The bindings as JSON.
fn binding_value(group: &str) -> Value {
    serde_json::from_str(&bindings(group)).unwrap_or_default()
}

/// Whether a call is one of the status page's, whose clients have regions of their own.
fn is_of_the_page(call: &Call) -> bool {
    call.region.as_ref().is_some_and(|region| region.starts_with("sim-"))
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
        let mut calls = aws.take_calls();
        calls.retain(|call| !is_of_the_page(call));
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
