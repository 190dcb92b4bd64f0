//! What doctor reads of services and task definitions.

use crate::aws::rate_limits::Limits;
use crate::aws::services::{self, EcsCalls};
use crate::doctor::facts::{Container, Deployment, Ports, Read, Service, TaskDefinition};

/// Reads services and task definitions.
#[derive(Clone, Debug)]
pub struct Services {
    calls: EcsCalls,
}

impl Services {
    /// A reader by these calls.
    pub fn new(calls: EcsCalls) -> Self {
        Self { calls }
    }

    /// A service; `None` if the cluster has none of this name.
    pub async fn service(
        &self,
        cluster: &str,
        name: &str,
        limits: &Limits,
    ) -> Read<Option<Service>> {
        Ok(self.calls.service(cluster, name, limits).await?.as_ref().map(read))
    }

    /// A task definition, by its ARN or by its family (which means its newest revision).
    pub async fn task_definition(&self, name: &str, limits: &Limits) -> Read<TaskDefinition> {
        Ok(definition(&self.calls.task_definition(name, limits).await?))
    }
}

/// Under the deployment controllers CODE_DEPLOY and EXTERNAL the task sets have what otherwise the
/// service has (ECS API reference, TaskSet).
fn read(service: &services::Service) -> Service {
    let mut sets = service.task_sets.iter();
    let primary = sets.find(|set| set.status.as_deref() == Some("PRIMARY"));
    let definition = service.task_definition.as_ref();
    let definition = definition.or_else(|| primary?.task_definition.as_ref());
    let network = service.network_configuration.as_ref();
    let network = network.or_else(|| primary?.network_configuration.as_ref());
    let of_sets = service.task_sets.iter().flat_map(|set| &set.load_balancers);
    let balancers = service.load_balancers.iter().chain(of_sets);
    let lattice = service.deployments.iter().flat_map(|d| &d.vpc_lattice_configurations);
    let awsvpc = network.and_then(|network| network.awsvpc_configuration.as_ref());
    Service {
        status: service.status.clone().unwrap_or_default(),
        desired: usize::try_from(service.desired_count).unwrap_or_default(),
        running: usize::try_from(service.running_count).unwrap_or_default(),
        task_definition: definition.cloned(),
        target_groups: balancers.flat_map(target_groups).cloned().collect(),
        lattice_groups: lattice.flat_map(target_groups).cloned().collect(),
        subnets: awsvpc.map(|awsvpc| awsvpc.subnets.clone()).unwrap_or_default(),
        security_groups: awsvpc.map(|awsvpc| awsvpc.security_groups.clone()).unwrap_or_default(),
        deployment: deployment(service),
    }
}

/// What AWS leaves out has ECS's default (ECS API reference, Service and DeploymentConfiguration:
/// a rolling update between 100 and 200 percent, and between 0 and 100 for daemons).
fn deployment(service: &services::Service) -> Deployment {
    let controller = service.deployment_controller.as_ref();
    let controller = controller.and_then(|found| found.kind.clone());
    let configuration = service.deployment_configuration.clone().unwrap_or_default();
    let percent = |found: Option<i64>, default| {
        found.and_then(|percent| usize::try_from(percent).ok()).unwrap_or(default)
    };
    let is_daemon = service.scheduling_strategy.as_deref() == Some("DAEMON");
    let (minimum, maximum) = if is_daemon { (0, 100) } else { (100, 200) };
    let hooks = configuration.lifecycle_hooks.into_iter();
    let bake = configuration.bake_time_in_minutes;
    Deployment {
        controller: controller.unwrap_or_else(|| "ECS".to_owned()),
        strategy: configuration.strategy.unwrap_or_else(|| "ROLLING".to_owned()),
        is_daemon,
        minimum_percent: percent(configuration.minimum_healthy_percent, minimum),
        maximum_percent: percent(configuration.maximum_percent, maximum),
        hooks: hooks.flat_map(|hook| hook.lifecycle_stages).collect(),
        bake_minutes: bake.and_then(|minutes| u32::try_from(minutes).ok()).unwrap_or_default(),
    }
}

/// The target group of an entry, and the one that blue/green deployments alternate with.
fn target_groups(balancer: &services::LoadBalancer) -> impl Iterator<Item = &String> {
    let advanced = balancer.advanced_configuration.as_ref();
    let alternate = advanced.and_then(|advanced| advanced.alternate_target_group_arn.as_ref());
    balancer.target_group_arn.as_ref().into_iter().chain(alternate)
}

fn definition(described: &services::TaskDefinition) -> TaskDefinition {
    let family = described.family.as_deref().unwrap_or_default();
    TaskDefinition {
        name: format!("{family}:{}", described.revision),
        // "If no network mode is specified, the default is bridge" (ECS API reference).
        network_mode: described.network_mode.clone().unwrap_or_else(|| "bridge".to_owned()),
        containers: described.container_definitions.iter().map(container).collect(),
    }
}

fn container(described: &services::ContainerDefinition) -> Container {
    Container {
        name: described.name.clone().unwrap_or_default(),
        // "All containers are essential unless it is set to false" (ECS API reference).
        essential: described.essential.unwrap_or(true),
        ports: described.port_mappings.iter().filter_map(ports).collect(),
        stop_timeout: described.stop_timeout.and_then(|seconds| u32::try_from(seconds).ok()),
        has_health_check: described.health_check.is_some(),
    }
}

/// A mapping names one port or a range such as `8000-8010`; "the default is tcp" (ECS API
/// reference, PortMapping).
fn ports(mapping: &services::PortMapping) -> Option<Ports> {
    let range = match &mapping.container_port_range {
        Some(range) => {
            let (first, last) = range.split_once('-')?;
            first.parse().ok()?..=last.parse().ok()?
        }
        None => {
            let port = u16::try_from(mapping.container_port?).ok()?;
            port..=port
        }
    };
    Some(Ports { range, protocol: mapping.protocol.clone().unwrap_or_else(|| "tcp".to_owned()) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_port_mapping_is_a_port_or_a_range_and_tcp_unless_it_says_otherwise() {
        let read = |mapping: Value| {
            let mapping = serde_json::from_value(mapping).unwrap();
            ports(&mapping).map(|ports| (ports.range, ports.protocol))
        };
        assert_eq!(read(json!({"containerPort": 80})), Some((80..=80, "tcp".to_owned())));
        let range = json!({"containerPortRange": "8000-8010", "protocol": "udp"});
        assert_eq!(read(range), Some((8000..=8010, "udp".to_owned())));
        assert_eq!(read(json!({"containerPortRange": "many"})), None);
        assert_eq!(read(json!({"containerPort": 70_000})), None);
        assert_eq!(read(json!({})), None);
    }

    #[test]
    fn what_a_service_does_not_say_has_ecss_default() {
        let read = |service: Value| deployment(&serde_json::from_value(service).unwrap());
        let found = read(json!({}));
        assert_eq!((found.controller.as_str(), found.strategy.as_str()), ("ECS", "ROLLING"));
        assert_eq!((found.minimum_percent, found.maximum_percent), (100, 200));
        let negative = json!({"deploymentConfiguration": {"maximumPercent": -1}});
        assert_eq!(read(negative).maximum_percent, 200);
    }
}
