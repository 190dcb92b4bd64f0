//! The deployments of a service that the scheduler runs, from their start to their end.

use std::time::SystemTime;

use serde_json::Value;

use super::{Fleet, Sent, deployment_id};
use crate::deployment::{self, Deployment, Report, Rollout};
use crate::deployment_configuration::{DeploymentConfiguration, Strategy};
use crate::lifecycle_hook::Stage;
use crate::scheduler::Limits;
use crate::stages::{HookCall, Progress, Turn};
use crate::starts::Starts;
use crate::world::World;

/// As a user quotes it (aws/containers-roadmap#2664).
const HOOK_FAILED: &str =
    "Service deployment rolled back because of hook execution failure(s) detected.";

impl Fleet {
    /// A new deployment of the same task definition, as by `forceNewDeployment`; one that is under
    /// way is superseded. The answer is its id. With alternate target groups, deployments other
    /// than rolling ones take turns with the two (ECS docs, nlb-resources-for-blue-green).
    pub(crate) fn deploy(&mut self, starts: Starts, world: &mut World) -> String {
        let now = world.now();
        let id = deployment_id(&self.service, self.deployments_so_far);
        self.deployments_so_far += 1;
        self.starts = starts;
        let rolls = self.service.deployment.strategy == Strategy::Rolling;
        let is_alternate = self.primary().is_alternate == rolls;
        self.deployments.iter_mut().for_each(|deployment| deployment.is_primary = false);
        let deployment = Deployment::begin(id.clone(), now);
        self.deployments.insert(0, Deployment { is_alternate, ..deployment });
        self.progress = (!rolls).then(|| Progress::begin(now));
        self.report(&id, Report::InProgress, world, now);
        id
    }

    /// A hook's function has answered; nothing, if ECS no longer waits for this answer.
    pub(crate) fn answer_hook(&mut self, call: &HookCall, answer: Option<&Value>, now: SystemTime) {
        if let Some(progress) = &mut self.progress {
            progress.answer(call, answer, now);
        }
    }

    pub(super) fn go_through_stages(&mut self, world: &mut World, now: SystemTime) {
        let Some(mut progress) = self.progress.take() else { return };
        let seen = self.seen(world, now);
        let up = seen.iter().filter(|task| task.is_new && task.is_healthy).count();
        let turn = progress.turn(&self.service, self.primary(), up >= self.desired(), now);
        self.progress = Some(progress);
        match turn {
            Turn::Wait => {}
            Turn::Ask(call) => world.sent.push(Sent::Hook(call)),
            Turn::RollBack => {
                self.fail(HOOK_FAILED, true, world, now);
            }
        }
    }

    /// ECS docs (blue-green-deployment-how-it-works): all new tasks start beside the old ones, and
    /// these stay until CLEAN_UP.
    pub(super) fn limits(&self) -> Limits {
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

    /// A deployment is gone when none of its tasks runs any more (botocore: an ACTIVE one "still
    /// has running tasks"), and the PRIMARY one is completed when it is alone and healthy.
    pub(super) fn retire(&mut self, world: &mut World, now: SystemTime) {
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

    pub(super) fn count_failure(&mut self, id: &str, world: &mut World, now: SystemTime) {
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

    pub(super) fn count_loss(&mut self, id: &str) {
        if let Some(deployment) = self.deployment(id).filter(|known| !known.is_primary) {
            deployment.lost += 1;
        }
    }

    /// The PRIMARY deployment has failed. ECS docs (deployment-circuit-breaker): the most recent
    /// COMPLETED deployment, if there is one, is under way again and takes its place.
    pub(super) fn fail(
        &mut self,
        reason: &str,
        rolls_back: bool,
        world: &mut World,
        now: SystemTime,
    ) {
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

    pub(super) fn report(&self, id: &str, report: Report<'_>, world: &mut World, now: SystemTime) {
        let event = deployment::event(&self.service, id, report, now);
        world.sent.push(Sent::Event(event));
    }
}
