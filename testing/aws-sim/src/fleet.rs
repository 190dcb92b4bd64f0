//! A service whose tasks ECS's scheduler starts and stops.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::chance::Chance;
use crate::deployment::{self, Counts, Deployment, Report, Rollout};
use crate::deployment_configuration::{DeploymentConfiguration, Strategy};
use crate::digest::{digest, hex};
use crate::lifecycle_hook::Stage;
use crate::native_targets;
use crate::scheduler::{Limits, Moves, Seen, decide};
use crate::service::Service;
use crate::stages::{HookCall, Progress, Turn};
use crate::starts::Starts;
use crate::task::Task;
use crate::task_run::{Milestone, TaskRun};
use crate::world::World;

/// Something that ECS sends: [`crate::Aws::step`] hands it out for delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Sent {
    /// An event, as EventBridge gets it.
    Event(Value),
    /// A call of a lifecycle hook's function, which [`crate::Aws::answer_hook`] answers.
    Hook(HookCall),
}

/// The service with its deployments, the PRIMARY one first, and its tasks.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) service: Service,
    chance: Chance,
    starts: Starts,
    deployments: Vec<Deployment>,
    runs: Vec<TaskRun>,
    /// Where a deployment that is not a rolling one stands.
    progress: Option<Progress>,
    held_back: bool,
    /// The deployment that the circuit breaker goes back to.
    completed: Option<Deployment>,
    deployments_so_far: usize,
    tasks_so_far: usize,
}

impl Fleet {
    /// A service that has been in a steady state for an hour, with all its tasks healthy.
    pub(crate) fn steady(service: Service, seed: u64, world: &mut World) -> Self {
        let now = world.now();
        let created_at = now - Duration::from_secs(3600);
        let id = deployment_id(&service, 0);
        let mut first = Deployment::begin(id.clone(), created_at);
        first.enter(Rollout::Completed, created_at);
        let mut fleet = Self {
            chance: Chance::of(seed),
            starts: service.starts,
            deployments: vec![first.clone()],
            runs: Vec::new(),
            progress: None,
            held_back: false,
            completed: Some(first),
            deployments_so_far: 1,
            tasks_so_far: 0,
            service,
        };
        for _ in 0..fleet.desired() {
            let task = fleet.new_task(&id, world);
            let run = TaskRun::steady(task, &fleet.starts, fleet.chance, now);
            native_targets::register(world, &fleet.groups_of(&id), &run.task, created_at);
            world.put_task_at(run.task.clone(), now);
            fleet.runs.push(run);
        }
        fleet
    }

    pub(crate) fn is_of(&self, cluster: &str, service: &str) -> bool {
        self.service.cluster == cluster && self.service.name == service
    }

    pub(crate) fn desired(&self) -> usize {
        self.service.desired_count.unwrap_or_default()
    }

    pub(crate) fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// The tasks of a deployment that were not sent SIGTERM.
    pub(crate) fn tasks_of(&self, deployment: &str) -> Vec<Task> {
        let runs = self.runs.iter().filter(|run| run.deployment == deployment && run.is_alive());
        runs.map(|run| run.task.clone()).collect()
    }

    /// Whether protected tasks keep it from a steady state.
    pub(crate) fn is_held_back(&self) -> bool {
        self.held_back
    }

    /// Tasks on their way to RUNNING.
    pub(crate) fn pending(&self) -> usize {
        self.runs.iter().filter(|run| run.is_wanted() && !run.is_running()).count()
    }

    /// The deployment under way, if one is.
    pub(crate) fn under_way(&self) -> Option<&Deployment> {
        self.deployments.first().filter(|primary| primary.rollout == Rollout::InProgress)
    }

    pub(crate) fn describe_deployments(&self, task_definition: &str) -> Vec<Value> {
        let counts = |deployment: &Deployment| {
            let runs = self.runs.iter().filter(|run| run.deployment == deployment.id);
            Counts {
                desired: if deployment.is_primary { self.desired() } else { 0 },
                running: runs.clone().filter(|run| run.is_running()).count(),
                pending: runs.filter(|run| run.is_wanted() && !run.is_running()).count(),
            }
        };
        let describe =
            |deployment: &Deployment| deployment.describe(task_definition, counts(deployment));
        self.deployments.iter().map(describe).collect()
    }

