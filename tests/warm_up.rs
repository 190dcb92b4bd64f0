//! What the real binary reads before its first invocation, on Lambda and elsewhere, and that it
//! serves whatever comes of it.

mod common;

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_sim::Action::{
    self, AssumeRole, DescribeTargetGroups, DescribeTasks, GetResources, GetTargetGroup, ListTasks,
    RegisterTargets,
};
use aws_sim::{Answer, Aws, Fault, Function, TargetGroup};
use common::{PORT, task};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
const ON_LAMBDA: (&str, &str) = ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");

/// Starts the function with a binding that leaves the port to this group, and has it register a
/// task. The calls it made, and its log.
async fn register(
    group: TargetGroup,
    faults: Vec<Fault>,
    environment: &[(&str, &str)],
) -> (Vec<Action>, String) {
    let aws = Aws::new();
    let group = aws.add_target_group(group);
    aws.tag(&group, "ecs-ipv6-targets:bind", "demo-cluster/demo-service");
    faults.into_iter().for_each(|fault| aws.fault(fault));
    aws.put_task(&task(0));
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let bindings =
        json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group}])
            .to_string();
    let environment = [&[("BINDINGS", bindings.as_str())], environment].concat();
    let function = Function::start(BINARY, &server.url(), &environment).await.unwrap();
    let answer = function.invoke(&task(0).event(SystemTime::now())).await;
    let registered = aws.registered(&group).len();
    let is_done = matches!(answer, Answer::Success(_));
    assert_eq!(registered, usize::from(is_done), "{answer:?}, {:?}", function.logs());
    let log = function.logs().join("\n");
    (aws.take_calls().iter().map(|call| call.action).collect(), log)
}

fn group() -> TargetGroup {
    TargetGroup::ipv6("demo-ipv6").port(PORT)
}

#[tokio::test]
async fn on_lambda_it_is_connected_and_knows_the_ports_before_the_first_event() {
    let (mut calls, log) = register(group(), vec![], &[ON_LAMBDA]).await;
    calls[..2].sort();
    let mut reads = [DescribeTargetGroups, ListTasks];
    reads.sort();
    assert_eq!(calls, [reads[0], reads[1], RegisterTargets, DescribeTasks]);
    assert!(!log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn it_connects_to_lattice_instead_if_only_that_is_needed() {
    let (mut calls, log) = register(group().lattice(), vec![], &[ON_LAMBDA]).await;
    calls[..2].sort();
    assert_eq!(calls, [ListTasks, GetTargetGroup, RegisterTargets, DescribeTasks]);
    assert!(!log.contains("WARN"), "{log}");
    let (_, log) = register(
        TargetGroup::ipv4("demo").port(PORT).lattice().vpc_cidr("2001:db8::/32"),
        vec![],
        &[ON_LAMBDA],
    )
    .await;
    let told = "demo has type IP and IP address type IPV4, not IP and IPV6";
    assert!(log.contains(told), "{log}");
}

#[tokio::test]
async fn elsewhere_it_reads_what_it_needs_when_it_needs_it() {
    let (calls, _) = register(group(), vec![], &[]).await;
    assert_eq!(calls, [DescribeTargetGroups, RegisterTargets, DescribeTasks]);
}

#[tokio::test]
async fn it_serves_though_the_reads_are_denied_throttled_or_hang() {
    let reads = [DescribeTargetGroups, ListTasks];
    let once: [fn(Action) -> Fault; 3] = [
        |action| Fault::on(action).times(1).access_denied(),
        |action| Fault::on(action).times(5).throttled(),
        |action| Fault::on(action).times(1).hang(Duration::from_secs(20)),
    ];
    for fault in once {
        let faults = reads.map(fault).to_vec();
        let (calls, log) = register(group(), faults, &[ON_LAMBDA]).await;
        assert!(calls.contains(&RegisterTargets), "{calls:?}");
        assert!(log.contains("target groups cannot be read"), "{log}");
        assert!(log.contains("tasks cannot be listed"), "{log}");
    }
}

const BY_TAGS: [(&str, &str); 2] = [("DISCOVER", "tags"), ("BINDINGS", "")];

#[tokio::test]
async fn with_tags_it_is_connected_to_what_its_bindings_need_as_well() {
    let (mut calls, log) = register(group(), vec![], &[&BY_TAGS[..], &[ON_LAMBDA]].concat()).await;
    calls[1..3].sort();
    let mut reads = [DescribeTargetGroups, ListTasks];
    reads.sort();
    assert_eq!(calls, [GetResources, reads[0], reads[1], RegisterTargets, DescribeTasks]);
    assert!(!log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn with_tags_it_serves_though_init_could_not_read_them() {
    let faults = vec![Fault::on(GetResources).times(1).access_denied()];
    let (calls, log) = register(group(), faults, &[&BY_TAGS[..], &[ON_LAMBDA]].concat()).await;
    assert_eq!(calls[..2], [GetResources, GetResources]);
    assert!(calls.contains(&RegisterTargets) && log.contains("tags cannot be read"), "{log}");
    let (calls, _) = register(group(), vec![], &BY_TAGS).await;
    assert_eq!(calls, [GetResources, DescribeTargetGroups, RegisterTargets, DescribeTasks]);
}

#[tokio::test]
async fn a_start_connects_to_sts_only_if_a_binding_has_a_role() {
    let role = "arn:aws:iam::222222222222:role/ecs-ipv6-targets";
    let aws = Aws::new();
    aws.add_role(role, None);
    let group = aws.add_target_group(group().account("222222222222"));
    aws.put_task(&task(0));
    let server = aws.serve(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service",
        "targetGroupArn": group, "roleArn": role}]);
    let environment = [("BINDINGS", &*bindings.to_string()), ON_LAMBDA];
    let function = Function::start(BINARY, &server.url(), &environment).await.unwrap();
    assert!(function.init_time().await.is_some(), "{:?}", function.logs());
    let mut calls: Vec<Action> = aws.take_calls().iter().map(|call| call.action).collect();
    calls.sort();
    assert_eq!(calls, [DescribeTargetGroups, ListTasks, AssumeRole]);
    let answer = function.invoke(&task(0).event(SystemTime::now())).await;
    assert!(matches!(answer, Answer::Success(_)), "{answer:?}");
    assert_eq!(aws.registered(&group).len(), 1);
    let calls: Vec<Action> = aws.take_calls().iter().map(|call| call.action).collect();
    assert_eq!(calls, [RegisterTargets, DescribeTasks]);
}

#[tokio::test]
async fn a_group_that_cannot_take_ipv6_is_reported_at_the_start() {
    let wrong = TargetGroup::ipv4("demo-ipv4").port(PORT);
    let (_, log) = register(wrong, vec![], &[ON_LAMBDA]).await;
    let expected = "demo-ipv4 has target type ip and IP address type ipv4, not ip and ipv6";
    assert!(log.contains(expected), "{log}");
}
