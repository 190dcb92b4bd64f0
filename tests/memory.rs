//! How much memory the real binary takes for the largest batch that Lambda hands in.

mod common;

use std::net::SocketAddr;

use aws_sim::{Answer, Aws, Function, TargetGroup, Task};
use common::{PORT, batch, binding, task};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_ecs-ipv6-targets");

/// The most messages in a batch that the template asks for.
const MESSAGES: u16 = 1500;

/// The most that Lambda hands in (Lambda developer guide, "Lambda quotas": 6 MB).
const LARGEST: usize = 6_000_000;

#[tokio::test]
async fn a_full_batch_takes_at_most_twice_its_size() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT).quota(3000));
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let bindings = json!([binding(&group, Some(PORT))]).to_string();
    let function = Function::start(BINARY, &server.url(), &[("BINDINGS", &bindings)]).await;
    let function = function.unwrap();
    let payload = full_batch(&aws);
    function.init_time().await.unwrap();
    let idle = peak(&function);
    let mut peaks = Vec::new();
    for _ in 0..3 {
        match function.invoke(&payload).await {
            Answer::Success(answer) => assert_eq!(answer["batchItemFailures"], json!([])),
            error => panic!("{error:?}"),
        }
        assert_eq!(aws.registered(&group).len(), usize::from(MESSAGES));
        peaks.extend(peak(&function));
    }
    // Elsewhere the size of a process cannot be seen.
    if let (Some(idle), [first, .., last]) = (idle, &peaks[..]) {
        println!("KiB at most: {idle} until the first batch, {first} in it, {last} in three");
        let took = (first - idle) * 1024;
        assert!(took <= 2 * LARGEST as u64, "{took} bytes for a batch of {LARGEST}");
    }
}

/// A batch of running tasks that is as large as it may be.
fn full_batch(aws: &Aws) -> Value {
    let tasks: Vec<Task> = (0..MESSAGES).map(task).collect();
    tasks.iter().for_each(|task| aws.put_task(task));
    let with_more = |more: usize| {
        let events = tasks.iter().map(|task| {
            let mut event = task.event(aws.now());
            event["detail"]["more"] = json!("x".repeat(more));
            event.to_string()
        });
        batch(events)
    };
    let left = LARGEST - with_more(0).to_string().len();
    with_more(left / usize::from(MESSAGES))
}

/// The most memory that the process ever had resident, in KiB.
fn peak(function: &Function) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", function.id()?)).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
