//! A call of which every attempt hangs, for the trials at the end of some runs.

use std::time::Duration;

use aws_sim::{Action, Call};

use crate::rare::Hung;
use crate::scenario::Scenario;

/// A call of which every attempt hangs.
#[derive(Clone, Debug)]
pub struct HungCall {
    action: Action,
    /// The target group's ARN or the cluster's name; calls about others do not hang.
    about: String,
}

impl HungCall {
    /// How long an attempt hangs: longer than the SDK waits for its answer.
    pub const TIME: Duration = Duration::from_secs(60);

    /// The call of this kind about the first service's binding. `group` is the ARN of its target
    /// group.
    pub fn new(hung: Hung, scenario: &Scenario, group: &str) -> Self {
        let cluster = scenario.services[0].cluster;
        let is_lattice = scenario.groups[0].is_lattice;
        let (action, about) = match hung {
            Hung::Port if is_lattice => (Action::GetTargetGroup, group),
            Hung::Targets if is_lattice => (Action::ListTargets, group),
            Hung::Port => (Action::DescribeTargetGroups, group),
            Hung::Targets => (Action::DescribeTargetHealth, group),
            Hung::List => (Action::ListTasks, cluster),
            Hung::Tasks => (Action::DescribeTasks, cluster),
        };
        Self { action, about: about.to_owned() }
    }

    /// Whether this call hangs. A call may name its cluster by ARN.
    pub fn is(&self, call: &Call) -> bool {
        let named = call.resource.iter().chain(&call.targets);
        let is_it =
            |name: &String| *name == self.about || name.rsplit('/').next() == Some(&self.about);
        call.action == self.action && named.into_iter().any(is_it)
    }
}
