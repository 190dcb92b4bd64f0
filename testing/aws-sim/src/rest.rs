//! Requests of VPC Lattice's protocol (AWS restJson1): paths with a target group's id or ARN, and
//! JSON.

use serde_json::Value;

use crate::action::{Action, Api};
use crate::api_error::ApiError;
use crate::query_protocol::{Target, target_name};

/// The folder of target groups.
pub(crate) const GROUPS: &str = "/targetgroups/";

/// A call about one target group.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    /// Its ARN, or its id as long as nobody has looked for it.
    pub(crate) group: String,
    /// The parameters in the path's query.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Rest {
    /// The action that a method and path mean, and what it is about.
    pub(crate) fn parse(method: &str, path: &str, body: &[u8]) -> Result<(Action, Self), ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let rest = path.strip_prefix(GROUPS).unwrap_or_default();
        let (group, operation) = rest.split_once('/').unwrap_or((rest, ""));
        let name = match (method, operation) {
            ("GET", "") => "GetTargetGroup",
            ("POST", "registertargets") => "RegisterTargets",
            ("POST", "deregistertargets") => "DeregisterTargets",
            ("POST", "listtargets") => "ListTargets",
            _ => "",
        };
        let action = Action::named(Api::Lattice, name).ok_or_else(|| {
            let message = format!("the simulated AWS does not know {method} {path}");
            ApiError::sender("UnknownOperationException", message)
        })?;
        let body = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body)
                .map_err(|error| ApiError::sender("SerializationException", error.to_string()))?,
        };
        let group = form_urlencoded::parse(group.as_bytes()).next();
        let group = group.map_or_else(String::new, |(name, _)| name.into_owned());
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok((action, Self { group, query, body }))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(sent, _)| sent == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The targets of the call, `None` if it names no list.
    pub(crate) fn targets(&self) -> Result<Option<Vec<Target>>, ApiError> {
        let Some(targets) = self.body["targets"].as_array() else { return Ok(None) };
        let target = |target: &Value| {
            let address = target["id"].as_str().and_then(|id| id.parse().ok());
            let port = match &target["port"] {
                Value::Null => Some(None),
                port => port.as_u64().and_then(|port| u16::try_from(port).ok()).map(Some),
            };
            let read = address.zip(port.filter(|port| *port != Some(0)));
            let (address, port) = read.ok_or_else(|| {
                ApiError::validation(format!("{target} is not a valid target of type IP"))
            })?;
            Ok(Target { address, port, zone: None })
        };
        targets.iter().map(target).collect::<Result<_, _>>().map(Some)
    }

    /// The targets as the log of calls spells them, readable or not.
    pub(crate) fn target_names(&self) -> Vec<String> {
        names(&self.body["targets"])
    }
}

/// The targets that an answer lists as unsuccessful.
pub(crate) fn refused_targets(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    names(&answer["unsuccessful"])
}

fn names(targets: &Value) -> Vec<String> {
    let name = |target: &Value| {
        let port = target["port"].as_u64().map(|port| port.to_string());
        target_name(target["id"].as_str().unwrap_or_default(), port.as_deref())
    };
    targets.as_array().into_iter().flatten().map(name).collect()
}
