//! P9: a deployment keeps old tasks until the targets of the new ones are healthy, through the
//! whole handler over ECS's scheduler.

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sim::{
    Action, Aws, Call, DeploymentConfiguration, Fault, Sent, Service, Starts, TargetGroup,
};
use common::{Function, PORT, batch, binding, failures};
use harness::function;
use serde_json::{Value, json};
use tokio::time::advance;

const HOLD: (&str, &str) = ("HOLD_MINUTES", "15");

/// A service of four tasks whose targets are registered and healthy, and a function.
struct Rollout {
    function: Function,
    service: String,
    seconds: u64,
}

impl Rollout {
    async fn new(settings: &[(&str, &str)], service: Service, binding_fields: &Value) -> Self {
        let aws = Aws::new();
        let seconds = Duration::from_secs;
        aws.draw_registration_lags(7, seconds(90), seconds(180));
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let mut binding = binding(&group, Some(PORT));
        let more = binding_fields.as_object().unwrap().clone();
        binding.as_object_mut().unwrap().extend(more);
        let function = Function::with(aws.clone(), json!([binding]), settings).await;
        let service = aws.run_service(service, 7);
        let rollout = Self { function, service, seconds: 0 };
        if settings.iter().all(|(name, _)| *name != "DRY_RUN") {
            rollout.reconcile().await;
        } else {
            Function::with(aws, json!([binding]), &[]).await.invoke(scheduled()).await.unwrap();
        }
        advance(seconds(200)).await;
        rollout.function.aws.step();
        rollout.function.aws.take_calls();
        rollout.function.metrics();
        rollout
    }

    /// Four tasks, replaced at 100/200.
    async fn of_four(settings: &[(&str, &str)]) -> Self {
        Self::new(settings, four(), &json!({})).await
    }

    async fn reconcile(&self) -> Value {
        self.function.invoke(scheduled()).await.unwrap()
    }

    /// Begins a deployment. Returns its event.
    fn deploy(&self) -> Value {
        let deployment = self.function.aws.deploy(&self.service);
        let sent = self.function.aws.step().into_iter().filter_map(|sent| match sent {
            Sent::Event(event) => Some(event),
            Sent::Hook(_) => None,
        });
        let event = sent.into_iter().find(|event| {
            event["detail"]["deploymentId"] == json!(deployment)
                && event["detail"]["eventName"] == "SERVICE_DEPLOYMENT_IN_PROGRESS"
        });
        event.expect("ECS sends the event of the deployment")
    }

    /// One second: what ECS sends is delivered at once, and every minute there is a reconcile.
    /// Returns how many targets serve.
    async fn second(&mut self) -> usize {
        advance(Duration::from_secs(1)).await;
        self.seconds += 1;
        for sent in self.function.aws.step() {
            if let Sent::Event(event) = sent {
                self.function.invoke(event).await.unwrap();
            }
        }
        if self.seconds.is_multiple_of(60) {
            self.reconcile().await;
        }
        self.function.aws.serving(&self.function.group)
    }

    /// Lets the deployment come to its end. Returns the fewest targets that served, and how many
    /// seconds it took.
    async fn finish(&mut self) -> (usize, u64) {
        let mut fewest = usize::MAX;
        while self.function.aws.is_deploying(&self.service) {
            fewest = fewest.min(self.second().await);
            assert!(self.seconds < 3600, "the deployment does not end");
        }
        (fewest, self.seconds)
    }

    fn protections(&self) -> Vec<Call> {
        let calls = self.function.aws.take_calls();
        calls.into_iter().filter(|call| call.action == Action::UpdateTaskProtection).collect()
    }

    /// The ARNs of the tasks that run now.
    async fn tasks(&self) -> Vec<String> {
        let aws = &self.function.aws;
        let deployments = aws.deployments(&self.service);
        let tasks = deployments.iter().flat_map(|d| aws.tasks_of(&self.service, &d.id));
        tasks.map(|task| task.arn()).collect()
    }
}

fn four() -> Service {
    Service::new("demo-service")
        .desired_count(4)
        .zones("abc")
        .deployment(DeploymentConfiguration::rolling(100, 200))
        .starts(Starts::ec2())
}

fn scheduled() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event"})
}

fn held(report: &Value) -> usize {
    report.get("held").map_or(0, |held| held.as_array().unwrap().len())
}

