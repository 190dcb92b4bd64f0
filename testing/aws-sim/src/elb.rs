//! ELBv2's actions over the AWS Query protocol; here those about target groups and targets.

use std::net::IpAddr;

use crate::action::Action;
use crate::api_error::ApiError;
use crate::load_balancers::{
    attribute_list, describe_account_limits, describe_listeners, describe_load_balancer_attributes,
    describe_load_balancers,
};
use crate::query_protocol::Query;
use crate::rules::describe_rules;
use crate::spelling::spelled_out;
use crate::target_group::TargetGroup;
use crate::targets::{Health, TargetRow, Targets};
use crate::world::World;
use crate::xml;

/// Applies one action; the answer is the XML inside `<{action}Result>`.
pub(crate) fn apply(world: &mut World, action: Action, query: &Query) -> Result<String, ApiError> {
    match action {
        Action::RegisterTargets => register_targets(world, query),
        Action::DeregisterTargets => deregister_targets(world, query),
        Action::DescribeTargetHealth => describe_target_health(world, query),
        Action::DescribeTargetGroups => describe_target_groups(world, query),
        Action::DescribeTargetGroupAttributes => describe_target_group_attributes(world, query),
        Action::DescribeLoadBalancers => describe_load_balancers(world, query),
        Action::DescribeListeners => describe_listeners(world, query),
        Action::DescribeRules => describe_rules(world, query),
        Action::DescribeLoadBalancerAttributes => describe_load_balancer_attributes(world, query),
        Action::DescribeAccountLimits => Ok(describe_account_limits(world)),
        _ => unreachable!("{action} is an action of another service"),
    }
}

fn register_targets(world: &mut World, query: &Query) -> Result<String, ApiError> {
    let now = world.now();
    let checks = world.health_checks.clone();
    let targets = group(world, query.required("TargetGroupArn")?)?;
    let asked = query.targets()?;
    if asked.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    targets.register(&asked, &checks, now)?;
    Ok(String::new())
}

fn deregister_targets(world: &mut World, query: &Query) -> Result<String, ApiError> {
    let now = world.now();
    let targets = group(world, query.required("TargetGroupArn")?)?;
    let asked = query.targets()?;
    if asked.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    targets.deregister(&asked, now);
    Ok(String::new())
}

/// Not paginated: botocore has no marker for it.
fn describe_target_health(world: &mut World, query: &Query) -> Result<String, ApiError> {
    let now = world.now();
    let spell_out = world.spell_out_addresses;
    let arn = query.required("TargetGroupArn")?;
    let in_use = world.may_be_in_use(arn);
    let targets = group(world, arn)?;
    let region = targets.group.region.clone();
    let asked = query.targets()?;
    let rows = if asked.is_empty() {
        targets.rows(now)
    } else {
        asked.iter().map(|target| targets.row(target, now)).collect()
    };
    let checked =
        |row: &TargetRow| row.health == Health::Initial && targets.is_first_checked(row, now);
    let rows: Vec<(TargetRow, bool)> = rows.into_iter().map(|row| (row, checked(&row))).collect();
    let descriptions = rows.iter().map(|(row, is_first_checked)| {
        let zone = world.zone_of(row.id, &region);
        let reason = match (in_use, is_first_checked) {
            (false, _) => Some(NOT_IN_USE),
            (true, true) => Some(FIRST_CHECKS),
            (true, false) => reason(row.health),
        };
        target_health_description(row, spell_out, in_use, reason, zone)
    });
    Ok(xml::list("TargetHealthDescriptions", descriptions))
}

fn describe_target_groups(world: &World, query: &Query) -> Result<String, ApiError> {
    let arns = query.strings("TargetGroupArns");
    let names = query.strings("Names");
    let known = || world.target_groups.iter().filter(|(_, targets)| !targets.group.is_lattice);
    for arn in &arns {
        if !known().any(|(known, _)| known == arn) {
            return Err(not_found());
        }
    }
    for name in &names {
        if !known().any(|(_, targets)| targets.group.name == *name) {
            return Err(not_found());
        }
    }
    let groups = known().filter(|(arn, targets)| {
        (arns.is_empty() || arns.contains(arn))
            && (names.is_empty() || names.contains(&targets.group.name))
    });
    Ok(xml::list("TargetGroups", groups.map(|(_, targets)| target_group(world, &targets.group))))
}

fn describe_target_group_attributes(world: &mut World, query: &Query) -> Result<String, ApiError> {
    let targets = group(world, query.required("TargetGroupArn")?)?;
    Ok(attribute_list(targets.group.attributes()))
}

fn group<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Targets, ApiError> {
    let found = world.target_groups.get_mut(arn).filter(|targets| !targets.group.is_lattice);
    found.ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::sender("TargetGroupNotFound", "One or more target groups not found")
}

fn target_group(world: &World, group: &TargetGroup) -> String {
    [
        xml::text("TargetGroupArn", group.arn()),
        xml::text("TargetGroupName", &group.name),
        xml::text("Protocol", &group.protocol),
        xml::text("Port", group.port),
        xml::text("VpcId", "vpc-0aaaaaaaaaaaaaaaa"),
        xml::text("HealthCheckProtocol", &group.health_check.0),
        xml::text("HealthCheckPort", &group.health_check.1),
        xml::text("TargetType", &group.target_type),
        xml::text("IpAddressType", group.family.wire_name()),
        xml::list("LoadBalancerArns", world.load_balancers_of(&group.arn())),
    ]
    .concat()
}

fn target_health_description(
    row: &TargetRow,
    spell_out: bool,
    in_use: bool,
    reason: Option<(&str, &str)>,
    zone: String,
) -> String {
    let id = match row.id {
        IpAddr::V6(address) if spell_out => spelled_out(address),
        address => address.to_string(),
    };
    let zone = xml::text("AvailabilityZone", zone);
    let target = [xml::text("Id", id), xml::text("Port", row.port), zone].concat();
    let state = if in_use { row.health } else { Health::Unused };
    let health = [
        xml::text("State", state),
        reason.map_or_else(String::new, |(reason, description)| {
            [xml::text("Reason", reason), xml::text("Description", description)].concat()
        }),
    ]
    .concat();
    [
        xml::element("Target", &target),
        xml::text("HealthCheckPort", row.port),
        xml::element("TargetHealth", &health),
    ]
    .concat()
}

/// botocore: "The target group is not used by any load balancer".
const NOT_IN_USE: (&str, &str) =
    ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer");

/// botocore: "The load balancer is still sending the target the minimum number of health checks".
const FIRST_CHECKS: (&str, &str) =
    ("Elb.InitialHealthChecking", "Initial health checks in progress");

/// botocore: the reason codes of `TargetHealth`; a healthy target has none.
fn reason(health: Health) -> Option<(&'static str, &'static str)> {
    match health {
        Health::Healthy => None,
        Health::Initial => {
            Some(("Elb.RegistrationInProgress", "Target registration is in progress"))
        }
        Health::Unhealthy | Health::UnhealthyDraining => {
            Some(("Target.FailedHealthChecks", "Health checks failed"))
        }
        Health::Draining => {
            Some(("Target.DeregistrationInProgress", "Target deregistration is in progress"))
        }
        Health::Unused => {
            Some(("Target.NotRegistered", "Target is not registered to the target group"))
        }
    }
}
