//! The check of the quotas.

use super::Judged;
use super::zones::crosses_zones;
use crate::core::binding::Binding;
use crate::doctor::facts::{Facts, Quotas, TargetsPerGroup};
use crate::doctor::verdict::Verdict::{DoesNotApply, Fail, Pass, Warn};

/// A deployment that starts all new tasks before it stops the old ones (maximumPercent 200, or
/// blue/green) needs twice as many targets for a while.
pub fn quota<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    if facts.target_group.as_ref()?.is_none() {
        return Ok(DoesNotApply);
    }
    let targets = facts.targets.as_ref()?.len();
    let Quotas { per_group, per_zone } = *facts.quotas.as_ref()?;
    let (most, fix, remark) = if crosses_zones(facts)? && per_zone < per_group.most() {
        let remark = " (cross-zone is on: of all groups of the load balancer together)";
        (per_zone, "Targets per Availability Zone per Network Load Balancer", remark)
    } else {
        let assumed = matches!(per_group, TargetsPerGroup::Assumed(_));
        let remark = if assumed { " (the default quota)" } else { "" };
        (per_group.most(), "Targets per target group per Region", remark)
    };
    let found = format!("{targets} of {most} targets{remark}");
    let fix = format!(
        "ask for more of the Elastic Load Balancing quota \"{fix}\" (Service Quotas), or spread the \
         tasks over several services and groups"
    );
    Ok(if targets >= most {
        Fail(format!("{found}: no other task can be registered"), fix)
    } else if 2 * targets > most {
        Warn(format!("{found}: too few are left for a deployment that doubles them"), fix)
    } else {
        Pass(found)
    })
}
