//! The payload of an ECS deployment lifecycle hook (ECS developer guide, "Lifecycle hooks for
//! Amazon ECS service deployments").

use serde::Deserialize;
use serde_json::Value;

use crate::input::deployment_event::ServiceArn;
use crate::json::JsonObject;

/// What a hook is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleHook {
    /// The service in deployment.
    pub service: ServiceArn,
    /// The stage that waits for the hook.
    pub stage: String,
    /// Whether the deployment is being rolled back: a stage that shifts traffic gives the target
    /// revision none.
    pub is_rollback: bool,
}

/// Taken for the stage where a payload names none.
const POST_SCALE_UP: &str = "POST_SCALE_UP";

/// Today's form has the details in an object of their own; that of 2025 has them beside the stage.
/// Where the service does not depend on a field, its type is left open: a payload that cannot be
/// read would be a function error, which rolls the deployment back.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    lifecycle_stage: Option<Value>,
    execution_details: Option<JsonObject<Details>>,
    #[serde(flatten)]
    flat: Details,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    service_arn: Option<String>,
    #[serde(default)]
    target_service_revision_arn: Value,
    #[serde(default)]
    test_traffic_weights: Value,
    #[serde(default)]
    production_traffic_weights: Value,
}

impl LifecycleHook {
    /// Reads a payload in either form; `None` if it is something else.
    pub fn read(payload: &Value) -> Option<Self> {
        let JsonObject(payload): JsonObject<Payload> = JsonObject::deserialize(payload).ok()?;
        let Payload { lifecycle_stage, execution_details, flat } = payload;
        let is_hook = execution_details.is_some() || lifecycle_stage.is_some();
        let stage = lifecycle_stage.as_ref().and_then(Value::as_str).unwrap_or(POST_SCALE_UP);
        let details = execution_details.map_or(flat, |JsonObject(details)| details);
        let service = ServiceArn::parse(details.service_arn.as_deref()?)?;
        let is_rollback = details.gives_no_traffic(stage);
        is_hook.then(|| Self { service, stage: stage.to_owned(), is_rollback })
    }
}

impl Details {
    /// "During a rollback the target revision has weight 0" (the same page): only the stages that
    /// shift traffic are called again then.
    fn gives_no_traffic(&self, stage: &str) -> bool {
        let weights = match stage {
            "TEST_TRAFFIC_SHIFT" => &self.test_traffic_weights,
            "PRODUCTION_TRAFFIC_SHIFT" => &self.production_traffic_weights,
            _ => return false,
        };
        let target = self.target_service_revision_arn.as_str().unwrap_or_default();
        weights.get(target).and_then(Value::as_f64) == Some(0.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVICE: &str = "arn:aws:ecs:us-east-2:123456789012:service/demo-cluster/demo";

    #[test]
    fn both_forms_of_a_payload_are_read() {
        let nested = json!({
            "executionId": "a", "lifecycleStage": "POST_SCALE_UP",
            "resourceArn": "arn:aws:ecs:us-east-2:123456789012:service-deployment/a/b/c",
            "executionDetails": {"serviceArn": SERVICE, "targetServiceRevisionArn": "r"},
        });
        let flat = json!({"serviceArn": SERVICE, "lifecycleStage": "POST_SCALE_UP"});
        let nameless = json!({"executionDetails": {"serviceArn": SERVICE}});
        for payload in [nested, flat, nameless] {
            let hook = LifecycleHook::read(&payload).unwrap();
            assert_eq!((hook.service.as_str(), hook.is_rollback), (SERVICE, false), "{payload}");
            assert_eq!(hook.stage, "POST_SCALE_UP");
        }
    }

    #[test]
    fn what_names_no_service_or_no_stage_is_no_hook() {
        for payload in [
            json!({"serviceArn": SERVICE}),
            json!({"lifecycleStage": "POST_SCALE_UP"}),
            json!({"lifecycleStage": "POST_SCALE_UP", "serviceArn": "demo"}),
            json!({"executionDetails": [SERVICE]}),
            json!([]),
        ] {
            assert_eq!(LifecycleHook::read(&payload), None, "{payload}");
        }
    }

    #[test]
    fn a_rollback_is_a_shift_that_gives_the_target_revision_no_traffic() {
        for (stage, weight, is_rollback) in [
            ("PRODUCTION_TRAFFIC_SHIFT", json!(0), true),
            ("PRODUCTION_TRAFFIC_SHIFT", json!(0.0), true),
            ("PRODUCTION_TRAFFIC_SHIFT", json!(100), false),
            ("TEST_TRAFFIC_SHIFT", json!(0), false),
            ("POST_SCALE_UP", json!(0), false),
        ] {
            let payload = json!({
                "lifecycleStage": stage,
                "executionDetails": {
                    "serviceArn": SERVICE, "targetServiceRevisionArn": "new",
                    "productionTrafficWeights": {"new": weight, "old": 100},
                    "testTrafficWeights": {"new": 100},
                },
            });
            let hook = LifecycleHook::read(&payload).unwrap();
            assert_eq!(hook.is_rollback, is_rollback, "{payload}");
        }
    }
}
