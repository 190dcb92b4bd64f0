//! Which old tasks of a service are to be kept from being stopped until the targets of their
//! successors are healthy. ECS takes old tasks away as soon as new ones run, one to three minutes
//! before a Network Load Balancer sends these anything. Task scale-in protection keeps them ("tasks
//! running older version will not be terminated until protectionEnabled is cleared or expires", ECS
//! developer guide, "Protect your Amazon ECS tasks from being terminated by scale-in events").

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::core::deployment::{Rollout, Service};
use crate::core::task::{Task, TaskArn};

/// ECS counts a protection's length in minutes, so that one ends up to a minute after the end of
/// the hold; the rest is for a call that had to be repeated.
const ROUNDING: Duration = Duration::from_secs(90);

/// A deployment that begins in the future by more than this has no longer hold: ECS's clock is not
/// that far ahead.
const SKEW: Duration = Duration::from_secs(60);

/// This long before the end of a hold its end is announced.
pub const NOTICE: Duration = Duration::from_secs(60);

/// The longest protection, in minutes (ECS API reference, UpdateTaskProtection).
pub const LONGEST: u32 = 2880;

/// Until when each protected task is protected.
pub type Protections = BTreeMap<TaskArn, SystemTime>;

/// Why nothing is protected in a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHold {
    /// Scheduling strategy DAEMON: ECS has to stop a task before it starts the next.
    Daemon,
    /// Deployment controller EXTERNAL: ECS stops nothing by itself.
    External,
    /// The service has no primary deployment.
    NoDeployment,
    /// No task is desired.
    NothingDesired,
    /// No old task serves.
    NoOldTasks,
    /// No new task can run before an old one has stopped: a hold would stop the deployment.
    NoRoom,
    /// The longest time of a hold is over.
    Over,
    /// As many new tasks as desired are ready.
    Ready,
}

impl fmt::Display for NoHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daemon => "its scheduling strategy is DAEMON",
            Self::External => "its deployment controller is EXTERNAL",
            Self::NoDeployment => "it has no primary deployment",
            Self::NothingDesired => "its desired count is 0",
            Self::NoOldTasks => "it has no old tasks",
            Self::NoRoom => "maximumPercent leaves no room for new tasks beside the old ones",
            Self::Over => "the longest time of a hold is over",
            Self::Ready => "as many new tasks as desired are ready",
        })
    }
}

/// What is to be done about the protection of a service's tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Old tasks to be protected.
    pub protect: Vec<TaskArn>,
    /// For how many minutes.
    pub minutes: u32,
    /// Tasks whose protection by a hold is to be cleared.
    pub release: Vec<TaskArn>,
    /// How many tasks a hold protects once this is done.
    pub held: usize,
    /// Whether a hold ends within [`NOTICE`], while fewer new tasks than desired are ready.
    pub expires: bool,
    /// Why nothing is to be protected, if that is so for a reason.
    pub why_not: Option<NoHold>,
}

/// Why a service is never held, whatever its tasks.
pub fn never_held(service: &Service) -> Option<NoHold> {
    match service {
        Service { is_daemon: true, .. } => Some(NoHold::Daemon),
        Service { is_external: true, .. } => Some(NoHold::External),
        _ if service.primary().is_none() => Some(NoHold::NoDeployment),
        _ => None,
    }
}

