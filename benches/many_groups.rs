//! What a region with 3,000 tagged target groups costs:
//! `cargo bench --profile simulate --bench many_groups`. Calls and the time until a lost event is
//! repaired come from the handler in process, on paused time and with AWS's rates; memory comes
//! from the real binary over loopback.

#[allow(dead_code, reason = "another benchmark uses all of it")]
#[path = "cold_start/process.rs"]
mod process;

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sim::events::scheduled;
use aws_sim::{Action, Answer, Aws, Call, Function, Outcome, Rate, TargetGroup, Task};
use ecs_ipv6_targets::handler::Handler;
use harness::function::{handler, runtime};
use harness::lambda;
use harness::latency::Latency;
use serde_json::json;

const GROUPS: usize = 3_000;
/// The tasks of each group's service.
const TASKS: usize = 10;

const PORT: u16 = 8080;

/// The minutes in which every group has its turn once.
const ROUND: usize = GROUPS.div_ceil(100);

const SETTINGS: [(&str, &str); 2] = [("BINDINGS", ""), ("DISCOVER", "tags")];

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let network = tokio::runtime::Builder::new_current_thread().enable_all().build();
    network.expect("a runtime can be made").block_on(one_reconcile());
    runtime().block_on(rounds());
}

/// A group for each of as many services, in step.
fn region(aws: &Aws) {
    for number in 0..GROUPS {
        let group = aws.add_target_group(TargetGroup::ipv6(&format!("group-{number}")).port(PORT));
        aws.tag(&group, "ecs-ipv6-targets:bind", &format!("demo-cluster/service-{number}:{PORT}"));
        for task in 0..TASKS {
            aws.put_target(&group, &start(aws, number, task).to_string(), PORT);
        }
    }
}

/// A task of a service runs, and no event says so.
fn start(aws: &Aws, service: usize, task: usize) -> Ipv6Addr {
    let number = service * 100 + task;
    let address = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) + 1 + number as u128);
    let task = Task::new(&format!("{number:032x}")).service(&format!("service-{service}"));
    aws.put_task(&task.address(&address.to_string()).running());
    address
}

/// Rounds in which everything is in step, and in which an event of some groups was lost.
async fn rounds() {
    let aws = Aws::starting_at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    region(&aws);
    aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    aws.set_hook(Arc::new(Latency::of(1)));
    let clock = aws.clone();
    let function = handler(&json!(""), &SETTINGS, &aws, Arc::new(move || clock.now()));
    println!("\n| calls a minute | ELB | ECS | tags | throttled | longest time to repair |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    println!("| in step | {} |", round(&aws, &function, &[]).await);
    let some: Vec<usize> = (0..GROUPS).step_by(20).collect();
    let lost = some.iter().map(|group| (*group, start(&aws, *group, 50)));
    let lost: Vec<_> = lost.collect();
    println!("| 1 event lost in 20 groups | {} |", round(&aws, &function, &lost).await);
}

/// A reconcile a minute until every group had its turn; as calls a minute, and the longest time
/// until a lost task was registered.
async fn round(aws: &Aws, function: &Handler, lost: &[(usize, Ipv6Addr)]) -> String {
    let begin = aws.now();
    let mut calls: Vec<Call> = Vec::new();
    let mut minutes = 0;
    let mut most = 0;
    while minutes < ROUND || (repaired(&calls, begin).1 < lost.len() && minutes < 4 * ROUND) {
        let next = begin + Duration::from_secs(60 * (minutes as u64 + 1));
        tokio::time::sleep(next.duration_since(aws.now()).unwrap_or_default()).await;
        let payload = scheduled(aws.now());
        let event = lambda::event(&payload, lambda::context(aws.now() + Duration::from_secs(30)));
        if let Err(error) = function.handle(event).await {
            eprintln!("{error}");
        }
        let made = aws.take_calls();
        most = most.max(made.iter().filter(|call| is_of_elb(call)).count());
        calls.extend(made);
        minutes += 1;
    }
    let per_minute = |of: &dyn Fn(&Call) -> bool| {
        calls.iter().filter(|call| of(call)).count() as f64 / minutes as f64
    };
    let (longest, found) = repaired(&calls, begin);
    assert_eq!(found, lost.len(), "every lost task is registered");
    let throttled =
        |call: &&Call| matches!(&call.outcome, Outcome::Error(code) if code.starts_with("Throttl"));
    format!(
        "{:.0}, at most {most} | {:.0} | {:.0} | {} | {:.1} min",
        per_minute(&is_of_elb),
        per_minute(&|call| matches!(call.action, Action::ListTasks | Action::DescribeTasks)),
        per_minute(&|call| call.action == Action::GetResources),
        calls.iter().filter(throttled).count(),
        longest.as_secs_f64() / 60.0,
    )
}

/// How long it took until the last target was registered, and how many were.
fn repaired(calls: &[Call], begin: SystemTime) -> (Duration, usize) {
    let registers = calls
        .iter()
        .filter(|call| call.action == Action::RegisterTargets && call.outcome == Outcome::Ok);
    let last = registers.clone().map(|call| call.at).max();
    let last = last.map(|at| at.duration_since(begin).unwrap_or_default());
    (last.unwrap_or_default(), registers.map(|call| call.targets.len()).sum())
}

fn is_of_elb(call: &Call) -> bool {
    use Action::{DeregisterTargets, DescribeTargetGroups, DescribeTargetHealth, RegisterTargets};
    let actions = [DeregisterTargets, DescribeTargetGroups, DescribeTargetHealth, RegisterTargets];
    actions.contains(&call.action)
}

/// One scheduled reconcile by a new process.
async fn one_reconcile() {
    let aws = Aws::new();
    region(&aws);
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("loopback is there");
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
    let function = Function::start(binary, &server.url(), &SETTINGS).await.expect("it starts");
    let begin = Instant::now();
    let answer = function.invoke(&scheduled(SystemTime::now())).await;
    let time = begin.elapsed();
    let Answer::Success(report) = answer else { panic!("{answer:?}, {:?}", function.logs()) };
    assert_eq!(report["registered"], json!([]), "it was in step");
    let id = function.id().expect("it runs");
    println!("| one reconcile, by the binary | CPU time of it | peak RSS, MiB | calls |");
    println!("| ---: | ---: | ---: | ---: |");
    println!(
        "| {:.2} s | {:.0} ms | {:.1} | {} |",
        time.as_secs_f64(),
        process::cpu_time(id).as_secs_f64() * 1e3,
        process::peak_memory(id) as f64 / 1024.0,
        aws.take_calls().len()
    );
}
