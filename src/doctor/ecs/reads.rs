//! Thin adapter over Amazon ECS: what doctor reads of services and task definitions. It changes
//! nothing.

use aws_sdk_ecs::{Client, types};
use tracing::debug;

use crate::aws::call::within;
use crate::aws::rate_limits::{Kind, Limits};
use crate::core::failure::{Code, Failure};
use crate::doctor::facts::{Container, Deployment, Ports, Read, Service, TaskDefinition};

/// Reads services and task definitions.
#[derive(Clone, Debug)]
pub struct Services {
    client: Client,
}

impl Services {
    /// An adapter over this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// A service; `None` if the cluster has none of this name. One a call, though ten could be
    /// asked for: IAM refuses all of them for one that the function may not read.
    pub async fn service(
        &self,
        cluster: &str,
        name: &str,
        limits: &Limits,
    ) -> Read<Option<Service>> {
        const ACTION: &str = "DescribeServices";
        debug!(cluster, name, ACTION);
        let call = self.client.describe_services().cluster(cluster).services(name).send();
        let answer = within(limits, Kind::EcsRead, ACTION, call).await?;
        if let Some(service) = answer.services().first() {
            return Ok(Some(read(service)));
        }
        match answer.failures().first().and_then(|failure| failure.reason()) {
            Some("MISSING") => Ok(None),
            reason => {
                let reason = reason.unwrap_or("ECS left the service out of its answer");
                Err(Failure::new(ACTION, Code::ServiceFailed, reason))
            }
        }
    }

    /// A task definition, by its ARN or by its family (which means its newest revision).
    pub async fn task_definition(&self, name: &str, limits: &Limits) -> Read<TaskDefinition> {
        const ACTION: &str = "DescribeTaskDefinition";
        debug!(name, ACTION);
        let call = self.client.describe_task_definition().task_definition(name).send();
        let answer = within(limits, Kind::EcsRead, ACTION, call).await?;
        answer.task_definition().map(definition).ok_or_else(|| {
            Failure::new(ACTION, Code::NoTaskDefinition, "ECS left it out of its answer")
        })
    }
}

/// Under the deployment controllers CODE_DEPLOY and EXTERNAL the task sets have what otherwise the
/// service has (ECS API reference, TaskSet).
fn read(service: &types::Service) -> Service {
    let primary = service.task_sets().iter().find(|set| set.status() == Some("PRIMARY"));
    let definition = service.task_definition().or_else(|| primary?.task_definition());
    let network = service.network_configuration().or_else(|| primary?.network_configuration());
    let of_sets = service.task_sets().iter().flat_map(|set| set.load_balancers());
    let balancers = service.load_balancers().iter().chain(of_sets);
    Service {
        status: service.status().unwrap_or_default().to_owned(),
        desired: usize::try_from(service.desired_count()).unwrap_or_default(),
        running: usize::try_from(service.running_count()).unwrap_or_default(),
        task_definition: definition.map(str::to_owned),
        target_groups: balancers.flat_map(target_groups).map(str::to_owned).collect(),
        subnets: network
            .and_then(|network| network.awsvpc_configuration())
            .map(|awsvpc| awsvpc.subnets().to_vec())
            .unwrap_or_default(),
        deployment: deployment(service),
    }
}

