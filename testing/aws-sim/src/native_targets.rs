//! What ECS does itself with the target groups in a service's `loadBalancers`.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::query_protocol::Target;
use crate::target_group::Family;
use crate::targets::Health;
use crate::task::Task;
use crate::world::World;

/// The port that all containers here serve on.
const PORT: u16 = 8080;

/// ECS registers a task's IPv4 address while it is ACTIVATING (ECS docs,
/// task-lifecycle-explanation). Groups that are not in the world, and IPv6 groups, are left out:
/// those of a dual-stack task get no address from ECS.
pub(crate) fn register(world: &mut World, groups: &[String], task: &Task, at: SystemTime) {
    let checks = world.health_checks.clone();
    for group in groups {
        if let Some(targets) = world.target_groups.get_mut(group)
            && targets.group.family == Family::Ipv4
        {
            // A group that is full refuses the target, and the task never counts as healthy.
            let _ = targets.register(&[target(task)], &checks, at);
        }
    }
}

/// ECS deregisters a task's target in DEACTIVATING and sends SIGTERM when it has drained (the same
/// page): after the longest deregistration delay of its groups, if it has one.
pub(crate) fn deregister(
    world: &mut World,
    groups: &[String],
    task: &Task,
    at: SystemTime,
) -> Option<Duration> {
    let mut longest = None;
    for group in groups {
        if let Some(targets) = world.target_groups.get_mut(group)
            && targets.group.family == Family::Ipv4
        {
            targets.deregister(&[target(task)], at);
            longest = longest.max(Some(targets.group.deregistration_delay));
        }
    }
    longest
}

/// Whether the task's targets are healthy in all these groups; none where there is no group.
pub(crate) fn is_healthy(
    world: &World,
    groups: &[String],
    task: &Task,
    now: SystemTime,
) -> Option<bool> {
    let ours = groups.iter().filter_map(|group| world.target_groups.get(group));
    let mut ours = ours.filter(|targets| targets.group.family == Family::Ipv4).peekable();
    ours.peek()?;
    Some(ours.all(|targets| targets.row(&target(task), now).health == Health::Healthy))
}

fn target(task: &Task) -> Target {
    Target { address: IpAddr::V4(task.ipv4()), port: Some(PORT), zone: None }
}
