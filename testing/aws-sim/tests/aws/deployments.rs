//! What ECS says of deployments, how they fail, and what serves meanwhile.

use std::time::Duration;

use aws_sim::{Aws, DeploymentConfiguration, Rollout, TargetGroup};
use tokio::time::advance;

use crate::clients::ecs;
use crate::scene::{SECOND, Scene, arns, quick, running, service};

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
