//! Task scale-in protection, through the real SDK client.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::update_task_protection::UpdateTaskProtectionOutput;
use aws_sim::{Action, Aws, Fault, Rate, Service, Task};
use tokio::time::advance;

use crate::clients::{code, ecs};

const MINUTE: Duration = Duration::from_secs(60);

/// A world with so many running tasks of `demo-service`, and their ARNs.
fn world(tasks: usize) -> (Aws, Client, Vec<String>) {
    let aws = Aws::new();
    aws.add_service(Service::new("demo-service"));
    let tasks: Vec<Task> = (0..tasks).map(|n| Task::new(&n.to_string()).running()).collect();
    tasks.iter().for_each(|task| aws.put_task(task));
    let client = ecs(&aws);
    (aws, client, tasks.iter().map(Task::arn).collect())
}

async fn update(
    client: &Client,
    arns: &[String],
    enabled: bool,
    minutes: Option<i32>,
) -> UpdateTaskProtectionOutput {
    let call = client.update_task_protection().cluster("demo-cluster");
    let call = call.set_tasks(Some(arns.to_vec())).protection_enabled(enabled);
    call.set_expires_in_minutes(minutes).send().await.expect("an answer")
}

/// Which of these tasks are protected, as GetTaskProtection says it.
async fn protected(client: &Client, arns: &[String]) -> Vec<bool> {
    let call = client.get_task_protection().cluster("demo-cluster");
    let answer = call.set_tasks(Some(arns.to_vec())).send().await.expect("an answer");
    answer.protected_tasks().iter().map(|task| task.protection_enabled()).collect()
}

