//! Holds of deployments when ECS answers what it seldom does.

mod common;

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sim::{
    Action, Aws, Call, DeploymentConfiguration, Fault, Sent, Service, Starts, TargetGroup,
};
use common::{Function, PORT, binding};
use harness::function;
use serde_json::{Value, json};
use tokio::time::advance;

/// A service of four tasks whose targets are registered and healthy, and a function that holds.
struct Rollout {
    function: Function,
    service: String,
}

impl Rollout {
    async fn with_hold_of(minutes: &str) -> Self {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let bindings = json!([binding(&group, Some(PORT))]);
        let function = Function::with(aws.clone(), bindings, &[("HOLD_MINUTES", minutes)]).await;
        let service = Service::new("demo-service")
            .desired_count(4)
            .deployment(DeploymentConfiguration::rolling(100, 200))
            .starts(Starts::ec2());
        let service = aws.run_service(service, 7);
        function.reconcile().await.unwrap();
        advance(Duration::from_secs(200)).await;
        aws.step();
        Self { function, service }
    }

    /// Begins a deployment. Returns its event.
    fn deploy(&self, starts: Starts) -> Value {
        self.function.aws.deploy_starting(&self.service, starts);
        let begins = |sent| match sent {
            Sent::Event(event) if event["detail"]["eventName"].is_string() => Some(event),
            _ => None,
        };
        self.function.aws.step().into_iter().find_map(begins).expect("a deployment has an event")
    }

    /// Lets so many seconds pass. What ECS sends is delivered, and every minute there is a
    /// reconcile.
    async fn pass(&self, seconds: u64) {
        for second in 1..=seconds {
            advance(Duration::from_secs(1)).await;
            for sent in self.function.aws.step() {
                if let Sent::Event(event) = sent {
                    self.function.invoke(event).await.unwrap();
                }
            }
            if second.is_multiple_of(60) {
                drop(self.function.reconcile().await);
            }
        }
    }

    /// The changes of protections since this was asked last.
    fn updates(&self) -> Vec<Call> {
        let calls = self.function.aws.take_calls();
        calls.into_iter().filter(|call| call.action == Action::UpdateTaskProtection).collect()
    }

    /// Protects all tasks as an application would, for ten hours.
    async fn protect_all(&self) {
        let aws = &self.function.aws;
        let deployments = aws.deployments(&self.service);
        let tasks = deployments.iter().flat_map(|d| aws.tasks_of(&self.service, &d.id));
        let tasks = tasks.map(|task| task.arn()).collect();
        let call = Client::new(&function::sdk(aws)).update_task_protection();
        let call = call.cluster("demo-cluster").set_tasks(Some(tasks));
        call.protection_enabled(true).expires_in_minutes(600).send().await.unwrap();
        self.updates();
    }
}

/// What is done to an answer of ECS.
type Rewrite = fn(&mut Value);

#[tokio::test(start_paused = true)]
async fn a_task_whose_protection_is_unknown_is_reported_and_left_alone() {
    let left_out = |answer: &mut Value| {
        answer["protectedTasks"].as_array_mut().unwrap().truncate(2);
    };
    let failing = |answer: &mut Value| {
        let tasks = answer["protectedTasks"].as_array_mut().unwrap().split_off(2);
        let why = |task: &Value| json!({"arn": task["taskArn"], "reason": "SOMETHING_NEW"});
        answer["failures"] = tasks.iter().map(why).collect();
    };
    let causes: [(Rewrite, &str); 2] = [
        (left_out, "GetTaskProtection: TaskFailed: ECS left the task out of its answer"),
        (failing, "GetTaskProtection: SOMETHING_NEW: no detail"),
    ];
    for (rewrite, error) in causes {
        let rollout = Rollout::with_hold_of("15").await;
        rollout.protect_all().await;
        let event = rollout.deploy(Starts::ec2());
        let fault = Fault::on(Action::GetTaskProtection).rewritten(rewrite);
        rollout.function.aws.fault(fault);
        let failed = rollout.function.invoke(event).await.unwrap_err().to_string();
        assert!(failed.starts_with("2 failed: task arn:") && failed.contains(error), "{failed}");
        assert_eq!(rollout.updates().len(), 0, "the application's protection is kept");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_stopped_since_it_was_read_is_not_protected() {
    for reason in ["TASK_NOT_VALID", "MISSING"] {
        let rollout = Rollout::with_hold_of("15").await;
        let event = rollout.deploy(Starts::ec2());
        let stopped: Rewrite = match reason {
            "MISSING" => |answer| fails_first(answer, "MISSING"),
            _ => |answer| fails_first(answer, "TASK_NOT_VALID"),
        };
        rollout.function.aws.fault(Fault::on(Action::GetTaskProtection).rewritten(stopped));
        let report = rollout.function.invoke(event).await.unwrap();
        assert_eq!(report["held"].as_array().map(Vec::len), Some(3), "{reason}: {report:#}");
        let asked: Vec<usize> = rollout.updates().iter().map(|call| call.targets.len()).collect();
        assert_eq!(asked, [3], "{reason}");
    }
}

/// ECS could not answer for the first task.
fn fails_first(answer: &mut Value, reason: &str) {
    let first = answer["protectedTasks"].as_array_mut().unwrap().remove(0);
    answer["failures"] = json!([{"arn": first["taskArn"], "reason": reason}]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_ecs_refused_does_not_expire() {
    let update = || Fault::on(Action::UpdateTaskProtection);
    let blocked = update().error("DEPLOYMENT_BLOCKED", "no", 400);
    for fault in [blocked, update().access_denied()] {
        let rollout = Rollout::with_hold_of("15").await;
        let event = rollout.deploy(Starts::ec2().failing(1.0));
        rollout.function.aws.fault(fault);
        drop(rollout.function.invoke(event).await);
        rollout.pass(16 * 60).await;
        let metrics = rollout.function.metrics().concat();
        assert!(!metrics.contains("HoldExpired"), "nothing was held");
        assert!(!metrics.contains("\"Held\""));
    }
}
