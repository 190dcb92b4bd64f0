use std::fmt;

/// An API action that the simulated AWS knows. It displays as the API's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    RegisterTargets,
    DeregisterTargets,
    DescribeTargetHealth,
    DescribeTargetGroups,
    DescribeTasks,
    ListTasks,
}

/// The two services behind the actions; they speak different protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Elb,
    Ecs,
}

impl Action {
    pub const ALL: [Action; 6] = [
        Action::RegisterTargets,
        Action::DeregisterTargets,
        Action::DescribeTargetHealth,
        Action::DescribeTargetGroups,
        Action::DescribeTasks,
        Action::ListTasks,
    ];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Action::RegisterTargets => "RegisterTargets",
            Action::DeregisterTargets => "DeregisterTargets",
            Action::DescribeTargetHealth => "DescribeTargetHealth",
            Action::DescribeTargetGroups => "DescribeTargetGroups",
            Action::DescribeTasks => "DescribeTasks",
            Action::ListTasks => "ListTasks",
        }
    }

    /// The name in an IAM policy, such as `elasticloadbalancing:RegisterTargets`.
    pub fn iam_name(self) -> String {
        let prefix = match self.service() {
            Service::Elb => "elasticloadbalancing",
            Service::Ecs => "ecs",
        };
        format!("{prefix}:{}", self.name())
    }

    pub(crate) fn service(self) -> Service {
        match self {
            Action::DescribeTasks | Action::ListTasks => Service::Ecs,
            Action::RegisterTargets
            | Action::DeregisterTargets
            | Action::DescribeTargetHealth
            | Action::DescribeTargetGroups => Service::Elb,
        }
    }

    pub(crate) fn named(service: Service, name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.service() == service && action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
