//! ECS's actions over AWS JSON 1.1; here those about tasks.

use crate::action::Action;
use crate::services::{describe_services, describe_task_definition};
use crate::task::{Task, last_segment};
use crate::task_shape::{Place, describe};
use crate::tasks::Known;
use crate::wire::{ApiError, strings};
use crate::world::World;
use serde_json::{Value, json};

/// ECS docs: up to 100 tasks in a call or on a page.
const PAGE: usize = 100;

/// Applies one action; the answer is its output.
pub(crate) fn apply(world: &World, action: Action, input: &Value) -> Result<Value, ApiError> {
    match action {
        Action::DescribeTasks => describe_tasks(world, input),
        Action::ListTasks => list_tasks(world, input),
        Action::DescribeServices => describe_services(world, input),
        Action::DescribeTaskDefinition => describe_task_definition(world, input),
        _ => unreachable!("{action} is an action of ELBv2"),
    }
}

fn describe_tasks(world: &World, input: &Value) -> Result<Value, ApiError> {
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
fn named<'a>(world: &'a World, cluster: &str, name: &str) -> Option<&'a Known> {
    let now = world.now();
    let by_arn = world.tasks.get(name, now).filter(|known| known.task.cluster_name() == cluster);
    let by_id =
        || world.tasks.of_cluster(cluster, "", now).find(|(_, known)| known.task.id() == name);
    by_arn.or_else(|| by_id().map(|(_, known)| known))
}

fn list_tasks(world: &World, input: &Value) -> Result<Value, ApiError> {
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

/// The cluster's name, from a name or an ARN; without one it is `default`.
pub(crate) fn cluster<'a>(world: &World, input: &'a Value) -> Result<&'a str, ApiError> {
    let name = last_segment(input["cluster"].as_str().unwrap_or("default"));
    if world.tasks.has_cluster(name) {
        Ok(name)
    } else {
        Err(ApiError::sender("ClusterNotFoundException", "Cluster not found."))
    }
}

pub(crate) fn invalid_parameter(message: &str) -> ApiError {
    ApiError::sender("InvalidParameterException", message)
}
