//! ECS's actions over AWS JSON 1.1.

use serde_json::Value;

use crate::action::Action;
use crate::api_error::ApiError;
use crate::protection::{get_task_protection, update_task_protection};
use crate::services::{describe_services, describe_task_definition};
use crate::task_actions::{describe_tasks, list_tasks};
use crate::world::World;

/// Applies one action; the answer is its output.
pub(crate) fn apply(world: &mut World, action: Action, input: &Value) -> Result<Value, ApiError> {
    match action {
        Action::DescribeTasks => describe_tasks(world, input),
        Action::ListTasks => list_tasks(world, input),
        Action::DescribeServices => describe_services(world, input),
        Action::DescribeTaskDefinition => describe_task_definition(world, input),
        Action::UpdateTaskProtection => update_task_protection(world, input),
        Action::GetTaskProtection => get_task_protection(world, input),
        _ => unreachable!("{action} is an action of ELBv2"),
    }
}
