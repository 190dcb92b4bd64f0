//! How long the handler takes for an invocation: `cargo bench --bench warm`.
//!
//! From the invocation's JSON to its answer's, over a simulated AWS on loopback and connections
//! that stay open. The SDK's clients alone, which make the same calls, take turns with the handler:
//! what it takes more than they do is the function's own.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sim::{Aws, TargetGroup, Task};
use ecs_ipv6_targets::handler::Handler;
use futures_util::future::join_all;
use harness::function::{over_network, sdk_over_network};
use harness::lambda::context;
use lambda_runtime::LambdaEvent;
use nix::time::{ClockId, clock_gettime};
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
    let url = serve(aws);
    let handler = over_network(&bindings, &url, Arc::new(move || now));
    let sdk = Sdk::new(&sdk_over_network(&url), group);

    let runtime = runtime();
    println!("| medians of {TIMES}, µs | SDK's clients | handler | handler adds | of that CPU |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let events: Vec<String> = tasks.iter().map(|task| task.event(now).to_string()).collect();
    let row = |name, payload: &str, tasks| row(&runtime, &handler, &sdk, name, payload, tasks);
    row("one RUNNING event: register, look", &events[0], 1);
    let ids: Vec<String> = (0..BATCH).map(|number| format!("m{number}")).collect();
    let batch = aws_sim::events::sqs_batch(ids.iter().map(String::as_str).zip(events));
    row("a batch of 300: 2 registers, 3 looks at once", &batch.to_string(), BATCH);
}

/// The SDK's clients alone.
struct Sdk {
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    group: String,
}

impl Sdk {
    fn new(sdk: &SdkConfig, group: String) -> Self {
        let elb = aws_sdk_elasticloadbalancingv2::Client::new(sdk);
        Self { ecs: aws_sdk_ecs::Client::new(sdk), elb, group }
    }

    /// Makes the calls that the handler makes for so many tasks.
    async fn call(&self, tasks: usize) {
        let numbers: Vec<usize> = (0..tasks).collect();
        for chunk in numbers.chunks(200) {
            let target = |number: &usize| TargetDescription::builder().id(address(*number));
            let targets = chunk.iter().map(|number| target(number).port(PORT.into()).build());
            let call = self.elb.register_targets().target_group_arn(&self.group);
            let call = call.set_targets(Some(targets.collect()));
            call.send().await.expect("nothing is wrong");
        }
        let looks = numbers.chunks(100).map(|page| {
            let arns = page.iter().map(|number| task(*number).arn()).collect();
            self.ecs.describe_tasks().cluster("demo-cluster").set_tasks(Some(arns)).send()
        });
        for answer in join_all(looks).await {
            assert!(!answer.expect("nothing is wrong").tasks().is_empty());
        }
    }
}

fn task(number: usize) -> Task {
    Task::new(&format!("{number:032x}")).address(&address(number)).running()
}

fn address(number: usize) -> String {
    Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (number as u128 + 1)).to_string()
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

/// Measures and prints what this payload costs, which is about so many tasks.
fn row(runtime: &Runtime, handler: &Handler, sdk: &Sdk, name: &str, payload: &str, tasks: usize) {
    let taken = (0..TIMES).map(|_| {
        let (clients, clients_cpu) = time(|| runtime.block_on(sdk.call(tasks)));
        let (whole, cpu) = time(|| runtime.block_on(handle(handler, payload)));
        [clients, whole, clients_cpu, cpu]
    });
    let taken: Vec<[Duration; 4]> = taken.collect();
    let [clients, whole, clients_cpu, cpu] = [0, 1, 2, 3].map(|column| {
        let mut times: Vec<u128> = taken.iter().map(|row| row[column].as_micros()).collect();
        times.sort();
        times[TIMES / 2] as i128
    });
    println!("| {name} | {clients} | {whole} | {} | {} |", whole - clients, cpu - clients_cpu);
}

/// How long this takes, and how much of the time this thread has the CPU. The simulated AWS is on
/// another.
fn time(work: impl FnOnce()) -> (Duration, Duration) {
    let clock = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has it");
    let (begin, begin_cpu) = (Instant::now(), clock());
    work();
    (begin.elapsed(), (clock() - begin_cpu).into())
}

/// Does what the runtime does for an invocation, but for the Runtime API's two requests.
async fn handle(handler: &Handler, payload: &str) {
    let payload = serde_json::from_str(payload).expect("it is JSON");
    let context = context(SystemTime::now() + Duration::from_secs(30));
    let answer = handler.handle(LambdaEvent::new(payload, context)).await;
    let answer = answer.expect("nothing is wrong").to_string();
    assert!(answer.contains("\"batchItemFailures\":[]") || answer.contains("\"failed\":[]"));
}
