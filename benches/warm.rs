//! What the function adds to AWS's own time: `cargo bench --bench warm`.
//!
//! The handler and a client that only sends the same requests' bytes and reads the answers take turns at one simulated AWS on
//! loopback, over connections that stay open. The difference of the medians is what is added.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ecs_ipv6_targets::aws::{https_client, sdk_config};
use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::endpoints::Endpoints;
use ecs_ipv6_targets::handler::Handler;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use sim::{Aws, TargetGroup, Task};
use tokio::runtime::{Builder, Runtime};

const PORT: u16 = 8080;
const TIMES: usize = 301;
const BATCH: usize = 300;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let world = World::start();
    let runtime = runtime();
    let handler = world.handler();
    let mut raw = Raw::connect(world.server);
    println!("| {TIMES} times, medians | requests alone | the handler | added |");
    println!("| --- | ---: | ---: | ---: |");
    let event = world.tasks[0].event(SystemTime::now());
    row(
        "one RUNNING event: register, look",
        &runtime,
        &handler,
        &event,
        &mut raw,
        &world.requests(1),
    );
    let bodies = world.tasks.iter().map(|task| task.event(SystemTime::now()).to_string());
    let ids: Vec<String> = (0..BATCH).map(|number| format!("m{number}")).collect();
    let batch = sim::events::sqs_batch(ids.iter().map(String::as_str).zip(bodies));
    row(
        "a batch of 300: 2 registers, 3 looks",
        &runtime,
        &handler,
        &batch,
        &mut raw,
        &world.requests(BATCH),
    );
}

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made")
}

fn row(
    name: &str,
    runtime: &Runtime,
    handler: &Handler,
    payload: &Value,
    raw: &mut Raw,
    requests: &[Vec<u8>],
) {
    let (mut alone, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begin = Instant::now();
        requests.iter().for_each(|request| raw.send(request));
        alone.push(begin.elapsed());
        let event = LambdaEvent::new(payload.clone(), context());
        let begin = Instant::now();
        let answer = runtime.block_on(handler.handle(event)).expect("nothing is wrong");
        ours.push(begin.elapsed());
        let failures = answer["batchItemFailures"].as_array().map_or(0, Vec::len);
        assert_eq!(failures, 0, "{answer}");
    }
    let (alone, ours) = (median(alone), median(ours));
    let added = ours.saturating_sub(alone);
    let [alone, ours, added] = [alone, ours, added].map(|time| time.as_micros());
    println!("| {name} | {alone} µs | {ours} µs | {added} µs |");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn context() -> Context {
    let mut context = Context::default();
    let deadline = SystemTime::now() + Duration::from_secs(30);
    context.deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    context
}

/// A simulated AWS on a thread of its own.
struct World {
    server: SocketAddr,
    group: String,
    tasks: Vec<Task>,
}

impl World {
    fn start() -> Self {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").quota(1000));
        let address =
            |number: usize| Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (number as u128 + 1));
        let tasks: Vec<Task> = (0..BATCH)
            .map(|number| {
                Task::new(&format!("{number:032x}")).address(&address(number).to_string()).running()
            })
            .collect();
        tasks.iter().for_each(|task| aws.put_task(task));
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            runtime().block_on(async {
                let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await;
                let server = server.expect("loopback is there");
                tell.send(server.addr).expect("somebody waits for it");
                std::future::pending::<()>().await;
            });
        });
        Self { server: told.recv().expect("it serves"), group, tasks }
    }

    fn handler(&self) -> Handler {
        let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": self.group, "port": PORT}]);
        let variable = |name: &str| match name {
            "BINDINGS" => Some(bindings.to_string()),
            "AWS_REGION" => Some("us-east-2".to_owned()),
            "AWS_ENDPOINT_URL" => Some(format!("http://{}", self.server)),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            _ => None,
        };
        let made = || {
            let config = Config::read(variable)?;
            let endpoints = Endpoints::read(variable)?;
            let http = https_client(&config.region, &endpoints, variable)?;
            let sdk = sdk_config(&config.region, http, &endpoints, variable)?;
            Ok::<_, ecs_ipv6_targets::config::Mistake>(Handler::new(
                config,
                &sdk,
                Arc::new(SystemTime::now),
            ))
        };
        made().expect("the settings are right")
    }

    /// The requests that the handler makes for the first so many tasks.
    fn requests(&self, count: usize) -> Vec<Vec<u8>> {
        let tasks = &self.tasks[..count];
        let registers = tasks.chunks(200).map(|tasks| self.register(tasks));
        let looks = tasks.chunks(100).map(|tasks| {
            let arns: Vec<String> = tasks.iter().map(Task::arn).collect();
            let body = json!({"cluster": "demo-cluster", "tasks": arns}).to_string();
            let headers = "content-type: application/x-amz-json-1.1\r\nx-amz-target: AmazonEC2ContainerServiceV20141113.DescribeTasks\r\n";
            self.post("ecs", headers, &body)
        });
        registers.chain(looks).collect()
    }

    fn register(&self, tasks: &[Task]) -> Vec<u8> {
        let escaped = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        let mut body = format!(
            "Action=RegisterTargets&Version=2015-12-01&TargetGroupArn={}",
            escaped(&self.group)
        );
        for (place, task) in (1..).zip(tasks) {
            let id = task.ipv6().expect("it has one").to_string();
            body += &format!(
                "&Targets.member.{place}.Id={}&Targets.member.{place}.Port={PORT}",
                escaped(&id)
            );
        }
        self.post(
            "elasticloadbalancing",
            "content-type: application/x-www-form-urlencoded\r\n",
            &body,
        )
    }

    fn post(&self, service: &str, headers: &str, body: &str) -> Vec<u8> {
        let signature = format!(
            "authorization: AWS4-HMAC-SHA256 Credential=test/20261122/us-east-2/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
        );
        format!(
            "POST / HTTP/1.1\r\nhost: {}\r\n{headers}{signature}content-length: {}\r\n\r\n{body}",
            self.server,
            body.len()
        )
        .into_bytes()
    }
}

/// A connection that sends bytes and reads answers.
struct Raw(BufReader<TcpStream>);

impl Raw {
    fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("it is TCP");
        Self(BufReader::new(stream))
    }

    fn send(&mut self, request: &[u8]) {
        self.0.get_mut().write_all(request).expect("the server reads");
        let (mut status, mut length) = (String::new(), 0);
        self.0.read_line(&mut status).expect("the server answers");
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        loop {
            let mut header = String::new();
            self.0.read_line(&mut header).expect("the server answers");
            match header.trim_end().split_once(':') {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().expect("it is a length");
                }
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the server answers");
    }
}