/// The metrics of a function as a whole.
fn metrics(function: &Function) -> BTreeMap<String, Value> {
    let lines = function.metrics();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.flat_map(|line| line.as_object().unwrap().clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn with_a_hold_no_target_is_missing_and_without_one_all_are() {
    for (settings, fewest) in [(&[HOLD][..], 4), (&[], 0)] {
        let mut rollout = Rollout::of_four(settings).await;
        let event = rollout.deploy();
        rollout.function.invoke(event).await.unwrap();
        let (served, seconds) = rollout.finish().await;
        assert_eq!(served, fewest);
        assert!(seconds < 60 * 6, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_begins_protects_all_old_tasks_once() {
    let rollout = Rollout::of_four(&[HOLD]).await;
    let event = rollout.deploy();
    let report = rollout.function.invoke(event.clone()).await.unwrap();
    let until = report["held"][0]["until"].as_str().unwrap();
    assert!(until.ends_with('Z') && until.len() == 20, "{until}");
    assert_eq!((held(&report), report.get("released")), (4, None));
    assert_eq!(rollout.protections().len(), 1);
    let metrics = metrics(&rollout.function);
    assert_eq!((&metrics["Held"], metrics.get("Released")), (&json!(4), None));
    let report = rollout.function.invoke(event).await.unwrap();
    assert_eq!((held(&report), rollout.protections().len()), (0, 0));
    assert_eq!(common::ids(&report, "registered"), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_holds_if_the_event_was_lost_and_releases_what_is_ready() {
    let mut rollout = Rollout::of_four(&[HOLD]).await;
    rollout.deploy();
    advance(Duration::from_secs(12)).await;
    let report = rollout.reconcile().await;
    assert_eq!((held(&report), report.get("released")), (4, None));
    metrics(&rollout.function);
    rollout.finish().await;
    let calls = rollout.protections();
    assert!((2..=5).contains(&calls.len()), "{} calls", calls.len());
    let metrics = metrics(&rollout.function);
    assert!(metrics["HoldSeconds"].as_u64().unwrap() > 90, "{metrics:?}");
    assert_eq!(metrics.get("HoldExpired"), None);
}

#[tokio::test(start_paused = true)]
async fn without_a_deployment_a_reconcile_asks_for_nothing_more() {
    let rollout = Rollout::of_four(&[HOLD]).await;
    rollout.reconcile().await;
    let actions = rollout.function.actions();
    let more = [Action::DescribeServices, Action::GetTaskProtection];
    assert!(!actions.iter().any(|action| more.contains(action)), "{actions:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_held_is_not_even_looked_at() {
    let exempt = json!({"hold": false});
    for (settings, fields) in [(&[HOLD][..], &exempt), (&[], &json!({}))] {
        let rollout = Rollout::new(settings, four(), fields).await;
        let event = rollout.deploy();
        let report = rollout.function.invoke(event).await.unwrap();
        assert_eq!((held(&report), rollout.function.actions()), (0, vec![]));
        rollout.reconcile().await;
        assert_eq!(rollout.protections().len(), 0);
    }
    let rollout = Rollout::of_four(&[HOLD]).await;
    let mut event = rollout.deploy();
    event["detail"]["eventName"] = json!("SERVICE_DEPLOYMENT_COMPLETED");
    let report = rollout.function.invoke(event).await.unwrap();
    assert_eq!((&report["skipped"], rollout.function.actions()), (&json!([]), vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_service_without_room_is_not_held() {
    let service = four().deployment(DeploymentConfiguration::rolling(50, 100));
    let rollout = Rollout::new(&[HOLD], service, &json!({})).await;
    let event = rollout.deploy();
    let report = rollout.function.invoke(event).await.unwrap();
    assert_eq!((held(&report), rollout.protections().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_and_a_plan_show_a_hold_and_change_nothing() {
    for (settings, input) in
        [(&[HOLD, ("DRY_RUN", "true")][..], None), (&[HOLD], Some(json!({"action": "plan"})))]
    {
        let rollout = Rollout::of_four(settings).await;
        let event = rollout.deploy();
        advance(Duration::from_secs(12)).await;
        let report = rollout.function.invoke(input.unwrap_or(event)).await.unwrap();
        assert_eq!((held(&report), &report["dryRun"]), (4, &json!(true)));
        assert!(report["held"][0]["until"].is_string());
        assert_eq!(rollout.protections().len(), 0);
    }
}

/// Protects tasks as an application would.
async fn protect(aws: &Aws, tasks: &[String], minutes: i32) {
    let client = Client::new(&function::sdk(aws));
    let call = client.update_task_protection().cluster("demo-cluster").protection_enabled(true);
    let call = call.set_tasks(Some(tasks.to_vec())).expires_in_minutes(minutes);
    call.send().await.unwrap();
    aws.take_calls();
}

#[tokio::test(start_paused = true)]
async fn an_applications_own_protection_counts_and_is_not_touched() {
    let mut rollout = Rollout::of_four(&[HOLD]).await;
    let tasks = rollout.tasks().await;
    protect(&rollout.function.aws, &tasks[..1], 600).await;
    let event = rollout.deploy();
    let report = rollout.function.invoke(event).await.unwrap();
    assert_eq!(held(&report), 3);
    for _ in 0..400 {
        rollout.second().await;
    }
    let touched = rollout.protections();
    assert!(touched.len() >= 2);
    let left = rollout.tasks().await;
    assert!(left.contains(&tasks[0]), "the application keeps its task");
}

#[tokio::test(start_paused = true)]
async fn what_ecs_refuses_for_good_is_reported_and_not_tried_again() {
    let rollout = Rollout::of_four(&[HOLD]).await;
    // More tasks than desired are protected by the application: ECS refuses all others.
    let tasks = rollout.tasks().await;
    rollout.function.aws.set_desired_count(&rollout.service, 2);
    protect(&rollout.function.aws, &tasks[..2], 10).await;
    rollout.function.aws.set_desired_count(&rollout.service, 4);
    rollout.function.aws.fault(Fault::on(Action::UpdateTaskProtection).error(
        "DEPLOYMENT_BLOCKED",
        "no",
        400,
    ));
    let event = rollout.deploy();
    let report = rollout.function.invoke(event.clone()).await.unwrap();
    let failed = &report["failed"];
    assert_eq!(failed[0]["serviceArn"], json!(rollout.service));
    assert_eq!(failed[0]["error"], "UpdateTaskProtection: DEPLOYMENT_BLOCKED: no");
    rollout.function.actions();
    let answer = rollout.function.invoke(batch([event.to_string()].into_iter())).await.unwrap();
    assert_eq!(failures(&answer), [] as [&str; 0]);
    assert_eq!(rollout.protections().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_fails_returns_its_message_and_no_other() {
    let rollout = Rollout::of_four(&[HOLD]).await;
    let event = rollout.deploy().to_string();
    let fault = || Fault::on(Action::UpdateTaskProtection).access_denied();
    rollout.function.aws.fault(fault());
    let task = common::task(900);
    rollout.function.aws.put_task(&task);
    let bodies = [event.clone(), rollout.function.event(&task).to_string()];
    let answer = rollout.function.invoke(batch(bodies.into_iter())).await.unwrap();
    assert_eq!(failures(&answer), ["m0"]);
    assert!(rollout.function.registered().contains(&common::target(900)));
    rollout.function.aws.fault(fault());
    let event = serde_json::from_str(&event).unwrap();
    let error = rollout.function.invoke(event).await.unwrap_err();
    assert_eq!(error.kind(), "TargetsFailed");
    let text = error.to_string();
    assert!(text.contains("hold of arn:aws:ecs:") && text.contains("AccessDenied"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn targets_that_never_become_healthy_end_the_hold_with_a_word() {
    let service = four().starts(Starts { deaf: 1.0, ..Starts::ec2() });
    let mut rollout = Rollout::new(&[HOLD], service, &json!({})).await;
    let event = rollout.deploy();
    rollout.function.invoke(event).await.unwrap();
    metrics(&rollout.function);
    let mut expired = 0;
    while rollout.seconds < 17 * 60 {
        rollout.second().await;
        expired += metrics(&rollout.function).get("HoldExpired").map_or(0, |n| n.as_u64().unwrap());
    }
    assert!((1..=2).contains(&expired), "{expired}");
    assert!(!rollout.function.aws.is_deploying(&rollout.service), "ECS goes on");
}
