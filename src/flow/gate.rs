//! The gate: a deployment lifecycle hook that lets a deployment go on when the targets of its new
//! tasks are healthy. It only looks.

use tracing::{error, info, warn};

use crate::core::deployment::Rollout;
use crate::core::health::Awaited;
use crate::flow::Settler;
use crate::flow::discovery::Gap;
use crate::flow::rollout::{ServiceName, services_of};
use crate::input::lifecycle_hook::LifecycleHook;
use crate::report::FirstFew;
use crate::report::hook_answer::HookStatus;

impl Settler<'_> {
    /// Answers whether the deployment may go on. What cannot be read lets it wait: ECS takes a
    /// function error for a failed hook, and rolls the deployment back.
    pub async fn gate(self, hook: &LifecycleHook) -> HookStatus {
        let LifecycleHook { service, stage, is_rollback } = hook;
        if *is_rollback {
            info!(%service, stage, "gate open: the deployment is being rolled back");
            return HookStatus::Succeeded;
        }
        let services = services_of(service, self.bindings);
        if let Some(Gap { failure, .. }) = self.gap {
            warn!(%service, stage, %failure, "gate waits: not all bindings are known");
            return HookStatus::InProgress;
        }
        if services.is_empty() {
            error!(%service, stage, "gate closed for good: no binding covers the service");
            return HookStatus::Failed;
        }
        for service in services {
            if !self.is_ready(service, stage).await {
                return HookStatus::InProgress;
            }
        }
        HookStatus::Succeeded
    }

    async fn is_ready(self, name: ServiceName<'_>, stage: &str) -> bool {
        let bindings = name.gating(self.bindings);
        let (described, seen) = tokio::join!(
            self.deployments.service(name.cluster, name.name, self.limits),
            self.see(name, &bindings),
        );
        for failure in &seen.failures {
            warn!(service = name.name, stage, %failure, "gate cannot read everything");
        }
        let service = match described {
            Ok(Some(service)) => service,
            Ok(None) => {
                warn!(service = name.name, stage, "gate waits: ECS does not know the service");
                return false;
            }
            Err(failure) => {
                warn!(service = name.name, stage, %failure, "gate waits");
                return false;
            }
        };
        let bindings = seen.standing(&bindings);
        let rollout = Rollout::of(&service, &seen.tasks, &bindings, &seen.ports, &seen.healths);
        let (ready, desired) = (rollout.ready.len(), service.desired);
        let is_ready = ready >= desired;
        let awaited: Vec<&Awaited> =
            rollout.waiting.iter().flat_map(|(_, awaited)| awaited).collect();
        let awaited = FirstFew(&awaited).to_string();
        info!(service = service.arn, stage, is_ready, ready, desired, awaited, "gate");
        is_ready
    }
}