/// Decides for a service. `protections` are those of its serving tasks; `longest` is how long a
/// hold may last from the beginning of the deployment.
///
/// Protections that end later than the hold are the application's own: they count as kept, and are
/// never changed. A task is protected once, to the end of the hold, and never more tasks than
/// desired are, because else ECS refuses (`DEPLOYMENT_BLOCKED`).
pub fn decide(
    service: &Service,
    rollout: &Rollout<'_>,
    protections: &Protections,
    now: SystemTime,
    longest: Duration,
) -> Decision {
    let end = service.primary().map_or(now, |primary| primary.created + longest);
    let last_end = service.newest().map_or(end, |newest| newest + longest) + ROUNDING;
    let is_ours = |task: &Task| protections.get(&task.arn).is_some_and(|until| *until <= last_end);
    let is_foreign = |task: &Task| protections.contains_key(&task.arn) && !is_ours(task);

    let foreign = rollout.old.iter().filter(|(task, _)| is_foreign(task)).count();
    let why_not = why_not(service, rollout, now, end);
    let missing = service.desired.saturating_sub(rollout.ready.len());
    let keep = match why_not {
        Some(NoHold::Over) | None => missing.saturating_sub(foreign),
        Some(_) => 0,
    };

    let ours = in_turn(rollout.old.iter().copied().filter(|(task, _)| is_ours(task)));
    let new = rollout.ready.iter().chain(rollout.waiting.iter().map(|(task, _)| task));
    let new_and_ours = new.filter(|task| is_ours(task)).map(|task| task.arn.clone());
    let mut release: Vec<TaskArn> = ours.iter().skip(keep).map(|task| task.arn.clone()).collect();
    release.extend(new_and_ours);

    // Only the first decisions of a deployment protect. Later ECS may refuse, because it waits for
    // protected tasks already.
    let is_first = ours.is_empty() || rollout.ready.is_empty();
    let lacking = if is_first && why_not.is_none() { keep.saturating_sub(ours.len()) } else { 0 };
    let began = service.primary().map(|primary| primary.created);
    let unprotected =
        rollout.old.iter().copied().filter(|(task, _)| {
            !protections.contains_key(&task.arn) && !is_created_after(task, began)
        });
    let protect = in_turn(unprotected).into_iter().take(lacking);
    let protect: Vec<TaskArn> = protect.map(|task| task.arn.clone()).collect();
    let held = protect.len() + ours.len().min(keep);
    Decision {
        minutes: minutes_until(end.min(now + longest + SKEW), now),
        // A task is kept only for one that is missing.
        expires: held > 0 && now + NOTICE >= end,
        protect,
        release,
        held,
        why_not,
    }
}

fn why_not(
    service: &Service,
    rollout: &Rollout<'_>,
    now: SystemTime,
    end: SystemTime,
) -> Option<NoHold> {
    never_held(service).or_else(|| match () {
        () if service.desired == 0 => Some(NoHold::NothingDesired),
        () if rollout.old.is_empty() => Some(NoHold::NoOldTasks),
        () if !service.has_room() => Some(NoHold::NoRoom),
        () if rollout.ready.len() >= service.desired => Some(NoHold::Ready),
        () if now >= end => Some(NoHold::Over),
        () => None,
    })
}

/// Zone after zone in turn, so that each keeps some, and within a zone those with healthy targets
/// first. The order is the same every time.
fn in_turn<'a>(tasks: impl Iterator<Item = (&'a Task, bool)>) -> Vec<&'a Task> {
    let mut by_zone = BTreeMap::<&str, Vec<(bool, &Task)>>::new();
    for (task, is_healthy) in tasks {
        let zone = task.origin.as_ref().map_or("", |origin| origin.zone.as_str());
        by_zone.entry(zone).or_default().push((!is_healthy, task));
    }
    let mut ranked = Vec::new();
    for (zone, mut tasks) in by_zone {
        tasks.sort_by_key(|(is_unhealthy, task)| (*is_unhealthy, &task.arn));
        let placed = tasks.into_iter().enumerate();
        ranked.extend(placed.map(|(rank, (_, task))| ((rank, zone), task)));
    }
    ranked.sort_by_key(|(place, _)| *place);
    ranked.into_iter().map(|(_, task)| task).collect()
}

/// A task that replaces an old one during the deployment. ECS may refuse to protect it, and stops
/// it without harm: it was not there when the deployment began.
fn is_created_after(task: &Task, began: Option<SystemTime>) -> bool {
    let created = task.origin.as_ref().and_then(|origin| origin.created);
    created.zip(began).is_some_and(|(created, began)| created > began)
}

/// Whole minutes, rounded up, as UpdateTaskProtection takes them.
fn minutes_until(end: SystemTime, now: SystemTime) -> u32 {
    let left = end.duration_since(now).unwrap_or_default();
    let minutes = left.as_nanos().div_ceil(60_000_000_000);
    u32::try_from(minutes).unwrap_or(LONGEST).clamp(1, LONGEST)
}

#[cfg(test)]
mod tests;
