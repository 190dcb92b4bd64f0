//! A task definition.

use serde_json::{Value, json};

/// A task definition, always revision 10 of its family, as the tasks here name it.
#[derive(Clone, Debug)]
pub struct TaskDefinition {
    pub(crate) family: String,
    network_mode: Option<String>,
    containers: Vec<Container>,
}

#[derive(Clone, Debug)]
struct Container {
    name: String,
    essential: bool,
    port: Option<u16>,
    protocol: &'static str,
    stop_timeout: Option<u32>,
}

impl TaskDefinition {
    /// With network mode `awsvpc` and no container yet.
    pub fn new(family: &str) -> Self {
        Self {
            family: family.to_owned(),
            network_mode: Some("awsvpc".to_owned()),
            containers: Vec::new(),
        }
    }

    /// `awsvpc` unless said otherwise; botocore: `bridge`, `host` or `none`.
    pub fn network_mode(self, mode: &str) -> Self {
        Self { network_mode: Some(mode.to_owned()), ..self }
    }

    /// ECS docs: "If no network mode is specified, the default is bridge."
    pub fn without_network_mode(self) -> Self {
        Self { network_mode: None, ..self }
    }

    /// One more essential container, which serves on this port and has so many seconds after
    /// SIGTERM.
    pub fn container(mut self, name: &str, port: u16, stop_timeout: Option<u32>) -> Self {
        let name = name.to_owned();
        self.containers.push(Container {
            name,
            essential: true,
            port: Some(port),
            protocol: "tcp",
            stop_timeout,
        });
        self
    }

    /// One more essential container, which takes UDP on this port.
    pub fn udp_container(mut self, name: &str, port: u16) -> TaskDefinition {
        self = self.container(name, port, None);
        self.containers.iter_mut().rev().take(1).for_each(|added| added.protocol = "udp");
        self
    }

    /// One more container that maps no port and that the task can do without.
    pub fn sidecar(mut self, name: &str, stop_timeout: Option<u32>) -> Self {
        let name = name.to_owned();
        self.containers.push(Container {
            name,
            essential: false,
            port: None,
            protocol: "tcp",
            stop_timeout,
        });
        self
    }

    /// The resource part of its ARN.
    pub(crate) fn resource(&self) -> String {
        format!("task-definition/{}:10", self.family)
    }

    /// What DescribeTaskDefinition says of it under this ARN.
    pub(crate) fn describe(&self, arn: &str) -> Value {
        let mut json = json!({
            "taskDefinitionArn": arn,
            "family": self.family,
            "revision": 10,
            "status": "ACTIVE",
            "containerDefinitions": self.containers.iter().map(Container::describe).collect::<Vec<_>>(),
        });
        if let Some(mode) = &self.network_mode {
            json["networkMode"] = json!(mode);
        }
        json
    }
}

impl Container {
    fn describe(&self) -> Value {
        let ports: Vec<Value> = self
            .port
            .iter()
            .map(|port| json!({"containerPort": port, "hostPort": port, "protocol": self.protocol}))
            .collect();
        let mut json = json!({
            "name": self.name,
            "image": "example:latest",
            "cpu": 0,
            "essential": self.essential,
            "portMappings": ports,
        });
        if let Some(seconds) = self.stop_timeout {
            json["stopTimeout"] = json!(seconds);
        }
        json
    }
}
