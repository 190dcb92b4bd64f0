//! A cluster by name is in the function's own account, wherever its target group is.

use aws_sim::Action::{DescribeServices, DescribeTasks, ListTasks};
use aws_sim::Aws;
use ecs_ipv6_targets::config::Config;
use lambda_runtime::Context;
use serde_json::{Value, json};

use crate::common::{Function, reasons, target};
use crate::scene::{EXTERNAL_ID, OTHER, ROLE, by_role, group_there, task_there};

const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";

/// A function that is bound to a group of another account alone, by the name of the cluster.
async fn elsewhere(settings: &[(&str, &str)]) -> Function {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let group = aws.add_target_group(group_there("there"));
    Function::with(aws, json!([by_role("other-service", &group)]), settings).await
}

#[tokio::test(start_paused = true)]
async fn the_functions_arn_says_where_a_cluster_by_name_is() {
    let function = elsewhere(&[]).await;
    function.deliver(&task_there(0)).await.unwrap();
    assert_eq!(function.registered(), [target(0)]);
    let foreign = task_there(1).account(OTHER);
    let report = function.invoke(function.event(&foreign)).await.unwrap();
    assert_eq!(reasons(&report), ["no-binding"]);
}

#[tokio::test(start_paused = true)]
async fn ecs_is_asked_for_the_cluster_by_its_arn() {
    let function = elsewhere(&[("HOLD_MINUTES", "15")]).await;
    function.aws.put_task(&task_there(0));
    function.reconcile().await.unwrap();
    let calls = function.aws.take_calls();
    let of_ecs = calls
        .iter()
        .filter(|call| [ListTasks, DescribeTasks, DescribeServices].contains(&call.action));
    let clusters: Vec<Option<&str>> = of_ecs.map(|call| call.resource.as_deref()).collect();
    assert!(clusters.len() >= 2, "{clusters:?}");
    assert!(clusters.iter().all(|cluster| *cluster == Some(CLUSTER)), "{clusters:?}");
    assert_eq!(function.registered(), [target(0)]);
}

#[tokio::test(start_paused = true)]
async fn without_the_functions_arn_such_a_binding_is_never_no_binding() {
    let aws = Aws::new();
    aws.add_role(ROLE, Some(EXTERNAL_ID));
    let group = aws.add_target_group(group_there("there"));
    let invoke = async |cluster: &str| {
        let mut binding = by_role("other-service", &group);
        binding["cluster"] = json!(cluster);
        let bindings = json!([binding]);
        let clock = aws.clone();
        let clock = std::sync::Arc::new(move || clock.now());
        let handler = harness::function::handler_as_set(&bindings, &[], &aws, clock);
        let mut context = Context::default();
        context.deadline = u64::MAX / 2;
        aws.put_task(&task_there(0));
        let event: Value = task_there(0).event(aws.now());
        handler.handle(harness::lambda::event(&event, context)).await
    };
    let error = invoke("demo-cluster").await.unwrap_err();
    assert_eq!(error.kind(), "AccountUnknown");
    let message = error.to_string();
    assert!(message.starts_with("BINDINGS[0]: ") && message.contains("cluster's ARN"), "{message}");
    let report = invoke(CLUSTER).await.unwrap();
    assert_eq!(report["registered"][0]["targetGroupArn"], *group);
}

#[test]
fn settings_never_show_an_external_id() {
    let group = group_there("there").arn();
    let bindings = json!([by_role("other-service", &group)]).to_string();
    let read = |bindings: &str| {
        Config::read(|name| match name {
            "AWS_REGION" => Some("us-east-2".to_owned()),
            "BINDINGS" => Some(bindings.to_owned()),
            _ => None,
        })
    };
    let config = format!("{:?}", read(&bindings).unwrap());
    assert!(config.contains(ROLE) && !config.contains(EXTERNAL_ID), "{config}");
    for bad in [json!(format!("{EXTERNAL_ID} ;")), json!([EXTERNAL_ID]), json!({EXTERNAL_ID: 1})] {
        let mut binding = by_role("other-service", &group);
        binding["externalId"] = bad;
        let mistake = read(&json!([binding]).to_string()).unwrap_err().to_string();
        assert!(mistake.starts_with("BINDINGS[0].externalId: "), "{mistake}");
        assert!(!mistake.contains(EXTERNAL_ID), "{mistake}");
    }
}
