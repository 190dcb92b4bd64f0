//! `{"action":"explain"}`: everything about one task, and nothing written.

mod common;

use std::time::Duration;

use aws_sim::{Action, Aws, Fault, Health, TargetGroup, Task};
use common::{Function, PORT, address, binding, binding_of, task};
use serde_json::{Value, json};
use tokio::time::advance;

async fn explain(function: &Function, task: &str) -> Value {
    function.aws.take_calls();
    let answer = function.invoke(json!({"action": "explain", "task": task})).await.unwrap();
    assert_eq!(function.writes(), 0, "explaining writes");
    answer
}

/// Explains a task that one binding covers: its target there.
async fn target(function: &Function, task: &Task) -> Value {
    let answer = explain(function, &task.arn()).await;
    assert_eq!(answer["bindings"].as_array().unwrap().len(), 1, "{answer}");
    assert!(answer.get("because").is_none(), "{answer}");
    answer["bindings"][0].clone()
}

fn says(target: &Value, would: &str, because: &str) {
    assert_eq!(target["would"], would, "{target}");
    assert!(target["because"].as_str().unwrap().starts_with(because), "{because}: {target}");
}

#[tokio::test(start_paused = true)]
async fn a_serving_task_is_explained_from_missing_to_healthy() {
    let lag = Duration::from_secs(120);
    let group = TargetGroup::ipv6("demo-ipv6").port(PORT).registration_lag(lag);
    let function = Function::in_group(group, &[]).await;
    function.aws.put_task(&task(0));
    let absent = target(&function, &task(0)).await;
    says(&absent, "register", "the task serves, and its target is not registered");
    assert_eq!((&absent["state"], &absent["reason"]), (&json!("absent"), &json!("")));
    assert_eq!((&absent["id"], &absent["port"]), (&json!(address(0)), &json!(PORT)));
    assert_eq!(absent["targetGroupArn"], json!(function.group));
    assert_eq!(absent["binding"], "BINDINGS[0]");

    function.reconcile().await.unwrap();
    let initial = target(&function, &task(0)).await;
    says(&initial, "nothing", "the task serves, and its target is registered");
    assert_eq!(initial["state"], "initial");
    assert_eq!(initial["reason"], "Elb.RegistrationInProgress");

    advance(lag).await;
    assert_eq!(target(&function, &task(0)).await["state"], "healthy");
    function.aws.set_health(&function.group, &address(0), PORT, Health::Unhealthy);
    let unhealthy = target(&function, &task(0)).await;
    assert_eq!(unhealthy["reason"], "Target.FailedHealthChecks");

    function.aws.take_target(&function.group, &address(0), PORT);
    let draining = target(&function, &task(0)).await;
    says(&draining, "register", "the task serves, and its target drains");
    assert_eq!(draining["state"], "draining");
}

#[tokio::test(start_paused = true)]
async fn what_ecs_says_of_the_task_is_told_in_its_own_words() {
    let function = Function::new().await;
    let deployed = task(0).started_by("ecs-svc/7").health_status("HEALTHY").deactivating();
    function.aws.put_task(&deployed);
    let answer = explain(&function, deployed.id()).await;
    let said = json!({
        "taskArn": deployed.arn(), "cluster": deployed.cluster_arn(),
        "group": "service:demo-service", "lastStatus": "DEACTIVATING", "desiredStatus": "STOPPED",
        "version": 4, "address": address(0), "startedBy": "ecs-svc/7", "healthStatus": "HEALTHY",
    });
    assert_eq!(answer["task"], said);
}

#[tokio::test(start_paused = true)]
async fn a_leaving_task_is_explained_by_what_becomes_of_its_target() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).stopped());
    function.aws.put_target(&function.group, &address(0), PORT);
    let left = target(&function, &task(0)).await;
    says(&left, "deregister", "the task is leaving, and its target is still registered");

    function.reconcile().await.unwrap();
    let drained = target(&function, &task(0)).await;
    says(&drained, "nothing", "the task is leaving, and its target is not registered any more");

    // Its address serves another task by now.
    function.aws.put_task(&task(1).address(&address(0)));
    let taken = target(&function, &task(0)).await;
    says(&taken, "nothing", "superseded: ");
    function.reconcile().await.unwrap();
    says(&target(&function, &task(0)).await, "nothing", "superseded: ");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_needs_nothing_is_explained_by_the_reason_of_its_skip() {
    let function = Function::new().await;
    for (task, because) in [
        (task(0).pending(), "not-running: "),
        (task(1).without_address(), "no-address: "),
        (task(2).without_address().stopped(), "no-address: "),
    ] {
        function.aws.put_task(&task);
        says(&target(&function, &task).await, "nothing", because);
    }
}

