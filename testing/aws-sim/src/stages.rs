//! The way of a BLUE_GREEN, LINEAR or CANARY deployment through its lifecycle stages.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::digest::uuid;
use crate::lifecycle_hook::{HookStatus, LifecycleHook, Stage};
use crate::service::Service;
use crate::timestamps::rfc3339;

/// ECS docs (lambda-lifecycle-hooks): a function has 15 minutes for an answer.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// ECS docs (nlb-resources-for-blue-green): with a Network Load Balancer ECS adds 10 minutes to the
/// shift of traffic.
const NLB_SHIFT: Duration = Duration::from_secs(10 * 60);

/// A call of a hook's function.
#[derive(Clone, Debug, PartialEq)]
pub struct HookCall {
    /// The service's ARN.
    pub service_arn: String,
    /// What the function is invoked with.
    pub payload: Value,
    asked_at: SystemTime,
}

/// Where a deployment stands.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    stage: Stage,
    since: SystemTime,
    hook: HookState,
    /// What the function wants to have handed back.
    details: Option<Value>,
    calls: usize,
}

/// How far the hook of the present stage is.
#[derive(Clone, Debug, PartialEq)]
enum HookState {
    /// To be asked at this time.
    Due(SystemTime),
    /// Asked at this time and not answered.
    Asked(SystemTime),
    Passed,
    Failed,
}

/// What a deployment's next step is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turn {
    Wait,
    Ask(HookCall),
    RollBack,
}

impl Progress {
    /// At the first stage.
    pub(crate) fn begin(now: SystemTime) -> Self {
        Self::at(Stage::PreScaleUp, now)
    }

    /// At the last stage, after a rollback.
    pub(crate) fn clean_up(now: SystemTime) -> Self {
        Self::at(Stage::CleanUp, now)
    }

    fn at(stage: Stage, now: SystemTime) -> Self {
        Self { stage, since: now, hook: HookState::Due(now), details: None, calls: 0 }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// One step on. Of several hooks of a stage, which AWS calls side by side, only the first is
    /// modelled.
    pub(crate) fn turn(
        &mut self,
        service: &Service,
        deployment: &Deployment,
        is_up: bool,
        now: SystemTime,
    ) -> Turn {
        loop {
            let hooks = service.deployment.lifecycle_hooks.iter();
            let hook = hooks.clone().find(|hook| hook.stages.contains(&self.stage));
            self.time_out(hook, now);
            match self.hook {
                HookState::Failed => return Turn::RollBack,
                HookState::Asked(_) => return Turn::Wait,
                HookState::Due(at) if at > now => return Turn::Wait,
                HookState::Due(_) if hook.is_some() => {
                    self.hook = HookState::Asked(now);
                    return Turn::Ask(self.call(service, deployment, now));
                }
                HookState::Due(_) | HookState::Passed => self.hook = HookState::Passed,
            }
            if self.stage == Stage::CleanUp || !self.is_done(service, is_up, now) {
                return Turn::Wait;
            }
            *self = Self { calls: self.calls, ..Self::at(self.stage.next(), now) };
        }
    }

    /// A function's answer to this call, if it is the one that ECS waits for.
    pub(crate) fn answer(&mut self, call: &HookCall, answer: Option<&Value>, now: SystemTime) {
        if self.hook != HookState::Asked(call.asked_at) {
            return;
        }
        self.hook = match HookStatus::of(answer) {
            HookStatus::Succeeded => HookState::Passed,
            HookStatus::Failed => HookState::Failed,
            HookStatus::InProgress(delay, details) => {
                self.details = details;
                HookState::Due(now + delay)
            }
        };
    }

    /// Whether the work of the stage itself is done.
    fn is_done(&self, service: &Service, is_up: bool, now: SystemTime) -> bool {
        let settings = &service.deployment;
        let nlb = if service.target_groups.is_empty() { Duration::ZERO } else { NLB_SHIFT };
        match self.stage {
            Stage::ScaleUp => is_up,
            Stage::ProductionTrafficShift => {
                self.since + settings.strategy.shift_time() + nlb <= now
            }
            Stage::BakeTime => self.since + settings.bake_time <= now,
            _ => true,
        }
    }

    fn time_out(&mut self, hook: Option<&LifecycleHook>, now: SystemTime) {
        let Some(hook) = hook.filter(|_| self.hook != HookState::Passed) else { return };
        if self.since + hook.timeout <= now {
            self.hook = if hook.continues { HookState::Passed } else { HookState::Failed };
        }
        if let HookState::Asked(at) = self.hook
            && at + PATIENCE <= now
        {
            self.hook = HookState::Failed;
        }
    }

    /// ECS docs (lambda-lifecycle-hooks): the members of the payload.
    fn call(&mut self, service: &Service, deployment: &Deployment, now: SystemTime) -> HookCall {
        self.calls += 1;
        let (path, id) =
            (format!("{}/{}", service.cluster, service.name), service_deployment(deployment));
        let revision = service.arn_of(&format!("service-revision/{path}/{id}"));
        let shifted = match self.stage {
            Stage::PreScaleUp | Stage::ScaleUp | Stage::PostScaleUp => 0,
            Stage::ProductionTrafficShift => {
                let since = now.duration_since(self.since).unwrap_or_default();
                service.deployment.strategy.shifted(since)
            }
            _ => 100,
        };
        let mut payload = json!({
            "executionId": uuid(&format!("{} {} {}", deployment.id, rfc3339(now), self.calls)),
            "lifecycleStage": self.stage.wire_name(),
            "resourceArn": service.arn_of(&format!("service-deployment/{path}/{id}")),
            "executionDetails": {
                "serviceArn": service.arn(),
                "targetServiceRevisionArn": revision,
                "testTrafficWeights": {},
                "productionTrafficWeights": {revision: shifted},
            },
        });
        if let Some(details) = &self.details {
            payload["hookDetails"] = details.clone();
        }
        HookCall { service_arn: service.arn(), payload, asked_at: now }
    }
}

/// The id in a service deployment's ARN.
pub(crate) fn service_deployment(deployment: &Deployment) -> String {
    deployment.id.trim_start_matches("ecs-svc/").to_owned()
}
