//! The hold and the gate wait for the health that VPC Lattice sees.

use std::time::Duration;

use aws_sim::{Aws, DeploymentConfiguration, LifecycleHook, Sent, Service, Stage, Starts};
use aws_sim::{Health, TargetGroup};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::common::{Function, PORT, binding};
use crate::scene::group;

/// A service of four tasks whose targets are healthy, and a function.
async fn serving(
    group: TargetGroup,
    strategy: DeploymentConfiguration,
    settings: &[(&str, &str)],
) -> (Function, String) {
    let aws = Aws::new();
    aws.draw_registration_lags(3, Duration::from_secs(90), Duration::from_secs(180));
    let group = aws.add_target_group(group);
    let function =
        Function::with(aws.clone(), json!([binding(&group, Some(PORT))]), settings).await;
    let service = Service::new("demo-service").desired_count(4).deployment(strategy);
    let service = aws.run_service(service.starts(Starts::ec2()), 3);
    function.reconcile().await.unwrap();
    advance(Duration::from_secs(200)).await;
    aws.step();
    (function, service)
}

/// Carries a deployment out, with a reconcile each minute. The fewest targets that served, and how
/// often the gate let the deployment wait.
async fn deploy(function: &Function, service: &str) -> (usize, usize) {
    let aws = &function.aws;
    aws.deploy(service);
    let (mut fewest, mut waited, mut seconds) = (usize::MAX, 0, 0_u64);
    while aws.is_deploying(service) {
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
        if seconds.is_multiple_of(60) {
            function.reconcile().await.unwrap();
        }
        fewest = fewest.min(aws.serving(&function.group));
        assert!(seconds < 3600, "the deployment does not end");
    }
    (fewest, waited)
}

#[tokio::test(start_paused = true)]
async fn a_hold_keeps_old_tasks_until_new_targets_are_healthy() {
    let rolling = || DeploymentConfiguration::rolling(100, 200);
    let (function, service) = serving(group(), rolling(), &[("HOLD_MINUTES", "15")]).await;
    assert_eq!(deploy(&function, &service).await.0, 4);
    let (function, service) = serving(group(), rolling(), &[]).await;
    assert_eq!(deploy(&function, &service).await.0, 0, "without a hold all are missing");
}

#[tokio::test(start_paused = true)]
async fn the_gate_opens_once_all_green_targets_are_healthy() {
    let hook = LifecycleHook::at(Stage::PostScaleUp);
    let strategy = DeploymentConfiguration::blue_green(Duration::ZERO).lifecycle_hook(hook);
    let (function, service) = serving(group(), strategy, &[]).await;
    let (fewest, waited) = deploy(&function, &service).await;
    assert_eq!(fewest, 4);
    assert!(waited > 3, "{waited}");
}

#[tokio::test(start_paused = true)]
async fn the_gate_does_not_wait_for_health_that_nobody_looks_at() {
    let hook = json!({"lifecycleStage": "POST_SCALE_UP"});
    let rolling = DeploymentConfiguration::rolling(100, 200);
    for (group, answer) in [(group().without_service(), "SUCCEEDED"), (group(), "IN_PROGRESS")] {
        let (function, service) = serving(group, rolling.clone(), &[]).await;
        for target in function.aws.targets(&function.group) {
            let (id, port) = (target.id.to_string(), target.port);
            function.aws.set_health(&function.group, &id, port, Health::Unhealthy);
        }
        let mut hook: Value = hook.clone();
        hook["executionDetails"] = json!({"serviceArn": service});
        assert_eq!(function.invoke(hook).await.unwrap()["hookStatus"], answer);
    }
}
