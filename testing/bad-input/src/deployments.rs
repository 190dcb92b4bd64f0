//! What inputs about deployments are, by the documented rules.

use serde_json::Value;

use crate::legible::Legible;
use crate::rules;

/// The question of a deployment lifecycle hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The ARN of the service.
    pub service: String,
    /// Whether a stage that shifts traffic gives the target revision none.
    pub is_rollback: bool,
}

/// Whether the envelope is that of an ECS Deployment State Change.
pub fn is_event(input: &Value) -> bool {
    input["detail-type"] == "ECS Deployment State Change" && input["source"] == "aws.ecs"
}

/// Whether such an event can be read: it names what happened and, if a deployment begins, its
/// service.
pub fn legible(input: &Value) -> Legible {
    let Some(name) = input["detail"]["eventName"].as_str() else { return Legible::No };
    let resources =
        input.get("resources").map_or(Some(&[][..]), |all| all.as_array().map(Vec::as_slice));
    let is_plain = resources.is_some_and(|all| all.iter().all(Value::is_string));
    let first = resources.and_then(|all| all.first()).and_then(Value::as_str);
    let names_service = first.is_some_and(|arn| rules::names_of_service(arn).is_some());
    match (name == "SERVICE_DEPLOYMENT_IN_PROGRESS", names_service) {
        (true, false) => Legible::No,
        _ if is_plain => Legible::Yes,
        _ => Legible::Perhaps,
    }
}

/// The hook's question that an input is; `None` if it names no service, or is none.
pub fn hook(input: &Value) -> Option<Hook> {
    let (nested, stage) = (&input["executionDetails"], &input["lifecycleStage"]);
    let details = match nested {
        Value::Object(_) => nested,
        Value::Null if !stage.is_null() => input,
        _ => return None,
    };
    let service = details["serviceArn"].as_str()?;
    rules::names_of_service(service)?;
    let weights = match stage.as_str() {
        Some("TEST_TRAFFIC_SHIFT") => &details["testTrafficWeights"],
        Some("PRODUCTION_TRAFFIC_SHIFT") => &details["productionTrafficWeights"],
        _ => &Value::Null,
    };
    let target = details["targetServiceRevisionArn"].as_str().unwrap_or_default();
    let in_text = |weight: &Value| weight.as_str()?.parse().ok();
    let weight = &weights[target];
    let is_rollback = weight.as_f64().or_else(|| in_text(weight)) == Some(0.0);
    Some(Hook { service: service.to_owned(), is_rollback })
}

/// Whether an input has fields of a hook's question that are not as documented.
pub fn is_odd_hook(input: &Value) -> bool {
    let is_arn_or_none = |value: &Value| value.is_null() || value.is_string();
    let nested = &input["executionDetails"];
    let is_hook = !nested.is_null() || !input["lifecycleStage"].is_null();
    let is_plain = (nested.is_null() || nested.is_object())
        && is_arn_or_none(&nested["serviceArn"])
        && is_arn_or_none(&input["serviceArn"]);
    is_hook && (!is_plain || hook(input).is_none())
}
