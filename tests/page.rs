//! The status page of a CloudWatch dashboard, by the handler over the simulated AWS: what it shows,
//! and that it only reads. `tests/page/` looks at it in a browser.

mod common;

use std::time::Duration;

use aws_sim::{
    Action, Aws, Call, DeploymentConfiguration, Fault, Health, Sent, Service, TargetGroup,
};
use common::{Function, PORT, address, binding, binding_of, task};
use serde_json::{Value, json};
use tokio::time::advance;

/// What the page's role may call.
const READS: [Action; 15] = [
    Action::DescribeAccountLimits,
    Action::DescribeListeners,
    Action::DescribeLoadBalancerAttributes,
    Action::DescribeLoadBalancers,
    Action::DescribeRules,
    Action::DescribeServices,
    Action::DescribeTargetGroupAttributes,
    Action::DescribeTargetGroups,
    Action::DescribeTargetHealth,
    Action::DescribeTaskDefinition,
    Action::DescribeTasks,
    Action::GetResources,
    Action::GetTaskProtection,
    Action::ListTasks,
    Action::AssumeRole,
];

fn widget() -> Value {
    json!({"widgetContext": {"theme": "light"}})
}

async fn page(function: &Function) -> String {
    function.aws.take_calls();
    let answer = function.invoke(widget()).await.unwrap();
    let calls = function.aws.take_calls();
    let written = calls.iter().find(|call: &&Call| !READS.contains(&call.action));
    assert!(written.is_none(), "{written:?}");
    answer.as_str().unwrap().to_owned()
}

/// The page has all of this, in this order.
fn shows(page: &str, parts: &[&str]) {
    let mut rest = page;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part:?} is missing, or comes too early, in {page}");
        };
        rest = after;
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_is_shown_from_missing_to_healthy_to_draining() {
    let lag = Duration::from_secs(120);
    let group = TargetGroup::ipv6("demo-ipv6").port(PORT).registration_lag(lag);
    let function = Function::in_group(group, &[]).await;
    let started = function.aws.now();
    function.aws.put_task(&task(0).created_at(started));
    let missing = ["The one running task gets no IPv6 clients", "missing</b>", "registers it."];
    shows(&page(&function).await, &missing);

    function.reconcile().await.unwrap();
    let initial =
        ["waits for its first health checks", "initial</b>", "Elb.RegistrationInProgress"];
    shows(&page(&function).await, &initial);

    advance(lag).await;
    let healthy =
        ["The one running task gets IPv6 clients", &address(0), "<td>8080<td>", "healthy</b>"];
    shows(&page(&function).await, &healthy);

    function.aws.set_health(&function.group, &address(0), PORT, Health::Unhealthy);
    let unhealthy = ["gets no IPv6 clients", "unhealthy</b>", "Target.FailedHealthChecks"];
    shows(&page(&function).await, &unhealthy);

    function.deliver(&task(0).deactivating()).await.unwrap();
    let draining = ["No task is running that should get IPv6 clients", "draining</b>"];
    shows(&page(&function).await, &draining);
}

