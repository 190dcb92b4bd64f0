//! A service in a deployment, second by second.

use std::time::Duration;

use aws_sim::{Aws, Deployment, Sent, Service, Starts};
use serde_json::Value;
use tokio::time::advance;

use crate::clients::ecs;

pub const SECOND: Duration = Duration::from_secs(1);

/// A deployment that a test looks at second by second.
pub struct Scene {
    pub aws: Aws,
    pub service: String,
    pub events: Vec<Value>,
}

/// How many tasks the service has with desiredStatus RUNNING: old ones, and new ones.
pub type OldNew = (usize, usize);

impl Scene {
    pub fn of(service: Service) -> Self {
        Self::in_world(Aws::new(), service)
    }

    pub fn in_world(aws: Aws, service: Service) -> Self {
        let service = aws.run_service(service, 7);
        Self { aws, service, events: Vec::new() }
    }

    pub async fn second(&mut self) {
        advance(SECOND).await;
        for sent in self.aws.step() {
            match sent {
                Sent::Event(event) => self.events.push(event),
                Sent::Hook(call) => panic!("no hook, not {call:?}"),
            }
        }
    }

    pub async fn seconds(&mut self, seconds: usize) {
        for _ in 0..seconds {
            self.second().await;
        }
    }

    /// Until the deployment is over; the answer is how many seconds it took.
    pub async fn finish(&mut self) -> usize {
        for seconds in 0..3600 {
            if !self.aws.is_deploying(&self.service) {
                return seconds;
            }
            self.second().await;
        }
        panic!("not over in an hour: {:?}", self.aws.deployments(&self.service))
    }

    pub fn primary(&self) -> Deployment {
        self.aws.deployments(&self.service)[0].clone()
    }

    pub async fn tasks(&self) -> OldNew {
        let primary = self.primary().id;
        let tasks = running(&self.aws).await;
        let new = tasks.iter().filter(|task| task.started_by() == Some(&primary)).count();
        (tasks.len() - new, new)
    }

    /// The names of the deployment events so far.
    pub fn deployment_events(&self) -> Vec<&str> {
        let details = self.events.iter().map(|event| &event["detail"]);
        details.filter_map(|detail| detail["eventName"].as_str()).collect()
    }
}

/// All tasks of the service with desiredStatus RUNNING.
pub async fn running(aws: &Aws) -> Vec<aws_sdk_ecs::types::Task> {
    let client = ecs(aws);
    let list = client.list_tasks().cluster("demo-cluster").service_name("demo-service");
    let arns = list.send().await.unwrap().task_arns().to_vec();
    if arns.is_empty() {
        return Vec::new();
    }
    let call = client.describe_tasks().cluster("demo-cluster").set_tasks(Some(arns));
    call.send().await.unwrap().tasks().to_vec()
}

pub async fn protect(aws: &Aws, arns: &[String], enabled: bool, minutes: i32) -> Vec<String> {
    let call = ecs(aws).update_task_protection().cluster("demo-cluster");
    let call = call.set_tasks(Some(arns.to_vec())).protection_enabled(enabled);
    let answer = call.expires_in_minutes(minutes).send().await.unwrap();
    let reasons = answer.failures().iter().map(|failure| failure.reason().unwrap_or_default());
    reasons.map(str::to_owned).collect()
}

pub fn service(desired: usize) -> Service {
    Service::new("demo-service").desired_count(desired).zones("abc")
}

/// With a start of exactly ten seconds.
pub fn quick() -> Starts {
    Starts { running: (10 * SECOND, 10 * SECOND), ..Starts::ec2() }
}

pub async fn arns(aws: &Aws) -> Vec<String> {
    running(aws).await.iter().map(|task| task.task_arn().unwrap().to_owned()).collect()
}
