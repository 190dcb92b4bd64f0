//! How long the handler takes for an invocation: `cargo bench --bench warm`.
//!
//! From the invocation's JSON to its answer's, over a simulated AWS on loopback and connections
//! that stay open. Most of the time is the SDK's and the simulation's; compare runs of two versions
//! of the function.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

use aws_sim::{Aws, TargetGroup, Task};
use ecs_ipv6_targets::handler::Handler;
use harness::function::over_network;
use harness::lambda::context;
use lambda_runtime::LambdaEvent;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

const TIMES: usize = 301;
const BATCH: usize = 300;
const PORT: u16 = 8080;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").quota(1000));
    let tasks: Vec<Task> = (0..BATCH).map(task).collect();
    tasks.iter().for_each(|task| aws.put_task(task));
    let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": PORT}]);
    // Always the same moment, so that no event ever grows old.
    let now = SystemTime::now();
    let handler = over_network(&bindings, &serve(aws), Arc::new(move || now));

    let runtime = runtime();
    println!("| medians of {TIMES} | µs |\n| --- | ---: |");
    let events: Vec<String> = tasks.iter().map(|task| task.event(now).to_string()).collect();
    row(&runtime, &handler, "one RUNNING event: register, look", &events[0]);
    let ids: Vec<String> = (0..BATCH).map(|number| format!("m{number}")).collect();
    let batch = aws_sim::events::sqs_batch(ids.iter().map(String::as_str).zip(events));
    row(&runtime, &handler, "a batch of 300: 2 registers, 3 looks at once", &batch.to_string());
}

fn task(number: usize) -> Task {
    let address = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (number as u128 + 1));
    Task::new(&format!("{number:032x}")).address(&address.to_string()).running()
}

/// Serves AWS on a thread of its own; returns the URL.
fn serve(aws: Aws) -> String {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await;
            let server = server.expect("loopback is there");
            sender.send(server.url()).expect("the receiver waits");
            std::future::pending::<()>().await;
        });
    });
    receiver.recv().expect("the server starts")
}

/// A runtime as the function has it.
fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made")
}

/// Measures and prints what this payload costs.
fn row(runtime: &Runtime, handler: &Handler, name: &str, payload: &str) {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let begin = Instant::now();
            runtime.block_on(handle(handler, payload));
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!("| {name} | {} |", times[TIMES / 2].as_micros());
}

/// Does what the runtime does for an invocation, but for the Runtime API's two requests.
async fn handle(handler: &Handler, payload: &str) {
    let payload = serde_json::from_str(payload).expect("it is JSON");
    let context = context(SystemTime::now() + Duration::from_secs(30));
    let answer = handler.handle(LambdaEvent::new(payload, context)).await;
    let answer = answer.expect("nothing is wrong").to_string();
    assert!(answer.contains("\"batchItemFailures\":[]") || answer.contains("\"failed\":[]"));
}
