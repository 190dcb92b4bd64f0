//! The tasks of a service that the scheduler runs.

use std::net::IpAddr;
use std::time::SystemTime;

use super::{Fleet, Sent};
use crate::digest::hex;
use crate::native_targets;
use crate::scheduler::{Moves, Seen};
use crate::task::Task;
use crate::task_run::{Milestone, TaskRun};
use crate::world::World;

impl Fleet {
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

    /// The tasks take the steps that are due.
    pub(super) fn live(&mut self, world: &mut World, now: SystemTime) {
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
    pub(super) fn note_health(&mut self, world: &mut World, now: SystemTime) {
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

    pub(super) fn is_healthy(&self, run: &TaskRun, world: &World, now: SystemTime) -> bool {
        let groups = self.groups_of(&run.deployment);
        run.is_healthy(native_targets::is_healthy(world, &groups, &run.task, now), now)
    }

    pub(super) fn seen(&self, world: &World, now: SystemTime) -> Vec<Seen> {
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

    pub(super) fn make(&mut self, moves: Moves, world: &mut World, now: SystemTime) {
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

    pub(super) fn launch(&mut self, deployment: &str, world: &mut World, now: SystemTime) {
        let task = self.new_task(deployment, world);
        if self.chance.happens(&format!("deaf {}", task.id()), self.starts.deaf) {
            world.health_checks.silent.extend(task.ipv6().map(IpAddr::V6));
        }
        publish(world, task.clone(), now);
        self.runs.push(TaskRun::begin(task, &self.starts, self.chance, now));
    }

    /// A task of a deployment, in the next zone, with addresses that no other has.
    pub(super) fn new_task(&mut self, deployment: &str, world: &World) -> Task {
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

    /// The native target groups of a deployment's tasks.
    pub(super) fn groups_of(&self, deployment: &str) -> Vec<String> {
        let known = self.deployments.iter().find(|known| known.id == deployment);
        let is_alternate = known.is_some_and(|known| known.is_alternate);
        let groups = self.service.target_groups.iter();
        let group = |(group, alternate): &(String, Option<String>)| match alternate {
            Some(alternate) if is_alternate => alternate.clone(),
            _ => group.clone(),
        };
        groups.map(group).collect()
    }
}

/// ECS knows the new state of a task, and reports it.
fn publish(world: &mut World, task: Task, at: SystemTime) {
    world.sent.push(Sent::Event(task.event(at)));
    world.put_task_at(task, at);
}