/// What AWS leaves out has ECS's default (ECS API reference, Service and DeploymentConfiguration:
/// a rolling update between 100 and 200 percent, and between 0 and 100 for daemons).
fn deployment(service: &types::Service) -> Deployment {
    let controller = service.deployment_controller().map_or("ECS", |found| found.r#type().as_str());
    let configuration = service.deployment_configuration();
    let strategy = configuration.and_then(|found| found.strategy());
    let percent = |found: Option<i32>, default| {
        found.and_then(|percent| usize::try_from(percent).ok()).unwrap_or(default)
    };
    let is_daemon = service.scheduling_strategy() == Some(&types::SchedulingStrategy::Daemon);
    let (minimum, maximum) = if is_daemon { (0, 100) } else { (100, 200) };
    let hooks = configuration.map(|found| found.lifecycle_hooks()).unwrap_or_default();
    let stages = hooks.iter().flat_map(|hook| hook.lifecycle_stages());
    let bake = configuration.and_then(|found| found.bake_time_in_minutes());
    Deployment {
        controller: controller.to_owned(),
        strategy: strategy.map_or("ROLLING", |strategy| strategy.as_str()).to_owned(),
        is_daemon,
        minimum_percent: percent(
            configuration.and_then(|found| found.minimum_healthy_percent()),
            minimum,
        ),
        maximum_percent: percent(configuration.and_then(|found| found.maximum_percent()), maximum),
        hooks: stages.map(|stage| stage.as_str().to_owned()).collect(),
        bake_minutes: bake.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or_default(),
    }
}

/// The target group of an entry, and the one that blue/green deployments alternate with.
fn target_groups(balancer: &types::LoadBalancer) -> impl Iterator<Item = &str> {
    let advanced = balancer.advanced_configuration();
    let alternate = advanced.and_then(|advanced| advanced.alternate_target_group_arn());
    balancer.target_group_arn().into_iter().chain(alternate)
}

fn definition(described: &types::TaskDefinition) -> TaskDefinition {
    let family = described.family().unwrap_or_default();
    let mode = described.network_mode().map(|mode| mode.as_str());
    TaskDefinition {
        name: format!("{family}:{}", described.revision()),
        // "If no network mode is specified, the default is bridge" (ECS API reference).
        network_mode: mode.unwrap_or("bridge").to_owned(),
        containers: described.container_definitions().iter().map(container).collect(),
    }
}

fn container(described: &types::ContainerDefinition) -> Container {
    let stop_timeout = described.stop_timeout().and_then(|seconds| u32::try_from(seconds).ok());
    Container {
        name: described.name().unwrap_or_default().to_owned(),
        // "All containers are essential unless it is set to false" (ECS API reference).
        essential: described.essential().unwrap_or(true),
        ports: described.port_mappings().iter().filter_map(ports).collect(),
        stop_timeout,
        has_health_check: described.health_check().is_some(),
    }
}

/// A mapping names one port or a range such as `8000-8010`; "the default is tcp" (ECS API
/// reference, PortMapping).
fn ports(mapping: &types::PortMapping) -> Option<Ports> {
    let range = match mapping.container_port_range() {
        Some(range) => {
            let (first, last) = range.split_once('-')?;
            first.parse().ok()?..=last.parse().ok()?
        }
        None => {
            let port = u16::try_from(mapping.container_port()?).ok()?;
            port..=port
        }
    };
    let protocol = mapping.protocol().map_or("tcp", |protocol| protocol.as_str());
    Some(Ports { range, protocol: protocol.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_mapping_is_a_port_or_a_range_and_tcp_unless_it_says_otherwise() {
        let mapping = types::PortMapping::builder;
        let read = |mapping: aws_sdk_ecs::types::builders::PortMappingBuilder| {
            ports(&mapping.build()).map(|ports| (ports.range, ports.protocol))
        };
        assert_eq!(read(mapping().container_port(80)), Some((80..=80, "tcp".to_owned())));
        let range = mapping().container_port_range("8000-8010").protocol("udp".into());
        assert_eq!(read(range), Some((8000..=8010, "udp".to_owned())));
        assert_eq!(read(mapping().container_port_range("many")), None);
        assert_eq!(read(mapping().container_port(70_000)), None);
        assert_eq!(read(mapping()), None);
    }

    #[test]
    fn what_a_service_does_not_say_has_ecss_default() {
        let service = types::Service::builder().build();
        let found = deployment(&service);
        assert_eq!((found.controller.as_str(), found.strategy.as_str()), ("ECS", "ROLLING"));
        assert_eq!((found.minimum_percent, found.maximum_percent), (100, 200));
        let negative = types::DeploymentConfiguration::builder().maximum_percent(-1);
        let service = types::Service::builder().deployment_configuration(negative.build());
        assert_eq!(deployment(&service.build()).maximum_percent, 200);
    }
}