#[tokio::test(start_paused = true)]
async fn what_settings_keep_from_being_done_is_said() {
    for (settings, would, because) in [
        (("PRUNE", "never"), "nothing", "the task is leaving and its target still registered, but"),
        (("DRY_RUN", "true"), "deregister", "the task is leaving, and its target is still reg"),
    ] {
        let function = Function::with_settings(&[settings]).await;
        function.aws.put_task(&task(0).stopped());
        function.aws.put_target(&function.group, &address(0), PORT);
        let target = target(&function, &task(0)).await;
        says(&target, would, because);
        assert!(target["because"].as_str().unwrap().contains(settings.0), "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_removed_for_a_task_whose_group_is_not_known_in_full() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).stopped());
    function.aws.put_target(&function.group, &address(0), PORT);
    function.aws.fault(Fault::on(Action::ListTasks).access_denied());
    let because = "the task is leaving and its target still registered, but not all tasks";
    says(&target(&function, &task(0)).await, "nothing", because);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ecs_does_not_know_is_called_unknown() {
    let function = Function::new().await;
    for name in [task(0).arn(), task(0).id().to_owned()] {
        let answer = explain(&function, &name).await;
        assert_eq!((&answer["task"], &answer["bindings"]), (&json!(null), &json!([])));
        let because = answer["because"].as_str().unwrap();
        assert!(because.starts_with("ECS knows no such task in "), "{because}");
        assert!(because.contains("demo-cluster"), "{because}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_no_binding_covers_is_told_why_none_does() {
    let (function, second) = Function::of_two_services().await;
    let stranger = task(0).service("third-service");
    let elsewhere = task(1).cluster("other-cluster");
    function.aws.put_task(&stranger);
    function.aws.put_task(&elsewhere);
    let answer = explain(&function, &stranger.arn()).await;
    assert_eq!(answer["bindings"], json!([]));
    let because = answer["because"].as_str().unwrap();
    assert!(
        because.starts_with("no-binding: no binding covers service:third-service"),
        "{because}"
    );
    let others = answer["otherBindings"].as_array().unwrap();
    assert_eq!(others[0]["because"], "it is for service:demo-service");
    assert_eq!(others[1]["because"], "it is for service:other-service");

    let answer = explain(&function, &elsewhere.arn()).await;
    assert_eq!(answer["otherBindings"][0]["because"], "it is for the cluster demo-cluster");
    assert_eq!(answer["task"]["taskArn"], json!(elsewhere.arn()));

    // One that a binding covers is told of the others, too.
    let other = task(2).service("other-service");
    function.aws.put_task(&other);
    let answer = explain(&function, &other.arn()).await;
    assert_eq!(answer["bindings"][0]["targetGroupArn"], json!(second));
    assert_eq!(answer["otherBindings"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_looked_for_in_the_clusters_of_all_bindings() {
    let aws = Aws::new();
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    aws.add_cluster("second-cluster");
    let mut second = binding_of("demo-service", &group);
    second["cluster"] = json!("second-cluster");
    let function = Function::with(aws, json!([binding(&group, None), second]), &[]).await;
    let there = task(0).cluster("second-cluster");
    function.aws.put_task(&there);
    let answer = explain(&function, there.id()).await;
    assert_eq!(answer["task"]["taskArn"], json!(there.arn()));
    assert_eq!(answer["bindings"][0]["binding"], "BINDINGS[1]");
    assert_eq!(answer["bindings"][0]["would"], "register");
}

#[tokio::test(start_paused = true)]
async fn a_task_in_several_groups_is_explained_in_each_though_one_is_broken() {
    let (function, groups) = Function::in_groups(2).await;
    function.aws.put_task(&task(0));
    function.aws.delete_target_group(&groups[0]);
    let answer = explain(&function, &task(0).arn()).await;
    let [broken, sound] = [&answer["bindings"][0], &answer["bindings"][1]];
    says(broken, "nothing", "the target group could not be read: DescribeTargetHealth");
    assert_eq!((&broken["state"], &sound["state"]), (&json!("unknown"), &json!("absent")));
    assert_eq!(sound["would"], "register");
}

#[tokio::test(start_paused = true)]
async fn what_ecs_refuses_to_answer_is_told_and_is_no_error() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.aws.fault(Fault::on(Action::DescribeTasks).access_denied());
    let answer = explain(&function, &task(0).arn()).await;
    let because = answer["because"].as_str().unwrap();
    assert!(because.contains("DescribeTasks: AccessDeniedException"), "{because}");
}

#[tokio::test(start_paused = true)]
async fn protection_is_asked_for_only_where_holds_are_on() {
    for (minutes, protected) in [("0", false), ("15", true)] {
        let function = Function::with_settings(&[("HOLD_MINUTES", minutes)]).await;
        function.aws.put_task(&task(0));
        assert!(function.aws.protect_itself(&task(0).arn(), Some(30)));
        let answer = explain(&function, &task(0).arn()).await;
        let until = answer["protection"]["until"].as_str();
        assert_eq!(until.is_some_and(|until| until.ends_with('Z')), protected, "{answer}");
        let explained = Action::GetTaskProtection;
        explain(&function, &task(0).arn()).await;
        let calls = function.invoke(json!({"action": "explain", "task": task(0).id()})).await;
        calls.unwrap();
        assert_eq!(function.actions().contains(&explained), protected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_names_no_task_is_refused_with_a_list_of_inputs() {
    let function = Function::new().await;
    for task in [json!(null), json!(7), json!(""), json!("a b"), json!(function.group)] {
        let error = function.invoke(json!({"action": "explain", "task": task})).await.unwrap_err();
        assert_eq!(error.kind(), "UnknownInput");
        assert!(error.to_string().contains("\"explain\", \"task\": ARN or id"), "{error}");
    }
}
