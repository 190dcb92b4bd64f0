//! The gate: what the function answers to a deployment lifecycle hook.

mod common;

use std::time::Duration;

use aws_sim::{
    Action, Aws, DeploymentConfiguration, Fault, LifecycleHook, Sent, Service, Stage, Starts,
    TargetGroup,
};
use common::{Function, PORT, binding};
use serde_json::{Value, json};
use tokio::time::advance;

/// A function and a service of four tasks that is deployed as BLUE_GREEN, with the function as its
/// hook.
async fn blue_green() -> (Function, String) {
    let aws = Aws::new();
    aws.draw_registration_lags(3, Duration::from_secs(90), Duration::from_secs(180));
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let function = Function::with(aws.clone(), json!([binding(&group, Some(PORT))]), &[]).await;
    let strategy = DeploymentConfiguration::blue_green(Duration::ZERO)
        .lifecycle_hook(LifecycleHook::at(Stage::PostScaleUp));
    let service = Service::new("demo-service").desired_count(4).deployment(strategy);
    let service = aws.run_service(service.starts(Starts::ec2()), 3);
    function.invoke(json!({"action": "reconcile"})).await.unwrap();
    advance(Duration::from_secs(200)).await;
    aws.step();
    aws.take_calls();
    (function, service)
}

fn hook(service: &str) -> Value {
    json!({"executionId": "1", "lifecycleStage": "POST_SCALE_UP", "executionDetails": {
        "serviceArn": service, "targetServiceRevisionArn": "new",
        "productionTrafficWeights": {}, "testTrafficWeights": {},
    }})
}

#[tokio::test(start_paused = true)]
async fn traffic_is_shifted_once_all_green_targets_are_healthy() {
    let (function, service) = blue_green().await;
    let aws = &function.aws;
    aws.deploy(&service);
    let (mut waited, mut fewest, mut seconds) = (0, usize::MAX, 0);
    while aws.is_deploying(&service) {
        advance(Duration::from_secs(1)).await;
        seconds += 1;
        for sent in aws.step() {
            match sent {
                Sent::Event(event) => drop(function.invoke(event).await.unwrap()),
                Sent::Hook(call) => {
                    let answer = function.invoke(call.payload.clone()).await.unwrap();
                    waited += usize::from(answer["hookStatus"] == "IN_PROGRESS");
                    aws.answer_hook(&call, Some(&answer));
                }
            }
        }
        fewest = fewest.min(aws.serving(&function.group));
        assert!(seconds < 3600);
    }
    assert_eq!(fewest, 4);
    assert!(waited > 3, "{waited}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_lets_the_deployment_wait() {
    let (function, service) = blue_green().await;
    let ask = async || function.invoke(hook(&service)).await.unwrap();
    assert_eq!(ask().await, json!({"hookStatus": "SUCCEEDED"}));
    for action in [Action::DescribeServices, Action::ListTasks, Action::DescribeTargetHealth] {
        function.aws.fault(Fault::on(action).access_denied());
        let waits = json!({"hookStatus": "IN_PROGRESS", "callBackDelay": 15});
        assert_eq!(ask().await, waits, "{action}");
    }
    assert!(!function.actions().iter().any(|action| action.is_write()));
}

#[tokio::test(start_paused = true)]
async fn a_service_without_tasks_passes_and_one_without_a_binding_fails() {
    let (function, service) = blue_green().await;
    function.aws.set_desired_count(&service, 0);
    let answer = function.invoke(hook(&service)).await.unwrap();
    assert_eq!(answer, json!({"hookStatus": "SUCCEEDED"}));
    function.actions();
    let other = service.replace("demo-service", "other");
    let answer = function.invoke(hook(&other)).await.unwrap();
    assert_eq!((answer, function.actions()), (json!({"hookStatus": "FAILED"}), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_passes_without_a_look() {
    let (function, service) = blue_green().await;
    let mut rollback = hook(&service);
    rollback["lifecycleStage"] = json!("PRODUCTION_TRAFFIC_SHIFT");
    rollback["executionDetails"]["productionTrafficWeights"] = json!({"new": 0, "old": 100});
    let answer = function.invoke(rollback).await.unwrap();
    assert_eq!((answer, function.actions()), (json!({"hookStatus": "SUCCEEDED"}), vec![]));
}
