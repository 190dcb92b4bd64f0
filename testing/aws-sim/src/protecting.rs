//! The part of the handle that is about task scale-in protection.

use std::time::SystemTime;

use serde_json::json;

use crate::aws::Aws;
use crate::protection_actions::update_task_protection;

impl Aws {
    /// Until when a task is protected, if it is.
    pub fn protected_until(&self, task_arn: &str) -> Option<SystemTime> {
        let world = self.world();
        world.protections.until(task_arn, world.now())
    }

    /// A task's application protects the task for so many minutes, or (`None`) clears its
    /// protection, by way of the endpoint of the ECS agent, which follows the same rules as the
    /// API. No call is logged. The answer is whether ECS did it.
    pub fn protect_itself(&self, task_arn: &str, minutes: Option<u32>) -> bool {
        let world = &mut *self.world();
        world.catch_up();
        let cluster = world.tasks.get(task_arn, world.now()).map(|t| t.task.cluster_arn());
        let mut input = json!({"cluster": cluster, "tasks": [task_arn]});
        input["protectionEnabled"] = json!(minutes.is_some());
        input["expiresInMinutes"] = json!(minutes);
        let answer = update_task_protection(world, &input);
        answer.is_ok_and(|answer| answer["failures"] == json!([]))
    }

    /// The next UpdateTaskProtection that names this task has it among its `failures`, with a
    /// reason that is not AWS's.
    pub fn fail_protection(&self, task_arn: &str) {
        self.world().protections.fail_next(task_arn);
    }

    /// From now on no protection fails for which that was wanted.
    pub fn fail_no_protection(&self) {
        self.world().protections.fail_none();
    }
}
