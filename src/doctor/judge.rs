//! From facts to checks. Pure: no clock, no network, no SDK.

use super::facts::Facts;
use super::verdict::{Check, Status, Verdict};
use super::{ecs, elb};
use crate::core::binding::Binding;
use crate::core::failure::{Code, Failure};

/// A check: returns the verdict, or the failed read that it depends on.
type Judge = for<'a> fn(&Binding, &'a Facts) -> Result<Verdict, &'a Failure>;

/// All checks, in the order in which to fix them.
const CHECKS: [(&str, Judge); 11] = [
    ("target-group", elb::checks::target_group),
    ("load-balancer", elb::checks::load_balancer),
    ("source-nat", elb::checks::source_nat),
    ("client-ip", elb::checks::client_ip),
    ("zones", elb::checks::zones),
    ("quota", elb::checks::quota),
    ("service", ecs::checks::service),
    ("not-attached", ecs::checks::not_attached),
    ("network-mode", ecs::checks::network_mode),
    ("task-addresses", ecs::checks::task_addresses),
    ("drain", ecs::checks::drain),
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

/// A check without its facts fails: silence must not pass for health.
fn unread(error: &Failure) -> Verdict {
    Verdict::Fail(format!("cannot be checked: {error}"), fix(error))
}

fn fix(error: &Failure) -> String {
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
        _ => "elasticloadbalancing",
    };
    format!("{service}:{action}")
}