#[tokio::test(start_paused = true)]
async fn what_a_reconcile_would_remove_or_leave_alone_is_shown() {
    let function = Function::new().await;
    function.aws.put_task(&task(0).stopped());
    for target in [address(0), "2001:db8::b0b".to_owned()] {
        function.aws.put_target(&function.group, &target, PORT);
    }
    let shown = page(&function).await;
    shows(&shown, &["left over</b>", "The next reconcile deregisters it."]);
    shows(&shown, &["no task", "2001:db8::b0b<td>8080<td>", "unowned</b>"]);
    let dry = Function::with_settings(&[("DRY_RUN", "true")]).await;
    dry.aws.put_task(&task(0));
    shows(&page(&dry).await, &["The function writes nothing", "missing</b>", "DRY_RUN is set"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_cannot_be_read_takes_no_other_from_the_page() {
    let (function, groups) = Function::in_groups(2).await;
    function.aws.put_task(&task(0));
    function.aws.put_target(&groups[1], &address(0), PORT);
    function.aws.delete_target_group(&groups[0]);
    let shown = page(&function).await;
    shows(&shown, &["group-0 could not be read: DescribeTargetHealth: TargetGroupNotFound"]);
    shows(&shown, &["group-0</a>", "not read</b>", "group-1</a>", &address(0), "<td>8080"]);
    // That tasks of it cannot be listed is said as well, and what can be read is shown.
    function.aws.fault(Fault::on(Action::ListTasks).access_denied());
    let blind = page(&function).await;
    shows(&blind, &["As far as could be read: No task is running", "ListTasks: AccessDenied"]);
    shows(&blind, &["group-1</a>", "no task", &address(0), "unclear</b>"]);
    assert!(!blind.contains("unowned</b> "), "{blind}");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_shown_with_the_tasks_that_are_kept() {
    let aws = Aws::new();
    let seconds = Duration::from_secs;
    aws.draw_registration_lags(7, seconds(90), seconds(180));
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    let service = Service::new("demo-service")
        .desired_count(2)
        .deployment(DeploymentConfiguration::rolling(100, 200));
    let service = aws.run_service(service, 7);
    let hold = [("HOLD_MINUTES", "15")];
    let function = Function::with(aws, json!([binding(&group, Some(PORT))]), &hold).await;
    function.reconcile().await.unwrap();
    advance(seconds(200)).await;
    function.aws.step();
    function.aws.deploy(&service);
    for _ in 0..70 {
        advance(seconds(1)).await;
        for sent in function.aws.step() {
            if let Sent::Event(event) = sent {
                function.invoke(event).await.unwrap();
            }
        }
    }
    let shown = page(&function).await;
    shows(&shown, &["2 of 4 running tasks get IPv6 clients; the others wait"]);
    shows(&shown, &["demo-service is being deployed: 0 of 2 new tasks get IPv6 clients, 2 wait"]);
    shows(
        &shown,
        &["2 old tasks are kept", "<tbody>", "initial</b>", "healthy</b>", "kept until "],
    );
    assert_eq!(shown.matches("<small>kept until").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_doctors_findings_are_folded_with_their_fixes() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    function.aws.add_service(Service::new("demo-service").attached_to(&function.group));
    let shown = page(&function).await;
    shows(&shown, &["checks of the setup failed:", "not-attached", "Open the checks below"]);
    shows(
        &shown,
        &["<details><summary>", "did not pass", "not-attached", "Fix: aws ecs update-ser"],
    );
}

#[tokio::test(start_paused = true)]
async fn of_many_bindings_the_doctor_examines_those_of_the_worst_groups() {
    let aws = Aws::new();
    let group = |n| aws.add_target_group(TargetGroup::ipv6(&format!("group-{n}")).port(PORT));
    let groups: Vec<String> = (0..12).map(group).collect();
    let bindings: Vec<Value> =
        groups.iter().map(|group| binding_of("other-service", group)).collect();
    let mut bindings = Value::Array(bindings);
    bindings[11] = binding(&groups[11], Some(PORT));
    let function = Function::with(aws, bindings, &[]).await;
    function.aws.put_task(&task(0));
    let shown = page(&function).await;
    shows(&shown, &["2 bindings not examined here"]);
    shows(&shown, &["Checks of the setup", "did not pass", "service:demo-service in demo-cluster"]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_cannot_be_read_are_the_first_thing_that_is_said() {
    let function = Function::with_settings(&[("DISCOVER", "tags")]).await;
    function.aws.put_task(&task(0));
    function.aws.fault(Fault::on(Action::GetResources).access_denied());
    shows(
        &page(&function).await,
        &["Tags cannot be read: GetResources: AccessDenied", "missing</b>"],
    );
}

#[tokio::test(start_paused = true)]
async fn parameters_of_a_dashboard_make_it_do_nothing_else() {
    let function = Function::new().await;
    function.aws.put_task(&task(0));
    let mut event = function.event(&task(0));
    event["widgetContext"] = json!({});
    let operators = json!({"widgetContext": {}, "action": "reconcile"});
    let batch = json!({"widgetContext": {}, "Records": [{"messageId": "m", "body": "x"}]});
    for input in [event, operators, batch] {
        let answer = function.invoke(input).await.unwrap();
        assert!(answer.as_str().unwrap().starts_with("<div"), "{answer}");
    }
    assert_eq!(function.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dashboard_is_told_what_the_page_is_without_a_call() {
    let function = Function::new().await;
    for input in [json!({"describe": true}), json!({"describe": true, "widgetContext": {}})] {
        let answer = function.invoke(input).await.unwrap();
        assert!(answer["markdown"].as_str().unwrap().contains("IPv6 target group"), "{answer}");
    }
    assert_eq!(function.actions(), []);
    for input in [json!({"describe": "true"}), json!({"widgetContext": []})] {
        assert_eq!(function.invoke(input).await.unwrap_err().kind(), "UnknownInput");
    }
}

#[tokio::test(start_paused = true)]
async fn the_times_are_those_of_the_reader() {
    let function = Function::new().await;
    let zone = json!({"widgetContext": {"timezone": {"offsetInMinutes": 330}}});
    let answer = function.invoke(zone).await.unwrap();
    assert!(answer.as_str().unwrap().contains(" UTC+05:30"), "{answer}");
}
