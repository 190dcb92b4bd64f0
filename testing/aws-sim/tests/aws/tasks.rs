//! What ECS says of tasks, through the real SDK client.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::operation::describe_tasks::DescribeTasksOutput;
use aws_sdk_ecs::types::DesiredStatus;
use aws_sim::{Aws, Task};
use tokio::time::advance;

use crate::clients::ecs;

async fn describe(client: &Client, arns: &[String]) -> DescribeTasksOutput {
    let call = client.describe_tasks().cluster("demo-cluster");
    let answer = call.set_tasks(Some(arns.to_vec())).send().await;
    answer.expect("an answer")
}

fn ids(arns: &[String]) -> Vec<&str> {
    let ids = arns.iter().filter_map(|arn| arn.rsplit('/').next());
    ids.collect()
}

#[tokio::test(start_paused = true)]
async fn a_described_task_has_its_version_states_group_and_address() {
    let aws = Aws::new();
    let task = Task::new("a").address("2001:db8::a").running();
    aws.put_task(&task);
    let answer = describe(&ecs(&aws), &[task.arn()]).await;
    let [described] = answer.tasks() else {
        panic!("one task, not {answer:?}");
    };
    assert_eq!(described.task_arn(), Some(task.arn().as_str()));
    assert_eq!(described.cluster_arn(), Some(task.cluster_arn().as_str()));
    assert_eq!(described.version(), 3);
    assert_eq!(described.last_status(), Some("RUNNING"));
    assert_eq!(described.desired_status(), Some("RUNNING"));
    assert_eq!(described.group(), Some("service:demo-service"));
    let interface = &described.containers()[0].network_interfaces()[0];
    assert_eq!(interface.ipv6_address(), Some("2001:db8::a"));
    let attachment = &described.attachments()[0];
    assert_eq!(attachment.r#type(), Some("ElasticNetworkInterface"));
    assert_eq!(attachment.status(), Some("ATTACHED"));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_task_still_has_its_address_and_is_visible_for_an_hour() {
    let aws = Aws::new();
    let task = Task::new("a").running().stopped();
    aws.put_task(&task);
    advance(Duration::from_secs(3599)).await;
    let answer = describe(&ecs(&aws), &[task.arn()]).await;
    let stopped = &answer.tasks()[0];
    let interface = &stopped.containers()[0].network_interfaces()[0];
    let address = task.ipv6().map(|address| address.to_string());
    assert_eq!(interface.ipv6_address(), address.as_deref());
    assert_eq!(stopped.attachments()[0].status(), Some("DELETED"));
    advance(Duration::from_secs(1)).await;
    let answer = describe(&ecs(&aws), &[task.arn()]).await;
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
    assert_eq!(aws.task(&task.arn()), None);
}

#[tokio::test(start_paused = true)]
async fn a_provisioning_task_has_no_network_interface() {
    let aws = Aws::new();
    let task = Task::new("a");
    aws.put_task(&task);
    let answer = describe(&ecs(&aws), &[task.arn()]).await;
    assert!(answer.tasks()[0].containers()[0].network_interfaces().is_empty());
    assert_eq!(answer.tasks()[0].attachments()[0].status(), Some("PRECREATED"));
}

#[tokio::test(start_paused = true)]
async fn an_external_task_has_no_network_interface() {
    let aws = Aws::new();
    let task = Task::new("a").launch_type("EXTERNAL").running();
    aws.put_task(&task);
    let answer = describe(&ecs(&aws), &[task.arn()]).await;
    assert!(answer.tasks()[0].containers()[0].network_interfaces().is_empty());
    assert!(answer.tasks()[0].attachments().is_empty());
}

#[tokio::test(start_paused = true)]
async fn forgotten_unknown_and_foreign_tasks_are_missing() {
    let aws = Aws::new();
    let forgotten = Task::new("a").running();
    let unknown = Task::new("b");
    let foreign = Task::new("c").cluster("other");
    aws.put_task(&forgotten);
    aws.put_task(&foreign);
    aws.forget_task(&forgotten.arn());
    let asked = [forgotten.arn(), unknown.arn(), foreign.arn()];
    let answer = describe(&ecs(&aws), &asked).await;
    let failures = answer.failures().iter();
    let missing: Vec<_> = failures.map(|failure| (failure.arn(), failure.reason())).collect();
    let expected = asked.each_ref().map(|arn| (Some(arn.as_str()), Some("MISSING")));
    assert_eq!(missing, expected);
    assert!(answer.tasks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tasks_are_described_by_id_and_the_cluster_by_arn_too() {
    let aws = Aws::new();
    let task = Task::new("a").running();
    aws.put_task(&task);
    let call = ecs(&aws).describe_tasks().cluster(task.cluster_arn());
    let answer = call.tasks("a").send().await.expect("an answer");
    assert_eq!(answer.tasks()[0].task_arn(), Some(task.arn().as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_one_to_a_hundred_tasks() {
    let aws = Aws::new();
    let client = ecs(&aws);
    let arns = |count| Some((0..count).map(|n| Task::new(&n.to_string()).arn()).collect());
    for (count, expected) in [
        (0, Some("InvalidParameterException")),
        (100, None),
        (101, Some("InvalidParameterException")),
    ] {
        let call = client.describe_tasks().cluster("demo-cluster");
        let refused = call.set_tasks(arns(count)).send().await.err();
        let code = refused.as_ref().and_then(|error| error.code());
        assert_eq!(code, expected, "{count} tasks");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_cluster_is_not_found_and_the_unnamed_one_is_default() {
    let aws = Aws::new();
    let client = ecs(&aws);
    let unknown = client.list_tasks().cluster("unknown").send().await;
    let code = unknown.err().and_then(|error| error.code().map(str::to_owned));
    assert_eq!(code.as_deref(), Some("ClusterNotFoundException"));
    let unknown = client.describe_tasks().tasks("a").send().await;
    let code = unknown.err().and_then(|error| error.code().map(str::to_owned));
    assert_eq!(code.as_deref(), Some("ClusterNotFoundException"));
    aws.add_cluster("default");
    assert!(client.list_tasks().send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn ecs_keeps_the_higher_version_of_a_task() {
    let aws = Aws::new();
    let running = Task::new("a").running();
    let stopped = running.clone().stopped();
    aws.put_task(&stopped);
    aws.put_task(&running);
    assert_eq!(aws.task(&running.arn()), Some(stopped));
}

#[tokio::test(start_paused = true)]
async fn listed_are_tasks_of_the_service_that_are_to_run_unless_asked_otherwise() {
    let aws = Aws::new();
    aws.put_task(&Task::new("running").running());
    aws.put_task(&Task::new("leaving").running().deactivating());
    aws.put_task(&Task::new("other").service("other-service").running());
    aws.put_task(&Task::new("elsewhere").cluster("other").running());
    let client = ecs(&aws);
    let list = |desired: Option<DesiredStatus>, service: &'static str| {
        let call = client.list_tasks().cluster("demo-cluster");
        call.service_name(service).set_desired_status(desired).send()
    };
    let running = list(None, "demo-service").await.expect("an answer");
    assert_eq!(ids(running.task_arns()), ["running"]);
    let stopped = list(Some(DesiredStatus::Stopped), "demo-service").await;
    assert_eq!(ids(stopped.expect("an answer").task_arns()), ["leaving"]);
    let pending = list(Some(DesiredStatus::Pending), "demo-service").await;
    assert!(pending.expect("an answer").task_arns().is_empty());
    let arn = "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/other-service";
    let other = list(None, arn).await.expect("an answer");
    assert_eq!(ids(other.task_arns()), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn a_family_lists_standalone_tasks_and_those_of_services_alike() {
    let aws = Aws::new();
    aws.put_task(&Task::new("alone").family("batch").running());
    aws.put_task(&Task::new("of-service").task_definition("batch").running());
    aws.put_task(&Task::new("other").running());
    let call = ecs(&aws).list_tasks().cluster("demo-cluster").family("batch");
    let answer = call.send().await.expect("an answer");
    assert_eq!(ids(answer.task_arns()), ["alone", "of-service"]);
    let alone = aws.task(&Task::new("alone").arn()).expect("a task");
    assert_eq!(alone.group(), "family:batch");
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages() {
    let aws = Aws::new();
    for n in 0..205 {
        aws.put_task(&Task::new(&format!("{n:03}")).running());
    }
    let client = ecs(&aws);
    let pages = client.list_tasks().cluster("demo-cluster").into_paginator();
    let pages: Vec<_> = pages.send().collect::<Result<Vec<_>, _>>().await.expect("pages");
    let sizes: Vec<usize> = pages.iter().map(|page| page.task_arns().len()).collect();
    assert_eq!(sizes, [100, 100, 5]);
    let mut all: Vec<&String> = pages.iter().flat_map(|page| page.task_arns()).collect();
    all.dedup();
    assert_eq!(all.len(), 205);
    let small = client.list_tasks().cluster("demo-cluster").max_results(7);
    let small = small.send().await.expect("an answer");
    assert_eq!(small.task_arns().len(), 7);
    assert!(small.next_token().is_some());
    for size in [0, 101] {
        let call = client.list_tasks().cluster("demo-cluster").max_results(size);
        let refused = call.send().await.err();
        let code = refused.as_ref().and_then(|error| error.code());
        assert_eq!(code, Some("InvalidParameterException"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_last_page_has_no_token() {
    let aws = Aws::new();
    for n in 0..100 {
        aws.put_task(&Task::new(&format!("{n:03}")).running());
    }
    let answer = ecs(&aws).list_tasks().cluster("demo-cluster").send().await;
    let answer = answer.expect("an answer");
    assert_eq!((answer.task_arns().len(), answer.next_token()), (100, None));
}
