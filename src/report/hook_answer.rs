//! The answer to a deployment lifecycle hook.

use serde::Serialize;

/// After so many seconds ECS asks again.
const CALL_BACK_DELAY: u32 = 15;

/// What ECS is to do (ECS developer guide, "Lifecycle hooks for Amazon ECS service deployments").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookStatus {
    /// Go on with the deployment.
    Succeeded,
    /// Wait, and ask again.
    InProgress,
    /// Roll the deployment back.
    Failed,
}

/// The answer as ECS reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HookAnswer {
    hook_status: HookStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_back_delay: Option<u32>,
}

impl From<HookStatus> for HookAnswer {
    fn from(hook_status: HookStatus) -> Self {
        let call_back_delay = (hook_status == HookStatus::InProgress).then_some(CALL_BACK_DELAY);
        Self { hook_status, call_back_delay }
    }
}
