//! A task's state as an `ECS Task State Change` event has it.

use std::net::Ipv6Addr;

use serde_json::Value;

use super::{Group, Task, deployment_of, last_segment};

impl Task {
    /// Reads the state out of an `ECS Task State Change` event.
    pub(crate) fn from_event(event: &Value) -> Result<Self, String> {
        let detail = &event["detail"];
        let arn = text(detail, "taskArn")?;
        let [_, _, _, region, account, path] = parts(arn)?;
        let path: Vec<&str> = path.split('/').collect();
        let cluster_arn = text(detail, "clusterArn")?;
        let version = detail["version"].as_u64();
        Ok(Self {
            id: path.last().copied().unwrap_or_default().to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            cluster: last_segment(cluster_arn).to_owned(),
            group: read_group(detail["group"].as_str().unwrap_or_default()),
            task_definition: read_family(detail["taskDefinitionArn"].as_str().unwrap_or_default()),
            address: read_address(detail),
            launch_type: detail["launchType"].as_str().unwrap_or("FARGATE").to_owned(),
            last_status: text(detail, "lastStatus")?.to_owned(),
            desired_status: text(detail, "desiredStatus")?.to_owned(),
            version: version.ok_or("the event has no number in detail.version")?,
            old_arn: path.len() == 2,
            zone: detail["availabilityZone"]
                .as_str()
                .and_then(|zone| zone.chars().last())
                .unwrap_or('a'),
            started_by: read_deployment(detail),
            created_at: None,
            started_at: None,
            health_status: None,
        })
    }
}

fn text<'a>(detail: &'a Value, name: &str) -> Result<&'a str, String> {
    let text = detail[name].as_str();
    text.ok_or_else(|| format!("the event has no text in detail.{name}"))
}

fn parts(arn: &str) -> Result<[&str; 6], String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    parts.try_into().map_err(|_| format!("`{arn}` is not an ARN"))
}

fn read_group(group: &str) -> Group {
    match group.split_once(':') {
        Some(("service", name)) => Group::Service(name.to_owned()),
        Some(("family", _)) => Group::Family,
        _ => Group::Other(group.to_owned()),
    }
}

/// `startedBy`, unless it is that of a service that has had no other deployment.
fn read_deployment(detail: &Value) -> Option<String> {
    let started_by = detail["startedBy"].as_str()?;
    let service = detail["group"].as_str()?.strip_prefix("service:")?;
    (started_by != deployment_of(service)).then(|| started_by.to_owned())
}

/// `demo` of `…:task-definition/demo:10`.
fn read_family(task_definition_arn: &str) -> String {
    let name = last_segment(task_definition_arn);
    name.split(':').next().unwrap_or(name).to_owned()
}

fn read_address(detail: &Value) -> Option<Ipv6Addr> {
    let containers = detail["containers"].as_array()?;
    containers
        .iter()
        .filter_map(|container| container["networkInterfaces"].as_array())
        .flatten()
        .find_map(|interface| interface["ipv6Address"].as_str()?.parse().ok())
}
