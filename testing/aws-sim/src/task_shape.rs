//! The JSON of a task: nearly the same in an event's `detail` and in DescribeTasks, after captured
//! ones of both.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::digest::{digest, hex, uuid};
use crate::task::{Group, Task, deployment_of};
use crate::timestamps::{rfc3339, seconds};

/// Where the JSON of a task appears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Event,
    Api,
}

impl Place {
    fn attachment_type(self) -> &'static str {
        match self {
            Self::Event => "eni",
            Self::Api => "ElasticNetworkInterface",
        }
    }

    fn agent_status_key(self) -> &'static str {
        match self {
            Self::Event => "status",
            Self::Api => "lastStatus",
        }
    }

    /// Text in events, seconds since 1970 in the API.
    fn timestamp(self, time: SystemTime) -> Value {
        match self {
            Self::Event => json!(rfc3339(time)),
            Self::Api => json!(seconds(time)),
        }
    }
}

/// A task as of `since`, when it came into its present state.
pub(crate) fn describe(task: &Task, place: Place, since: SystemTime) -> Value {
    let mut json = json!({
        "attachments": attachments(task, place),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": task.zone_name(),
        "clusterArn": task.cluster_arn(),
        "connectivity": "CONNECTED",
        "connectivityAt": place.timestamp(later(task, 4_948)),
        "containers": [container(task, place)],
        "cpu": "256",
        "createdAt": place.timestamp(created_at(task)),
        "desiredStatus": task.desired_status(),
        "enableExecuteCommand": true,
        "group": task.group(),
        "launchType": task.launch_type,
        "lastStatus": task.last_status(),
        "memory": "512",
        "overrides": {"containerOverrides": [{"name": "app"}]},
        "taskArn": task.arn(),
        "taskDefinitionArn": task.arn_of(&format!("task-definition/{}:10", task.task_definition)),
        "version": task.version(),
    });
    add(&mut json, launch_fields(task));
    add(&mut json, life_fields(task, place, since));
    if let Group::Service(service) = &task.group {
        let deployment = task.started_by.clone();
        json["startedBy"] = json!(deployment.unwrap_or_else(|| deployment_of(service)));
    }
    if let (Some(health), Place::Api) = (task.health_status, place) {
        json["healthStatus"] = json!(health);
    }
    json
}

fn add(json: &mut Value, fields: Value) {
    if let (Value::Object(json), Value::Object(fields)) = (json, fields) {
        json.extend(fields);
    }
}

/// When the task was created: unless it says so itself, the captured one's time.
fn created_at(task: &Task) -> SystemTime {
    let captured = SystemTime::UNIX_EPOCH + Duration::from_millis(1_683_037_154_980);
    task.created_at.unwrap_or(captured)
}

/// The milestones of the captured task's start are so many milliseconds after its creation.
fn later(task: &Task, millis: u64) -> SystemTime {
    created_at(task) + Duration::from_millis(millis)
}

fn launch_fields(task: &Task) -> Value {
    match task.launch_type.as_str() {
        "FARGATE" => json!({"platformVersion": "1.4.0", "ephemeralStorage": {"sizeInGiB": 20}}),
        _ => json!({
            "containerInstanceArn": task.arn_of(&format!(
                "container-instance/{}/{}", task.cluster_name(), uuid(task.cluster_name()).replace('-', "")
            )),
        }),
    }
}

fn life_fields(task: &Task, place: Place, since: SystemTime) -> Value {
    let mut fields = json!({});
    let since = place.timestamp(since);
    if !matches!(task.last_status(), "PROVISIONING" | "PENDING") {
        fields["pullStartedAt"] = place.timestamp(later(task, 12_927));
        fields["pullStoppedAt"] = place.timestamp(later(task, 17_447));
        fields["startedAt"] =
            place.timestamp(task.started_at.unwrap_or_else(|| later(task, 19_540)));
    }
    if task.desired_status() == "STOPPED" {
        fields["stoppingAt"] = since.clone();
        fields["stopCode"] = json!("ServiceSchedulerInitiated");
        fields["stoppedReason"] = json!("Scaling activity initiated by deployment");
    }
    if task.last_status() == "STOPPED" {
        fields["executionStoppedAt"] = since.clone();
        fields["stoppedAt"] = since.clone();
    }
    if place == Place::Event {
        fields["updatedAt"] = since;
    }
    fields
}

fn container(task: &Task, place: Place) -> Value {
    let path = format!("container/{}/{}", task.cluster_name(), task.id());
    let status = match task.last_status() {
        "PROVISIONING" | "PENDING" => "PENDING",
        "STOPPED" | "DEPROVISIONING" => "STOPPED",
        _ => "RUNNING",
    };
    let mut container = json!({
        "containerArn": task.arn_of(&format!("{path}/{}", uuid(&path))),
        "lastStatus": status,
        "name": "app",
        "image": format!("{}.dkr.ecr.{}.amazonaws.com/app:tag", task.account, task.region),
        "imageDigest": format!("sha256:{}", hex("app").repeat(2)),
        "runtimeId": format!("{}-766747396", task.id()),
        "taskArn": task.arn(),
        "networkInterfaces": network_interfaces(task),
        "cpu": "0",
        "memory": "512",
        "managedAgents": [{"name": "ExecuteCommandAgent", place.agent_status_key(): status}],
    });
    if status == "STOPPED" {
        container["exitCode"] = json!(137);
    }
    container
}

fn has_interface(task: &Task) -> bool {
    task.launch_type != "EXTERNAL"
}

fn network_interfaces(task: &Task) -> Value {
    if !has_interface(task) || task.last_status() == "PROVISIONING" {
        return json!([]);
    }
    let mut interface = json!({
        "attachmentId": attachment_id(task),
        "privateIpv4Address": task.ipv4().to_string(),
    });
    if let Some(address) = task.ipv6() {
        interface["ipv6Address"] = json!(address.to_string());
    }
    json!([interface])
}

fn attachment_id(task: &Task) -> String {
    uuid(&format!("attachment of {}", task.id()))
}

/// The attachment outlives the task: a stopped task's is DELETED, while its containers still have
/// the address.
fn attachments(task: &Task, place: Place) -> Value {
    if !has_interface(task) {
        return json!([]);
    }
    let status = match task.last_status() {
        "PROVISIONING" => "PRECREATED",
        "STOPPED" => "DELETED",
        _ => "ATTACHED",
    };
    let mut details = vec![json!({"name": "subnetId", "value": "subnet-0aaaaaaaaaaaaaaaa"})];
    if status != "PRECREATED" {
        details.extend(interface_details(task));
    }
    json!([{
        "id": attachment_id(task),
        "type": place.attachment_type(),
        "status": status,
        "details": details,
    }])
}

/// ECS docs: these and no IPv6 address.
fn interface_details(task: &Task) -> [Value; 4] {
    let ipv4 = task.ipv4();
    let host = ipv4.to_string().replace('.', "-");
    let dns = format!("ip-{host}.{}.compute.internal", task.region);
    let number = digest(task.id());
    [
        json!({"name": "networkInterfaceId", "value": format!("eni-0{:016x}", number)}),
        json!({"name": "macAddress", "value": "02:00:5e:00:53:01"}),
        json!({"name": "privateDnsName", "value": dns}),
        json!({"name": "privateIPv4Address", "value": ipv4.to_string()}),
    ]
}
