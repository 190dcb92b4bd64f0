//! From facts to checks. Pure: no clock, no network, no SDK.

use super::facts::Facts;
use super::{Check, Status, ecs_checks, elb_checks};
use crate::binding::Binding;
use crate::call::CallError;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Pass(String),
    /// It works, with a drawback; and how to mend it.
    Warn(String, String),
    /// It does not work; and how to mend it.
    Fail(String, String),
    /// There is nothing to check.
    DoesNotApply,
}

/// A check: the verdict, or the read without which there is none.
type Judge = for<'a> fn(&Binding, &'a Facts) -> Result<Verdict, &'a CallError>;

/// All checks, in the order in which they are best mended.
const CHECKS: [(&str, Judge); 11] = [
    ("target-group", elb_checks::target_group),
    ("load-balancer", elb_checks::load_balancer),
    ("source-nat", elb_checks::source_nat),
    ("client-ip", elb_checks::client_ip),
    ("zones", elb_checks::zones),
    ("quota", elb_checks::quota),
    ("service", ecs_checks::service),
    ("not-attached", ecs_checks::not_attached),
    ("network-mode", ecs_checks::network_mode),
    ("task-addresses", ecs_checks::task_addresses),
    ("drain", ecs_checks::drain),
];

/// The checks that apply to a binding.
pub fn judge(binding: &Binding, facts: &Facts) -> Vec<Check> {
    let judged = CHECKS.iter().filter_map(|(check, judge)| {
        let verdict = judge(binding, facts).unwrap_or_else(unread);
        let (status, detail, fix) = match verdict {
            Verdict::Pass(detail) => (Status::Pass, detail, String::new()),
            Verdict::Warn(detail, fix) => (Status::Warn, detail, fix),
            Verdict::Fail(detail, fix) => (Status::Fail, detail, fix),
            Verdict::DoesNotApply => return None,
        };
        Some(Check { binding: name(binding), check, status, detail, fix })
    });
    judged.collect()
}

/// `service:demo-service in demo-cluster → demo-ipv6:8080`.
fn name(binding: &Binding) -> String {
    let Binding { cluster, owner, target_group, port } = binding;
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{owner} in {cluster} → {}{port}", target_group.name())
}

/// A check without its facts is a failed one: nobody should take silence for health.
fn unread(error: &CallError) -> Verdict {
    Verdict::Fail(format!("cannot be checked: {error}"), mend(error))
}

fn mend(error: &CallError) -> String {
    match error.code.as_str() {
        "AccessDenied" | "AccessDeniedException" => {
            format!("allow {} in the policy of the function's role", iam_name(error.action))
        }
        "DeadlineReached" => {
            "invoke doctor again, if need be with a longer timeout of the function".to_owned()
        }
        "ClusterNotFoundException" => "correct `cluster` in BINDINGS".to_owned(),
        _ => "invoke doctor again; if it says the same, the error tells the cause".to_owned(),
    }
}

/// The name of an action in IAM policies (Service Authorization Reference).
fn iam_name(action: &str) -> String {
    let service = match action {
        "DescribeServices" | "DescribeTaskDefinition" | "DescribeTasks" | "ListTasks" => "ecs",
        _ => "elasticloadbalancing",
    };
    format!("{service}:{action}")
}