    /// A new deployment of the same task definition, as by `forceNewDeployment`; one that is under
    /// way is superseded. The answer is its id.
    pub(crate) fn deploy(&mut self, starts: Starts, world: &mut World) -> String {
        let now = world.now();
        let id = deployment_id(&self.service, self.deployments_so_far);
        self.deployments_so_far += 1;
        self.starts = starts;
        self.deployments.iter_mut().for_each(|deployment| deployment.is_primary = false);
        self.deployments.insert(0, Deployment::begin(id.clone(), now));
        let rolls = self.service.deployment.strategy == Strategy::Rolling;
        self.progress = (!rolls).then(|| Progress::begin(now));
        self.report(&id, Report::InProgress, world, now);
        id
    }

    pub(crate) fn set_desired_count(&mut self, desired: usize) {
        self.service.desired_count = Some(desired);
    }

    /// A task's container ends by itself.
    pub(crate) fn crash(&mut self, arn: &str, world: &mut World) {
        let now = world.now();
        let Some(run) = self.runs.iter_mut().find(|run| run.task.arn() == arn) else { return };
        run.crash(now);
        let (task, deployment) = (run.task.clone(), run.deployment.clone());
        native_targets::deregister(world, &self.groups_of(&deployment), &task, now);
        publish(world, task, now);
        self.count_loss(&deployment);
    }

    /// A hook's function has answered; nothing, if ECS no longer waits for this answer.
    pub(crate) fn answer_hook(&mut self, call: &HookCall, answer: Option<&Value>, now: SystemTime) {
        if let Some(progress) = &mut self.progress {
            progress.answer(call, answer, now);
        }
    }

    /// What is due at this time.
    pub(crate) fn tick(&mut self, world: &mut World, now: SystemTime) {
        self.live(world, now);
        self.note_health(world, now);
        self.go_through_stages(world, now);
        let tasks: Vec<Seen> = self.seen(world, now);
        let moves = decide(self.limits(), &tasks);
        self.held_back = moves.held_back;
        self.make(moves, world, now);
        self.retire(world, now);
    }

    /// The tasks take the steps that are due.
    fn live(&mut self, world: &mut World, now: SystemTime) {
        let mut runs = std::mem::take(&mut self.runs);
        for run in &mut runs {
            while let Some((at, milestone)) = run.advance(now) {
                let groups = self.groups_of(&run.deployment);
                match milestone {
                    Milestone::Activating => {
                        native_targets::register(world, &groups, &run.task, at);
                        world.put_task_at(run.task.clone(), at);
                    }
                    Milestone::Stopping => world.put_task_at(run.task.clone(), at),
                    _ => publish(world, run.task.clone(), at),
                }
                if milestone == Milestone::Failed {
                    native_targets::deregister(world, &groups, &run.task, at);
                    self.count_failure(&run.deployment, world, at);
                }
            }
        }
        runs.retain(|run| !run.is_over());
        self.runs = runs;
    }

    /// Notes which tasks have become healthy. ECS docs (deployment-circuit-breaker): "The failure
    /// count resets to 0 each time a task reaches a healthy state."
    fn note_health(&mut self, world: &mut World, now: SystemTime) {
        for index in 0..self.runs.len() {
            let run = &self.runs[index];
            if run.counted_healthy || !self.is_healthy(run, world, now) {
                continue;
            }
            let run = &mut self.runs[index];
            run.counted_healthy = true;
            if run.container_is_healthy(now) == Some(true) {
                run.task = run.task.clone().health_status("HEALTHY");
                world.put_task_at(run.task.clone(), now);
            }
            let id = run.deployment.clone();
            if let Some(deployment) = self.deployment(&id) {
                deployment.failed_tasks = 0;
            }
        }
    }

    fn is_healthy(&self, run: &TaskRun, world: &World, now: SystemTime) -> bool {
        let groups = self.groups_of(&run.deployment);
        run.is_healthy(native_targets::is_healthy(world, &groups, &run.task, now), now)
    }

