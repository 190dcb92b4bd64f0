//! How ECS deploys the service, and what keeps old tasks meanwhile.

use aws_sim::Service;
use serde_json::{Value, json};

use crate::account::{Account, account, definition, names, of};

/// A service with these settings, attached to no target group.
fn with(settings: &[(&'static str, Value)]) -> Account {
    let service = Service::new("demo-service").task_definition(definition());
    let service = settings
        .iter()
        .fold(service, |service, (name, value)| service.setting(name, value.clone()));
    // Without a native group nothing holds a task while it drains.
    Account { service, beside: vec![("drain", "warn")], ..account() }
}

fn configuration(configuration: Value) -> Account {
    with(&[("deploymentConfiguration", configuration)])
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_that_nothing_holds_back_is_warned_of() {
    let detail = "ECS stops old tasks before the IPv6 targets of the new ones serve";
    let fix = "attach the service to an IPv4 target group of the same load balancer";
    with(&[]).is_faulted("rollout", "warn", detail, fix).await;
    let halted = json!({
        "strategy": "ROLLING",
        "lifecycleHooks": [{"lifecycleStages": ["POST_SCALE_UP"]}],
        "bakeTimeInMinutes": 10,
    });
    configuration(halted).is_faulted("rollout", "warn", detail, fix).await;
}

#[tokio::test(start_paused = true)]
async fn deployments_that_shift_traffic_are_warned_of_and_may_keep_old_tasks() {
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        let detail = format!("{strategy}: new tasks get IPv6 clients as soon as");
        let stages = json!([{"lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"]}]);
        for kept in [json!({"lifecycleHooks": stages}), json!({"bakeTimeInMinutes": 5})] {
            let mut settings = kept;
            settings["strategy"] = json!(strategy);
            let account = configuration(settings);
            account.is_faulted("deployment", "warn", &detail, "strategy ROLLING").await;
        }
        let mut account = configuration(json!({"strategy": strategy}));
        account.beside.push(("deployment", "warn"));
        account.is_faulted("rollout", "warn", "stops old tasks", "bakeTimeInMinutes").await;
    }
}

#[tokio::test(start_paused = true)]
async fn updates_without_room_or_that_stop_tasks_first_are_warned_of() {
    for (settings, detail) in [
        (json!({"maximumPercent": 100, "minimumHealthyPercent": 50}), "leaves no room"),
        (
            json!({"maximumPercent": 149}),
            "maximumPercent 149 leaves no room for a new task beside 2",
        ),
        (json!({"minimumHealthyPercent": 50}), "minimumHealthyPercent 50 lets ECS stop"),
    ] {
        let mut account = configuration(settings);
        account.service = account.service.attached_to(&account.native.arn());
        account.beside.clear();
        account.is_faulted("rollout", "warn", detail, "maximumPercent to 200").await;
    }
    let daemon =
        with(&[("schedulingStrategy", json!("DAEMON")), ("deploymentConfiguration", Value::Null)]);
    daemon.is_faulted("rollout", "warn", "maximumPercent 100 leaves no room", "REPLICA").await;
}

#[tokio::test(start_paused = true)]
async fn task_sets_are_deployed_by_others_and_may_say_nothing_of_percents() {
    let group = account().native.arn();
    let set = json!({
        "status": "PRIMARY",
        "taskDefinition": "arn:aws:ecs:us-east-2:123456789012:task-definition/demo:10",
        "loadBalancers": [{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
    });
    for (controller, judged) in [("EXTERNAL", false), ("CODE_DEPLOY", true)] {
        let mut account = with(&[
            ("deploymentController", json!({"type": controller})),
            ("taskSets", json!([set])),
            ("taskDefinition", Value::Null),
            ("deploymentConfiguration", Value::Null),
        ]);
        // The service names the group as well, as with CODE_DEPLOY.
        account.service = account.service.attached_to(&group);
        account.beside.clear();
        let detail = format!("{controller}: new tasks get IPv6 clients");
        account.is_faulted("deployment", "warn", &detail, "rolling update").await;
        let answer = account.examine().await;
        assert_eq!(names(&answer).contains(&"rollout"), judged);
        if judged {
            let detail = "old tasks are kept by ECS, until the targets in demo-ipv4 are healthy";
            assert_eq!(of(&answer, "rollout")["detail"], detail);
        }
    }
}
