//! What follows from a fact that could not be read.

use super::facts::Facts;
use super::verdict::Verdict;
use crate::aws::sts::ASSUME_ROLE;
use crate::core::failure::{Code, Failure};

/// A check without its facts fails: silence must not pass for health.
pub fn verdict(error: &Failure, facts: &Facts) -> Verdict {
    Verdict::Fail(format!("cannot be checked: {error}"), fix_with(error, facts))
}

/// How to get at a fact of these that could not be read.
pub fn fix_with(error: &Failure, facts: &Facts) -> String {
    let role = facts.role.as_ref().map(|role| role.arn.as_str());
    match role {
        Some(_) if error.action == ASSUME_ROLE => "fix `role` first".to_owned(),
        Some(role) if is_denied(error) && service(error.action) == ELB => {
            let Failure { action, .. } = error;
            format!(
                "allow {ELB}:{action} in the policy of {role} (or in that of the function's role, \
                 for a group that ECS fills)"
            )
        }
        _ => fix(error),
    }
}

const ELB: &str = "elasticloadbalancing";

fn is_denied(error: &Failure) -> bool {
    let denials = ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];
    denials.contains(&error.code.as_str())
}

/// How to get at a fact that could not be read.
pub fn fix(error: &Failure) -> String {
    match &error.code {
        Code::Aws(_) if is_denied(error) => {
            let action = error.action;
            format!("allow {}:{action} in the policy of the function's role", service(action))
        }
        Code::DeadlineReached => {
            "invoke doctor again, if need be with a longer timeout of the function".to_owned()
        }
        Code::Aws(code) if code == "ClusterNotFoundException" => {
            "correct `cluster` in BINDINGS".to_owned()
        }
        _ => "invoke doctor again; if the check fails again, its error names the cause".to_owned(),
    }
}

/// The service of an action in IAM policies (Service Authorization Reference).
fn service(action: &str) -> &'static str {
    match action {
        "DescribeServices" | "DescribeTaskDefinition" | "DescribeTasks" | "ListTasks" => "ecs",
        "GetResources" => "tag",
        "DescribeSecurityGroups" | "DescribeSubnets" => "ec2",
        "GetTargetGroup" | "ListTargets" => "vpc-lattice",
        _ => ELB,
    }
}
