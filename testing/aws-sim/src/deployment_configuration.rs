//! How a service is deployed: the settings of its deployments.

use std::time::Duration;

use serde_json::{Value, json};

use crate::lifecycle_hook::LifecycleHook;

/// `deploymentConfiguration` of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentConfiguration {
    pub(crate) minimum_healthy_percent: usize,
    pub(crate) maximum_percent: usize,
    pub(crate) strategy: Strategy,
    /// The circuit breaker, if it is on, and whether it rolls back.
    pub(crate) circuit_breaker: Option<bool>,
    pub(crate) bake_time: Duration,
    pub(crate) lifecycle_hooks: Vec<LifecycleHook>,
}

/// `strategy`: how new tasks take the place of old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Rolling,
    BlueGreen,
    /// So many percent more in each step, and the time between two steps.
    Linear(u32, Duration),
    /// So many percent at first, and the time until the rest follows.
    Canary(u32, Duration),
}

impl Default for DeploymentConfiguration {
    /// botocore: of a REPLICA service "the default minimum healthy percent is 100%", "the default
    /// value of maximumPercent is 200%", and the default strategy is ROLLING.
    fn default() -> Self {
        Self::rolling(100, 200)
    }
}

impl DeploymentConfiguration {
    /// `ROLLING` with this `minimumHealthyPercent` and this `maximumPercent`.
    pub fn rolling(minimum_healthy_percent: usize, maximum_percent: usize) -> Self {
        Self {
            minimum_healthy_percent,
            maximum_percent,
            strategy: Strategy::Rolling,
            circuit_breaker: None,
            bake_time: Duration::ZERO,
            lifecycle_hooks: Vec::new(),
        }
    }

    /// `BLUE_GREEN`: all new tasks beside the old ones, which stay for `bake_time` after the shift.
    pub fn blue_green(bake_time: Duration) -> Self {
        Self { strategy: Strategy::BlueGreen, bake_time, ..Self::default() }
    }

    /// `LINEAR`: the same with traffic shifted by `percent` at a time, `step_bake` apart.
    pub fn linear(percent: u32, step_bake: Duration, bake_time: Duration) -> Self {
        Self { strategy: Strategy::Linear(percent, step_bake), bake_time, ..Self::default() }
    }

    /// `CANARY`: the same with `percent` of the traffic shifted first and the rest after `bake`.
    pub fn canary(percent: u32, bake: Duration, bake_time: Duration) -> Self {
        Self { strategy: Strategy::Canary(percent, bake), bake_time, ..Self::default() }
    }

    /// The deployment circuit breaker is on.
    pub fn circuit_breaker(self, rollback: bool) -> Self {
        Self { circuit_breaker: Some(rollback), ..self }
    }

    /// One more lifecycle hook.
    pub fn lifecycle_hook(mut self, hook: LifecycleHook) -> Self {
        self.lifecycle_hooks.push(hook);
        self
    }

    /// The least number of healthy tasks. ECS docs (deployment-type-ecs): "This value is rounded
    /// up."
    pub(crate) fn least_healthy(&self, desired: usize) -> usize {
        (desired * self.minimum_healthy_percent).div_ceil(100)
    }

    /// The greatest number of tasks. ECS docs (deployment-type-ecs): "This value is rounded down."
    pub(crate) fn most_tasks(&self, desired: usize) -> usize {
        desired * self.maximum_percent / 100
    }

    /// How many tasks may fail. ECS docs (deployment-circuit-breaker): by default half of the
    /// desired count, rounded up, and at least 3 and at most 200.
    pub(crate) fn failure_threshold(desired: usize) -> usize {
        desired.div_ceil(2).clamp(3, 200)
    }

    /// botocore: the members of `deploymentConfiguration`.
    pub(crate) fn describe(&self) -> Value {
        let mut json = json!({
            "minimumHealthyPercent": self.minimum_healthy_percent,
            "maximumPercent": self.maximum_percent,
            "strategy": self.strategy.wire_name(),
            "bakeTimeInMinutes": self.bake_time.as_secs() / 60,
            "deploymentCircuitBreaker": {
                "enable": self.circuit_breaker.is_some(),
                "rollback": self.circuit_breaker == Some(true),
            },
        });
        if !self.lifecycle_hooks.is_empty() {
            let hooks: Vec<Value> =
                self.lifecycle_hooks.iter().map(LifecycleHook::describe).collect();
            json["lifecycleHooks"] = json!(hooks);
        }
        let minutes = |time: Duration| time.as_secs() / 60;
        match self.strategy {
            Strategy::Rolling | Strategy::BlueGreen => {}
            Strategy::Linear(percent, bake) => {
                json["linearConfiguration"] =
                    json!({"stepPercent": percent, "stepBakeTimeInMinutes": minutes(bake)});
            }
            Strategy::Canary(percent, bake) => {
                json["canaryConfiguration"] =
                    json!({"canaryPercent": percent, "canaryBakeTimeInMinutes": minutes(bake)});
            }
        }
        json
    }
}

impl Strategy {
    fn wire_name(self) -> &'static str {
        match self {
            Self::Rolling => "ROLLING",
            Self::BlueGreen => "BLUE_GREEN",
            Self::Linear(..) => "LINEAR",
            Self::Canary(..) => "CANARY",
        }
    }

    /// How long the shift of traffic takes from its first step to its last.
    pub(crate) fn shift_time(self) -> Duration {
        match self {
            Self::Rolling | Self::BlueGreen => Duration::ZERO,
            Self::Linear(percent, bake) => {
                bake * 100_u32.div_ceil(percent.max(1)).saturating_sub(1)
            }
            Self::Canary(_, bake) => bake,
        }
    }

    /// The share of traffic of the new tasks, in percent, so long after the shift began.
    pub(crate) fn shifted(self, since: Duration) -> u32 {
        match self {
            Self::Rolling | Self::BlueGreen => 100,
            _ if since >= self.shift_time() => 100,
            Self::Linear(percent, bake) => {
                let steps = since.as_secs() / bake.as_secs().max(1) + 1;
                percent.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX)).min(100)
            }
            Self::Canary(percent, _) => percent,
        }
    }
}
