//! What a reconcile costs: `cargo bench --bench reconcile`. The pure plan, and a whole reconcile by
//! the real binary over loopback, by the number of targets.

#[allow(dead_code, reason = "the other benchmark uses all of it")]
#[path = "cold_start/process.rs"]
mod process;

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use aws_sim::{Answer, Aws, Function, TargetGroup};
use ecs_ipv6_targets::core::binding::{Binding, Cluster, Owner, Source, TargetGroupArn};
use ecs_ipv6_targets::core::drift::{Findings, Prune, drift};
use ecs_ipv6_targets::core::knowledge::Knowledge;
use ecs_ipv6_targets::core::plan::Ports;
use ecs_ipv6_targets::core::target::Target;
use ecs_ipv6_targets::core::task::{Phase, Task, TaskArn};
use serde_json::json;

const PORT: u16 = 8080;
const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";
const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

/// Repetitions of a plan; the median is printed.
const PLANS: usize = 31;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("| targets | pure plan, in step | pure plan, nothing registered yet |");
    println!("| ---: | ---: | ---: |");
    for count in [1_000, 2_000, 5_000, 10_000, 20_000] {
        let [in_step, empty] = [true, false].map(|in_step| time_of_a_plan(count, in_step));
        println!("| {count} | {} | {} |", milliseconds(in_step), milliseconds(empty));
    }
    println!(
        "\n| targets | reconcile in step, by the binary | CPU time of it | peak RSS, MiB | calls |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: |");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    for count in [1_000, 10_000] {
        runtime.block_on(reconcile(count));
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn time_of_a_plan(count: u32, in_step: bool) -> Duration {
    let group = TargetGroupArn::parse(GROUP).expect("it is an ARN");
    let bindings = [Binding {
        cluster: Cluster::parse(CLUSTER, &group).expect("it is an ARN"),
        owner: Owner::Service("demo-service".to_owned()),
        target_group: group.clone(),
        port: Some(PORT),
        hold: true,
        source: Source::Entry(0),
    }];
    let target = |number| Target { group: group.clone(), id: address(number), port: PORT };
    let present: BTreeSet<Target> = (0..count).filter(|_| in_step).map(target).collect();
    let findings = Findings {
        present: BTreeMap::from([(group.clone(), present)]),
        knowledge: Knowledge::of((0..count).map(task)),
        incomplete: BTreeSet::new(),
    };
    let mut times: Vec<Duration> = (0..PLANS)
        .map(|_| {
            let begin = Instant::now();
            let plan = drift(black_box(&bindings), &Ports::new(), black_box(&findings), Prune::All);
            let time = begin.elapsed();
            assert_eq!(plan.register.len(), if in_step { 0 } else { count as usize });
            time
        })
        .collect();
    times.sort();
    times[PLANS / 2]
}

fn address(number: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | u128::from(number + 1))
}

fn task(number: u32) -> Task {
    let arn = format!("arn:aws:ecs:us-east-2:123456789012:task/demo-cluster/{number:032x}");
    Task {
        arn: TaskArn::parse(&arn).expect("it is an ARN"),
        cluster: CLUSTER.to_owned(),
        group: "service:demo-service".to_owned(),
        version: 3,
        phase: Phase::Serving,
        address: Some(address(number)),
        origin: None,
    }
}

/// One reconcile that finds everything in step, by a new process.
async fn reconcile(count: u32) {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").quota(2 * count as usize));
    for number in 0..count {
        let address = address(number).to_string();
        aws.put_task(&aws_sim::Task::new(&format!("{number:032x}")).address(&address).running());
        aws.put_target(&group, &address, PORT);
    }
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("loopback is there");
    let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": PORT}]);
    let environment = [("BINDINGS", bindings.to_string())];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
    let function = Function::start(binary, &server.url(), &environment).await.expect("it starts");
    let begin = Instant::now();
    let answer = function.invoke(&json!({"action": "reconcile"})).await;
    let time = begin.elapsed();
    let Answer::Success(report) = answer else { panic!("{answer:?}, {:?}", function.logs()) };
    assert_eq!(report["registered"], json!([]), "it was in step");
    let id = function.id().expect("it runs");
    println!(
        "| {count} | {:.2} s | {} | {:.1} | {} |",
        time.as_secs_f64(),
        milliseconds(process::cpu_time(id)),
        process::peak_memory(id) as f64 / 1024.0,
        aws.take_calls().len()
    );
}
