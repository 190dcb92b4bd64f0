//! The handle on the simulated AWS that tests, examples and benchmarks hold.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::action::Action;
use crate::call::Call;
use crate::earlier_states::EarlierStates;
use crate::fault::Fault;
use crate::hook::Hook;
use crate::load_balancer::LoadBalancer;
use crate::network::{SecurityGroup, Subnet};
use crate::query_protocol::Target;
use crate::rates::{AllRates, Rate};
use crate::script::Run;
use crate::service::Service;
use crate::target_group::TargetGroup;
use crate::targets::{Health, TargetRow, Targets};
use crate::task::Task;
use crate::task_definition::TaskDefinition;
use crate::world::World;

/// A handle on a simulated AWS; its clones are handles on the same one.
#[derive(Clone)]
pub struct Aws {
    world: Arc<Mutex<World>>,
}

impl Default for Aws {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}

impl Aws {
    /// An AWS with no target group, no task and the cluster `demo-cluster`, whose clock starts at
    /// the present.
    pub fn new() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// Likewise, with a clock that starts at `base`. From there it runs as tokio's clock does,
    /// paused or not.
    pub fn starting_at(base: SystemTime) -> Self {
        Self { world: Arc::new(Mutex::new(World::starting_at(base))) }
    }

    /// The time of its clock.
    pub fn now(&self) -> SystemTime {
        self.world().now()
    }

    /// Puts a target group into the world; the answer is its ARN.
    pub fn add_target_group(&self, group: TargetGroup) -> String {
        let arn = group.arn();
        let targets = Targets::of(group);
        self.world().target_groups.insert(arn.clone(), targets);
        arn
    }

    /// Takes a target group away with all its targets.
    pub fn delete_target_group(&self, arn: &str) {
        self.world().target_groups.remove(arn);
    }

    /// Puts a load balancer into the world, in place of one of the same name; the answer is its
    /// ARN.
    ///
    /// As soon as there is one, targets of a group that no listener forwards to are `unused`
    /// (`Target.NotInUse`). A world without any leaves load balancers out.
    pub fn add_load_balancer(&self, balancer: LoadBalancer) -> String {
        let arn = balancer.arn();
        self.world().load_balancers.insert(arn.clone(), balancer);
        arn
    }

    /// Puts a security group into the world.
    pub fn add_security_group(&self, group: SecurityGroup) {
        self.world().network.add_security_group(group);
    }

    /// From now on the subnet of all services is this one.
    pub fn set_subnet(&self, subnet: Subnet) {
        self.world().network.set_subnet(subnet);
    }

    /// A quota as DescribeAccountLimits shows it.
    pub fn set_account_limit(&self, name: &str, max: u64) {
        self.world().account_limits.insert(name.to_owned(), max);
    }

    /// All targets of a target group, the draining ones too, sorted by address and port.
    pub fn targets(&self, arn: &str) -> Vec<TargetRow> {
        self.in_group(arn, |targets, now| targets.rows(now))
    }

    /// The targets that are registered, that is, not draining; sorted.
    pub fn registered(&self, arn: &str) -> Vec<(IpAddr, u16)> {
        self.targets(arn)
            .into_iter()
            .filter(|row| row.health != Health::Draining)
            .map(|row| (row.id, row.port))
            .collect()
    }

    /// Somebody registers a target by hand. No call is logged; a target that the group refuses is a
    /// panic.
    pub fn put_target(&self, arn: &str, id: &str, port: u16) {
        let target = Target { address: address(id), port: Some(port), zone: None };
        let checks = self.world().health_checks.clone();
        self.in_group(arn, |targets, now| targets.register(&[target], &checks, now))
            .unwrap_or_else(|error| panic!("{}: {}", error.code, error.message));
    }

    /// Somebody deregisters a target by hand. No call is logged.
    pub fn take_target(&self, arn: &str, id: &str, port: u16) {
        let target = Target { address: address(id), port: Some(port), zone: None };
        self.in_group(arn, |targets, now| targets.deregister(&[target], now));
    }

    /// From now on a target group refuses this address with `TooManyRegistrationsForTargetId`.
    /// ELBv2 docs: "You've reached the limit on the number of times a target can be registered with
    /// a load balancer".
    pub fn exhaust_address(&self, arn: &str, id: &str) {
        let id = address(id);
        self.in_group(arn, |targets, _| targets.exhaust(id));
    }

    /// The health checks of a target come to this: healthy, unhealthy or unhealthy.draining. It
    /// shows once the target is past `initial` and while it is registered.
    pub fn set_health(&self, arn: &str, id: &str, port: u16, health: Health) {
        let id = address(id);
        self.in_group(arn, |targets, _| targets.set_health(id, port, health));
    }

    /// Whether DescribeTargetHealth spells IPv6 addresses out in full. How AWS spells them is
    /// undocumented.
    pub fn spell_out_addresses(&self, spell_out: bool) {
        self.world().spell_out_addresses = spell_out;
    }

