//! ECS's actions about task scale-in protection.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::ecs_input::{cluster, invalid_parameter};
use crate::task::Task;
use crate::task_actions::named;
use crate::timestamps::seconds;
use crate::wire::strings;
use crate::world::World;

/// botocore: up to 10 tasks; 1 to 2,880 minutes, 120 by default; a repeat sets the end anew. What
/// cannot be done for a task is in `failures`, beside what was done for others.
pub(crate) fn update_task_protection(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let cluster = cluster(world, input)?;
    let asked = tasks_of(input, 10)?;
    let enabled = input["protectionEnabled"]
        .as_bool()
        .ok_or_else(|| invalid_parameter("protectionEnabled is required."))?;
    let minutes = match &input["expiresInMinutes"] {
        Value::Null => 120,
        minutes => minutes
            .as_u64()
            .filter(|minutes| (1..=2880).contains(minutes))
            .ok_or_else(|| invalid_parameter("expiresInMinutes must be between 1 and 2880."))?,
    };
    let until = enabled.then(|| world.now() + Duration::from_secs(60 * minutes));
    answer(world, cluster, asked, |world, task| {
        if world.protections.fails(&task.arn()) {
            return Err(("SERVER_EXCEPTION", "It failed this once."));
        }
        match obstacle(world, task).filter(|_| enabled) {
            Some(why) => Err(("DEPLOYMENT_BLOCKED", why)),
            None => {
                world.protections.set(&task.arn(), until);
                Ok(())
            }
        }
    })
}

/// botocore: up to 100 tasks.
pub(crate) fn get_task_protection(world: &mut World, input: &Value) -> Result<Value, ApiError> {
    let cluster = cluster(world, input)?;
    answer(world, cluster, tasks_of(input, 100)?, |_, _| Ok(()))
}

fn tasks_of(input: &Value, most: usize) -> Result<Vec<String>, ApiError> {
    let asked = strings(&input["tasks"]);
    if asked.is_empty() || asked.len() > most {
        return Err(invalid_parameter(&format!("Tasks must have between 1 and {most} elements.")));
    }
    Ok(asked)
}

/// What befalls each task, and its protection from then on. botocore: standalone tasks are
/// TASK_NOT_VALID, unknown ones MISSING. That stopping ones are TASK_NOT_VALID is an assumption.
fn answer(
    world: &mut World,
    cluster: &str,
    asked: Vec<String>,
    mut change: impl FnMut(&mut World, &Task) -> Result<(), (&'static str, &'static str)>,
) -> Result<Value, ApiError> {
    let (mut protected, mut failures) = (Vec::new(), Vec::new());
    for name in asked {
        let task = named(world, cluster, &name).map(|known| known.task.clone());
        let changed = match &task {
            None => Err(("MISSING", "The task was not found.")),
            Some(task) if task.service_name().is_none() || task.desired_status() == "STOPPED" => {
                Err(("TASK_NOT_VALID", "The task is not part of a service, or is stopping."))
            }
            Some(task) => change(world, task),
        };
        match (changed, task) {
            (Ok(()), Some(task)) => protected.push(describe(world, &task.arn())),
            (Err((reason, detail)), task) => {
                let arn = task.map_or(name, |task| task.arn());
                failures.push(json!({"arn": arn, "reason": reason, "detail": detail}));
            }
            (Ok(()), None) => {}
        }
    }
    Ok(json!({"protectedTasks": protected, "failures": failures}))
}

fn describe(world: &World, arn: &str) -> Value {
    let until = world.protections.until(arn, world.now());
    let mut json = json!({"taskArn": arn, "protectionEnabled": until.is_some()});
    if let Some(until) = until {
        json["expirationDate"] = json!(seconds(until));
    }
    json
}

/// Why no protection can be set for a task of this service. botocore (UpdateTaskProtection,
/// DEPLOYMENT_BLOCKED), ECS docs (task-scale-in-protection): "the service has more protected tasks
/// than the desired count". Clearing is what the documentation advises then, and is never blocked.
fn obstacle(world: &World, task: &Task) -> Option<&'static str> {
    let (cluster, service) = (task.cluster_name(), task.service_name()?);
    let now = world.now();
    if world.fleet(cluster, service).is_some_and(|fleet| fleet.is_held_back()) {
        return Some(
            "can't set task protection as one or more protected tasks are preventing the \
             deployment from reaching a steady state",
        );
    }
    let others = world.tasks.of_cluster(cluster, "", now).filter(|(arn, known)| {
        known.task.service_name() == Some(service)
            && known.task.desired_status() == "RUNNING"
            && **arn != task.arn()
            && world.protections.protects(arn, now)
    });
    let protected = others.count() + 1;
    (protected > world.desired_count(cluster, service))
        .then_some("the service has more protected tasks than the desired count of tasks")
}
