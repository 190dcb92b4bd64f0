//! ECS's actions about services and task definitions.

use crate::ecs::{cluster, invalid_parameter};
use crate::service::Service;
use crate::task::{Task, last_segment};
use crate::wire::{ApiError, strings};
use crate::world::World;
use serde_json::{Value, json};

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
    let running = running_tasks(world, service);
    let task_definition = service.arn_of(&service.task_definition.resource());
    let subnets = json!(["subnet-0aaaaaaaaaaaaaaaa"]);
    let network =
        json!({"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "DISABLED"}});
    let mut described = json!({
        "serviceArn": service.arn(),
        "serviceName": service.name,
        "clusterArn": service.arn_of(&format!("cluster/{}", service.cluster)),
        "status": service.status,
        "desiredCount": running,
        "runningCount": running,
        "pendingCount": 0,
        "launchType": "FARGATE",
        "taskDefinition": task_definition,
        "loadBalancers": load_balancers(service),
        "networkConfiguration": network,
        "deployments": [{
            "id": "ecs-svc/1234567890123456789",
            "status": "PRIMARY",
            "rolloutState": "COMPLETED",
            "taskDefinition": task_definition,
            "desiredCount": running,
            "runningCount": running,
            "pendingCount": 0,
        }],
    });
    for (name, value) in &service.settings {
        described[*name] = value.clone();
    }
    described
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

fn running_tasks(world: &World, service: &Service) -> usize {
    let known = world.tasks.of_cluster(&service.cluster, "", world.now());
    let runs =
        |task: &Task| task.service_name() == Some(&service.name) && task.last_status() == "RUNNING";
    known.filter(|(_, known)| runs(&known.task)).count()
}
