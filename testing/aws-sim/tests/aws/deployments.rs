//! Rolling deployments: what ECS's scheduler starts and stops, and what it says of it.

use std::time::Duration;

use aws_sim::{
    Aws, Deployment, DeploymentConfiguration, Rollout, Sent, Service, Starts, TargetGroup,
};
use serde_json::Value;
use tokio::time::advance;

use crate::clients::ecs;

const SECOND: Duration = Duration::from_secs(1);

/// A deployment that a test looks at second by second.
struct Scene {
    aws: Aws,
    service: String,
    events: Vec<Value>,
}

/// How many tasks the service has with desiredStatus RUNNING: old ones, and new ones.
type OldNew = (usize, usize);

impl Scene {
    fn of(service: Service) -> Self {
        Self::in_world(Aws::new(), service)
    }

    fn in_world(aws: Aws, service: Service) -> Self {
        let service = aws.run_service(service, 7);
        Self { aws, service, events: Vec::new() }
    }

    async fn second(&mut self) {
        advance(SECOND).await;
        for sent in self.aws.step() {
            match sent {
                Sent::Event(event) => self.events.push(event),
                Sent::Hook(call) => panic!("no hook, not {call:?}"),
            }
        }
    }

    async fn seconds(&mut self, seconds: usize) {
        for _ in 0..seconds {
            self.second().await;
        }
    }

    /// Until the deployment is over; the answer is how many seconds it took.
    async fn finish(&mut self) -> usize {
        for seconds in 0..3600 {
            if !self.aws.is_deploying(&self.service) {
                return seconds;
            }
            self.second().await;
        }
        panic!("not over in an hour: {:?}", self.aws.deployments(&self.service))
    }

    fn primary(&self) -> Deployment {
        self.aws.deployments(&self.service)[0].clone()
    }

    async fn tasks(&self) -> OldNew {
        let primary = self.primary().id;
        let tasks = running(&self.aws).await;
        let new = tasks.iter().filter(|task| task.started_by() == Some(&primary)).count();
        (tasks.len() - new, new)
    }

    /// The names of the deployment events so far.
    fn deployment_events(&self) -> Vec<&str> {
        let details = self.events.iter().map(|event| &event["detail"]);
        details.filter_map(|detail| detail["eventName"].as_str()).collect()
    }
}

/// All tasks of the service with desiredStatus RUNNING.
async fn running(aws: &Aws) -> Vec<aws_sdk_ecs::types::Task> {
    let client = ecs(aws);
    let list = client.list_tasks().cluster("demo-cluster").service_name("demo-service");
    let arns = list.send().await.unwrap().task_arns().to_vec();
    if arns.is_empty() {
        return Vec::new();
    }
    let call = client.describe_tasks().cluster("demo-cluster").set_tasks(Some(arns));
    call.send().await.unwrap().tasks().to_vec()
}

async fn protect(aws: &Aws, arns: &[String], enabled: bool, minutes: i32) -> Vec<String> {
    let call = ecs(aws).update_task_protection().cluster("demo-cluster");
    let call = call.set_tasks(Some(arns.to_vec())).protection_enabled(enabled);
    let answer = call.expires_in_minutes(minutes).send().await.unwrap();
    let reasons = answer.failures().iter().map(|failure| failure.reason().unwrap_or_default());
    reasons.map(str::to_owned).collect()
}

fn service(desired: usize) -> Service {
    Service::new("demo-service").desired_count(desired).zones("abc")
}

/// With a start of exactly ten seconds.
fn quick() -> Starts {
    Starts { running: (10 * SECOND, 10 * SECOND), ..Starts::ec2() }
}

