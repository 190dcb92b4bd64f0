//! What ECS's scheduler starts and stops in a rolling deployment.

use aws_sim::{Aws, DeploymentConfiguration, TargetGroup};

use crate::scene::{SECOND, Scene, arns, protect, quick, running, service};

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
