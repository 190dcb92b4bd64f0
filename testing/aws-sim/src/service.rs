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
    /// Further fields of its description.
    pub(crate) settings: Vec<(&'static str, Value)>,
}

impl Service {
    /// An active service in `demo-cluster`, of the task definition family `demo`, attached to no
    /// target group.
    pub fn new(name: &str) -> Service {
        Service {
            name: name.to_owned(),
            cluster: "demo-cluster".to_owned(),
            region: "us-east-2".to_owned(),
            account: "123456789012".to_owned(),
            status: "ACTIVE".to_owned(),
            task_definition: TaskDefinition::new("demo"),
            target_groups: Vec::new(),
            settings: Vec::new(),
        }
    }

    pub fn cluster(self, cluster: &str) -> Service {
        Service { cluster: cluster.to_owned(), ..self }
    }

    /// ECS docs: `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub fn status(self, status: &str) -> Service {
        Service { status: status.to_owned(), ..self }
    }

    pub fn task_definition(self, task_definition: TaskDefinition) -> Service {
        Service { task_definition, ..self }
    }

    /// A setting that DescribeServices shows and that changes nothing here, such as
    /// `deploymentConfiguration`.
    pub fn setting(mut self, name: &'static str, value: Value) -> Self {
        self.settings.push((name, value));
        self
    }

    /// This target group stands in its `loadBalancers`: ECS registers its tasks there itself.
    pub fn attached_to(mut self, target_group: &str) -> Service {
        self.target_groups.push((target_group.to_owned(), None));
        self
    }

    /// Likewise, with a second one for blue/green deployments.
    pub fn attached_to_both(mut self, target_group: &str, alternate: &str) -> Service {
        self.target_groups.push((target_group.to_owned(), Some(alternate.to_owned())));
        self
    }

    pub(crate) fn arn(&self) -> String {
        self.arn_of(&format!("service/{}/{}", self.cluster, self.name))
    }

    pub(crate) fn arn_of(&self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account)
    }
}
