//! What everything in a run shares: the simulated AWS, the function, and what has happened so far.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sim::{Aws, Health, Task};
use harness::count::Count;
use harness::dice::Dice;
use harness::function::Instances;
use tokio::sync::Notify;

use crate::coverage::Coverage;
use crate::deployments::ledger::{Ledger, Primary, ServiceLog};
use crate::deployments::message::Message;
use crate::deployments::setting::Setting;
use crate::deployments::situation::Situation;
use crate::history::History;
use crate::promises::Broken;

/// When every run begins, in time since 1970.
pub const BEGIN: Duration = Duration::from_secs(1_800_000_000);

/// The port of all targets.
pub const PORT: u16 = 8080;

/// The world of one run.
pub struct Stage {
    pub aws: Aws,
    pub function: Instances,
    /// What the seed decided in advance.
    pub setting: Setting,
    /// The services, in the setting's order.
    pub services: Vec<Place>,
    /// What is still to happen to the services.
    pub script: Arc<Count>,
    /// Wakes the pollers that wait for messages in the queue.
    pub queued: Notify,
    state: Mutex<State>,
}

/// Where a service is found.
#[derive(Clone, Debug)]
pub struct Place {
    pub arn: String,
    /// The ARNs of its target groups, in the order of its bindings.
    pub groups: Vec<String>,
}

/// What changes during a run.
pub struct State {
    /// The source of all chance.
    pub dice: Dice,
    pub history: History,
    pub coverage: Coverage<Situation>,
    pub ledger: Ledger,
    /// The highest number given to an invocation or message so far.
    pub numbers: usize,
    /// The messages in the queue.
    pub queue: Vec<Message>,
    /// Whether faults still occur.
    pub faults: bool,
    /// Whether the function is gone for good.
    pub gone: bool,
    /// Until when ECS fails the calls that only holds need.
    pub down_until: SystemTime,
    /// The first promise that was broken.
    pub broken: Option<Broken>,
}

impl Stage {
    /// The world at the beginning of a run, with its services in a steady state.
    pub fn new(
        aws: Aws,
        function: Instances,
        setting: Setting,
        services: Vec<Place>,
        dice: Dice,
        history: History,
    ) -> Arc<Self> {
        let desired = setting.services.iter().map(|service| vec![(aws.now(), service.desired)]);
        let logs = desired.map(|desired| ServiceLog { desired, ..ServiceLog::default() });
        let state = State {
            dice,
            history,
            coverage: Coverage::default(),
            ledger: Ledger { services: logs.collect(), ..Ledger::default() },
            numbers: 0,
            queue: Vec::new(),
            faults: true,
            gone: false,
            down_until: aws.now(),
            broken: None,
        };
        Arc::new(Self {
            aws,
            function,
            setting,
            services,
            script: Arc::default(),
            queued: Notify::new(),
            state: Mutex::new(state),
        })
    }

    /// What changes. The guard must not be held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes in the history what somebody did; `what` is only called if the history is kept.
    pub fn note(&self, who: &str, what: impl FnOnce() -> String) {
        if self.state().history.is_wanted() {
            let begin = SystemTime::UNIX_EPOCH + BEGIN;
            let at = self.aws.now().duration_since(begin).unwrap_or_default();
            let what = what();
            self.state().history.note(at, who, what);
        }
    }

    /// Counts a situation that was reached.
    pub fn cover(&self, situation: Situation) {
        self.state().coverage.note(situation);
    }

    /// Draws whether a fault with this rate occurs; none does once the faults have ceased.
    pub fn strikes(&self, rate: f64) -> bool {
        let state = &mut *self.state();
        state.faults && state.dice.chance(rate)
    }

    /// Draws a time between these bounds, in seconds.
    pub fn draw_seconds(&self, least: f64, most: f64) -> Duration {
        self.state().dice.seconds(least, most)
    }

    /// Checks a promise; the first one that is broken is the run's outcome.
    pub fn examine(&self, promise: impl FnOnce(&mut State) -> Result<(), Broken>) {
        let verdict = promise(&mut self.state());
        if let Err(broken) = verdict {
            self.note("BROKEN", || broken.to_string());
            self.state().broken.get_or_insert(broken);
        }
    }

    /// Whether the function can be invoked.
    pub fn is_alive(&self) -> bool {
        !self.state().gone
    }

    /// The service of a task, by its place in the setting.
    pub fn service_of(&self, task: &str) -> Option<usize> {
        let task = self.aws.task(task)?;
        let name = task.service_name()?;
        self.setting.services.iter().position(|service| service.name == name)
    }

    /// Takes down which deployment of each service is PRIMARY, as soon as it is another.
    pub fn note_primaries(&self) {
        let now = self.aws.now();
        for (service, place) in self.services.iter().enumerate() {
            let primary = self.aws.deployments(&place.arn).swap_remove(0);
            let state = &mut *self.state();
            let log = &mut state.ledger.services[service];
            if log.primaries.last().is_none_or(|last| last.id != primary.id) {
                let created = primary.created_at;
                log.primaries.push(Primary { id: primary.id, since: now, created });
                log.rollback_seen = false;
                if log.is_rollback() {
                    state.coverage.note(Situation::RolledBack);
                }
            }
        }
    }

    /// The tasks of a service that have not been sent SIGTERM.
    pub fn tasks(&self, service: usize) -> Vec<Task> {
        let arn = &self.services[service].arn;
        let deployments = self.aws.deployments(arn);
        deployments.iter().flat_map(|known| self.aws.tasks_of(arn, &known.id)).collect()
    }

    /// The ARNs of the tasks of a service's PRIMARY deployment.
    pub fn new_tasks(&self, service: usize) -> BTreeSet<String> {
        let arn = &self.services[service].arn;
        let primary = self.aws.deployments(arn).swap_remove(0);
        self.aws.tasks_of(arn, &primary.id).iter().map(Task::arn).collect()
    }

    /// How many tasks of a service's PRIMARY deployment run and have healthy targets in all groups
    /// that gate.
    pub fn ready(&self, service: usize) -> usize {
        let Place { arn, groups } = &self.services[service];
        let healthy = |group: usize| -> BTreeSet<IpAddr> {
            let rows = self.aws.targets(&groups[group]).into_iter();
            rows.filter(|row| row.health == Health::Healthy).map(|row| row.id).collect()
        };
        let gating: Vec<_> = self.setting.gating(service).into_iter().map(healthy).collect();
        let primary = self.aws.deployments(arn).swap_remove(0);
        let tasks = self.aws.tasks_of(arn, &primary.id);
        let serving = tasks.iter().filter(|task| is_serving(task));
        let is_ready = |task: &&Task| {
            let id = task.ipv6().map(IpAddr::V6);
            id.is_some_and(|id| gating.iter().all(|healthy| healthy.contains(&id)))
        };
        serving.filter(is_ready).count()
    }

    /// Takes down that so many tasks of a service are desired from now on.
    pub fn note_desired(&self, service: usize, desired: usize) {
        let now = self.aws.now();
        self.state().ledger.services[service].desired.push((now, desired));
    }

    /// How many tasks of a service are desired.
    pub fn desired(&self, service: usize) -> usize {
        let state = self.state();
        state.ledger.services[service].desired.last().map_or(0, |(_, desired)| *desired)
    }
}

impl State {
    /// The next number for an invocation or message.
    pub fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }
}

/// Whether a task runs and is meant to.
pub fn is_serving(task: &Task) -> bool {
    task.last_status() == "RUNNING" && task.desired_status() == "RUNNING"
}
