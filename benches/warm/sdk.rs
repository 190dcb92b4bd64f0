//! The SDK's clients, used for the same requests and for nothing else.

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sim::Task;
use futures_util::stream::{self, StreamExt};

use crate::world::{AT_ONCE, CLUSTER, PORT, READ, WRITE};

/// A client of each service.
pub struct Sdk {
    ecs: aws_sdk_ecs::Client,
    elb: aws_sdk_elasticloadbalancingv2::Client,
}

impl Sdk {
    /// Clients with these settings.
    pub fn new(config: &SdkConfig) -> Self {
        let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
        Self { ecs: aws_sdk_ecs::Client::new(config), elb }
    }

    /// Registers these tasks' targets and looks at the tasks.
    pub async fn send(&self, group: &str, tasks: &[Task]) {
        for tasks in tasks.chunks(WRITE) {
            let targets = tasks.iter().map(|task| {
                let id = task.ipv6().expect("it has one").to_string();
                TargetDescription::builder().id(id).port(PORT.into()).build()
            });
            let call = self.elb.register_targets().target_group_arn(group);
            call.set_targets(Some(targets.collect())).send().await.expect("nothing is wrong");
        }
        let looks = tasks.chunks(READ).map(|tasks| {
            let arns = tasks.iter().map(Task::arn).collect();
            self.ecs.describe_tasks().cluster(CLUSTER).set_tasks(Some(arns)).send()
        });
        let answers: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
        assert!(answers.iter().all(Result::is_ok), "nothing is wrong");
    }
}
