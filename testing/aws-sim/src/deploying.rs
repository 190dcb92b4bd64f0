//! Services that the scheduler runs: the part of the handle that tests and benchmarks drive
//! deployments by.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::aws::Aws;
use crate::chance::Chance;
use crate::deployment::{Deployment, Rollout};
use crate::fleet::{Fleet, Sent};
use crate::service::Service;
use crate::stages::HookCall;
use crate::starts::Starts;
use crate::targets::Health;
use crate::task::Task;
use crate::world::World;

impl Aws {
    /// Puts a service into the world that ECS's scheduler runs from now on. It has been in a steady
    /// state for an hour: all of its tasks (`desiredCount`) are RUNNING and healthy, and so are
    /// their targets in the IPv4 groups of its `loadBalancers`. The answer is the service's ARN.
    ///
    /// All chance comes from the seed: the times of each task, and who fails. Two worlds with one
    /// seed and one order of launches have the same tasks with the same times.
    pub fn run_service(&self, service: Service, seed: u64) -> String {
        self.add_service(service.clone());
        let mut world = self.world();
        world.catch_up();
        let arn = service.arn();
        let fleet = Fleet::steady(service, seed, &mut world);
        world.fleets.push(fleet);
        arn
    }

    /// Starts a new deployment; the answer is its id. A deployment under way is superseded.
    pub fn deploy(&self, service_arn: &str) -> String {
        self.in_fleet(service_arn, |fleet, world| fleet.deploy(fleet.service.starts, world))
    }

    /// Likewise, of tasks that start in another way than those so far.
    pub fn deploy_starting(&self, service_arn: &str, starts: Starts) -> String {
        self.in_fleet(service_arn, |fleet, world| fleet.deploy(starts, world))
    }

    /// From now on the service is to have so many tasks.
    pub fn set_desired_count(&self, service_arn: &str, desired: usize) {
        self.in_fleet(service_arn, |fleet, _| fleet.set_desired_count(desired));
        let services = &mut self.world().services;
        if let Some(service) = services.iter_mut().find(|known| known.arn() == service_arn) {
            service.desired_count = Some(desired);
        }
    }

    /// A task of a service that the scheduler runs ends by itself.
    pub fn crash(&self, service_arn: &str, task_arn: &str) {
        self.in_fleet(service_arn, |fleet, world| fleet.crash(task_arn, world));
    }

    /// Lets the scheduler do what is due by now, and hands out what ECS has sent since the last
    /// step, in its order: `ECS Task State Change` and `ECS Deployment State Change` events, and
    /// calls of lifecycle hooks. Delivery is up to the caller.
    pub fn step(&self) -> Vec<Sent> {
        let mut world = self.world();
        world.catch_up();
        std::mem::take(&mut world.sent)
    }

    /// A lifecycle hook's function has answered, or failed (`None`). Without an answer ECS waits
    /// for 15 minutes. A late answer changes nothing.
    pub fn answer_hook(&self, call: &HookCall, answer: Option<&Value>) {
        self.in_fleet(&call.service_arn, |fleet, world| {
            fleet.answer_hook(call, answer, world.now());
        });
    }

    /// The deployments of a service, the PRIMARY one first.
    pub fn deployments(&self, service_arn: &str) -> Vec<Deployment> {
        self.in_fleet(service_arn, |fleet, _| fleet.deployments().to_vec())
    }

    /// The tasks of a deployment whose application runs, those on their way up or down included:
    /// none has been sent SIGTERM.
    pub fn tasks_of(&self, service_arn: &str, deployment: &str) -> Vec<Task> {
        self.in_fleet(service_arn, |fleet, _| fleet.tasks_of(deployment))
    }

    /// Whether a service's deployment is under way.
    pub fn is_deploying(&self, service_arn: &str) -> bool {
        self.deployments(service_arn)[0].rollout == Rollout::InProgress
    }

    /// How many targets of a group serve now: healthy, in use by a load balancer (if the world has
    /// one), and with a task that has not been sent SIGTERM.
    pub fn serving(&self, target_group: &str) -> usize {
        let mut world = self.world();
        world.catch_up();
        if !world.may_be_in_use(target_group) {
            return 0;
        }
        let alive = alive(&world);
        let rows = world.target_groups.get(target_group).map(|targets| targets.rows(world.now()));
        let rows = rows.unwrap_or_default().into_iter();
        rows.filter(|row| row.health == Health::Healthy && alive.contains(&row.id)).count()
    }

    /// From now on each new target of any group has a registration lag of its own, drawn from this
    /// range, and is `Elb.InitialHealthChecking` for its last 30 s. From 90 to 180 s is what users
    /// of Network Load Balancers measure (aws/containers-roadmap#469 and the user guide's
    /// issue 11 have 70 to 120 s until the first check). Without this every group has its one lag.
    pub fn draw_registration_lags(&self, seed: u64, least: Duration, most: Duration) {
        self.world().health_checks.lags = Some(((least, most), Chance::of(seed)));
    }

    fn in_fleet<T>(&self, service_arn: &str, look: impl FnOnce(&mut Fleet, &mut World) -> T) -> T {
        let mut world = self.world();
        world.catch_up();
        let index = world.fleets.iter().position(|fleet| fleet.service.arn() == service_arn);
        let mut fleet = world.fleets.remove(index.expect("a service that the scheduler runs"));
        let answer = look(&mut fleet, &mut world);
        world.fleets.push(fleet);
        answer
    }
}

/// The addresses of the tasks whose application runs.
fn alive(world: &World) -> BTreeSet<IpAddr> {
    let tasks = world.tasks.all();
    let alive = tasks.filter(|task| matches!(task.last_status(), "RUNNING" | "DEACTIVATING"));
    alive
        .flat_map(|task| [Some(IpAddr::V4(task.ipv4())), task.ipv6().map(IpAddr::V6)])
        .flatten()
        .collect()
}
