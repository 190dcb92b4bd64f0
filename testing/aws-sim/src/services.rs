//! ECS's actions about services and task definitions.

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::deployment::{Counts, Deployment, Rollout};
use crate::ecs_input::{cluster, invalid_parameter};
use crate::fleet::Fleet;
use crate::network::SUBNET;
use crate::service::Service;
use crate::stages::service_deployment;
use crate::task::{deployment_of, last_segment};
use crate::wire::strings;
use crate::world::World;

pub(crate) fn describe_services(world: &World, input: &Value) -> Result<Value, ApiError> {
    let cluster = cluster(world, input)?;
    let asked = strings(&input["services"]);
    if asked.is_empty() || asked.len() > 10 {
        return Err(invalid_parameter("Services must have between 1 and 10 elements."));
    }
    let mut services = Vec::new();
    let mut failures = Vec::new();
    for name in asked {
        let name = last_segment(&name);
        let found =
            world.services.iter().find(|known| known.cluster == cluster && known.name == name);
        match found {
            Some(service) => services.push(describe(world, service)),
            None => {
                let arn = Service::new(name).cluster(cluster).arn();
                failures.push(json!({"arn": arn, "reason": "MISSING"}));
            }
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// By family (its newest revision), `family:revision` or ARN.
pub(crate) fn describe_task_definition(world: &World, input: &Value) -> Result<Value, ApiError> {
    let asked = input["taskDefinition"].as_str().unwrap_or_default();
    let (family, revision) = match last_segment(asked).split_once(':') {
        Some((family, revision)) => (family, revision),
        None => (last_segment(asked), "10"),
    };
    let found = world.task_definitions.get(family).filter(|_| revision == "10");
    let found = found.ok_or_else(|| {
        ApiError::sender("ClientException", "Unable to describe task definition.")
    })?;
    let arn = Service::new("").arn_of(&found.resource());
    Ok(json!({"taskDefinition": found.describe(&arn)}))
}

fn describe(world: &World, service: &Service) -> Value {
    let running = world.running_tasks(&service.cluster, &service.name);
    let desired = world.desired_count(&service.cluster, &service.name);
    let task_definition = service.arn_of(&service.task_definition.resource());
    let fleet = world.fleet(&service.cluster, &service.name);
    let deployments = match fleet {
        Some(fleet) => fleet.describe_deployments(&task_definition),
        None => vec![only_deployment(world, service, Counts { desired, running, pending: 0 })],
    };
    let mut network = json!({"subnets": [SUBNET], "assignPublicIp": "DISABLED"});
    if !service.security_groups.is_empty() {
        network["securityGroups"] = json!(service.security_groups);
    }
    let network = json!({"awsvpcConfiguration": network});
    let mut json = json!({
        "serviceArn": service.arn(),
        "serviceName": service.name,
        "clusterArn": service.arn_of(&format!("cluster/{}", service.cluster)),
        "status": service.status,
        "desiredCount": desired,
        "runningCount": running,
        "pendingCount": fleet.map_or(0, Fleet::pending),
        "launchType": service.launch_type,
        "deploymentController": {"type": service.controller},
        "schedulingStrategy": service.scheduling,
        "deploymentConfiguration": service.deployment.describe(),
        "taskDefinition": task_definition,
        "loadBalancers": load_balancers(service),
        "networkConfiguration": network,
        "deployments": deployments,
    });
    if let Some(deployment) = fleet.and_then(Fleet::under_way) {
        let id = service_deployment(deployment);
        let path = format!("service-deployment/{}/{}/{id}", service.cluster, service.name);
        json["currentServiceDeployment"] = json!(service.arn_of(&path));
    }
    for (name, value) in &service.settings {
        json[*name] = value.clone();
    }
    json
}

/// That of a service whose tasks come and go by the caller's own hand.
fn only_deployment(world: &World, service: &Service, counts: Counts) -> Value {
    let mut only = Deployment::begin(deployment_of(&service.name), world.began());
    only.enter(Rollout::Completed, world.began());
    only.describe(&service.arn_of(&service.task_definition.resource()), counts)
}

fn load_balancers(service: &Service) -> Vec<Value> {
    let entry = |(arn, alternate): &(String, Option<String>)| {
        let mut entry =
            json!({"targetGroupArn": arn, "containerName": "app", "containerPort": 8080});
        if let Some(alternate) = alternate {
            entry["advancedConfiguration"] = json!({"alternateTargetGroupArn": alternate});
        }
        entry
    };
    service.target_groups.iter().map(entry).collect()
}