    /// Whether VPC Lattice refuses a whole call for an address that a group cannot take. Otherwise
    /// it refuses that target alone. Which it does is undocumented.
    pub fn lattice_refuses_whole_calls(&self, refuses: bool) {
        self.world().lattice.refuses_whole_calls = refuses;
    }

    /// Whether VPC Lattice refuses to deregister a target that is not there. Otherwise it is
    /// deregistered. Which it does is undocumented.
    pub fn lattice_refuses_absent_targets(&self, refuses: bool) {
        self.world().lattice.refuses_absent_targets = refuses;
    }

    /// Makes a cluster known that has no task yet.
    pub fn add_cluster(&self, name: &str) {
        self.world().tasks.add_cluster(name);
    }

    /// Puts a service into the world with its cluster and its task definition, in place of one of
    /// the same name.
    pub fn add_service(&self, service: Service) {
        self.add_cluster(&service.cluster);
        self.add_task_definition(service.task_definition.clone());
        let services = &mut self.world().services;
        services.retain(|known| known.name != service.name || known.cluster != service.cluster);
        services.push(service);
    }

    /// Puts a task definition into the world, in place of one of the same family.
    pub fn add_task_definition(&self, definition: TaskDefinition) {
        self.world().task_definitions.insert(definition.family.clone(), definition);
    }

    /// ECS now knows this state of a task, unless it knows one of a higher version.
    pub fn put_task(&self, task: &Task) {
        self.world().put_task(task.clone());
    }

    /// ECS learns a task's state from an `ECS Task State Change` event, as when a file of events is
    /// played; the highest version stays.
    pub fn observe(&self, event: &Value) -> Result<(), String> {
        let task = Task::from_event(event)?;
        self.world().put_task(task);
        Ok(())
    }

    /// The newest state of a task, as long as ECS shows it.
    pub fn task(&self, arn: &str) -> Option<Task> {
        let world = self.world();
        let known = world.tasks.get(arn, world.now());
        known.map(|known| known.task.clone())
    }

    /// ECS no longer knows the task: DescribeTasks calls it `MISSING`.
    pub fn forget_task(&self, arn: &str) {
        self.world().forget_task(arn);
    }

    /// All calls so far, in the order of their arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls()
    }

    /// Likewise, and starts the log anew.
    pub fn take_calls(&self) -> Vec<Call> {
        self.world().take_calls()
    }

    /// From now on `fault` strikes the calls that it matches.
    pub fn fault(&self, fault: Fault) {
        self.world().script.faults.push(fault);
    }

    /// Nothing goes wrong any more, save what a hook decides.
    pub fn clear_faults(&self) {
        self.world().script.faults.clear();
    }

    /// Runs `step` just before the `nth` call of `action` from now on (counted from 1) is applied
    /// or refused.
    pub fn before(&self, action: Action, nth: usize, step: impl FnOnce(&Self) + Send + 'static) {
        let run = self.later(step);
        let before = &mut self.world().script.before;
        before.add(action, nth, run);
    }

    /// Runs `step` just after the `nth` call of `action` from now on (counted from 1) was applied
    /// or refused, and before its answer leaves.
    pub fn after(&self, action: Action, nth: usize, step: impl FnOnce(&Self) + Send + 'static) {
        let run = self.later(step);
        let after = &mut self.world().script.after;
        after.add(action, nth, run);
    }

    /// From now on `hook` decides about every call.
    pub fn set_hook(&self, hook: Arc<dyn Hook>) {
        self.world().hook = Some(hook);
    }

    /// From now on earlier states of tasks are kept, so that a read of ECS can lag behind.
    pub fn remember_tasks(&self) {
        self.world().earlier_states = Some(EarlierStates::default());
    }

    /// From now on all callers of ELBv2 in an account share these rates: for RegisterTargets and
    /// DeregisterTargets together, and for all calls.
    pub fn limit_rates(&self, writes: Rate, calls: Rate) {
        self.world().rates = Some(AllRates::new(writes, calls));
    }

    /// Every call (or those of one action) takes so long before its effect.
    pub fn latency(&self, action: Option<Action>, latency: Duration) {
        let script = &mut self.world().script;
        match action {
            Some(action) => {
                script.latency_of.insert(action, latency);
            }
            None => script.latency = latency,
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step for the script of this world, which does not keep the world alive.
    fn later(&self, step: impl FnOnce(&Self) + Send + 'static) -> Run {
        let world = Arc::downgrade(&self.world);
        Box::new(move || {
            if let Some(world) = world.upgrade() {
                step(&Self { world });
            }
        })
    }

    fn in_group<T>(&self, arn: &str, look: impl FnOnce(&mut Targets, SystemTime) -> T) -> T {
        let mut world = self.world();
        let now = world.now();
        let targets = world.target_groups.get_mut(arn);
        look(targets.expect("a target group of this world"), now)
    }
}

fn address(id: &str) -> IpAddr {
    id.parse().unwrap_or_else(|_| panic!("`{id}` is not an IP address"))
}