    fn seen(&self, world: &World, now: SystemTime) -> Vec<Seen> {
        let primary = self.primary().id.as_str();
        let wanted = self.runs.iter().filter(|run| run.is_wanted());
        wanted
            .map(|run| {
                let arn = run.task.arn();
                Seen {
                    is_new: run.deployment == primary,
                    is_healthy: self.is_healthy(run, world, now),
                    is_protected: world.protections.protects(&arn, now),
                    arn,
                }
            })
            .collect()
    }

    /// ECS docs (blue-green-deployment-how-it-works): all new tasks start beside the old ones, and
    /// these stay until CLEAN_UP.
    fn limits(&self) -> Limits {
        let (desired, settings) = (self.desired(), &self.service.deployment);
        let rolling = Limits {
            desired,
            least_healthy: settings.least_healthy(desired),
            most_tasks: settings.most_tasks(desired),
            lost: self.deployments.iter().map(|deployment| deployment.lost).sum(),
            may_launch: self.primary().rollout != Rollout::Failed,
        };
        match self.progress.as_ref().map(Progress::stage) {
            None => rolling,
            Some(Stage::PreScaleUp) => {
                Limits { least_healthy: usize::MAX, may_launch: false, ..rolling }
            }
            Some(Stage::CleanUp) => Limits { least_healthy: 0, most_tasks: usize::MAX, ..rolling },
            Some(_) => Limits { least_healthy: usize::MAX, most_tasks: usize::MAX, ..rolling },
        }
    }

    fn make(&mut self, moves: Moves, world: &mut World, now: SystemTime) {
        for arn in &moves.stop {
            let Some(index) = self.runs.iter().position(|run| run.task.arn() == *arn) else {
                continue;
            };
            let groups = self.groups_of(&self.runs[index].deployment);
            let run = &mut self.runs[index];
            run.stop(native_targets::deregister(world, &groups, &run.task, now), now);
            publish(world, run.task.clone(), now);
        }
        for _ in 0..moves.launch_old {
            let Some(old) = self.deployments.iter_mut().find(|known| known.lost > 0) else { break };
            old.lost -= 1;
            let id = old.id.clone();
            self.launch(&id, world, now);
        }
        let primary = self.primary().id.clone();
        (0..moves.launch_new).for_each(|_| self.launch(&primary, world, now));
    }

    fn launch(&mut self, deployment: &str, world: &mut World, now: SystemTime) {
        let task = self.new_task(deployment, world);
        if self.chance.happens(&format!("deaf {}", task.id()), self.starts.deaf) {
            world.health_checks.silent.extend(task.ipv6().map(IpAddr::V6));
        }
        publish(world, task.clone(), now);
        self.runs.push(TaskRun::begin(task, &self.starts, self.chance, now));
    }

    /// A task of a deployment, in the next zone, with addresses that no other has.
    fn new_task(&mut self, deployment: &str, world: &World) -> Task {
        let service = &self.service;
        let zone = service.zones[self.tasks_so_far % service.zones.len()];
        loop {
            self.tasks_so_far += 1;
            let id = hex(&format!("{} {}", service.arn(), self.tasks_so_far));
            let task = Task::new(&id)
                .region(&service.region)
                .account(&service.account)
                .cluster(&service.cluster)
                .service(&service.name)
                .task_definition(&service.task_definition.family)
                .launch_type(&service.launch_type)
                .zone(zone)
                .started_by(deployment);
            if world.tasks.all().all(|known| known.ipv4() != task.ipv4()) {
                return task;
            }
        }
    }

    /// A deployment is gone when none of its tasks runs any more (botocore: an ACTIVE one "still
    /// has running tasks"), and the PRIMARY one is completed when it is alone and healthy.
    fn retire(&mut self, world: &mut World, now: SystemTime) {
        let runs = &self.runs;
        self.deployments.retain(|known| {
            let lives = runs.iter().any(|run| run.deployment == known.id && run.is_alive());
            known.is_primary || lives
        });
        let at_last = self.progress.as_ref().is_none_or(|at| at.stage() == Stage::CleanUp);
        if self.deployments.len() > 1 || self.under_way().is_none() || !at_last {
            return;
        }
        let seen = self.seen(world, now);
        let healthy = seen.iter().filter(|task| task.is_healthy).count();
        if healthy == self.desired() && seen.len() == healthy {
            self.deployments[0].enter(Rollout::Completed, now);
            self.completed = Some(self.deployments[0].clone());
            self.progress = None;
            let id = self.deployments[0].id.clone();
            self.report(&id, Report::Completed, world, now);
        }
    }

