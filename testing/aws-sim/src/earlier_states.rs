//! Earlier states of tasks, for reads that lag behind.

use std::time::SystemTime;

use crate::task::Task;
use crate::tasks::Tasks;

/// Every state that ECS came to know, for reads that lag behind.
#[derive(Debug, Default)]
pub(crate) struct EarlierStates {
    states: Vec<(SystemTime, Task)>,
    forgotten: Vec<(SystemTime, String)>,
}

impl EarlierStates {
    pub(crate) fn note(&mut self, task: &Task, now: SystemTime) {
        self.states.push((now, task.clone()));
    }

    pub(crate) fn forget(&mut self, arn: &str, now: SystemTime) {
        self.forgotten.push((now, arn.to_owned()));
    }

    /// What ECS knew at that moment.
    pub(crate) fn as_of(&self, moment: SystemTime) -> Tasks {
        let mut tasks = Tasks::default();
        for (at, task) in &self.states {
            tasks.add_cluster(task.cluster_name());
            if *at <= moment {
                tasks.put(task.clone(), *at);
            }
        }
        let forgotten = self.forgotten.iter().filter(|(at, _)| *at <= moment);
        forgotten.for_each(|(_, arn)| tasks.forget(arn));
        tasks
    }
}