fn reasons(answer: &UpdateTaskProtectionOutput) -> Vec<Option<&str>> {
    answer.failures().iter().map(|failure| failure.reason()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_protection_ends_when_it_was_said_to() {
    let (aws, client, arns) = world(2);
    let answer = update(&client, &arns[..1], true, Some(5)).await;
    let until = answer.protected_tasks()[0].expiration_date().expect("an end");
    let end = aws.now() + 5 * MINUTE;
    assert_eq!(until.to_millis().unwrap(), aws_millis(end));
    advance(5 * MINUTE - Duration::from_millis(1)).await;
    assert_eq!(protected(&client, &arns).await, [true, false]);
    advance(Duration::from_millis(1)).await;
    assert_eq!(protected(&client, &arns).await, [false, false]);
}

fn aws_millis(time: std::time::SystemTime) -> i64 {
    aws_sdk_ecs::primitives::DateTime::from(time).to_millis().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_repeat_sets_the_end_anew_and_two_hours_are_the_default() {
    let (_, client, arns) = world(1);
    update(&client, &arns, true, Some(1)).await;
    update(&client, &arns, true, None).await;
    advance(119 * MINUTE).await;
    assert_eq!(protected(&client, &arns).await, [true]);
    advance(MINUTE).await;
    assert_eq!(protected(&client, &arns).await, [false]);
}

#[tokio::test(start_paused = true)]
async fn a_protection_can_be_cleared() {
    let (_, client, arns) = world(1);
    update(&client, &arns, true, None).await;
    let answer = update(&client, &arns, false, None).await;
    assert_eq!(answer.protected_tasks()[0].expiration_date(), None);
    assert_eq!(protected(&client, &arns).await, [false]);
}

#[tokio::test(start_paused = true)]
async fn standalone_stopping_and_unknown_tasks_fail_beside_the_others() {
    let (aws, client, arns) = world(3);
    let standalone = Task::new("alone").family("demo").running();
    let stopping = Task::new("going").running().deactivating();
    aws.put_task(&standalone);
    aws.put_task(&stopping);
    let asked = [standalone.arn(), stopping.arn(), "none".to_owned(), arns[0].clone()];
    let answer = update(&client, &asked, true, None).await;
    let expected = ["TASK_NOT_VALID", "TASK_NOT_VALID", "MISSING"].map(Some);
    assert_eq!(reasons(&answer), expected);
    assert_eq!(answer.protected_tasks()[0].task_arn(), Some(arns[0].as_str()));
}

#[tokio::test(start_paused = true)]
async fn more_protected_tasks_than_desired_are_refused() {
    let (aws, client, arns) = world(3);
    aws.add_service(Service::new("demo-service").desired_count(2));
    let answer = update(&client, &arns, true, None).await;
    assert_eq!(
        (answer.protected_tasks().len(), reasons(&answer)),
        (2, vec![Some("DEPLOYMENT_BLOCKED")])
    );
    update(&client, &arns[..1], false, None).await;
    assert_eq!(reasons(&update(&client, &arns[2..], true, None).await), []);
}

#[tokio::test(start_paused = true)]
async fn a_protected_task_that_stops_makes_room_for_another() {
    let (aws, client, arns) = world(2);
    aws.add_service(Service::new("demo-service").desired_count(1));
    update(&client, &arns[..1], true, None).await;
    assert_eq!(reasons(&update(&client, &arns[1..], true, None).await).len(), 1);
    aws.put_task(&Task::new("0").running().deactivating());
    assert_eq!(reasons(&update(&client, &arns[1..], true, None).await), []);
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_their_bounds_are_refused() {
    let (_, client, arns) = world(11);
    for (tasks, minutes, accepted) in
        [(10, 2880, true), (11, 1, false), (0, 1, false), (1, 0, false), (1, 2881, false)]
    {
        let call = client.update_task_protection().cluster("demo-cluster");
        let call = call.set_tasks(Some(arns[..tasks].to_vec())).protection_enabled(true);
        let answer = call.expires_in_minutes(minutes).send().await.map_err(code);
        let expected = (!accepted).then(|| "InvalidParameterException".to_owned());
        assert_eq!(answer.err().flatten(), expected, "{tasks} tasks, {minutes} minutes");
    }
    let many = Some(vec!["a".to_owned(); 101]);
    let call = client.get_task_protection().cluster("demo-cluster").set_tasks(many);
    assert_eq!(code(call.send().await.unwrap_err()).as_deref(), Some("InvalidParameterException"));
}

#[tokio::test(start_paused = true)]
async fn protection_can_be_denied_and_is_throttled_beyond_its_burst() {
    let (aws, _, arns) = world(1);
    let once = aws_sdk_ecs::config::retry::RetryConfig::disabled();
    let client = Client::from_conf(ecs(&aws).config().to_builder().retry_config(once).build());
    aws.fault(Fault::on(Action::UpdateTaskProtection).nth(1).access_denied());
    let update = async || {
        let call = client.update_task_protection().cluster("demo-cluster").tasks(&arns[0]);
        call.protection_enabled(true).send().await.map_err(code)
    };
    assert_eq!(update().await.unwrap_err().as_deref(), Some("AccessDeniedException"));
    aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    for _ in 0..200 {
        update().await.unwrap();
    }
    assert_eq!(update().await.unwrap_err().as_deref(), Some("ThrottlingException"));
    advance(Duration::from_secs(1) / 80).await;
    update().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_application_protects_its_task_by_the_same_rules() {
    let (aws, client, arns) = world(2);
    assert!(aws.protect_itself(&arns[0], Some(5)));
    assert_eq!(aws.protected_until(&arns[0]), Some(aws.now() + 5 * MINUTE));
    assert_eq!(protected(&client, &arns).await, [true, false]);
    assert!(aws.protect_itself(&arns[0], None));
    assert_eq!(aws.protected_until(&arns[0]), None);
    let standalone = Task::new("alone").family("batch").running();
    aws.put_task(&standalone);
    assert!(!aws.protect_itself(&standalone.arn(), Some(5)));
    assert!(!aws.protect_itself("unknown", Some(5)));
    assert!(aws.calls().iter().all(|call| call.action == Action::GetTaskProtection));
}

#[tokio::test(start_paused = true)]
async fn one_task_of_a_call_can_fail_once() {
    let (aws, client, arns) = world(2);
    aws.fail_protection(&arns[1]);
    let answer = update(&client, &arns, true, None).await;
    assert_eq!(reasons(&answer), [Some("SERVER_EXCEPTION")]);
    assert_eq!(protected(&client, &arns).await, [true, false]);
    let answer = update(&client, &arns[1..], true, None).await;
    assert_eq!(reasons(&answer), []);
}
