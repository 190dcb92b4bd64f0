//! The scheduler at work: what is due, second by second.

use std::time::{Duration, SystemTime};

use crate::chance::Chance;
use crate::deployment::{Deployment, Rollout};
use crate::fleet::{Fleet, deployment_id};
use crate::native_targets;
use crate::scheduler::{Seen, decide};
use crate::service::Service;
use crate::task_run::TaskRun;
use crate::world::World;

mod rollout;
mod tasks;

/// How often the scheduler looks at its services.
const TICK: Duration = Duration::from_secs(1);

impl World {
    /// Lets the scheduler do what is due. It looks at its services once a second; ECS's own pace is
    /// not documented.
    pub(crate) fn catch_up(&mut self) {
        let now = self.now();
        if self.fleets.is_empty() {
            self.scheduled_until = now;
        }
        while self.scheduled_until + TICK <= now {
            self.scheduled_until += TICK;
            let at = self.scheduled_until;
            let mut fleets = std::mem::take(&mut self.fleets);
            fleets.iter_mut().for_each(|fleet| fleet.tick(self, at));
            self.fleets = fleets;
        }
    }
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

    /// What is due at this time.
    fn tick(&mut self, world: &mut World, now: SystemTime) {
        self.live(world, now);
        self.note_health(world, now);
        self.go_through_stages(world, now);
        let tasks: Vec<Seen> = self.seen(world, now);
        let moves = decide(self.limits(), &tasks);
        self.held_back = moves.held_back;
        self.make(moves, world, now);
        self.retire(world, now);
    }
}