    fn count_failure(&mut self, id: &str, world: &mut World, now: SystemTime) {
        let threshold = DeploymentConfiguration::failure_threshold(self.desired());
        let breaks = self.service.deployment.circuit_breaker.is_some();
        let Some(deployment) = self.deployment(id) else { return };
        deployment.failed_tasks += 1;
        let failed = breaks
            && deployment.is_primary
            && deployment.rollout == Rollout::InProgress
            && deployment.failed_tasks >= threshold;
        if !deployment.is_primary {
            deployment.lost += 1;
        }
        if failed {
            let rolls_back = self.service.deployment.circuit_breaker == Some(true);
            let reason = "ECS deployment circuit breaker: task failed to start.";
            self.fail(reason, rolls_back, world, now);
        }
    }

    fn count_loss(&mut self, id: &str) {
        if let Some(deployment) = self.deployment(id).filter(|known| !known.is_primary) {
            deployment.lost += 1;
        }
    }

    /// The PRIMARY deployment has failed. ECS docs (deployment-circuit-breaker): the most recent
    /// COMPLETED deployment, if there is one, is under way again and takes its place.
    fn fail(&mut self, reason: &str, rolls_back: bool, world: &mut World, now: SystemTime) {
        let failed = &mut self.deployments[0];
        failed.enter(Rollout::Failed, now);
        let id = failed.id.clone();
        self.report(&id, Report::Failed(reason), world, now);
        let Some(back) = self.completed.take().filter(|_| rolls_back) else { return };
        self.deployments.retain(|known| known.id != back.id);
        self.deployments.iter_mut().for_each(|known| known.is_primary = false);
        self.report(&back.id, Report::RollingBack, world, now);
        let mut back = Deployment { is_primary: true, ..back };
        back.enter(Rollout::InProgress, now);
        self.deployments.insert(0, back);
        self.progress = self.progress.take().map(|_| Progress::clean_up(now));
    }

    fn go_through_stages(&mut self, world: &mut World, now: SystemTime) {
        let Some(mut progress) = self.progress.take() else { return };
        let seen = self.seen(world, now);
        let up = seen.iter().filter(|task| task.is_new && task.is_healthy).count();
        let turn = progress.turn(&self.service, self.primary(), up >= self.desired(), now);
        self.progress = Some(progress);
        match turn {
            Turn::Wait => {}
            Turn::Ask(call) => world.sent.push(Sent::Hook(call)),
            Turn::RollBack => {
                self.fail(
                    "Service deployment rolled back because of hook execution failure(s) detected.",
                    true,
                    world,
                    now,
                );
            }
        }
    }

    /// The native target groups of a deployment's tasks. With an alternate group, deployments
    /// other than rolling ones take turns with the two (ECS docs, nlb-resources-for-blue-green).
    fn groups_of(&self, deployment: &str) -> Vec<String> {
        let takes_turns = self.service.deployment.strategy != Strategy::Rolling;
        let odd = (0..self.deployments_so_far)
            .position(|serial| deployment_id(&self.service, serial) == deployment)
            .is_some_and(|serial| serial % 2 == 1);
        let groups = self.service.target_groups.iter();
        let group = |(group, alternate): &(String, Option<String>)| match alternate {
            Some(alternate) if takes_turns && odd => alternate.clone(),
            _ => group.clone(),
        };
        groups.map(group).collect()
    }

    fn primary(&self) -> &Deployment {
        &self.deployments[0]
    }

    fn deployment(&mut self, id: &str) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|known| known.id == id)
    }

    fn report(&self, id: &str, report: Report<'_>, world: &mut World, now: SystemTime) {
        let event = deployment::event(&self.service, id, report, now);
        world.sent.push(Sent::Event(event));
    }
}

/// The id of a service's deployment.
fn deployment_id(service: &Service, serial: usize) -> String {
    format!("ecs-svc/{:019}", digest(&format!("{} {serial}", service.arn())) % 10_u64.pow(19))
}

/// ECS knows the new state of a task, and reports it.
fn publish(world: &mut World, task: Task, at: SystemTime) {
    world.sent.push(Sent::Event(task.event(at)));
    world.put_task_at(task, at);
}
