//! What follows from a fact that could not be read.

use super::verdict::Verdict;
use crate::core::failure::{Code, Failure};

/// A check without its facts fails: silence must not pass for health.
pub fn verdict(error: &Failure) -> Verdict {
    Verdict::Fail(format!("cannot be checked: {error}"), fix(error))
}

/// How to get at a fact that could not be read.
pub fn fix(error: &Failure) -> String {
    match &error.code {
        Code::Aws(code) if matches!(&**code, "AccessDenied" | "AccessDeniedException") => {
            format!("allow {} in the policy of the function's role", iam_name(error.action))
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

/// The name of an action in IAM policies (Service Authorization Reference).
fn iam_name(action: &str) -> String {
    let service = match action {
        "DescribeServices" | "DescribeTaskDefinition" | "DescribeTasks" | "ListTasks" => "ecs",
        "GetResources" => "tag",
        _ => "elasticloadbalancing",
    };
    format!("{service}:{action}")
}
