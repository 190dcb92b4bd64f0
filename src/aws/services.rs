//! Thin adapter over Amazon ECS: services and task definitions, as far as deployments and doctor
//! need them. These calls are made without the SDK's client, whose code for reading every field of
//! their answers would make the package larger by a twentieth.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tracing::debug;

use crate::aws::endpoints::ECS;
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::signed_call::{Request, SignedClient};
use crate::aws::traffic::Counter;
use crate::core::failure::{Code, Failure};

/// Calls ECS by its protocol, AWS JSON 1.1.
#[derive(Clone, Debug)]
pub struct EcsCalls(SignedClient);

impl EcsCalls {
    /// Calls with the settings of the SDK's clients; `counter` counts their requests.
    pub fn new(sdk: &SdkConfig, counter: Counter) -> Self {
        Self(SignedClient::new(sdk, &ECS, counter))
    }

    /// Makes a call, and reads what is asked for of its answer.
    pub async fn call<T: DeserializeOwned>(
        &self,
        limits: &Limits,
        kind: Kind,
        action: &'static str,
        input: &Value,
    ) -> Result<T, Failure> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{action}");
        let request = Request::json_1_1(&target, input.to_string());
        self.0.call(limits, kind, action, request).await
    }

    /// A service; `None` if the cluster has none of this name. One a call, though ten could be
    /// asked for: IAM refuses all of them for one that the function may not read.
    pub async fn service(
        &self,
        cluster: &str,
        name: &str,
        limits: &Limits,
    ) -> Result<Option<Service>, Failure> {
        const ACTION: &str = "DescribeServices";
        debug!(cluster, name, ACTION);
        let input = json!({"cluster": cluster, "services": [name]});
        let answer: DescribeServices = self.call(limits, Kind::EcsRead, ACTION, &input).await?;
        if let Some(service) = answer.services.into_iter().next() {
            return Ok(Some(service));
        }
        match answer.failures.first().and_then(|failure| failure.reason.as_deref()) {
            Some("MISSING") => Ok(None),
            reason => {
                let reason = reason.unwrap_or("ECS left the service out of its answer");
                Err(Failure::new(ACTION, Code::ServiceFailed, reason))
            }
        }
    }

    /// A task definition, by its ARN or by its family (which means its newest revision).
    pub async fn task_definition(
        &self,
        name: &str,
        limits: &Limits,
    ) -> Result<TaskDefinition, Failure> {
        const ACTION: &str = "DescribeTaskDefinition";
        debug!(name, ACTION);
        let input = json!({"taskDefinition": name});
        let answer: DescribeTaskDefinition =
            self.call(limits, Kind::EcsRead, ACTION, &input).await?;
        answer.task_definition.ok_or_else(|| {
            Failure::new(ACTION, Code::NoTaskDefinition, "ECS left it out of its answer")
        })
    }
}

/// What ECS could not do for one of the things that a call named (ECS API reference, Failure).
#[derive(Clone, Debug, Deserialize)]
pub struct CallFailure {
    /// What it is about, by ARN or id.
    pub arn: Option<String>,
    /// For example `MISSING`.
    pub reason: Option<String>,
    /// More words for it.
    pub detail: Option<String>,
}

#[derive(Deserialize)]
struct DescribeServices {
    #[serde(default)]
    services: Vec<Service>,
    #[serde(default)]
    failures: Vec<CallFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeTaskDefinition {
    task_definition: Option<TaskDefinition>,
}

/// A service (ECS API reference, Service).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    pub service_arn: Option<String>,
    pub status: Option<String>,
    pub desired_count: i64,
    pub running_count: i64,
    pub task_definition: Option<String>,
    pub load_balancers: Vec<LoadBalancer>,
    pub network_configuration: Option<NetworkConfiguration>,
    pub scheduling_strategy: Option<String>,
    pub deployment_controller: Option<DeploymentController>,
    pub deployment_configuration: Option<DeploymentConfiguration>,
    pub deployments: Vec<Deployment>,
    pub task_sets: Vec<TaskSet>,
}

/// A set of tasks of a service whose deployments are not ECS's own (ECS API reference, TaskSet).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskSet {
    pub status: Option<String>,
    pub task_definition: Option<String>,
    pub load_balancers: Vec<LoadBalancer>,
    pub network_configuration: Option<NetworkConfiguration>,
}

/// A target group that ECS fills (ECS API reference, LoadBalancer).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    pub target_group_arn: Option<String>,
    pub advanced_configuration: Option<AdvancedConfiguration>,
}

/// What blue/green deployments add to it (ECS API reference, AdvancedConfiguration).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AdvancedConfiguration {
    pub alternate_target_group_arn: Option<String>,
}

/// Where tasks run (ECS API reference, NetworkConfiguration).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkConfiguration {
    pub awsvpc_configuration: Option<AwsVpcConfiguration>,
}

/// The network of tasks with the network mode awsvpc (ECS API reference, AwsVpcConfiguration).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AwsVpcConfiguration {
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
}

/// Who runs deployments (ECS API reference, DeploymentController).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeploymentController {
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// How tasks are replaced (ECS API reference, DeploymentConfiguration).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentConfiguration {
    pub strategy: Option<String>,
    pub minimum_healthy_percent: Option<i64>,
    pub maximum_percent: Option<i64>,
    pub lifecycle_hooks: Vec<LifecycleHook>,
    pub bake_time_in_minutes: Option<i64>,
}

/// A lifecycle hook (ECS API reference, DeploymentLifecycleHook).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LifecycleHook {
    pub lifecycle_stages: Vec<String>,
}

/// A deployment (ECS API reference, Deployment).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deployment {
    pub id: Option<String>,
    pub status: Option<String>,
    /// Seconds since 1970.
    pub created_at: Option<f64>,
    /// Its target groups of VPC Lattice (ECS API reference, VpcLatticeConfiguration).
    pub vpc_lattice_configurations: Vec<LoadBalancer>,
}

/// A task definition (ECS API reference, TaskDefinition).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskDefinition {
    pub family: Option<String>,
    pub revision: i64,
    pub network_mode: Option<String>,
    pub container_definitions: Vec<ContainerDefinition>,
}

/// A container of it (ECS API reference, ContainerDefinition).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerDefinition {
    pub name: Option<String>,
    pub essential: Option<bool>,
    pub port_mappings: Vec<PortMapping>,
    pub stop_timeout: Option<i64>,
    pub health_check: Option<IgnoredAny>,
}

/// A port of a container (ECS API reference, PortMapping).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortMapping {
    pub container_port: Option<i64>,
    pub container_port_range: Option<String>,
    pub protocol: Option<String>,
}

/// A time as AWS JSON 1.1 has it; `None` if it is before 1970 or far off.
pub fn time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}
