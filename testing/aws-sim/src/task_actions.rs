//! ECS's actions about tasks.

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::ecs_input::{cluster, invalid_parameter};
use crate::task::{Task, last_segment};
use crate::task_shape::{Place, describe};
use crate::tasks::Known;
use crate::wire::strings;
use crate::world::World;

/// ECS docs: up to 100 tasks in a call or on a page.
const PAGE: usize = 100;

pub(crate) fn describe_tasks(world: &World, input: &Value) -> Result<Value, ApiError> {
    let cluster = cluster(world, input)?;
    let asked = strings(&input["tasks"]);
    if asked.is_empty() {
        return Err(invalid_parameter("Tasks cannot be empty."));
    }
    if asked.len() > PAGE {
        return Err(invalid_parameter("Tasks cannot have more than 100 elements."));
    }
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for id in asked {
        match named(world, cluster, &id) {
            Some(known) => tasks.push(describe(&known.task, Place::Api, known.since)),
            None => failures.push(json!({"arn": id, "reason": "MISSING"})),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// The task of a cluster with this ARN or id.
pub(crate) fn named<'a>(world: &'a World, cluster: &str, name: &str) -> Option<&'a Known> {
    let now = world.now();
    let by_arn = world.tasks.get(name, now).filter(|known| known.task.cluster_name() == cluster);
    let by_id =
        || world.tasks.of_cluster(cluster, "", now).find(|(_, known)| known.task.id() == name);
    by_arn.or_else(|| by_id().map(|(_, known)| known))
}

pub(crate) fn list_tasks(world: &World, input: &Value) -> Result<Value, ApiError> {
    let cluster = cluster(world, input)?;
    let page = match input["maxResults"].as_u64() {
        None => PAGE,
        Some(size @ 1..=100) => size as usize,
        Some(_) => return Err(invalid_parameter("maxResults must be between 1 and 100.")),
    };
    let after = input["nextToken"].as_str().unwrap_or_default();
    let mut arns: Vec<String> = world
        .tasks
        .of_cluster(cluster, after, world.now())
        .filter(|(_, known)| is_listed(&known.task, input))
        .map(|(arn, _)| arn.clone())
        .take(page + 1)
        .collect();
    let more = arns.len() > page;
    arns.truncate(page);
    let next = arns.last().cloned().filter(|_| more);
    let mut output = json!({"taskArns": arns});
    if let Some(next) = next {
        output["nextToken"] = json!(next);
    }
    Ok(output)
}

/// ECS docs: the desiredStatus asked for is RUNNING by default; PENDING lists nothing; `family` is
/// the task definition's, which tasks of services have as well.
fn is_listed(task: &Task, input: &Value) -> bool {
    let desired_status = input["desiredStatus"].as_str().unwrap_or("RUNNING");
    let service = input["serviceName"].as_str().map(last_segment);
    let family = input["family"].as_str();
    task.desired_status() == desired_status
        && service.is_none_or(|service| task.service_name() == Some(service))
        && family.is_none_or(|family| task.task_definition == family)
}
