//! Blue/green deployments and their lifecycle hooks.

use std::time::Duration;

use aws_sim::{
    Aws, DeploymentConfiguration, HookCall, LifecycleHook, Rollout, Sent, Service, Stage, Starts,
    TargetGroup,
};
use serde_json::{Value, json};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A service in a deployment, and the calls of its hook so far with their seconds.
struct Scene {
    aws: Aws,
    service: String,
    second: usize,
    calls: Vec<(usize, HookCall)>,
}

impl Scene {
    fn of(deployment: DeploymentConfiguration) -> Self {
        Self::in_world(Aws::new(), Service::new("demo-service").deployment(deployment))
    }

    /// Tasks start in ten seconds and are trusted after 40 more.
    fn in_world(aws: Aws, service: Service) -> Self {
        let starts = Starts { running: (10 * SECOND, 10 * SECOND), ..Starts::ec2() };
        let service = aws.run_service(service.desired_count(2).starts(starts), 7);
        aws.deploy(&service);
        Self { aws, service, second: 0, calls: Vec::new() }
    }

    /// Lets time pass; `function` answers the hook's calls.
    async fn seconds(&mut self, seconds: usize, function: impl Fn(&Value) -> Option<Value>) {
        for _ in 0..seconds {
            advance(SECOND).await;
            self.second += 1;
            for sent in self.aws.step() {
                if let Sent::Hook(call) = sent {
                    self.aws.answer_hook(&call, function(&call.payload).as_ref());
                    self.calls.push((self.second, call));
                }
            }
        }
    }

    /// How many of its tasks were not sent SIGTERM: old ones, and new ones.
    fn tasks(&self) -> (usize, usize) {
        let deployments = self.aws.deployments(&self.service);
        let of = |is_primary| {
            let known = deployments.iter().find(|known| known.is_primary == is_primary);
            known.map_or(0, |known| self.aws.tasks_of(&self.service, &known.id).len())
        };
        (of(false), of(true))
    }

    fn seconds_of_calls(&self) -> Vec<usize> {
        self.calls.iter().map(|(second, _)| *second).collect()
    }

    fn rollout(&self) -> Rollout {
        self.aws.deployments(&self.service)[0].rollout
    }
}

fn blue_green() -> DeploymentConfiguration {
    DeploymentConfiguration::blue_green(5 * MINUTE)
}

fn gated() -> DeploymentConfiguration {
    blue_green().lifecycle_hook(LifecycleHook::at(Stage::PostScaleUp).timeout(10 * MINUTE))
}

fn succeeded(_: &Value) -> Option<Value> {
    Some(json!({"hookStatus": "SUCCEEDED"}))
}

fn in_progress(_: &Value) -> Option<Value> {
    Some(json!({"hookStatus": "IN_PROGRESS", "callBackDelay": 15}))
}

