//! What doctor reads of VPC Lattice. It changes nothing.

use crate::aws::lattice::{Group, HealthCheck, Lattice};
use crate::aws::rate_limits::Limits;
use crate::core::binding::TargetGroupArn;
use crate::doctor::facts::{LatticeGroup, Read, Target};

/// A target group; `None` if there is none of this ARN.
pub async fn group(
    lattice: &Lattice,
    arn: &TargetGroupArn,
    limits: &Limits,
) -> Read<Option<LatticeGroup>> {
    match lattice.group(arn, limits).await {
        Ok(group) => Ok(Some(read(group))),
        Err(error) if error.says_no_group() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The targets of a group, whatever their state.
pub async fn targets(
    lattice: &Lattice,
    arn: &TargetGroupArn,
    limits: &Limits,
) -> Read<Vec<Target>> {
    let targets = lattice.health(arn, limits).await?.into_iter();
    let target = |((id, port), health): (_, crate::core::health::Health)| Target {
        address: Some(id),
        port: Some(port),
        zone: None,
        state: health.state,
        reason: health.reason,
    };
    Ok(targets.map(target).collect())
}

fn read(group: Group) -> LatticeGroup {
    let ip_address_type = group.family().to_owned();
    let config = group.config;
    let version = config.protocol_version.map_or_else(String::new, |version| format!(" {version}"));
    let service = |arn: String| arn.rsplit('/').next().unwrap_or_default().to_owned();
    LatticeGroup {
        name: group.name.unwrap_or_default(),
        target_type: group.kind.unwrap_or_default(),
        ip_address_type,
        status: group.status.unwrap_or_default(),
        protocol: format!("{}{version}", config.protocol.unwrap_or_default()),
        port: config.port,
        vpc: config.vpc_identifier.unwrap_or_default(),
        health_check: check(config.health_check),
        services: group.service_arns.into_iter().map(service).collect(),
    }
}

/// What is left out has its default (VPC Lattice API reference, HealthCheckConfig: HTTP, on the
/// port of the target). Whether it is on by default depends on the protocol, so the answer has to
/// say it.
fn check(check: HealthCheck) -> Option<String> {
    let protocol = check.protocol.unwrap_or_else(|| "HTTP".to_owned());
    let port = check.port.map_or("the target's port".to_owned(), |port| format!("port {port}"));
    (check.enabled == Some(true)).then(|| format!("{protocol} on {port}"))
}
