//! A deployment lifecycle hook: a function that ECS asks before a deployment goes on.

use std::time::Duration;

use serde_json::{Value, json};

/// A Lambda hook of BLUE_GREEN, LINEAR and CANARY deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleHook {
    pub(crate) stages: Vec<Stage>,
    pub(crate) timeout: Duration,
    /// What happens at the timeout: the deployment goes on, or is rolled back.
    pub(crate) continues: bool,
}

/// The stages of a deployment that are modelled, in their order. ECS docs
/// (blue-green-deployment-how-it-works): hooks are possible at all but SCALE_UP, BAKE_TIME and
/// CLEAN_UP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Before the first new task.
    PreScaleUp,
    /// The new tasks start beside the old ones.
    ScaleUp,
    /// All new tasks are healthy, as far as ECS knows.
    PostScaleUp,
    /// Traffic goes over to the new tasks, at once or by and by.
    ProductionTrafficShift,
    /// Traffic has gone over.
    PostProductionTrafficShift,
    /// The old tasks stay for a while.
    BakeTime,
    /// The old tasks go.
    CleanUp,
}

impl Stage {
    /// The name in the API.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::PreScaleUp => "PRE_SCALE_UP",
            Self::ScaleUp => "SCALE_UP",
            Self::PostScaleUp => "POST_SCALE_UP",
            Self::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            Self::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            Self::BakeTime => "BAKE_TIME",
            Self::CleanUp => "CLEAN_UP",
        }
    }

    pub(crate) fn next(self) -> Self {
        match self {
            Self::PreScaleUp => Self::ScaleUp,
            Self::ScaleUp => Self::PostScaleUp,
            Self::PostScaleUp => Self::ProductionTrafficShift,
            Self::ProductionTrafficShift => Self::PostProductionTrafficShift,
            Self::PostProductionTrafficShift => Self::BakeTime,
            Self::BakeTime | Self::CleanUp => Self::CleanUp,
        }
    }
}

impl LifecycleHook {
    /// A hook at this stage. ECS docs (lambda-lifecycle-hooks): the timeout is 1440 minutes and
    /// leads to a rollback unless said otherwise.
    pub fn at(stage: Stage) -> Self {
        let timeout = Duration::from_secs(24 * 3600);
        Self { stages: vec![stage], timeout, continues: false }
    }

    /// At this stage as well.
    pub fn and_at(mut self, stage: Stage) -> Self {
        self.stages.push(stage);
        self
    }

    /// `timeoutConfiguration`: after this time in a stage the deployment is rolled back.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// `timeoutConfiguration.action` is CONTINUE: at the timeout the deployment goes on.
    pub fn continues_at_timeout(self) -> Self {
        Self { continues: true, ..self }
    }

    /// botocore: the members of `DeploymentLifecycleHook`.
    pub(crate) fn describe(&self) -> Value {
        let stages: Vec<&str> = self.stages.iter().map(|stage| stage.wire_name()).collect();
        json!({
            "targetType": "AWS_LAMBDA",
            "hookTargetArn": "arn:aws:lambda:us-east-2:123456789012:function:ecs-ipv6-targets",
            "roleArn": "arn:aws:iam::123456789012:role/hook",
            "lifecycleStages": stages,
            "timeoutConfiguration": {
                "timeoutInMinutes": self.timeout.as_secs() / 60,
                "action": if self.continues { "CONTINUE" } else { "ROLLBACK" },
            },
        })
    }
}

/// What a hook's function said. ECS docs (lambda-lifecycle-hooks): a missing or unknown status and
/// a function error are taken as FAILED; without `callBackDelay` ECS asks again after 30 s.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HookStatus {
    Succeeded,
    Failed,
    /// To be asked again after this time, with these details handed back.
    InProgress(Duration, Option<Value>),
}

impl HookStatus {
    /// Reads a function's answer; `None` is a function error.
    pub(crate) fn of(answer: Option<&Value>) -> Self {
        let Some(answer) = answer else { return Self::Failed };
        match answer["hookStatus"].as_str() {
            Some("SUCCEEDED") => Self::Succeeded,
            Some("IN_PROGRESS") => {
                let delay = answer["callBackDelay"].as_u64().unwrap_or(30);
                Self::InProgress(Duration::from_secs(delay), answer.get("hookDetails").cloned())
            }
            _ => Self::Failed,
        }
    }
}
