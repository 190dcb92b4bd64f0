use std::fmt;

/// An API action that the simulated AWS knows. It displays as the API's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    RegisterTargets,
    DeregisterTargets,
    DescribeTargetHealth,
    DescribeTargetGroups,
    DescribeTargetGroupAttributes,
    DescribeLoadBalancers,
    DescribeListeners,
    DescribeRules,
    DescribeLoadBalancerAttributes,
    DescribeAccountLimits,
    DescribeTasks,
    ListTasks,
    DescribeServices,
    DescribeTaskDefinition,
}

/// The two services behind the actions; they speak different protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Elb,
    Ecs,
}

impl Action {
    pub const ALL: [Action; 14] = [
        Action::RegisterTargets,
        Action::DeregisterTargets,
        Action::DescribeTargetHealth,
        Action::DescribeTargetGroups,
        Action::DescribeTargetGroupAttributes,
        Action::DescribeLoadBalancers,
        Action::DescribeListeners,
        Action::DescribeRules,
        Action::DescribeLoadBalancerAttributes,
        Action::DescribeAccountLimits,
        Action::DescribeTasks,
        Action::ListTasks,
        Action::DescribeServices,
        Action::DescribeTaskDefinition,
    ];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Action::RegisterTargets => "RegisterTargets",
            Action::DeregisterTargets => "DeregisterTargets",
            Action::DescribeTargetHealth => "DescribeTargetHealth",
            Action::DescribeTargetGroups => "DescribeTargetGroups",
            Action::DescribeTargetGroupAttributes => "DescribeTargetGroupAttributes",
            Action::DescribeLoadBalancers => "DescribeLoadBalancers",
            Action::DescribeListeners => "DescribeListeners",
            Action::DescribeRules => "DescribeRules",
            Action::DescribeLoadBalancerAttributes => "DescribeLoadBalancerAttributes",
            Action::DescribeAccountLimits => "DescribeAccountLimits",
            Action::DescribeTasks => "DescribeTasks",
            Action::ListTasks => "ListTasks",
            Action::DescribeServices => "DescribeServices",
            Action::DescribeTaskDefinition => "DescribeTaskDefinition",
        }
    }

    /// The name in an IAM policy, such as `elasticloadbalancing:RegisterTargets`.
    pub fn iam_name(self) -> String {
        let prefix = match self.api() {
            Api::Elb => "elasticloadbalancing",
            Api::Ecs => "ecs",
        };
        format!("{prefix}:{}", self.name())
    }

    /// Whether it is RegisterTargets or DeregisterTargets.
    pub fn is_write(self) -> bool {
        matches!(self, Action::RegisterTargets | Action::DeregisterTargets)
    }

    pub(crate) fn api(self) -> Api {
        match self {
            Action::DescribeTasks
            | Action::ListTasks
            | Action::DescribeServices
            | Action::DescribeTaskDefinition => Api::Ecs,
            Action::RegisterTargets
            | Action::DeregisterTargets
            | Action::DescribeTargetHealth
            | Action::DescribeTargetGroups
            | Action::DescribeTargetGroupAttributes
            | Action::DescribeLoadBalancers
            | Action::DescribeListeners
            | Action::DescribeRules
            | Action::DescribeLoadBalancerAttributes
            | Action::DescribeAccountLimits => Api::Elb,
        }
    }

    pub(crate) fn named(api: Api, name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.api() == api && action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
