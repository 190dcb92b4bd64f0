//! The state of the simulated AWS.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use crate::account_limits::default_limits;
use crate::call::{Call, Outcome};
use crate::clock::Clock;
use crate::earlier_states::EarlierStates;
use crate::fleet::{Fleet, Sent};
use crate::habits::Habits;
use crate::health::HealthChecks;
use crate::hook::Hook;
use crate::load_balancer::LoadBalancer;
use crate::network::Network;
use crate::protection::Protections;
use crate::rates::AllRates;
use crate::roles::Roles;
use crate::script::Script;
use crate::service::Service;
use crate::tags::Tags;
use crate::targets::Targets;
use crate::task::Task;
use crate::task_definition::TaskDefinition;
use crate::tasks::Tasks;
use crate::wire::{Asked, Input, Request};

/// The state of the simulated AWS.
pub(crate) struct World {
    clock: Clock,
    pub(crate) target_groups: BTreeMap<String, Targets>,
    /// By their ARNs.
    pub(crate) load_balancers: BTreeMap<String, LoadBalancer>,
    pub(crate) account_limits: BTreeMap<String, u64>,
    pub(crate) network: Network,
    pub(crate) services: Vec<Service>,
    /// By their families.
    pub(crate) task_definitions: BTreeMap<String, TaskDefinition>,
    pub(crate) tasks: Tasks,
    pub(crate) tags: Tags,
    pub(crate) spell_out_addresses: bool,
    pub(crate) lattice: Habits,
    pub(crate) script: Script,
    pub(crate) hook: Option<Arc<dyn Hook>>,
    /// Earlier states of tasks, if they are to be remembered.
    pub(crate) earlier_states: Option<EarlierStates>,
    /// What all callers of ELBv2 share, if it is to be limited.
    pub(crate) roles: Roles,
    pub(crate) rates: Option<AllRates>,
    pub(crate) protections: Protections,
    pub(crate) health_checks: HealthChecks,
    /// The services that ECS's scheduler runs here.
    pub(crate) fleets: Vec<Fleet>,
    /// What left ECS and was not taken yet.
    pub(crate) sent: Vec<Sent>,
    /// Up to when the scheduler has done its work.
    pub(crate) scheduled_until: SystemTime,
    calls: Vec<(u64, Call)>,
    requests: u64,
}

impl World {
    pub(crate) fn starting_at(base: SystemTime) -> Self {
        Self {
            clock: Clock::starting_at(base),
            target_groups: BTreeMap::new(),
            load_balancers: BTreeMap::new(),
            account_limits: default_limits(),
            network: Network::default(),
            services: Vec::new(),
            task_definitions: BTreeMap::new(),
            tasks: Tasks::default(),
            tags: Tags::default(),
            spell_out_addresses: false,
            lattice: Habits::default(),
            script: Script::default(),
            hook: None,
            earlier_states: None,
            rates: None,
            roles: Roles::default(),
            protections: Protections::default(),
            health_checks: HealthChecks::default(),
            fleets: Vec::new(),
            sent: Vec::new(),
            scheduled_until: base,
            calls: Vec::new(),
            requests: 0,
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// When its clock began to run.
    pub(crate) fn began(&self) -> SystemTime {
        self.clock.base()
    }

    /// Takes a task's state in as of now.
    pub(crate) fn put_task(&mut self, task: Task) {
        self.put_task_at(task, self.now());
    }

    /// Likewise, as of that time.
    pub(crate) fn put_task_at(&mut self, task: Task, now: SystemTime) {
        if let Some(earlier) = &mut self.earlier_states {
            earlier.note(&task, now);
        }
        self.tasks.put(task, now);
    }

    /// ECS no longer knows a task.
    pub(crate) fn forget_task(&mut self, arn: &str) {
        let now = self.now();
        if let Some(earlier) = &mut self.earlier_states {
            earlier.forget(arn, now);
        }
        self.tasks.forget(arn);
    }

    /// Does `read` while ECS shows the tasks as of an earlier moment, if one is given.
    pub(crate) fn reading<T>(
        &mut self,
        as_of: Option<SystemTime>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let earlier = as_of.and_then(|moment| Some(self.earlier_states.as_ref()?.as_of(moment)));
        let Some(earlier) = earlier else { return read(self) };
        let newest = std::mem::replace(&mut self.tasks, earlier);
        let answer = read(self);
        self.tasks = newest;
        answer
    }

    /// The service of this name, if the scheduler runs it.
    pub(crate) fn fleet(&self, cluster: &str, service: &str) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.is_of(cluster, service))
    }

