//! What the seed decides about a run: services and bindings, what happens to them, and the
//! function's settings.

use std::time::Duration;

use crate::deployments::faults::Faults;

/// The setting of one run.
#[derive(Clone, Debug)]
pub struct Setting {
    /// `HOLD_MINUTES`; 0 holds nothing.
    pub hold_minutes: u32,
    pub dry_run: bool,
    pub services: Vec<Service>,
    /// Whether a family of standalone tasks is bound as well.
    pub family: bool,
    /// The queue; without one, events go straight to the function.
    pub queue: Option<Queue>,
    /// Nothing goes wrong, events arrive within 5 s, and each service is deployed once.
    pub calm: bool,
    /// When the function is gone for good.
    pub gone: Option<Duration>,
    /// Whether the run is made again without holds.
    pub compared: bool,
    /// Whether a load balancer uses only the first group of each service.
    pub unused: bool,
    pub faults: Faults,
}

/// A service that ECS runs.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: &'static str,
    pub desired: usize,
    pub strategy: Strategy,
    pub zones: &'static str,
    pub ec2: bool,
    /// After how many seconds the container's health check passes, if it has one.
    pub health_check: Option<(u64, u64)>,
    /// Whether ECS registers its tasks in an IPv4 group, whose health it waits for.
    pub native: bool,
    /// Whether the circuit breaker is on, and rolls back.
    pub breaker: Option<bool>,
    pub kind: Kind,
    /// For each of its target groups, whether its binding takes part in holds. Without any the
    /// service is unbound.
    pub bindings: Vec<bool>,
    /// What happens, and after how many seconds.
    pub changes: Vec<(f64, Change)>,
}

/// How new tasks take the place of old ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    Rolling {
        /// `minimumHealthyPercent`
        least: usize,
        /// `maximumPercent`
        most: usize,
    },
    BlueGreen {
        /// The gate's timeout in minutes, and whether the deployment goes on then, if it has one.
        gate: Option<(u64, bool)>,
        bake_minutes: u64,
    },
}

/// Who starts and stops the tasks, as DescribeServices shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Replica,
    Daemon,
    External,
}

/// Something that happens to a service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    Deploy(Starting),
    Scale(usize),
    /// A task ends by itself.
    Crash,
    /// The applications of so many tasks protect them, to so many seconds before or after the
    /// latest end of a hold.
    Protect(usize, i64),
    /// The applications of all tasks that protected themselves clear that.
    Clear,
}

/// How the tasks of a deployment start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Starting {
    Well,
    /// They do not start.
    Failing,
    /// Such a part of them does not answer on IPv6.
    Deaf(f64),
}

/// How the queue is configured.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// The most invocations that Lambda runs at a time.
    pub instances: usize,
    /// The most messages in a batch.
    pub batch: usize,
    /// How long a batch is gathered.
    pub window: Duration,
    /// How often a message is received before it goes to the dead-letter queue.
    pub receives: u32,
}

impl Setting {
    /// How long a hold may last.
    pub fn longest(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.hold_minutes))
    }

    /// Whether the function may ever protect tasks of this service.
    pub fn may_hold(&self, service: usize) -> bool {
        let service = &self.services[service];
        let bound = service.bindings.iter().any(|hold| *hold);
        self.hold_minutes > 0 && !self.dry_run && bound && service.kind == Kind::Replica
    }

    /// The groups of a service in which new targets have to be healthy.
    pub fn gating(&self, service: usize) -> Vec<usize> {
        let bindings = &self.services[service].bindings;
        let all = !bindings.iter().any(|hold| *hold);
        let gates = |(group, hold): (usize, &bool)| {
            let used = group == 0 || !self.unused;
            ((all || *hold) && used).then_some(group)
        };
        bindings.iter().enumerate().filter_map(gates).collect()
    }
}

impl Service {
    /// All desired counts that it has during the run.
    pub fn desired_counts(&self) -> impl Iterator<Item = usize> {
        let scaled = self.changes.iter().filter_map(|(_, change)| match change {
            Change::Scale(desired) => Some(*desired),
            _ => None,
        });
        scaled.chain([self.desired])
    }

    /// Whether new tasks can start before an old one stops, with so many desired.
    pub fn has_room(&self, desired: usize) -> bool {
        match self.strategy {
            Strategy::Rolling { most, .. } => desired * most / 100 > desired,
            Strategy::BlueGreen { .. } => true,
        }
    }

    /// Whether ECS can replace a task at all, with so many desired.
    pub fn can_go_on(&self, desired: usize) -> bool {
        match self.strategy {
            Strategy::Rolling { least, .. } => {
                self.has_room(desired) || (desired * least).div_ceil(100) < desired
            }
            Strategy::BlueGreen { .. } => true,
        }
    }

    /// Whether each of its changes fulfils this.
    pub fn changes_only(&self, allowed: impl Fn(&Change) -> bool) -> bool {
        self.changes.iter().all(|(_, change)| allowed(change))
    }
}
