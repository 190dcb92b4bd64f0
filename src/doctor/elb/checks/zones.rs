//! The check of the Availability Zones.

use super::{Judged, modify_attribute};
use crate::core::binding::Binding;
use crate::core::failure::Failure;
use crate::doctor::facts::{Balancer, Facts, LoadBalancer, Target, TargetGroup};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

/// Every enabled zone has a target. Without cross-zone load balancing a zone that has none in one
/// group leaves the load balancer's DNS name, for all its listeners (AWS re:Post knowledge
/// center, "ELB DNS cross-zone balance configuration"), and clients that know the zone's address
/// fail. A target's zone is the one ELB has it in.
///
/// Targets in zone `all` are outside the VPC: they get traffic of every zone, whatever the group or
/// the load balancer says of cross-zone load balancing (ELB docs, "Register targets").
pub fn zones<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    if let Some(group) = facts.target_group.as_ref()?
        && facts.all_zones
        && group.needs_own_vpc()
    {
        return Ok(outside_the_vpc(group));
    }
    let Some(Balancer { load_balancer, .. }) = facts.front.as_ref()? else {
        return Ok(DoesNotApply);
    };
    let LoadBalancer { zones, .. } = load_balancer.as_ref()?;
    let all = facts.targets.as_ref()?;
    let unused = all.iter().filter(|target| target.state == "unused").count();
    if unused > 0 {
        return Ok(outside_the_zones(unused, load_balancer.as_ref()?));
    }
    let targets: Vec<&Target> = all.iter().filter(|target| target.is_in_service()).collect();
    if targets.is_empty() {
        return no_target(facts);
    }
    if facts.all_zones && !crosses_zones(facts)? {
        return Ok(ignores_zones(binding));
    }
    let untold = targets.iter().filter(|target| target.zone.is_none()).count();
    if untold > 0 {
        return Ok(Pass(format!("not known: ELB does not tell the zone of {untold} targets")));
    }
    let cross_zone = crosses_zones(facts)?;
    // An address outside the VPC is registered for all zones.
    let has_target = |zone: &str| {
        targets.iter().any(|t| matches!(t.zone.as_deref(), Some(z) if z == zone || z == "all"))
    };
    let names = zones.iter().map(|zone| zone.name.as_str());
    let (served, empty): (Vec<&str>, Vec<&str>) = names.partition(|zone| has_target(zone));
    Ok(match (empty.is_empty(), cross_zone) {
        (true, _) => Pass(format!("targets in {}", served.join(", "))),
        (false, true) => {
            Pass(format!("none in {}, but cross-zone load balancing is on", empty.join(", ")))
        }
        (false, false) => {
            let command = modify_attribute(binding, "load_balancing.cross_zone.enabled", "true");
            let fix = format!("run tasks in each of these zones, or: {command}");
            Warn(format!("no target in {}, and cross-zone is off", empty.join(", ")), fix)
        }
    })
}

/// A group of UDP takes no target outside the load balancer's VPC (the same page).
fn outside_the_vpc(group: &TargetGroup) -> Verdict {
    let TargetGroup { protocol, .. } = group;
    Fail(
        format!("the group is of {protocol}, and such a group takes no target of another VPC"),
        "run the tasks in the load balancer's VPC and remove `zone`, or bind a group of TCP or TLS"
            .to_owned(),
    )
}

fn ignores_zones(binding: &Binding) -> Verdict {
    let command = modify_attribute(binding, "load_balancing.cross_zone.enabled", "true");
    Warn(
        "targets in zone `all` get traffic of every zone, although cross-zone is off".to_owned(),
        format!("to have the group say what happens: {command}"),
    )
}

/// The target group decides, or else the load balancer.
pub fn crosses_zones(facts: &Facts) -> Result<bool, &Failure> {
    match (facts.attributes.as_ref()?.cross_zone, facts.front.as_ref()?) {
        (Some(decided), _) => Ok(decided),
        (None, Some(front)) => Ok(*front.cross_zone.as_ref()?),
        (None, None) => Ok(false),
    }
}

/// Behind a listener a target is `unused` if its zone is not enabled for the load balancer (ELB
/// API reference, TargetHealth: Target.NotInUse).
fn outside_the_zones(unused: usize, balancer: &LoadBalancer) -> Verdict {
    let LoadBalancer { arn, zones, .. } = balancer;
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    let names = names.join(", ");
    let detail = format!(
        "{unused} targets are unused: no listener uses them, or they are outside the enabled zones \
         ({names})"
    );
    let fix = format!(
        "if `load-balancer` fails, fix that first; else enable the tasks' zones: aws elbv2 \
         set-subnets --load-balancer-arn {arn} --subnets SUBNETS (all of them, old and new)"
    );
    Fail(detail, fix)
}

/// It depends on whether there should be targets.
fn no_target(facts: &Facts) -> Judged<'_> {
    let serving = facts.serving_tasks()?.len();
    Ok(match serving {
        0 => Warn(
            "no target is in service, and no task with an IPv6 address runs".to_owned(),
            "start a task".to_owned(),
        ),
        _ => Fail(
            format!("no target is in service, though {serving} tasks with IPv6 addresses run"),
            "invoke the function with {\"action\":\"reconcile\"}; if `load-balancer` fails, fix \
             that first"
                .to_owned(),
        ),
    })
}
