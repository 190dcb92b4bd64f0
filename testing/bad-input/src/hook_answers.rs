//! Which answers to a lifecycle hook's question are right.

use serde_json::Value;

use crate::deployments::Hook;
use crate::fixture::Bound;
use crate::rules;

/// Whether a binding covers the service.
pub fn is_bound(hook: &Hook, bound: &[Bound]) -> bool {
    let at_home = "arn:aws:ecs:us-east-2:123456789012:service/";
    let Some((cluster, name)) = rules::names_of_service(&hook.service) else { return false };
    hook.service.starts_with(at_home)
        && bound.iter().any(|bound| {
            bound.owner.strip_prefix("service:") == Some(name)
                && cluster.is_none_or(|cluster| cluster == bound.cluster)
        })
}

/// Whether this is a right answer.
pub fn is_answered_by(hook: &Hook, answer: &Value, bound: &[Bound]) -> bool {
    let right: &[&str] = match (hook.is_rollback, is_bound(hook, bound)) {
        (true, _) => &["SUCCEEDED"],
        (false, false) => &["FAILED"],
        (false, true) => &["SUCCEEDED", "IN_PROGRESS"],
    };
    let status = answer["hookStatus"].as_str().unwrap_or_default();
    let delay = answer.get("callBackDelay").and_then(Value::as_u64);
    right.contains(&status) && delay == (status == "IN_PROGRESS").then_some(15)
}
