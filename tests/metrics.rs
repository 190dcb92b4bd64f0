//! The metrics of an invocation, and the format in which CloudWatch reads them.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sim::{Action, Aws, Fault, TargetGroup};
use common::{Function, PORT, batch, binding, long_ago, task};
use serde_json::{Value, json};

const DOCUMENTED: &str = include_str!("../docs/metrics.md");

async fn function(settings: &[(&str, &str)]) -> Function {
    let aws = Aws::starting_at(long_ago());
    let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
    Function::with(aws, json!([binding(&group, Some(PORT))]), settings).await
}

/// The values of the metrics by their names, by the dimensions besides the function's name.
type Emitted = BTreeMap<String, BTreeMap<String, Vec<u64>>>;

/// What was emitted. Fails if a line is not what CloudWatch reads (CloudWatch user guide,
/// "Specification: Embedded metric format").
fn emitted(function: &Function) -> Emitted {
    let mut emitted = Emitted::new();
    for line in function.metrics() {
        assert!(!line.contains('\n') && line.len() < 256 * 1024);
        let document: Value = serde_json::from_str(&line).unwrap();
        assert!(document["_aws"]["Timestamp"].as_u64().unwrap() > 1_600_000_000_000);
        let [directive] = &document["_aws"]["CloudWatchMetrics"].as_array().unwrap()[..] else {
            panic!("{line}")
        };
        assert_eq!(directive["Namespace"], "EcsIpv6Targets");
        let [dimensions] = &directive["Dimensions"].as_array().unwrap()[..] else {
            panic!("{line}")
        };
        let dimensions: Vec<&str> =
            dimensions.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        for key in &dimensions {
            assert!((1..=1024).contains(&document[key].as_str().unwrap().len()), "{line}");
        }
        assert_eq!(dimensions[0], "FunctionName");
        let beside =
            dimensions[1..].iter().map(|key| format!("{key}={}", document[key].as_str().unwrap()));
        let emitted = emitted.entry(beside.collect::<String>()).or_default();
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!(
                DOCUMENTED.contains(&format!("\n| `{name}` | ")),
                "docs/metrics.md does not list {name}"
            );
            assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()));
            let values = match &document[name] {
                Value::Array(values) => {
                    values.iter().map(|value| value.as_u64().unwrap()).collect()
                }
                value => vec![value.as_u64().unwrap()],
            };
            assert!((1..=100).contains(&values.len()), "{line}");
            emitted.entry(name.to_owned()).or_default().extend(values);
        }
        assert_eq!(document.as_object().unwrap().len(), 1 + dimensions.len() + metrics.len());
    }
    emitted
}

