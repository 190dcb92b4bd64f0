//! ELBv2's actions over the AWS Query protocol.

use crate::action::Action;
use crate::form::Form;
use crate::target_group::TargetGroup;
use crate::targets::{Health, TargetRow, Targets};
use crate::wire::ApiError;
use crate::world::World;
use crate::xml;
use std::net::{IpAddr, Ipv6Addr};

/// Applies one action; the answer is the XML inside `<{action}Result>`.
pub(crate) fn apply(world: &mut World, action: Action, form: &Form) -> Result<String, ApiError> {
    match action {
        Action::RegisterTargets => register_targets(world, form),
        Action::DeregisterTargets => deregister_targets(world, form),
        Action::DescribeTargetHealth => describe_target_health(world, form),
        Action::DescribeTargetGroups => describe_target_groups(world, form),
        Action::DescribeTasks | Action::ListTasks => unreachable!("{action} is an action of ECS"),
    }
}

fn register_targets(world: &mut World, form: &Form) -> Result<String, ApiError> {
    let now = world.now();
    let targets = group(world, form.required("TargetGroupArn")?)?;
    let asked = form.targets()?;
    if asked.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    targets.register(&asked, now)?;
    Ok(String::new())
}

fn deregister_targets(world: &mut World, form: &Form) -> Result<String, ApiError> {
    let now = world.now();
    let targets = group(world, form.required("TargetGroupArn")?)?;
    let asked = form.targets()?;
    if asked.is_empty() {
        return Err(ApiError::validation("At least one target must be specified"));
    }
    targets.deregister(&asked, now);
    Ok(String::new())
}

/// Not paginated: botocore has no marker for it.
fn describe_target_health(world: &mut World, form: &Form) -> Result<String, ApiError> {
    let now = world.now();
    let spell_out = world.spell_out_addresses;
    let targets = group(world, form.required("TargetGroupArn")?)?;
    let asked = form.targets()?;
    let rows = if asked.is_empty() {
        targets.rows(now)
    } else {
        asked.iter().map(|target| targets.row(target, now)).collect()
    };
    let descriptions = rows.iter().map(|row| target_health_description(row, spell_out));
    Ok(xml::list("TargetHealthDescriptions", descriptions))
}

fn describe_target_groups(world: &World, form: &Form) -> Result<String, ApiError> {
    let arns = form.strings("TargetGroupArns");
    let names = form.strings("Names");
    for arn in &arns {
        if !world.target_groups.contains_key(arn) {
            return Err(not_found());
        }
    }
    for name in &names {
        if !world.target_groups.values().any(|targets| targets.group.name == *name) {
            return Err(not_found());
        }
    }
    let groups = world.target_groups.iter().filter(|(arn, targets)| {
        (arns.is_empty() || arns.contains(arn))
            && (names.is_empty() || names.contains(&targets.group.name))
    });
    Ok(xml::list("TargetGroups", groups.map(|(_, targets)| target_group(&targets.group))))
}

fn group<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Targets, ApiError> {
    world.target_groups.get_mut(arn).ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::sender("TargetGroupNotFound", "One or more target groups not found")
}

fn target_group(group: &TargetGroup) -> String {
    [
        xml::text("TargetGroupArn", group.arn()),
        xml::text("TargetGroupName", &group.name),
        xml::text("Protocol", "TCP"),
        xml::text("Port", group.port),
        xml::text("VpcId", "vpc-0aaaaaaaaaaaaaaaa"),
        xml::text("TargetType", "ip"),
        xml::text("IpAddressType", group.family.wire_name()),
        xml::list("LoadBalancerArns", [group.load_balancer_arn()]),
    ]
    .concat()
}

fn target_health_description(row: &TargetRow, spell_out: bool) -> String {
    let id = match row.id {
        IpAddr::V6(address) if spell_out => spelled_out(address),
        address => address.to_string(),
    };
    let target = [xml::text("Id", id), xml::text("Port", row.port)].concat();
    let health = [
        xml::text("State", row.health),
        reason(row.health).map_or_else(String::new, |(reason, description)| {
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

/// All eight groups with all their digits.
fn spelled_out(address: Ipv6Addr) -> String {
    address.segments().map(|group| format!("{group:04x}")).join(":")
}

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
