//! The Resource Groups Tagging API's GetResources.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::api_error::ApiError;
use crate::wire::strings;
use crate::world::World;

/// Resource Groups Tagging API docs, GetResources: a token is valid for 15 minutes.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// Pages of `ResourcesPerPage` resources, 50 by default, in the order of their ARNs. Several
/// filters all have to match; an empty token is the first page's and the last's.
pub(crate) fn get_resources(world: &World, input: &Value) -> Result<Value, ApiError> {
    let now = world.now();
    let page = match &input["ResourcesPerPage"] {
        Value::Null => 50,
        size => match size.as_u64() {
            Some(size @ 1..=100) => size as usize,
            _ => return Err(invalid("ResourcesPerPage must be between 1 and 100")),
        },
    };
    let page = world.tags.page.map_or(page, |most| page.min(most));
    let after = position(input["PaginationToken"].as_str().unwrap_or_default(), now)?;
    let types = strings(&input["ResourceTypeFilters"]);
    let filters = input["TagFilters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = world.tags.shown(now);
    let matching: Vec<(&str, Vec<(&str, &str)>)> = shown
        .into_iter()
        .filter(|(arn, tags)| {
            let is_of_type = types.is_empty() || types.iter().any(|kind| is_of_type(arn, kind));
            is_of_type && filters.iter().all(|filter| passes(tags, filter))
        })
        .filter(|(arn, _)| after.as_deref().is_none_or(|after| *arn > after))
        .collect();
    let next = matching.get(page - 1).filter(|_| matching.len() > page);
    let next = next.map_or_else(String::new, |(arn, _)| token(arn, now));
    let resources = matching.iter().take(page).map(|(arn, tags)| {
        let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
        json!({"ResourceARN": arn, "Tags": tags.collect::<Vec<_>>()})
    });
    Ok(json!({
        "PaginationToken": next,
        "ResourceTagMappingList": resources.collect::<Vec<_>>(),
    }))
}

/// `elasticloadbalancing:targetgroup`, or `elasticloadbalancing` for all of a service.
fn is_of_type(arn: &str, kind: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let (service, resource) = (parts.nth(2), parts.nth(2));
    let resource = resource.and_then(|resource| resource.split(['/', ':']).next());
    match kind.split_once(':') {
        Some((wanted, of)) => service == Some(wanted) && resource == Some(of),
        None => service == Some(kind),
    }
}

fn passes(tags: &[(&str, &str)], filter: &Value) -> bool {
    let values = strings(&filter["Values"]);
    let matches = |value: &str| values.is_empty() || values.iter().any(|wanted| wanted == value);
    tags.iter().any(|(key, value)| filter["Key"] == *key && matches(value))
}

fn token(arn: &str, now: SystemTime) -> String {
    let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{issued}|{arn}")
}

/// The ARN after which a page begins.
fn position(token: &str, now: SystemTime) -> Result<Option<String>, ApiError> {
    if token.is_empty() {
        return Ok(None);
    }
    let parts = token.split_once('|');
    let parts = parts.and_then(|(issued, arn)| Some((issued.parse().ok()?, arn)));
    let (issued, arn) = parts.ok_or_else(|| invalid("PaginationToken is not one of ours"))?;
    if now > UNIX_EPOCH + Duration::from_secs(issued) + TOKEN_LIFE {
        let message = "The pagination token has expired";
        return Err(ApiError::sender("PaginationTokenExpiredException", message));
    }
    Ok(Some(arn.to_owned()))
}

fn invalid(message: &str) -> ApiError {
    ApiError::sender("InvalidParameterException", message)
}
