//! The payload of an ECS deployment lifecycle hook (ECS developer guide, "Lifecycle hooks for
//! Amazon ECS service deployments").

use serde_json::Value;

use crate::input::deployment_event::ServiceArn;

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

impl LifecycleHook {
    /// Reads a payload in either form; `None` if it is something else. Today's form has the details
    /// in an object of their own; that of 2025 has them beside the stage. Only the service's ARN is
    /// needed, and nothing else may be in the way: a payload that cannot be read would be a
    /// function error, which rolls the deployment back.
    pub fn read(payload: &Value) -> Option<Self> {
        let nested = payload.get("executionDetails");
        let stage = payload.get("lifecycleStage").filter(|stage| !stage.is_null());
        let flat = stage.map(|_| payload);
        let (details, service) = nested
            .into_iter()
            .chain(flat)
            .find_map(|details| Some((details, service(details)?)))?;
        let stage = stage.and_then(Value::as_str).unwrap_or(POST_SCALE_UP);
        let is_rollback = gives_no_traffic(details, stage);
        Some(Self { service, stage: stage.to_owned(), is_rollback })
    }
}

fn service(details: &Value) -> Option<ServiceArn> {
    ServiceArn::parse(details.get("serviceArn")?.as_str()?)
}

/// "During a rollback the target revision has weight 0" (the same page): only the stages that shift
/// traffic are called again then. A weight may be written as text.
fn gives_no_traffic(details: &Value, stage: &str) -> bool {
    let weights = match stage {
        "TEST_TRAFFIC_SHIFT" => "testTrafficWeights",
        "PRODUCTION_TRAFFIC_SHIFT" => "productionTrafficWeights",
        _ => return false,
    };
    let target = details.get("targetServiceRevisionArn").and_then(Value::as_str);
    let weight = target.and_then(|target| details.get(weights)?.get(target));
    let in_text = |weight: &Value| weight.as_str()?.parse().ok();
    weight.and_then(|weight| weight.as_f64().or_else(|| in_text(weight))) == Some(0.0)
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
    fn fields_of_another_type_do_not_hide_the_service() {
        for payload in [
            json!({"executionDetails": {"serviceArn": SERVICE}, "serviceArn": 7}),
            json!({"executionDetails": {}, "serviceArn": SERVICE, "lifecycleStage": 7}),
            json!({"executionDetails": [], "serviceArn": SERVICE, "lifecycleStage": "NEW"}),
            json!({"executionDetails": {"serviceArn": null}, "serviceArn": SERVICE,
                "lifecycleStage": {}, "hookDetails": "odd"}),
        ] {
            let hook = LifecycleHook::read(&payload);
            assert_eq!(hook.unwrap().service.as_str(), SERVICE, "{payload}");
        }
    }

    #[test]
    fn what_names_no_service_or_no_stage_is_no_hook() {
        for payload in [
            json!({"serviceArn": SERVICE}),
            json!({"serviceArn": SERVICE, "lifecycleStage": null}),
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
        const SHIFT: &str = "PRODUCTION_TRAFFIC_SHIFT";
        const WEIGHTS: &str = "productionTrafficWeights";
        for (stage, weights, weight, is_rollback) in [
            (SHIFT, WEIGHTS, json!(0), true),
            (SHIFT, WEIGHTS, json!(0.0), true),
            (SHIFT, WEIGHTS, json!("0"), true),
            (SHIFT, WEIGHTS, json!("100"), false),
            (SHIFT, WEIGHTS, json!(null), false),
            (SHIFT, WEIGHTS, json!(100), false),
            (SHIFT, "testTrafficWeights", json!(0), false),
            ("TEST_TRAFFIC_SHIFT", WEIGHTS, json!(0), false),
            ("TEST_TRAFFIC_SHIFT", "testTrafficWeights", json!(0), true),
            ("POST_SCALE_UP", WEIGHTS, json!(0), false),
        ] {
            let mut payload = json!({
                "lifecycleStage": stage,
                "executionDetails": {
                    "serviceArn": SERVICE, "targetServiceRevisionArn": "new",
                    "productionTrafficWeights": {"new": 100, "old": 100},
                    "testTrafficWeights": {"new": 100},
                },
            });
            payload["executionDetails"][weights]["new"] = weight;
            let hook = LifecycleHook::read(&payload).unwrap();
            assert_eq!(hook.is_rollback, is_rollback, "{payload}");
        }
    }
}
