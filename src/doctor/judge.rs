//! From facts to checks. Pure: no clock, no network, no SDK.

use super::facts::Facts;
use super::verdict::{Check, Status, Verdict};
use super::{ec2, ecs, elb, lattice, unread};
use crate::core::binding::Binding;
use crate::core::failure::Failure;
use crate::core::target_group::GroupKind;

/// A check: returns the verdict, or the failed read that it depends on.
type Judge = for<'a> fn(&Binding, &'a Facts) -> Result<Verdict, &'a Failure>;

/// All checks of a group of a load balancer, in the order in which to fix them.
const CHECKS: [(&str, Judge); 18] = [
    ("role", elb::checks::role),
    ("target-group", elb::checks::target_group),
    ("load-balancer", elb::checks::load_balancer),
    ("source-nat", elb::checks::source_nat),
    ("client-ip", elb::checks::client_ip),
    ("zones", elb::checks::zones),
    ("health-check", elb::checks::health_check),
    ("health", elb::checks::health),
    ("security-group", ec2::checks::security_group),
    ("quota", elb::checks::quota),
    ("service", ecs::checks::service),
    ("not-attached", ecs::checks::not_attached),
    ("network-mode", ecs::checks::network_mode),
    ("task-addresses", ecs::checks::task_addresses),
    ("subnets", ec2::checks::subnets),
    ("deployment", ecs::checks::deployment),
    ("rollout", ecs::checks::rollout),
    ("drain", ecs::checks::drain),
];

/// Likewise, of a group of VPC Lattice.
const LATTICE_CHECKS: [(&str, Judge); 12] = [
    ("target-group", lattice::checks::target_group),
    ("lattice-service", lattice::checks::service),
    ("health", lattice::checks::health),
    ("quota", lattice::checks::quota),
    ("service", ecs::checks::service),
    ("not-attached", ecs::checks::not_attached),
    ("network-mode", ecs::checks::network_mode),
    ("task-addresses", ecs::checks::task_addresses),
    ("subnets", ec2::checks::subnets),
    ("deployment", ecs::checks::deployment),
    ("rollout", ecs::checks::rollout),
    ("drain", lattice::checks::drain),
];

/// The checks that apply to a binding.
pub fn judge(binding: &Binding, facts: &Facts) -> Vec<Check> {
    let checks = match binding.target_group.kind() {
        GroupKind::LoadBalancer => &CHECKS[..],
        GroupKind::Lattice => &LATTICE_CHECKS,
    };
    let judged = checks.iter().filter_map(|(check, judge)| {
        let verdict = judge(binding, facts).unwrap_or_else(|error| unread::verdict(error, facts));
        let (status, detail, fix) = match verdict {
            Verdict::Pass(detail) => (Status::Pass, detail, String::new()),
            Verdict::Warn(detail, fix) => (Status::Warn, detail, fix),
            Verdict::Fail(detail, fix) => (Status::Fail, detail, fix),
            Verdict::DoesNotApply => return None,
        };
        Some(Check { binding: binding.to_string(), check, status, detail, fix })
    });
    judged.collect()
}
