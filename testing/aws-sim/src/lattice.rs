//! VPC Lattice's actions about target groups and targets.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::action::Action;
use crate::api_error::ApiError;
use crate::query_protocol::Target;
use crate::rest::Rest;
use crate::spelling::spelled_out;
use crate::targets::{Health, TargetRow, Targets};
use crate::world::World;

/// Applies one action; the answer is its JSON.
pub(crate) fn apply(world: &mut World, action: Action, rest: &Rest) -> Result<Value, ApiError> {
    match action {
        Action::RegisterTargets => register_targets(world, rest),
        Action::DeregisterTargets => deregister_targets(world, rest),
        Action::ListTargets => list_targets(world, rest),
        Action::GetTargetGroup => get_target_group(world, rest),
        _ => unreachable!("{action} is an action of another service"),
    }
}

/// botocore: 1 to 100 targets.
fn asked(rest: &Rest) -> Result<Vec<Target>, ApiError> {
    let asked = rest.targets()?.unwrap_or_default();
    match asked.len() {
        1..=100 => Ok(asked),
        number => {
            Err(ApiError::validation(format!("{number} targets, where 1 to 100 are accepted")))
        }
    }
}

/// Target by target; a quota fails the whole call. Seen on AWS: a group that is not there yet is in
/// conflict with its change (aws-application-networking-k8s#781).
fn register_targets(world: &mut World, rest: &Rest) -> Result<Value, ApiError> {
    let (now, habits) = (world.now(), world.lattice);
    let checks = world.health_checks.clone();
    let targets = group(world, &rest.group)?;
    let asked = asked(rest)?;
    if targets.group.status != "ACTIVE" {
        let message = format!("The target group is {}", targets.group.status);
        return Err(ApiError::new("ConflictException", message, 409));
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for target in asked {
        match targets.check(&target) {
            Ok(()) => good.push(target),
            Err(error) if habits.refuses_whole_calls => return Err(error),
            Err(error) => bad.push((target, error)),
        }
    }
    targets.register(&good, &checks, now)?;
    Ok(written(targets, &good, &bad))
}

fn deregister_targets(world: &mut World, rest: &Rest) -> Result<Value, ApiError> {
    let (now, habits) = (world.now(), world.lattice);
    let targets = group(world, &rest.group)?;
    let is_there = |target: &Target| {
        let health = targets.row(target, now).health;
        health != Health::Unused && health != Health::Draining
    };
    let (good, absent): (Vec<Target>, Vec<Target>) = asked(rest)?
        .into_iter()
        .partition(|target| !habits.refuses_absent_targets || is_there(target));
    targets.deregister(&good, now);
    let absent = absent.into_iter();
    let bad: Vec<(Target, ApiError)> = absent
        .map(|target| (target, ApiError::sender("TargetNotFound", "The target is not registered")))
        .collect();
    Ok(written(targets, &good, &bad))
}

fn written(targets: &Targets, good: &[Target], bad: &[(Target, ApiError)]) -> Value {
    let port = |target: &Target| target.port.unwrap_or(targets.group.port);
    let successful =
        good.iter().map(|target| json!({"id": target.address.to_string(), "port": port(target)}));
    let unsuccessful = bad.iter().map(|(target, error)| {
        json!({
            "id": target.address.to_string(), "port": port(target),
            "failureCode": error.code, "failureMessage": error.message,
        })
    });
    json!({
        "successful": successful.collect::<Vec<_>>(),
        "unsuccessful": unsuccessful.collect::<Vec<_>>(),
    })
}

/// botocore: pages of `maxResults`, 1 to 100, 100 by default here; at most 20 targets can be named.
fn list_targets(world: &mut World, rest: &Rest) -> Result<Value, ApiError> {
    let now = world.now();
    let spell_out = world.spell_out_addresses;
    let targets = group(world, &rest.group)?;
    let page = match rest.get("maxResults").map(str::parse) {
        None => 100,
        Some(Ok(page @ 1..=100)) => page,
        Some(_) => return Err(ApiError::validation("maxResults must be between 1 and 100")),
    };
    let named = rest.targets()?.unwrap_or_default();
    if named.len() > 20 {
        return Err(ApiError::validation("at most 20 targets can be named"));
    }
    let after = rest.get("nextToken").map(|token| {
        let (id, port) = token.strip_prefix("after ")?.rsplit_once(' ')?;
        Some((id.parse::<IpAddr>().ok()?, port.parse::<u16>().ok()?))
    });
    if after == Some(None) {
        return Err(ApiError::validation("nextToken is not one of ours"));
    }
    let is_named = |row: &TargetRow| {
        named.is_empty()
            || named.iter().any(|t| t.address == row.id && t.port.is_none_or(|p| p == row.port))
    };
    let rows: Vec<TargetRow> = targets.rows(now).into_iter().filter(is_named).collect();
    let after = after.flatten();
    let mut rows = rows.into_iter().filter(|row| after.is_none_or(|a| (row.id, row.port) > a));
    let items: Vec<TargetRow> = rows.by_ref().take(page).collect();
    let next = rows.next().and(items.last()).map(|row| format!("after {} {}", row.id, row.port));
    let items = items.iter().map(|row| item(row, targets, spell_out)).collect::<Vec<_>>();
    Ok(match next {
        Some(next) => json!({"items": items, "nextToken": next}),
        None => json!({"items": items}),
    })
}

fn item(row: &TargetRow, targets: &Targets, spell_out: bool) -> Value {
    let id = match row.id {
        IpAddr::V6(address) if spell_out => spelled_out(address),
        address => address.to_string(),
    };
    let (status, reason) = match row.health {
        Health::Draining => ("DRAINING", None),
        _ if !targets.group.in_service => ("UNUSED", Some("TargetGroupNotInUse")),
        Health::Initial => ("INITIAL", None),
        Health::Healthy => ("HEALTHY", None),
        Health::Unhealthy | Health::UnhealthyDraining => ("UNHEALTHY", Some("HealthCheckFailed")),
        Health::Unused => ("UNUSED", None),
    };
    let mut item = json!({"id": id, "port": row.port, "status": status});
    if let Some(reason) = reason {
        item["reasonCode"] = reason.into();
    }
    item
}

fn get_target_group(world: &mut World, rest: &Rest) -> Result<Value, ApiError> {
    let group = &group(world, &rest.group)?.group;
    let arn = group.arn();
    let service = "arn:aws:vpc-lattice:us-east-2:123456789012:service/svc-0123456789abcdef0";
    let services = if group.in_service { vec![service] } else { vec![] };
    let (protocol, port) = &group.health_check;
    Ok(json!({
        "id": arn.rsplit('/').next(), "arn": arn, "name": group.name,
        "type": group.target_type.to_uppercase(), "status": group.status, "serviceArns": services,
        "config": {
            "port": group.port, "protocol": group.protocol, "protocolVersion": "HTTP1",
            "ipAddressType": group.family.wire_name().to_uppercase(),
            "vpcIdentifier": "vpc-0aaaaaaaaaaaaaaaa",
            "healthCheck": {
                "enabled": protocol != "none", "protocol": protocol,
                "port": port.parse::<u16>().ok(), "path": "/",
            },
        },
    }))
}

fn group<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Targets, ApiError> {
    let found = world.target_groups.get_mut(arn).filter(|targets| targets.group.is_lattice);
    found.ok_or_else(|| {
        let message = format!("Target group {arn} not found");
        ApiError::new("ResourceNotFoundException", message, 404)
    })
}
