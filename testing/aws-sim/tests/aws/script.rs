//! What a test can script: faults, hooks, latency; and the log of calls.

use std::time::{Duration, SystemTime};

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use aws_sim::{Action, Aws, Fault, Outcome, TargetGroup, Task};
use tokio::time::{Instant, timeout};

use crate::clients::{self, ecs, elb, pair, target};

const A: &str = "2001:db8::a";
const B: &str = "2001:db8::b";

fn world() -> (Aws, Client, String) {
    clients::world(TargetGroup::ipv6("demo-ipv6"))
}

/// Registers one target and tells the error code.
async fn register(client: &Client, arn: &str, id: &str) -> Result<(), String> {
    let call = client.register_targets().target_group_arn(arn);
    match call.targets(target(id, 80)).send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) => {
            Err(error.err().code().unwrap_or_default().to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn outcomes(aws: &Aws) -> Vec<Outcome> {
    aws.calls().into_iter().map(|call| call.outcome).collect()
}

fn refused(code: &str) -> Outcome {
    Outcome::Error(code.to_owned())
}

#[tokio::test(start_paused = true)]
async fn calls_are_logged_with_time_target_group_targets_and_region() {
    let base = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let aws = Aws::starting_at(base);
    let arn = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(register(&elb(&aws), &arn, "2001:DB8:0:0::A").await, Ok(()));
    let task = Task::new("a");
    let call = ecs(&aws).describe_tasks().cluster("demo-cluster");
    call.tasks(task.arn()).send().await.expect("an answer");
    let [register, describe] = &aws.take_calls()[..] else {
        panic!("two calls");
    };
    assert_eq!(register.at, base + Duration::from_secs(5));
    assert_eq!(register.action, Action::RegisterTargets);
    assert_eq!(register.resource.as_deref(), Some(arn.as_str()));
    assert_eq!(register.targets, ["[2001:db8::a]:80"]);
    assert_eq!(register.outcome, Outcome::Ok);
    assert_eq!(register.host, "elasticloadbalancing.us-east-2.amazonaws.com");
    assert_eq!(register.region.as_deref(), Some("us-east-2"));
    assert_eq!(register.values("Port"), ["80"]);
    assert!(register.values("AvailabilityZone").is_empty());
    assert_eq!(describe.resource.as_deref(), Some("demo-cluster"));
    assert_eq!(describe.targets, [task.arn()]);
    assert_eq!(aws.calls(), []);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_retried_by_the_sdk() {
    let (aws, client, arn) = world();
    aws.fault(Fault::on(Action::RegisterTargets).times(2).throttled());
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    let throttled = || refused("ThrottlingException");
    assert_eq!(outcomes(&aws), [throttled(), throttled(), Outcome::Ok]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_changes_nothing() {
    let (aws, client, arn) = world();
    aws.fault(Fault::on(Action::RegisterTargets).access_denied());
    assert_eq!(register(&client, &arn, A).await, Err("AccessDenied".to_owned()));
    assert_eq!(aws.registered(&arn), []);
    aws.clear_faults();
    assert_eq!(register(&client, &arn, A).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn server_errors_are_retried_and_then_told() {
    let (aws, client, arn) = world();
    aws.fault(Fault::on(Action::RegisterTargets).internal_error());
    let told = register(&client, &arn, A).await;
    assert_eq!(told, Err("InternalFailure".to_owned()));
    assert_eq!(aws.calls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_nth_call_strikes_that_call_alone() {
    let (aws, client, arn) = world();
    let fault = Fault::on(Action::RegisterTargets).nth(2);
    aws.fault(fault.error("InvalidTarget", "no", 400));
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(register(&client, &arn, A).await.is_ok());
    }
    assert_eq!(answers, [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_can_strike_several_calls_from_the_nth_on() {
    let (aws, client, arn) = world();
    let fault = Fault::on(Action::RegisterTargets).nth(2).times(2);
    aws.fault(fault.error("InvalidTarget", "no", 400));
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(register(&client, &arn, A).await.is_ok());
    }
    assert_eq!(answers, [true, false, false, true]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_target_strikes_every_call_that_contains_it() {
    let (aws, client, arn) = world();
    let fault = Fault::on(Action::RegisterTargets).when_target("2001:db8:0::b");
    aws.fault(fault.error("InvalidTarget", "no", 400));
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    for _ in 0..2 {
        let refused = register(&client, &arn, B).await;
        assert_eq!(refused, Err("InvalidTarget".to_owned()));
    }
    let both = client.register_targets().target_group_arn(&arn);
    let both = both.targets(target(A, 81)).targets(target(B, 81));
    assert!(both.send().await.is_err());
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_target_group_leaves_the_others_alone() {
    let (aws, client, arn) = world();
    let other = aws.add_target_group(TargetGroup::ipv6("other"));
    let fault = Fault::on(Action::RegisterTargets).group(&other);
    aws.fault(fault.error("InvalidTarget", "no", 400));
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    assert!(register(&client, &other, A).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_the_effect() {
    let (aws, client, arn) = world();
    aws.fault(Fault::on(Action::RegisterTargets).nth(1).lost_answer());
    let registered = arn.clone();
    aws.before(Action::RegisterTargets, 2, move |aws| {
        assert_eq!(aws.registered(&registered), [pair(A, 80)]);
    });
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    assert_eq!(outcomes(&aws), [Outcome::Lost, Outcome::Ok]);
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_on_a_hanging_call_leaves_no_effect() {
    let (aws, client, arn) = world();
    let hang = Fault::on(Action::RegisterTargets).nth(1);
    aws.fault(hang.hang(Duration::from_secs(60)));
    let patience = Duration::from_secs(5);
    let gave_up = timeout(patience, register(&client, &arn, A)).await;
    assert!(gave_up.is_err());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(aws.registered(&arn), []);
    assert_eq!(outcomes(&aws), [Outcome::Unanswered]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_is_answered_in_the_end() {
    let (aws, client, arn) = world();
    let hang = Fault::on(Action::RegisterTargets).nth(1);
    aws.fault(hang.hang(Duration::from_secs(60)));
    let started = Instant::now();
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
}

#[tokio::test(start_paused = true)]
async fn the_read_timeout_of_a_client_holds() {
    use aws_sdk_elasticloadbalancingv2::config::{retry::RetryConfig, timeout::TimeoutConfig};
    let (aws, client, arn) = world();
    aws.fault(Fault::on(Action::RegisterTargets).hang(Duration::from_secs(60)));
    let timeouts = TimeoutConfig::builder().read_timeout(Duration::from_secs(2));
    let config = client.config().to_builder();
    let config = config.timeout_config(timeouts.build());
    let client = Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
    let started = Instant::now();
    assert!(register(&client, &arn, A).await.is_err());
    assert_eq!(started.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn latency_comes_before_the_effect_and_can_differ_by_action() {
    let (aws, client, arn) = world();
    aws.latency(None, Duration::from_secs(1));
    aws.latency(Some(Action::RegisterTargets), Duration::from_secs(3));
    let started = Instant::now();
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    assert_eq!(started.elapsed().as_secs(), 3);
    let health = client.describe_target_health().target_group_arn(&arn);
    health.send().await.expect("an answer");
    assert_eq!(started.elapsed().as_secs(), 4);
    let patience = Duration::from_secs(2);
    assert!(timeout(patience, register(&client, &arn, B)).await.is_err());
    assert_eq!(aws.registered(&arn), [pair(A, 80)]);
}

#[tokio::test(start_paused = true)]
async fn hooks_run_around_the_effect_of_the_nth_call_and_may_use_the_world() {
    let (aws, client, arn) = world();
    aws.put_task(&Task::new("a").running());
    let group = arn.clone();
    aws.before(Action::RegisterTargets, 2, move |aws| {
        assert_eq!(aws.registered(&group), [pair(A, 80)]);
        aws.put_task(&Task::new("a").running().stopped());
    });
    let group = arn.clone();
    aws.after(Action::RegisterTargets, 2, move |aws| {
        assert_eq!(aws.registered(&group), [pair(A, 80), pair(B, 80)]);
        aws.add_cluster("seen-after");
    });
    let status = || {
        let task = aws.task(&Task::new("a").arn()).expect("a task");
        task.desired_status().to_owned()
    };
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    assert_eq!(status(), "RUNNING");
    assert_eq!(register(&client, &arn, B).await, Ok(()));
    assert_eq!(status(), "STOPPED");
    let seen = ecs(&aws).list_tasks().cluster("seen-after").send().await;
    assert!(seen.is_ok());
}

#[tokio::test(start_paused = true)]
async fn hooks_are_counted_by_action_from_when_they_are_set() {
    let (aws, client, arn) = world();
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    let group = arn.clone();
    aws.before(Action::RegisterTargets, 1, move |aws| {
        aws.put_target(&group, "2001:db8::c", 80);
    });
    let health = client.describe_target_health().target_group_arn(&arn);
    health.send().await.expect("an answer");
    assert_eq!(aws.registered(&arn).len(), 1);
    assert_eq!(register(&client, &arn, A).await, Ok(()));
    assert_eq!(aws.registered(&arn).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn unknown_actions_are_refused_by_name() {
    let (aws, client, _) = world();
    let refused = client.describe_ssl_policies().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidAction"));
    assert!(refused.message().unwrap_or_default().contains("DescribeSSLPolicies"));
    let refused = ecs(&aws).list_clusters().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("UnknownOperationException"));
    assert!(refused.message().unwrap_or_default().contains("ListClusters"));
}

#[test]
fn actions_have_the_names_of_the_api_and_of_iam() {
    assert_eq!(Action::ListTasks.to_string(), "ListTasks");
    let name = Action::RegisterTargets.iam_name();
    assert_eq!(name, "elasticloadbalancing:RegisterTargets");
    assert_eq!(Action::DescribeTasks.iam_name(), "ecs:DescribeTasks");
}
