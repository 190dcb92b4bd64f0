//! An ECS service.

use crate::deployment_configuration::DeploymentConfiguration;
use crate::starts::Starts;
use crate::task_definition::TaskDefinition;
use serde_json::Value;

/// An ECS service; [`crate::Aws::add_service`] puts it into the world.
#[derive(Clone, Debug)]
pub struct Service {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) status: String,
    pub(crate) task_definition: TaskDefinition,
    /// Each with the one of the other side of blue/green deployments, if it has one.
    pub(crate) target_groups: Vec<(String, Option<String>)>,
    /// Fields of its description that are shown instead of what follows from the rest.
    pub(crate) settings: Vec<(&'static str, Value)>,
    /// If it is not as many as are running.
    pub(crate) desired_count: Option<usize>,
    pub(crate) deployment: DeploymentConfiguration,
    pub(crate) controller: String,
    pub(crate) scheduling: String,
    pub(crate) launch_type: String,
    /// The letters of the zones that its tasks take in turn.
    pub(crate) zones: Vec<char>,
    /// The ids of its tasks' security groups; none is named if there are none.
    pub(crate) security_groups: Vec<String>,
    pub(crate) starts: Starts,
}

impl Service {
    /// An active service in `demo-cluster`, of the task definition family `demo`, attached to no
    /// target group.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cluster: "demo-cluster".to_owned(),
            region: "us-east-2".to_owned(),
            account: "123456789012".to_owned(),
            status: "ACTIVE".to_owned(),
            task_definition: TaskDefinition::new("demo"),
            target_groups: Vec::new(),
            settings: Vec::new(),
            desired_count: None,
            deployment: DeploymentConfiguration::default(),
            controller: "ECS".to_owned(),
            scheduling: "REPLICA".to_owned(),
            launch_type: "FARGATE".to_owned(),
            zones: vec!['a'],
            security_groups: Vec::new(),
            starts: Starts::default(),
        }
    }

    /// The cluster that it is in, by name.
    pub fn cluster(self, cluster: &str) -> Self {
        Self { cluster: cluster.to_owned(), ..self }
    }

    /// ECS docs: `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub fn status(self, status: &str) -> Self {
        Self { status: status.to_owned(), ..self }
    }

    /// The task definition that its tasks are made of.
    pub fn task_definition(self, task_definition: TaskDefinition) -> Self {
        Self { task_definition, ..self }
    }

    /// A field that DescribeServices shows in place of its own, whatever the service does.
    pub fn setting(mut self, name: &'static str, value: Value) -> Self {
        self.settings.push((name, value));
        self
    }

    /// This target group stands in its `loadBalancers`: ECS registers its tasks there itself.
    pub fn attached_to(mut self, target_group: &str) -> Self {
        self.target_groups.push((target_group.to_owned(), None));
        self
    }

    /// Likewise, with a second one for blue/green deployments.
    pub fn attached_to_both(mut self, target_group: &str, alternate: &str) -> Self {
        self.target_groups.push((target_group.to_owned(), Some(alternate.to_owned())));
        self
    }

    /// Its tasks have this security group, too.
    pub fn security_group(mut self, id: &str) -> Self {
        self.security_groups.push(id.to_owned());
        self
    }

    /// How many tasks it is to have; as many as are running unless said otherwise.
    pub fn desired_count(self, desired_count: usize) -> Self {
        Self { desired_count: Some(desired_count), ..self }
    }

    /// How it is deployed: ROLLING with 100 and 200 percent unless said otherwise.
    pub fn deployment(self, deployment: DeploymentConfiguration) -> Self {
        Self { deployment, ..self }
    }

    /// botocore: `deploymentController.type` is `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub fn controller(self, controller: &str) -> Self {
        Self { controller: controller.to_owned(), ..self }
    }

    /// botocore: `schedulingStrategy` is `REPLICA` or `DAEMON`.
    pub fn scheduling(self, scheduling: &str) -> Self {
        Self { scheduling: scheduling.to_owned(), ..self }
    }

    /// `FARGATE` unless said otherwise.
    pub fn launch_type(self, launch_type: &str) -> Self {
        Self { launch_type: launch_type.to_owned(), ..self }
    }

    /// The zones that its tasks take in turn, by their letters.
    pub fn zones(self, letters: &str) -> Self {
        Self { zones: letters.chars().collect(), ..self }
    }

    /// How its tasks start and stop, if [`crate::Aws::run_service`] runs it.
    pub fn starts(self, starts: Starts) -> Self {
        Self { starts, ..self }
    }

    pub(crate) fn arn(&self) -> String {
        self.arn_of(&format!("service/{}/{}", self.cluster, self.name))
    }

    pub(crate) fn arn_of(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account)
    }
}