#[tokio::test(start_paused = true)]
async fn blue_stays_beside_green_until_the_bake_time_is_over() {
    let mut scene = Scene::of(blue_green());
    scene.seconds(51 + 299, succeeded).await;
    assert_eq!(scene.tasks(), (2, 2));
    scene.seconds(10, succeeded).await;
    assert_eq!((scene.tasks(), scene.rollout()), ((0, 2), Rollout::Completed));
    assert!(scene.calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_asked_again_until_it_succeeds() {
    let mut scene = Scene::of(gated());
    scene.seconds(100, in_progress).await;
    assert_eq!(scene.seconds_of_calls(), [51, 66, 81, 96]);
    scene.seconds(30, succeeded).await;
    assert_eq!(scene.calls.len(), 5);
    assert_eq!(scene.tasks(), (2, 2));
    scene.seconds(300, succeeded).await;
    assert_eq!((scene.tasks(), scene.rollout()), ((0, 2), Rollout::Completed));
}

#[tokio::test(start_paused = true)]
async fn the_payload_names_stage_service_revision_and_weights() {
    let mut scene = Scene::of(gated());
    let answer = json!({"hookStatus": "IN_PROGRESS", "hookDetails": {"seen": 1}});
    scene.seconds(90, |_| Some(answer.clone())).await;
    let [(first, call), (second, again)] = &scene.calls[..] else {
        panic!("two calls, not {:?}", scene.calls);
    };
    assert_eq!(second - first, 30, "the default delay");
    let payload = &call.payload;
    assert_eq!(payload["lifecycleStage"], "POST_SCALE_UP");
    let arn = payload["resourceArn"].as_str().unwrap();
    assert!(arn.contains(":service-deployment/demo-cluster/demo-service/"), "{arn}");
    let details = &payload["executionDetails"];
    assert_eq!(details["serviceArn"], scene.service);
    let revision = details["targetServiceRevisionArn"].as_str().unwrap();
    assert_eq!(details["productionTrafficWeights"], json!({revision: 0}));
    assert_eq!(
        (payload.get("hookDetails"), &again.payload["hookDetails"]),
        (None, &json!({"seen": 1}))
    );
    assert_ne!(payload["executionId"], again.payload["executionId"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_missing_or_unreadable_answer_rolls_back() {
    for answer in [Some(json!({"hookStatus": "FAILED"})), Some(json!({"ok": true})), None] {
        let mut scene = Scene::of(gated());
        let before = scene.aws.deployments(&scene.service)[1].id.clone();
        scene.seconds(80, |_| answer.clone()).await;
        let primary = &scene.aws.deployments(&scene.service)[0];
        assert_eq!((&primary.id, primary.rollout), (&before, Rollout::Completed), "{answer:?}");
        assert_eq!(scene.tasks(), (0, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_never_ends_rolls_back_or_lets_go_at_its_timeout() {
    let hook = LifecycleHook::at(Stage::PostScaleUp).timeout(10 * MINUTE).continues_at_timeout();
    for (deployment, is_back) in [(gated(), true), (blue_green().lifecycle_hook(hook), false)] {
        let mut scene = Scene::of(deployment);
        let before = scene.aws.deployments(&scene.service)[1].id.clone();
        scene.seconds(51 + 599, in_progress).await;
        assert_eq!(scene.tasks(), (2, 2));
        scene.seconds(400, in_progress).await;
        let primary = &scene.aws.deployments(&scene.service)[0];
        assert_eq!((primary.id == before, primary.rollout), (is_back, Rollout::Completed));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_in_15_minutes_rolls_back() {
    let patient = blue_green().lifecycle_hook(LifecycleHook::at(Stage::PostScaleUp));
    let scene = Scene::of(patient);
    let primary = |scene: &Scene| scene.aws.deployments(&scene.service)[0].id.clone();
    let green = primary(&scene);
    for (seconds, stays) in [(51 + 899, true), (2, false)] {
        for _ in 0..seconds {
            advance(SECOND).await;
            scene.aws.step();
        }
        assert_eq!(primary(&scene) == green, stays);
    }
}

#[tokio::test(start_paused = true)]
async fn linear_and_canary_shift_the_traffic_step_by_step() {
    let linear = DeploymentConfiguration::linear(25, MINUTE, MINUTE);
    let canary = DeploymentConfiguration::canary(10, 3 * MINUTE, MINUTE);
    for deployment in [linear, canary] {
        let mut scene = Scene::of(deployment);
        scene.seconds(51 + 239, succeeded).await;
        assert_eq!(scene.tasks(), (2, 2), "three minutes of shift and one of bake");
        scene.seconds(10, succeeded).await;
        assert_eq!(scene.tasks(), (0, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_native_group_the_shift_takes_ten_minutes_more() {
    let aws = Aws::new();
    let [blue, green] = ["blue", "green"].map(|name| {
        let group = TargetGroup::ipv4(name).deregistration_delay(SECOND);
        aws.add_target_group(group)
    });
    let service = Service::new("demo-service").attached_to_both(&blue, &green);
    let deployment = DeploymentConfiguration::blue_green(Duration::ZERO);
    let mut scene = Scene::in_world(aws, service.deployment(deployment));
    scene.seconds(126 + 599, succeeded).await;
    assert_eq!((scene.aws.serving(&blue), scene.aws.serving(&green)), (2, 2));
    assert_eq!(scene.tasks(), (2, 2));
    scene.seconds(10, succeeded).await;
    assert_eq!((scene.tasks(), scene.aws.serving(&blue)), ((0, 2), 0));
}

#[tokio::test(start_paused = true)]
async fn protected_blue_tasks_stay_after_the_bake_time() {
    let mut scene = Scene::of(DeploymentConfiguration::blue_green(MINUTE));
    let old = scene.aws.deployments(&scene.service)[1].id.clone();
    let held = scene.aws.tasks_of(&scene.service, &old)[0].arn();
    let call = crate::clients::ecs(&scene.aws).update_task_protection().cluster("demo-cluster");
    call.tasks(held).protection_enabled(true).expires_in_minutes(10).send().await.unwrap();
    scene.seconds(598, succeeded).await;
    assert_eq!((scene.tasks(), scene.rollout()), ((1, 2), Rollout::InProgress));
    scene.seconds(20, succeeded).await;
    assert_eq!((scene.tasks(), scene.rollout()), ((0, 2), Rollout::Completed));
}