    pub(crate) fn running_tasks(&self, cluster: &str, service: &str) -> usize {
        let known = self.tasks.of_cluster(cluster, "", self.now());
        let runs =
            |task: &Task| task.service_name() == Some(service) && task.last_status() == "RUNNING";
        known.filter(|(_, known)| runs(&known.task)).count()
    }

    /// How many tasks a service is to have; without a word on it, as many as are running.
    pub(crate) fn desired_count(&self, cluster: &str, service: &str) -> usize {
        let known = self.services.iter().find(|s| s.cluster == cluster && s.name == service);
        let desired = known.and_then(|service| service.desired_count);
        desired.unwrap_or_else(|| self.running_tasks(cluster, service))
    }

    /// The ARNs of the load balancers with a listener that forwards to this target group.
    pub(crate) fn load_balancers_of(&self, target_group: &str) -> Vec<String> {
        let using = self.load_balancers.iter().filter(|(_, balancer)| balancer.uses(target_group));
        using.map(|(arn, _)| arn.clone()).collect()
    }

    /// Whether health checks reach the targets of a group. In a world without any load balancer,
    /// where nobody asks for them, they do.
    pub(crate) fn may_be_in_use(&self, target_group: &str) -> bool {
        self.load_balancers.is_empty() || !self.load_balancers_of(target_group).is_empty()
    }

    /// The Availability Zone of an address: that of the task that has it, or else zone `a`.
    pub(crate) fn zone_of(&self, address: IpAddr, region: &str) -> String {
        let has_it = |task: &&Task| match address {
            IpAddr::V6(address) => task.ipv6() == Some(address),
            IpAddr::V4(address) => task.ipv4() == address,
        };
        let task = self.tasks.all().find(has_it);
        task.map_or_else(|| format!("{region}a"), Task::zone_name)
    }

    /// The same call, whose target group of VPC Lattice goes by its ARN if it is known.
    pub(crate) fn with_arn(&self, mut asked: Asked) -> Asked {
        if let Input::Rest(rest) = &mut asked.input {
            let arn = self.target_groups.keys().find(|arn| {
                arn.rsplit('/').next() == Some(&rest.group) && arn.contains(":vpc-lattice:")
            });
            rest.group = arn.unwrap_or(&rest.group).clone();
        }
        asked
    }

    /// The number of the next request, by which it goes from here on.
    pub(crate) fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Writes a call into the log.
    pub(crate) fn log(&mut self, number: u64, request: &Request, asked: &Asked) -> Call {
        let call = Call {
            at: self.now(),
            action: asked.action,
            resource: asked.resource(),
            targets: asked.targets(),
            outcome: Outcome::Unanswered,
            refused: Vec::new(),
            host: request.host.clone(),
            region: request.region(),
            account: self.roles.account_of(&asked.key_id),
            parameters: asked.parameters(),
        };
        self.calls.push((number, call.clone()));
        call
    }

    /// Notes what became of a call, if the log still has it.
    pub(crate) fn settle(&mut self, number: u64, outcome: Outcome, refused: Vec<String>) {
        if let Some((_, call)) = self.calls.iter_mut().rfind(|(logged, _)| *logged == number) {
            call.outcome = outcome;
            call.refused = refused;
        }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.iter().map(|(_, call)| call.clone()).collect()
    }

    pub(crate) fn take_calls(&mut self) -> Vec<Call> {
        std::mem::take(&mut self.calls).into_iter().map(|(_, call)| call).collect()
    }
}
