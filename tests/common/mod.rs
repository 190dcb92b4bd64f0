//! The handler over the simulated AWS, in process: the real SDK clients on paused time.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::borrow::Borrow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sim::{Action, Aws, TargetGroup, Task};
use ecs_ipv6_targets::error::Error;
use ecs_ipv6_targets::handler::Handler;
use harness::{function, lambda};
use serde_json::{Value, json};

/// The port of the binding in [`Function::new`].
pub const PORT: u16 = 8080;

/// A function with one binding: `demo-service` in `demo-cluster`, in the group `demo-ipv6`.
pub struct Function {
    pub aws: Aws,
    pub group: String,
    handler: Handler,
    metrics: Arc<Mutex<Vec<String>>>,
}

impl Function {
    pub async fn new() -> Self {
        Self::with_settings(&[]).await
    }

    pub async fn with_settings(settings: &[(&str, &str)]) -> Self {
        Self::in_group(TargetGroup::ipv6("demo-ipv6").port(PORT), settings).await
    }

    pub async fn in_group(group: TargetGroup, settings: &[(&str, &str)]) -> Self {
        let aws = Aws::new();
        let group = aws.add_target_group(group);
        Self::with(aws, json!([binding(&group, Some(PORT))]), settings).await
    }

    /// A function with a binding of `demo-service` in each of so many groups; also their ARNs.
    pub async fn in_groups(count: usize) -> (Self, Vec<String>) {
        let aws = Aws::new();
        let group = |n| aws.add_target_group(TargetGroup::ipv6(&format!("group-{n}")).port(PORT));
        let groups: Vec<String> = (0..count).map(group).collect();
        let bindings = groups.iter().map(|group| binding(group, Some(PORT))).collect();
        (Self::with(aws, bindings, &[]).await, groups)
    }

    /// A function with two bindings: `demo-service` in one group, and `other-service` in another
    /// group, whose ARN is returned as well.
    pub async fn of_two_services() -> (Self, String) {
        let aws = Aws::new();
        let [first, second] = ["first", "second"]
            .map(|name| aws.add_target_group(TargetGroup::ipv6(name).port(PORT)));
        let bindings = json!([binding(&first, Some(PORT)), binding_of("other-service", &second)]);
        (Self::with(aws, bindings, &[]).await, second)
    }

    /// A function with other bindings or settings; `group` is that of the first binding.
    pub async fn with(aws: Aws, bindings: Value, settings: &[(&str, &str)]) -> Self {
        let group = bindings[0]["targetGroupArn"].as_str().unwrap().to_owned();
        let clock = aws.clone();
        let clock = Arc::new(move || clock.now());
        let handler = function::handler_as_set(&bindings, settings, &aws, clock);
        let metrics = Arc::<Mutex<Vec<String>>>::default();
        let lines = metrics.clone();
        let record = Box::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
        Self { aws, group, handler: handler.with_metrics(record), metrics }
    }

    /// Invokes the function with 30 s left.
    pub async fn invoke(&self, payload: Value) -> Result<Value, Error> {
        self.invoke_within(Duration::from_secs(30), payload).await
    }

    pub async fn invoke_within(&self, left: Duration, payload: Value) -> Result<Value, Error> {
        let context = lambda::context(self.aws.now() + left);
        self.handler.handle(lambda::event(&payload, context)).await
    }

    pub async fn reconcile(&self) -> Result<Value, Error> {
        self.invoke(json!({"action": "reconcile"})).await
    }

    /// ECS comes to know the task in this state, and the event of it is delivered at once.
    pub async fn deliver(&self, task: &Task) -> Result<Value, Error> {
        self.aws.put_task(task);
        self.invoke(self.event(task)).await
    }

    /// ECS comes to know the tasks, and one batch brings the events. Messages are named `m0`, `m1`…
    pub async fn deliver_batch(
        &self,
        tasks: impl IntoIterator<Item: Borrow<Task>>,
    ) -> Result<Value, Error> {
        let known = |task: &Task| {
            self.aws.put_task(task);
            self.event(task).to_string()
        };
        self.invoke(batch(tasks.into_iter().map(|task| known(task.borrow())))).await
    }

    /// The event of a task's state, of just now.
    pub fn event(&self, task: &Task) -> Value {
        task.event(self.aws.now())
    }

    /// The event of a task's state, of some time ago.
    pub fn event_of_before(&self, age: Duration, task: &Task) -> Value {
        task.event(self.aws.now() - age)
    }

    /// The targets that are registered, as text.
    pub fn registered(&self) -> Vec<String> {
        self.registered_in(&self.group)
    }

    pub fn registered_in(&self, group: &str) -> Vec<String> {
        let text = |(id, port): (IpAddr, u16)| std::net::SocketAddr::new(id, port).to_string();
        self.aws.registered(group).into_iter().map(text).collect()
    }

    /// The lines of metrics emitted since the last time this was asked.
    pub fn metrics(&self) -> Vec<String> {
        std::mem::take(&mut self.metrics.lock().unwrap())
    }

    /// The actions called since the last time this was asked.
    pub fn actions(&self) -> Vec<Action> {
        self.aws.take_calls().into_iter().map(|call| call.action).collect()
    }

    /// How many writes were called since the last time this or the actions were asked for.
    pub fn writes(&self) -> usize {
        self.actions().into_iter().filter(|action| action.is_write()).count()
    }
}

/// A binding of `demo-service` in `demo-cluster`.
pub fn binding(group: &str, port: Option<u16>) -> Value {
    json!({"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": port})
}

/// A binding of another service in `demo-cluster`.
pub fn binding_of(service: &str, group: &str) -> Value {
    json!({"cluster": "demo-cluster", "service": service, "targetGroupArn": group, "port": PORT})
}

/// A binding of the standalone tasks of a family in `demo-cluster`.
pub fn binding_of_family(family: &str, group: &str) -> Value {
    json!({"cluster": "demo-cluster", "family": family, "targetGroupArn": group, "port": PORT})
}

/// An SQS batch of these bodies; messages are named `m0`, `m1`…
pub fn batch(bodies: impl Iterator<Item = String>) -> Value {
    let messages: Vec<(String, String)> =
        bodies.enumerate().map(|(index, body)| (format!("m{index}"), body)).collect();
    aws_sim::events::sqs_batch(messages.iter().map(|(id, body)| (id.as_str(), body.clone())))
}

/// The n-th of many tasks, running.
pub fn task(n: u16) -> Task {
    Task::new(&format!("{n:032x}")).address(&address(n)).running()
}

/// The address of the n-th task.
pub fn address(n: u16) -> String {
    format!("2001:db8::1:{:x}", n + 1)
}

/// The target of the n-th task, as [`Function::registered`] shows it.
pub fn target(n: u16) -> String {
    format!("[{}]:{PORT}", address(n))
}

/// The identifiers in a batch's answer.
pub fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
}

/// The `id`s in one list of a report.
pub fn ids<'a>(report: &'a Value, list: &str) -> Vec<&'a str> {
    report[list].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

/// The reasons in a report's `skipped`.
pub fn reasons(report: &Value) -> Vec<&str> {
    let skipped = report["skipped"].as_array().unwrap();
    skipped.iter().map(|entry| entry["reason"].as_str().unwrap()).collect()
}

/// Some moment, for what needs one.
pub fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_683_037_174)
}
