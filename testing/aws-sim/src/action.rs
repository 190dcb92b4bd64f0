//! The API actions that the simulated AWS knows.

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
    UpdateTaskProtection,
    GetTaskProtection,
    GetResources,
    AssumeRole,
    DescribeSecurityGroups,
    DescribeSubnets,
    ListTargets,
    GetTargetGroup,
}

/// The services behind the actions, which speak three protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Elb,
    Ecs,
    Tagging,
    Sts,
    Ec2,
    Lattice,
}

impl Action {
    pub const ALL: [Self; 22] = [
        Self::RegisterTargets,
        Self::DeregisterTargets,
        Self::DescribeTargetHealth,
        Self::DescribeTargetGroups,
        Self::DescribeTargetGroupAttributes,
        Self::DescribeLoadBalancers,
        Self::DescribeListeners,
        Self::DescribeRules,
        Self::DescribeLoadBalancerAttributes,
        Self::DescribeAccountLimits,
        Self::DescribeTasks,
        Self::ListTasks,
        Self::DescribeServices,
        Self::DescribeTaskDefinition,
        Self::UpdateTaskProtection,
        Self::GetTaskProtection,
        Self::GetResources,
        Self::AssumeRole,
        Self::DescribeSecurityGroups,
        Self::DescribeSubnets,
        Self::ListTargets,
        Self::GetTargetGroup,
    ];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::RegisterTargets => "RegisterTargets",
            Self::DeregisterTargets => "DeregisterTargets",
            Self::DescribeTargetHealth => "DescribeTargetHealth",
            Self::DescribeTargetGroups => "DescribeTargetGroups",
            Self::DescribeTargetGroupAttributes => "DescribeTargetGroupAttributes",
            Self::DescribeLoadBalancers => "DescribeLoadBalancers",
            Self::DescribeListeners => "DescribeListeners",
            Self::DescribeRules => "DescribeRules",
            Self::DescribeLoadBalancerAttributes => "DescribeLoadBalancerAttributes",
            Self::DescribeAccountLimits => "DescribeAccountLimits",
            Self::DescribeTasks => "DescribeTasks",
            Self::ListTasks => "ListTasks",
            Self::DescribeServices => "DescribeServices",
            Self::DescribeTaskDefinition => "DescribeTaskDefinition",
            Self::UpdateTaskProtection => "UpdateTaskProtection",
            Self::GetTaskProtection => "GetTaskProtection",
            Self::GetResources => "GetResources",
            Self::AssumeRole => "AssumeRole",
            Self::DescribeSecurityGroups => "DescribeSecurityGroups",
            Self::DescribeSubnets => "DescribeSubnets",
            Self::ListTargets => "ListTargets",
            Self::GetTargetGroup => "GetTargetGroup",
        }
    }

    /// The name in an IAM policy; of an action that two services have, that in ELBv2. Such as
    /// `elasticloadbalancing:RegisterTargets`.
    pub fn iam_name(self) -> String {
        let prefix = match self.api() {
            Api::Elb => "elasticloadbalancing",
            Api::Ecs => "ecs",
            Api::Tagging => "tag",
            Api::Sts => "sts",
            Api::Ec2 => "ec2",
            Api::Lattice => "vpc-lattice",
        };
        format!("{prefix}:{}", self.name())
    }

    /// Whether it is RegisterTargets or DeregisterTargets.
    pub fn is_write(self) -> bool {
        matches!(self, Self::RegisterTargets | Self::DeregisterTargets)
    }

    /// The service that has the action; ELBv2 for RegisterTargets and DeregisterTargets, which VPC
    /// Lattice has as well.
    pub(crate) fn api(self) -> Api {
        match self {
            Self::DescribeTasks
            | Self::ListTasks
            | Self::DescribeServices
            | Self::DescribeTaskDefinition
            | Self::UpdateTaskProtection
            | Self::GetTaskProtection => Api::Ecs,
            Self::GetResources => Api::Tagging,
            Self::AssumeRole => Api::Sts,
            Self::DescribeSecurityGroups | Self::DescribeSubnets => Api::Ec2,
            Self::ListTargets | Self::GetTargetGroup => Api::Lattice,
            Self::RegisterTargets
            | Self::DeregisterTargets
            | Self::DescribeTargetHealth
            | Self::DescribeTargetGroups
            | Self::DescribeTargetGroupAttributes
            | Self::DescribeLoadBalancers
            | Self::DescribeListeners
            | Self::DescribeRules
            | Self::DescribeLoadBalancerAttributes
            | Self::DescribeAccountLimits => Api::Elb,
        }
    }

    pub(crate) fn named(api: Api, name: &str) -> Option<Self> {
        let is_of = |action: Self| action.api() == api || api == Api::Lattice && action.is_write();
        Self::ALL.into_iter().find(|action| is_of(*action) && action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
