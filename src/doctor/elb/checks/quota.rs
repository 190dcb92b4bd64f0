//! The check of the quotas.

use std::collections::BTreeMap;

use super::Judged;
use super::zones::crosses_zones;
use crate::core::binding::Binding;
use crate::core::failure::Failure;
use crate::doctor::facts::{Facts, Quotas, Target, TargetsPerGroup};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

/// A quota and how much of it is used.
struct Quota {
    targets: usize,
    most: usize,
    /// Its name in Service Quotas.
    name: &'static str,
    /// What is counted, for people.
    remark: String,
}

impl Quota {
    fn used(&self) -> f64 {
        self.targets as f64 / self.most as f64
    }
}

/// A deployment that starts all new tasks before it stops the old ones (maximumPercent 200, or
/// blue/green) needs twice as many targets for a while. The quota that is used most is judged.
pub fn quota<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    if facts.target_group.as_ref()?.is_none() {
        return Ok(DoesNotApply);
    }
    let own = facts.targets.as_ref()?;
    let quotas = facts.quotas.as_ref()?;
    let all = [of_group(own, quotas)].into_iter().chain(of_load_balancer(own, facts, quotas)?);
    // Of several that are used alike, the first: the group's own.
    let tightest = all.reduce(|one, next| if next.used() > one.used() { next } else { one });
    let Some(Quota { targets, most, name, remark }) = tightest else { return Ok(DoesNotApply) };
    let name = format!("Elastic Load Balancing quota \"{name}\"");
    Ok(of_quota(targets, most, &remark, &name))
}

/// Whether so many targets leave room for a deployment in the quota of this name.
pub fn of_quota(targets: usize, most: usize, remark: &str, name: &str) -> Verdict {
    let found = format!("{targets} of {most} targets{remark}");
    let fix = format!(
        "ask for more of the {name} (Service Quotas), or spread the tasks over several services and \
         groups"
    );
    if targets >= most {
        Fail(format!("{found}: no other task can be registered"), fix)
    } else if 2 * targets > most {
        Warn(format!("{found}: too few are left for a deployment that doubles them"), fix)
    } else {
        Pass(found)
    }
}

fn of_group(own: &[Target], quotas: &Quotas) -> Quota {
    let assumed = matches!(quotas.per_group, TargetsPerGroup::Assumed(_));
    Quota {
        targets: own.len(),
        most: quotas.per_group.most(),
        name: "Targets per target group per Region",
        remark: if assumed { " (the default quota)" } else { "" }.to_owned(),
    }
}

/// A task counts once in each group of the load balancer: a service whose IPv4 group is behind the
/// same one has half as many tasks as the quota has targets. Groups of other services count as
/// well, and are not read.
fn of_load_balancer<'a>(
    own: &[Target],
    facts: &'a Facts,
    quotas: &Quotas,
) -> Result<Vec<Quota>, &'a Failure> {
    let mut targets: Vec<&Target> = own.iter().collect();
    let mut names: Vec<&str> = Vec::new();
    for native in facts.native_groups_beside()? {
        targets.extend(native.targets.as_ref()?);
        names.push(&native.name);
    }
    let with = match names.as_slice() {
        [] => String::new(),
        names => format!(", with those of {}", names.join(", ")),
    };
    let in_zone = "Targets per Availability Zone per Network Load Balancer";
    let all = targets.len();
    let mut found = vec![Quota {
        targets: all,
        most: quotas.per_load_balancer,
        name: "Targets per Network Load Balancer",
        remark: format!(" of the load balancer{with}"),
    }];
    if crosses_zones(facts)? {
        let remark =
            format!(" (cross-zone is on: of all groups of the load balancer together){with}");
        found.push(Quota { targets: all, most: quotas.per_zone, name: in_zone, remark });
    } else {
        let mut zones: BTreeMap<&str, usize> = BTreeMap::new();
        for zone in targets.iter().filter_map(|target| target.zone.as_deref()) {
            *zones.entry(zone).or_default() += 1;
        }
        found.extend(zones.into_iter().map(|(zone, targets)| {
            let remark = format!(" of the load balancer in {zone}{with}");
            Quota { targets, most: quotas.per_zone, name: in_zone, remark }
        }));
    }
    Ok(found)
}
