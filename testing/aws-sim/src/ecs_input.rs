//! What ECS's actions read from their input alike.

use serde_json::Value;

use crate::api_error::ApiError;
use crate::task::last_segment;
use crate::world::World;

/// The cluster's name, from a name or an ARN; without one it is `default`.
pub(crate) fn cluster<'a>(world: &World, input: &'a Value) -> Result<&'a str, ApiError> {
    let name = last_segment(input["cluster"].as_str().unwrap_or("default"));
    if world.tasks.has_cluster(name) {
        Ok(name)
    } else {
        Err(ApiError::sender("ClusterNotFoundException", "Cluster not found."))
    }
}

pub(crate) fn invalid_parameter(message: &str) -> ApiError {
    ApiError::sender("InvalidParameterException", message)
}
