//! What the function adds to AWS's own time: `cargo bench --bench warm`.
//!
//! Three take turns at one simulated AWS on loopback, over connections that stay open: a client
//! that only sends the requests' bytes and reads the answers, the SDK's clients sending the same,
//! and the handler, from the invocation's JSON to its answer's. The differences of the medians are
//! what is added.

mod raw;
mod sdk;
mod world;

use std::time::{Duration, Instant, SystemTime};

use ecs_ipv6_targets::handler::Handler;
use harness::lambda::context;
use lambda_runtime::LambdaEvent;
use raw::Raw;
use sdk::Sdk;
use tokio::runtime::{Builder, Runtime};
use world::{AT_ONCE, World};

const TIMES: usize = 301;
const BATCH: usize = 300;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let world = World::start(BATCH);
    let (handler, config) = world.handler();
    let (raw, sdk) = (Raw::connect(world.server, AT_ONCE), Sdk::new(&config));
    let mut rivals = Rivals { runtime: runtime(), raw, sdk, handler, world };
    println!("medians of {TIMES}, in µs\n");
    println!(
        "| | requests alone | by the SDK's clients | by the handler | it adds | of which the SDK |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let event = rivals.world.tasks[0].event(rivals.world.now).to_string();
    rivals.row("one RUNNING event: register, look", 1, &event);
    let bodies = rivals.world.tasks.iter().map(|task| task.event(rivals.world.now).to_string());
    let ids: Vec<String> = (0..BATCH).map(|number| format!("m{number}")).collect();
    let batch = aws_sim::events::sqs_batch(ids.iter().map(String::as_str).zip(bodies)).to_string();
    rivals.row("a batch of 300: 2 registers, 3 looks at once", BATCH, &batch);
}

/// A runtime as the function has it.
fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made")
}

struct Rivals {
    runtime: Runtime,
    raw: Raw,
    sdk: Sdk,
    handler: Handler,
    world: World,
}

impl Rivals {
    /// Measures what this payload costs, which is about the first so many tasks.
    fn row(&mut self, name: &str, tasks: usize, payload: &str) {
        let requests = self.world.requests(tasks);
        self.world.count_calls();
        self.runtime.block_on(handle(&self.handler, payload));
        assert_eq!(self.world.count_calls(), requests.iter().map(Vec::len).sum::<usize>());
        let mut times: [Vec<Duration>; 3] = Default::default();
        for _ in 0..TIMES {
            times[0].push(timed(|| requests.iter().for_each(|request| self.raw.send(request))));
            times[1].push(timed(|| {
                let sent = self.sdk.send(&self.world.group, &self.world.tasks[..tasks]);
                self.runtime.block_on(sent);
            }));
            times[2].push(timed(|| self.runtime.block_on(handle(&self.handler, payload))));
        }
        let [alone, sdk, ours] = times.map(median);
        let (added, part) = (ours.saturating_sub(alone), sdk.saturating_sub(alone));
        println!("| {name} | {alone} | {sdk} | {ours} | {added} | {part} |");
    }
}

/// Does what the runtime does for an invocation, but for the Runtime API's two requests.
async fn handle(handler: &Handler, payload: &str) {
    let payload = serde_json::from_str(payload).expect("it is JSON");
    let context = context(SystemTime::now() + Duration::from_secs(30));
    let answer = handler.handle(LambdaEvent::new(payload, context)).await;
    let answer = answer.expect("nothing is wrong").to_string();
    assert!(answer.contains("\"batchItemFailures\":[]") || answer.contains("\"failed\":[]"));
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> u128 {
    times.sort();
    times[times.len() / 2].as_micros()
}