async fn arns(aws: &Aws) -> Vec<String> {
    running(aws).await.iter().map(|task| task.task_arn().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_service_is_steady_until_it_is_deployed() {
    let mut scene = Scene::of(service(4));
    scene.seconds(100).await;
    assert_eq!((scene.tasks().await, scene.events.len()), ((0, 4), 0));
    let zones: Vec<_> = running(&scene.aws).await;
    let mut zones: Vec<_> = zones.iter().map(|task| task.availability_zone().unwrap()).collect();
    zones.sort_unstable();
    assert_eq!(zones, ["us-east-2a", "us-east-2a", "us-east-2b", "us-east-2c"]);
}

#[tokio::test(start_paused = true)]
async fn with_room_for_twice_as_many_all_new_tasks_start_first() {
    let mut scene = Scene::of(service(4).starts(quick()));
    scene.aws.deploy(&scene.service);
    scene.seconds(50).await;
    assert_eq!(scene.tasks().await, (4, 4), "40 s after RUNNING is not over yet");
    scene.seconds(2).await;
    assert_eq!(scene.tasks().await, (0, 4));
}

#[tokio::test(start_paused = true)]
async fn a_new_task_is_trusted_when_its_container_is_healthy() {
    let starts = quick().healthy(5 * SECOND, 5 * SECOND);
    let mut scene = Scene::of(service(2).starts(starts));
    scene.aws.deploy(&scene.service);
    scene.seconds(15).await;
    assert_eq!(scene.tasks().await, (2, 2));
    scene.seconds(2).await;
    assert_eq!(scene.tasks().await, (0, 2));
    let tasks = running(&scene.aws).await;
    let healthy = tasks.iter().filter_map(|task| task.health_status());
    assert!(healthy.map(|health| health.as_str()).eq(["HEALTHY", "HEALTHY"]));
}

#[tokio::test(start_paused = true)]
async fn at_fifty_and_hundred_percent_old_tasks_go_first_in_batches() {
    let half = DeploymentConfiguration::rolling(50, 100);
    let mut scene = Scene::of(service(4).starts(quick()).deployment(half));
    scene.aws.deploy(&scene.service);
    scene.seconds(1).await;
    assert_eq!(scene.tasks().await, (2, 2));
    scene.seconds(49).await;
    assert_eq!(scene.tasks().await, (2, 2));
    scene.seconds(3).await;
    assert_eq!(scene.tasks().await, (0, 4));
}

#[tokio::test(start_paused = true)]
async fn both_limits_are_rounded_to_the_safe_side() {
    // ECS docs: 75 percent of two are two healthy ones; 125 percent of three are three tasks.
    for (desired, minimum, maximum) in [(2, 75, 100), (3, 100, 125)] {
        let stuck = DeploymentConfiguration::rolling(minimum, maximum);
        let mut scene = Scene::of(service(desired).starts(quick()).deployment(stuck));
        scene.aws.deploy(&scene.service);
        scene.seconds(300).await;
        assert_eq!(scene.tasks().await, (desired, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_reported_from_its_start_to_its_end() {
    let mut scene = Scene::of(service(2).starts(quick()));
    let id = scene.aws.deploy(&scene.service);
    scene.finish().await;
    let names = ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"];
    assert_eq!(scene.deployment_events(), names);
    let event = &scene.events[0];
    assert_eq!(event["detail-type"], "ECS Deployment State Change");
    assert_eq!(event["resources"][0], scene.service);
    assert_eq!(event["detail"]["deploymentId"], id);
    assert_eq!(event["detail"]["reason"], format!("ECS deployment {id} in progress."));
    assert_eq!(scene.primary().rollout, Rollout::Completed);
    assert_eq!(scene.aws.deployments(&scene.service).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_task_is_reported_as_its_state_changes() {
    let mut scene = Scene::of(service(1).starts(quick()));
    let old = arns(&scene.aws).await;
    scene.aws.deploy(&scene.service);
    scene.seconds(120).await;
    let statuses = |is_old: bool| -> Vec<(&str, u64)> {
        let details = scene.events.iter().map(|event| &event["detail"]);
        let ours = details.filter(|detail| detail["taskArn"].is_string());
        let ours = ours.filter(|detail| (detail["taskArn"] == old[0].as_str()) == is_old);
        ours.map(|detail| {
            (detail["lastStatus"].as_str().unwrap(), detail["version"].as_u64().unwrap())
        })
        .collect()
    };
    assert_eq!(statuses(false), [("PROVISIONING", 1), ("PENDING", 2), ("RUNNING", 3)]);
    assert_eq!(statuses(true), [("DEACTIVATING", 4), ("DEPROVISIONING", 5), ("STOPPED", 6)]);
}

#[tokio::test(start_paused = true)]
async fn describe_services_shows_a_deployment_under_way() {
    let mut scene = Scene::of(service(3).starts(quick()));
    let id = scene.aws.deploy(&scene.service);
    scene.seconds(11).await;
    let call = ecs(&scene.aws).describe_services().cluster("demo-cluster");
    let answer = call.services("demo-service").send().await.unwrap();
    let service = &answer.services()[0];
    assert_eq!((service.desired_count(), service.running_count()), (3, 6));
    let [new, old] = service.deployments() else { panic!("two deployments, not {service:?}") };
    assert_eq!((new.id(), new.status()), (Some(id.as_str()), Some("PRIMARY")));
    assert_eq!((new.desired_count(), new.running_count(), old.running_count()), (3, 3, 3));
    assert_eq!((old.status(), old.desired_count()), (Some("ACTIVE"), 0));
    assert_eq!(new.rollout_state().map(|state| state.as_str()), Some("IN_PROGRESS"));
    assert!(new.created_at() > old.created_at());
    let settings = service.deployment_configuration().unwrap();
    assert_eq!(
        (settings.minimum_healthy_percent(), settings.maximum_percent()),
        (Some(100), Some(200))
    );
    assert_eq!(service.scheduling_strategy().map(|strategy| strategy.as_str()), Some("REPLICA"));
    assert!(service.current_service_deployment().is_some());
}

#[tokio::test(start_paused = true)]
async fn with_a_native_group_ecs_waits_for_its_targets_and_their_draining() {
    let aws = Aws::new();
    let group = TargetGroup::ipv4("demo-ipv4").deregistration_delay(30 * SECOND);
    let native = aws.add_target_group(group);
    let mut scene = Scene::in_world(aws, service(2).starts(quick()).attached_to(&native));
    assert_eq!(scene.aws.serving(&native), 2);
    scene.aws.deploy(&scene.service);
    // Registered in ACTIVATING at 7 s, healthy 120 s later.
    scene.seconds(126).await;
    assert_eq!(scene.tasks().await, (2, 2));
    scene.seconds(3).await;
    assert_eq!((scene.tasks().await, scene.aws.serving(&native)), ((0, 2), 2));
    scene.seconds(25).await;
    assert!(scene.aws.is_deploying(&scene.service), "the old tasks drain for 30 s");
    scene.seconds(10).await;
    assert!(!scene.aws.is_deploying(&scene.service));
}

#[tokio::test(start_paused = true)]
async fn protected_tasks_stay_until_they_are_released_or_it_expires() {
    let mut scene = Scene::of(service(4).starts(quick()));
    let old = arns(&scene.aws).await;
    scene.aws.deploy(&scene.service);
    assert!(protect(&scene.aws, &old, true, 5).await.is_empty());
    scene.seconds(200).await;
    assert_eq!(scene.tasks().await, (4, 4));
    assert!(protect(&scene.aws, &old[..1], false, 1).await.is_empty());
    scene.seconds(2).await;
    assert_eq!(scene.tasks().await, (3, 4));
    scene.seconds(97).await;
    assert_eq!(scene.tasks().await, (3, 4));
    scene.seconds(3).await;
    assert_eq!(scene.tasks().await, (0, 4));
    scene.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_bites_blocks_every_protection_but_not_its_end() {
    let mut scene = Scene::of(service(2).starts(quick()));
    let old = arns(&scene.aws).await;
    scene.aws.deploy(&scene.service);
    assert!(protect(&scene.aws, &old, true, 15).await.is_empty());
    scene.seconds(5).await;
    assert!(protect(&scene.aws, &old, true, 15).await.is_empty(), "it does not bite yet");
    scene.seconds(60).await;
    assert_eq!(protect(&scene.aws, &old, true, 15).await, ["DEPLOYMENT_BLOCKED"; 2]);
    assert!(protect(&scene.aws, &old, false, 15).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deployment_supersedes_another_one() {
    let mut scene = Scene::of(service(2).starts(quick()));
    let first = scene.aws.deploy(&scene.service);
    scene.seconds(5).await;
    scene.aws.deploy(&scene.service);
    scene.seconds(2).await;
    assert_eq!(scene.tasks().await, (2, 2), "what did not run yet goes at once");
    scene.finish().await;
    assert!(running(&scene.aws).await.iter().all(|task| task.started_by() != Some(&first)));
    assert_eq!(scene.deployment_events().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_circuit_breaker_rolls_back_to_what_was_completed() {
    let breaks = DeploymentConfiguration::default().circuit_breaker(true);
    let mut scene = Scene::of(service(4).starts(quick()).deployment(breaks));
    let before = scene.primary().id;
    let failed = scene.aws.deploy_starting(&scene.service, quick().failing(1.0));
    scene.finish().await;
    assert_eq!((scene.primary().id, scene.tasks().await), (before, (0, 4)));
    let names = ["IN_PROGRESS", "FAILED", "IN_PROGRESS", "COMPLETED"];
    let names = names.map(|name| format!("SERVICE_DEPLOYMENT_{name}"));
    assert_eq!(scene.deployment_events(), names);
    let details = scene.events.iter().map(|event| &event["detail"]);
    let ended = details.filter(|detail| detail["eventType"] == "ERROR");
    assert!(ended.map(|detail| &detail["deploymentId"]).eq([failed.as_str()]));
}

#[tokio::test(start_paused = true)]
async fn without_a_circuit_breaker_a_failing_deployment_goes_on_for_ever() {
    let mut scene = Scene::of(service(2).starts(quick()));
    scene.aws.deploy_starting(&scene.service, quick().failing(1.0));
    scene.seconds(600).await;
    assert_eq!((scene.primary().rollout, scene.tasks().await.0), (Rollout::InProgress, 2));
    assert!(scene.primary().failed_tasks > 20);
}

#[tokio::test(start_paused = true)]
async fn an_old_task_that_dies_is_replaced_by_one_of_its_own_kind() {
    let mut scene = Scene::of(service(3).starts(quick()));
    let old = arns(&scene.aws).await;
    scene.aws.deploy(&scene.service);
    scene.seconds(5).await;
    scene.aws.crash(&scene.service, &old[0]);
    scene.seconds(1).await;
    assert_eq!(scene.tasks().await, (3, 3));
}

#[tokio::test(start_paused = true)]
async fn tasks_come_and_go_with_the_desired_count_unless_protected() {
    let mut scene = Scene::of(service(2).starts(quick()));
    scene.aws.set_desired_count(&scene.service, 4);
    scene.seconds(20).await;
    assert_eq!(scene.tasks().await, (0, 4));
    scene.seconds(60).await;
    let all = arns(&scene.aws).await;
    protect(&scene.aws, &all[..3], true, 10).await;
    scene.aws.set_desired_count(&scene.service, 1);
    scene.seconds(5).await;
    assert_eq!(arns(&scene.aws).await, all[..3]);
}

#[tokio::test(start_paused = true)]
async fn healthy_targets_of_tasks_that_got_sigterm_do_not_serve() {
    let aws = Aws::new();
    let ipv6 = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let mut scene = Scene::in_world(aws, service(2).starts(quick()));
    for arn in arns(&scene.aws).await {
        let address = scene.aws.task(&arn).unwrap().ipv6().unwrap();
        scene.aws.put_target(&ipv6, &address.to_string(), 8080);
    }
    scene.seconds(120).await;
    assert_eq!(scene.aws.serving(&ipv6), 2);
    scene.aws.deploy(&scene.service);
    scene.finish().await;
    assert_eq!(scene.aws.serving(&ipv6), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_deaf_on_ipv6_never_serves_there() {
    let aws = Aws::new();
    let ipv6 = aws.add_target_group(TargetGroup::ipv6("demo-ipv6"));
    let mut scene = Scene::in_world(aws, service(2));
    scene.aws.deploy_starting(&scene.service, quick().deaf(1.0));
    scene.finish().await;
    for arn in arns(&scene.aws).await {
        let address = scene.aws.task(&arn).unwrap().ipv6().unwrap();
        scene.aws.put_target(&ipv6, &address.to_string(), 8080);
    }
    scene.seconds(300).await;
    let states = scene.aws.targets(&ipv6).into_iter().map(|row| row.health.to_string());
    assert!(states.eq(["unhealthy", "unhealthy"]));
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_the_same_events_however_often_one_steps() {
    let run = async |seconds: u64| {
        let aws = Aws::starting_at(std::time::SystemTime::UNIX_EPOCH + 1_800_000_000 * SECOND);
        let service = aws.run_service(service(5), 3);
        aws.deploy(&service);
        let mut events = Vec::new();
        for _ in 0..300 / seconds {
            advance(Duration::from_secs(seconds)).await;
            events.extend(aws.step());
        }
        events
    };
    assert_eq!(run(1).await, run(60).await);
}
