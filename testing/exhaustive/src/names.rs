//! How the few things of this small world are called on the wire.

use std::time::{Duration, SystemTime};

use aws_sim::Task;
use serde_json::{Value, json};

/// A set of tasks or of targets, as bits.
pub type Set = u8;

/// The members of a set.
pub fn members(set: Set) -> impl Iterator<Item = usize> {
    (0..8).filter(move |place| set & 1 << place != 0)
}

/// How many tasks there are.
pub const TASKS: usize = 2;

/// How many targets there are: one for each task, and one that is nobody's.
pub const TARGETS: usize = 3;

/// The target that is nobody's.
pub const STRANGER: usize = 2;

/// The port of all targets.
const PORT: u16 = 80;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo/0123456789abcdef";

/// The service of all tasks.
pub const SERVICE: &str = "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo-service";

/// The binding of the service to the target group.
pub fn bindings() -> Value {
    json!([{
        "cluster": "demo-cluster",
        "service": "demo-service",
        "targetGroupArn": GROUP,
        "port": PORT,
    }])
}

/// The address of a target.
pub fn address(target: usize) -> String {
    format!("2001:db8::{}", target + 1)
}

/// The target of this address and port; none if the port is missing, because ELB then removes
/// nothing.
pub fn target(address: &str, port: Option<&str>) -> Option<usize> {
    let own = |target: &usize| self::address(*target) == address;
    (0..TARGETS).find(own).filter(|_| port == Some(&PORT.to_string()))
}

/// The target in an answer of DescribeTargetHealth.
pub fn target_xml(target: usize) -> String {
    format!("<Target><Id>{}</Id><Port>{PORT}</Port></Target>", address(target))
}

/// A task before it starts. It belongs to the service's old deployment if it is the first one.
pub fn task(place: usize) -> Task {
    Task::new(&format!("{place:032x}")).started_by(deployment(place))
}

/// The place of a task with this ARN.
pub fn place_of(arn: &str) -> Option<usize> {
    (0..TASKS).find(|place| task(*place).arn() == arn)
}

/// The deployment that started a task.
pub fn deployment(place: usize) -> &'static str {
    ["ecs-svc/1", "ecs-svc/2"][place]
}

/// The time at this minute of the clock.
pub fn time(minute: u8) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + 60 * u64::from(minute))
}

/// A time in an answer of ECS.
pub fn seconds(minute: u8) -> u64 {
    let since = time(minute).duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