/// The metrics emitted with these dimensions: `name=value …`.
fn line(emitted: &Emitted, dimensions: &str) -> String {
    let Some(metrics) = emitted.get(dimensions) else { return "nothing".to_owned() };
    let metric = |(name, values): (&String, &Vec<u64>)| match &values[..] {
        [value] => format!("{name}={value}"),
        values => format!("{name}={values:?}"),
    };
    metrics.iter().map(metric).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn a_line_is_written_just_so() {
    let function = function(&[("AWS_LAMBDA_FUNCTION_NAME", "demo")]).await;
    let event = function.event(&task(1));
    function.aws.put_task(&task(1));
    tokio::time::sleep(Duration::from_millis(1700)).await;
    function.invoke(event).await.unwrap();
    let lines = function.metrics();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[1],
        "{\"FunctionName\":\"demo\",\"Registered\":1,\"TargetGroup\":\"demo-ipv6\",\"TimeToRegister\":1700,\
         \"_aws\":{\"CloudWatchMetrics\":[{\"Dimensions\":[[\"FunctionName\",\"TargetGroup\"]],\"Metrics\":[\
         {\"Name\":\"Registered\",\"Unit\":\"Count\"},{\"Name\":\"TimeToRegister\",\"Unit\":\"Milliseconds\"}],\
         \"Namespace\":\"EcsIpv6Targets\"}],\"Timestamp\":1683037175700}}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_and_a_stop_are_counted_and_timed() {
    let function = function(&[]).await;
    function.aws.put_task(&task(1));
    let start = function.event(&task(1));
    function.aws.latency(Some(Action::RegisterTargets), Duration::from_millis(250));
    tokio::time::sleep(Duration::from_secs(2)).await;
    function.invoke(start).await.unwrap();
    let start = emitted(&function);
    assert_eq!(line(&start, ""), "ApiCalls=2 EventAge=2000 Registered=1 TimeToRegister=2250");
    assert_eq!(line(&start, "TargetGroup=demo-ipv6"), "Registered=1 TimeToRegister=2250");
    let stop = function.event_of_before(Duration::from_millis(1250), &task(1).deactivating());
    function.invoke(stop).await.unwrap();
    let stop = emitted(&function);
    assert_eq!(line(&stop, ""), "ApiCalls=1 Deregistered=1 EventAge=1250 TimeToDeregister=1250");
    assert_eq!(line(&stop, "TargetGroup=demo-ipv6"), "Deregistered=1 TimeToDeregister=1250");
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_its_skips_and_failures_by_their_cause() {
    let function = function(&[]).await;
    let other = task(2).service("other");
    let bodies = [&task(1), &task(3).pending(), &other].map(|task| {
        function.aws.put_task(task);
        function.event(task).to_string()
    });
    function.aws.fault(Fault::on(Action::RegisterTargets).error("TooManyTargets", "full", 400));
    let poison = ["no JSON".to_owned(), "{}".to_owned()];
    function.invoke(batch(bodies.into_iter().chain(poison))).await.unwrap();
    let emitted = emitted(&function);
    assert_eq!(line(&emitted, ""), "ApiCalls=1 EventAge=[0, 0, 0] Failed=3 Skipped=2");
    assert_eq!(line(&emitted, "TargetGroup=demo-ipv6"), "Failed=1");
    assert_eq!(line(&emitted, "ErrorType=TooManyTargets"), "Failed=1");
    assert_eq!(line(&emitted, "ErrorType=UnreadableMessage"), "Failed=2");
    assert_eq!(line(&emitted, "Reason=no-binding"), "Skipped=1");
    assert_eq!(line(&emitted, "Reason=not-running"), "Skipped=1");
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_emits_drift_and_what_is_in_step_even_if_all_is_well() {
    let function = function(&[]).await;
    function.aws.put_task(&task(1));
    function.aws.put_task(&task(2).stopped());
    function.aws.put_target(&function.group, &common::address(2), PORT);
    function.aws.put_target(&function.group, "2001:db8::f", PORT);
    function.reconcile().await.unwrap();
    let first = emitted(&function);
    assert_eq!(
        line(&first, ""),
        "ApiCalls=8 Deregistered=1 Drift=2 InStep=0 Reconciles=1 Registered=1 Unowned=1"
    );
    let group = "Deregistered=1 Drift=2 InStep=0 Registered=1 Unowned=1";
    assert_eq!(line(&first, "TargetGroup=demo-ipv6"), group);
    function.aws.take_target(&function.group, "2001:db8::f", PORT);
    function.reconcile().await.unwrap();
    let second = emitted(&function);
    assert_eq!(line(&second, ""), "ApiCalls=3 Drift=0 InStep=1 Reconciles=1");
    assert_eq!(line(&second, "TargetGroup=demo-ipv6"), "InStep=1");
}

#[tokio::test(start_paused = true)]
async fn a_group_that_cannot_be_read_is_not_counted_as_out_of_step() {
    let function = function(&[]).await;
    function.aws.put_task(&task(1));
    function.aws.fault(Fault::on(Action::DescribeTargetHealth).access_denied());
    function.reconcile().await.unwrap_err();
    let emitted = emitted(&function);
    assert_eq!(line(&emitted, "TargetGroup=demo-ipv6"), "Failed=1");
    assert_eq!(line(&emitted, "ErrorType=AccessDenied"), "Failed=1");
}

#[tokio::test(start_paused = true)]
async fn what_a_reconcile_fails_to_fix_stays_drift() {
    let function = function(&[]).await;
    function.aws.put_task(&task(1));
    function.aws.fault(Fault::on(Action::RegisterTargets).error("TooManyTargets", "full", 400));
    function.reconcile().await.unwrap_err();
    assert_eq!(line(&emitted(&function), "TargetGroup=demo-ipv6"), "Drift=1 Failed=1 InStep=0");
}

#[tokio::test(start_paused = true)]
async fn throttled_requests_are_counted_with_the_retries() {
    let function = function(&[]).await;
    let throttled = |action| Fault::on(action).throttled();
    function.aws.fault(throttled(Action::RegisterTargets).times(2));
    function.aws.fault(throttled(Action::DescribeTasks).times(1));
    function.aws.fault(Fault::on(Action::DescribeTasks).nth(2).internal_error());
    function.deliver(&task(1)).await.unwrap();
    let emitted = emitted(&function);
    assert_eq!((&emitted[""]["ApiCalls"][..], &emitted[""]["Throttles"][..]), (&[6][..], &[3][..]));
}

#[tokio::test(start_paused = true)]
async fn invocations_by_events_that_do_nothing_are_counted() {
    let function = function(&[]).await;
    function.deliver(&task(1).pending()).await.unwrap();
    assert_eq!(line(&emitted(&function), ""), "EventAge=0 IdleInvocations=1 Skipped=1");
    function.invoke(batch(["no JSON".to_owned()].into_iter())).await.unwrap();
    assert_eq!(line(&emitted(&function), ""), "Failed=1");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_emits_drift_but_no_change_and_a_question_emits_nothing() {
    let function = function(&[("DRY_RUN", "true")]).await;
    function.deliver(&task(1)).await.unwrap();
    assert_eq!(line(&emitted(&function), ""), "EventAge=0 IdleInvocations=1");
    for question in ["plan", "doctor"] {
        function.invoke(json!({"action": question})).await.unwrap();
        assert_eq!(function.metrics(), [""; 0]);
    }
    function.reconcile().await.unwrap();
    let emitted = emitted(&function);
    assert_eq!(line(&emitted, ""), "ApiCalls=3 Drift=1 InStep=0 Reconciles=1");
    assert_eq!(line(&emitted, "TargetGroup=demo-ipv6"), "Drift=1 InStep=0");
}

#[tokio::test(start_paused = true)]
async fn more_than_a_hundred_values_take_several_lines() {
    let function = function(&[]).await;
    function.deliver_batch((0..250).map(task)).await.unwrap();
    let emitted = emitted(&function);
    assert_eq!(emitted[""]["EventAge"].len(), 250);
    assert_eq!(emitted[""]["TimeToRegister"].len(), 250);
    assert_eq!(emitted[""]["Registered"], [250]);
}
