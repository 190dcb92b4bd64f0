//! A task's way from its creation to its end, under ECS's scheduler.

use std::time::{Duration, SystemTime};

use crate::chance::Chance;
use crate::starts::Starts;
use crate::task::Task;

/// Without a load balancer and a health check a task counts as healthy so long after RUNNING.
/// botocore (`minimumHealthyPercent`): "the service scheduler will wait for 40 seconds after a task
/// reaches a RUNNING state before the task is counted towards the minimum healthy percent total".
const TRUSTED_AFTER: Duration = Duration::from_secs(40);

/// From the container's end to STOPPED; 10 s in captured stops.
const DEPROVISIONING: Duration = Duration::from_secs(10);

/// A task that the scheduler started.
#[derive(Clone, Debug)]
pub(crate) struct TaskRun {
    pub(crate) task: Task,
    /// The id of its deployment.
    pub(crate) deployment: String,
    pub(crate) counted_healthy: bool,
    next: Option<(SystemTime, Milestone)>,
    running_since: Option<SystemTime>,
    times: Times,
}

/// What was drawn for the task.
#[derive(Clone, Copy, Debug)]
struct Times {
    created_at: SystemTime,
    running: Duration,
    healthy: Option<Duration>,
    sigterm: Duration,
    ended: Duration,
    fails: bool,
}

/// A step in a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Milestone {
    Pending,
    Activating,
    Running,
    /// It ends before it is RUNNING.
    Failed,
    Stopping,
    Deprovisioning,
    Stopped,
}

impl TaskRun {
    /// A task that is created now.
    pub(crate) fn begin(task: Task, starts: &Starts, chance: Chance, now: SystemTime) -> Self {
        let times = Times::draw(task.id(), starts, chance, now);
        let mut run = Self::of(task, times);
        run.next = Some((now + times.running / 10, Milestone::Pending));
        run
    }

    /// A task that has been healthy for an hour.
    pub(crate) fn steady(task: Task, starts: &Starts, chance: Chance, now: SystemTime) -> Self {
        let running_since = now - Duration::from_secs(3600);
        let times = Times::draw(task.id(), starts, chance, running_since);
        let mut run = Self::of(task.running(), times);
        run.running_since = Some(running_since);
        run.task.started_at = Some(running_since);
        run.counted_healthy = true;
        run
    }

    fn of(task: Task, times: Times) -> Self {
        let deployment = task.started_by.clone().unwrap_or_default();
        let task = task.created_at(times.created_at).health_status("UNKNOWN");
        Self { task, deployment, counted_healthy: false, next: None, running_since: None, times }
    }

    /// Whether it is meant to run.
    pub(crate) fn is_wanted(&self) -> bool {
        self.task.desired_status() == "RUNNING"
    }

    pub(crate) fn is_running(&self) -> bool {
        self.task.last_status() == "RUNNING"
    }

    /// Whether its application still runs: no SIGTERM was sent.
    pub(crate) fn is_alive(&self) -> bool {
        self.is_wanted() || self.task.last_status() == "DEACTIVATING"
    }

    pub(crate) fn is_over(&self) -> bool {
        self.task.last_status() == "STOPPED"
    }

    /// Whether it counts as healthy. botocore (`minimumHealthyPercent`): with a health check of its
    /// container when that is HEALTHY, with a load balancer when the target there is healthy, with
    /// both when both are, and with neither 40 s after RUNNING. `target` is what the load balancer
    /// says, if there is one.
    pub(crate) fn is_healthy(&self, target: Option<bool>, now: SystemTime) -> bool {
        let Some(since) = self.running_since.filter(|_| self.is_wanted()) else { return false };
        match (self.times.healthy, target) {
            (Some(after), target) => since + after <= now && target.unwrap_or(true),
            (None, Some(target)) => target,
            (None, None) => since + TRUSTED_AFTER <= now,
        }
    }

    /// Whether the health check of its container passes; none if there is no such check.
    pub(crate) fn container_is_healthy(&self, now: SystemTime) -> Option<bool> {
        let after = self.times.healthy?;
        Some(self.running_since.is_some_and(|since| since + after <= now))
    }

    /// The next step that has come by now, already taken, with its time.
    pub(crate) fn advance(&mut self, now: SystemTime) -> Option<(SystemTime, Milestone)> {
        let (at, milestone) = self.next.filter(|(at, _)| *at <= now)?;
        self.next = None;
        let task = self.task.clone();
        let version = task.version();
        let after_creation = |part: f64| self.times.created_at + self.times.running.mul_f64(part);
        match milestone {
            Milestone::Pending => {
                self.task = task.pending();
                self.next = Some((after_creation(0.6), Milestone::Activating));
            }
            Milestone::Activating => {
                self.task = task.activating().at_version(version);
                let end = if self.times.fails { Milestone::Failed } else { Milestone::Running };
                self.next = Some((after_creation(1.0), end));
            }
            Milestone::Running => {
                self.task = task.running();
                self.task.started_at = Some(at);
                self.running_since = Some(at);
            }
            Milestone::Stopping => {
                self.task = task.stopping().at_version(version);
                self.next = Some((at + self.times.ended, Milestone::Deprovisioning));
            }
            Milestone::Failed | Milestone::Deprovisioning => {
                self.task = task.deprovisioning();
                self.next = Some((at + DEPROVISIONING, Milestone::Stopped));
            }
            Milestone::Stopped => self.task = task.stopped(),
        }
        Some((at, milestone))
    }

    /// The scheduler stops it: it is DEACTIVATING for `drain`, or for a moment without, before
    /// SIGTERM.
    pub(crate) fn stop(&mut self, drain: Option<Duration>, now: SystemTime) {
        self.task = self.task.clone().deactivating();
        self.next = Some((now + drain.unwrap_or(self.times.sigterm), Milestone::Stopping));
    }

    /// Its container ends by itself, and it goes straight to DEPROVISIONING as in captured crashes.
    pub(crate) fn crash(&mut self, now: SystemTime) {
        self.task = self.task.clone().deprovisioning();
        self.next = Some((now + DEPROVISIONING, Milestone::Stopped));
    }
}

impl Times {
    fn draw(id: &str, starts: &Starts, chance: Chance, created_at: SystemTime) -> Self {
        let between = |what: &str, range| chance.between(&format!("{what} {id}"), range);
        Self {
            created_at,
            running: between("running", starts.running),
            healthy: starts.healthy.map(|range| between("healthy", range)),
            sigterm: between("sigterm", starts.sigterm),
            ended: between("ended", starts.ended),
            fails: chance.happens(&format!("fails {id}"), starts.failing),
        }
    }
}
