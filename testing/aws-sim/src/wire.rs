//! Requests and answers as they cross the wire, in process or over loopback.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::action::{Action, Api};
use crate::api_error::ApiError;
use crate::query_protocol::Query;
use crate::rest::{GROUPS, Rest};
use crate::xml;

const ECS_TARGET: &str = "AmazonEC2ContainerServiceV20141113.";

const TAGGING_TARGET: &str = "ResourceGroupsTaggingAPI_20170126.";

/// A request, whatever carried it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) host: String,
    pub(crate) method: String,
    /// The path with its query.
    pub(crate) path: String,
    /// The `Authorization` header; its credential scope names the region.
    pub(crate) authorization: String,
    /// The `X-Amz-Target` header, which ELBv2's protocol has not.
    pub(crate) target: Option<String>,
    pub(crate) body: Bytes,
}

/// What comes back.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Answer),
    /// The connection breaks before an answer.
    Lost,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) request_id: String,
    /// The `x-amzn-errortype` header of VPC Lattice.
    pub(crate) error_type: Option<String>,
    pub(crate) body: String,
}

/// A request that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) action: Action,
    pub(crate) input: Input,
    /// The id of the access key that signed it.
    pub(crate) key_id: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Input {
    Query(Query),
    Json(Value),
    Rest(Rest),
}

impl Request {
    pub(crate) fn api(&self) -> Api {
        match &self.target {
            _ if self.path.starts_with(GROUPS) => Api::Lattice,
            Some(target) if target.starts_with(TAGGING_TARGET) => Api::Tagging,
            Some(_) => Api::Ecs,
            None => Api::Elb,
        }
    }

    /// The region of the signature's credential scope, `…/20260101/us-east-2/ecs/aws4_request`.
    pub(crate) fn region(&self) -> Option<String> {
        let (_, scope) = self.authorization.split_once("Credential=")?;
        scope.split('/').nth(2).map(str::to_owned)
    }

    /// The id of the access key in it, `AKIA…/20260101/us-east-2/ecs/aws4_request`.
    fn key_id(&self) -> String {
        let scope = self.authorization.split_once("Credential=").map(|(_, scope)| scope);
        scope.and_then(|scope| scope.split('/').next()).unwrap_or_default().to_owned()
    }

    pub(crate) fn decode(&self) -> Result<Asked, ApiError> {
        let (action, input) = match &self.target {
            _ if self.api() == Api::Lattice => {
                let (action, rest) = Rest::parse(&self.method, &self.path, &self.body)?;
                (action, Input::Rest(rest))
            }
            Some(target) => decode_json(self.api(), target, &self.body)?,
            None => decode_query(&self.body)?,
        };
        Ok(Asked { action, input, key_id: self.key_id() })
    }
}

fn decode_json(api: Api, target: &str, body: &[u8]) -> Result<(Action, Input), ApiError> {
    let name = target.strip_prefix(ECS_TARGET).or(target.strip_prefix(TAGGING_TARGET));
    let action = Action::named(api, name.unwrap_or(target)).ok_or_else(|| {
        let message = format!("the simulated AWS does not know the action {target}");
        ApiError::sender("UnknownOperationException", message)
    })?;
    let input = serde_json::from_slice(body)
        .map_err(|error| ApiError::sender("SerializationException", error.to_string()))?;
    Ok((action, Input::Json(input)))
}

/// ELBv2, STS and EC2 are asked in the same way, and no action of theirs has the same name.
fn decode_query(body: &[u8]) -> Result<(Action, Input), ApiError> {
    let query = Query::parse(body);
    let name = query.get("Action").unwrap_or("(none)");
    let action =
        [Api::Elb, Api::Sts, Api::Ec2].into_iter().find_map(|api| Action::named(api, name));
    let action = action.ok_or_else(|| {
        let message = format!("the simulated AWS does not know the action {name}");
        ApiError::sender("InvalidAction", message)
    })?;
    Ok((action, Input::Query(query)))
}

impl Asked {
    /// Which service was asked.
    pub(crate) fn api(&self) -> Api {
        if let Input::Rest(_) = &self.input { Api::Lattice } else { self.action.api() }
    }

    /// The target group, load balancer, role or cluster the call is about.
    pub(crate) fn resource(&self) -> Option<String> {
        let named = match &self.input {
            Input::Rest(rest) => Some(rest.group.as_str()),
            Input::Query(query) => query
                .get("TargetGroupArn")
                .or(query.get("LoadBalancerArn"))
                .or(query.get("ListenerArn"))
                .or(query.get("RoleArn")),
            Input::Json(input) => input["cluster"].as_str(),
        };
        named.map(str::to_owned)
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        match &self.input {
            Input::Rest(rest) => rest.target_names(),
            Input::Query(query) => {
                let mut targets = query.target_names();
                targets.extend(query.strings("TargetGroupArns"));
                targets.extend(query.strings("LoadBalancerArns"));
                targets
            }
            Input::Json(input) => {
                let mut named = strings(&input["tasks"]);
                named.extend(strings(&input["services"]));
                named.extend(input["taskDefinition"].as_str().map(str::to_owned));
                named
            }
        }
    }

    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        match &self.input {
            Input::Query(query) => query.parameters.clone(),
            Input::Json(input) => members(input).collect(),
            Input::Rest(rest) => rest.query.iter().cloned().chain(members(&rest.body)).collect(),
        }
    }
}

/// The top-level members of a JSON object with their JSON text.
fn members(object: &Value) -> impl Iterator<Item = (String, String)> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), value.to_string()))
}

/// The strings of a JSON array.
pub(crate) fn strings(array: &Value) -> Vec<String> {
    array
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

impl Answer {
    /// An answer of ELBv2 or STS, around the XML of the action's result.
    pub(crate) fn query(action: Action, result: &str, request_id: String) -> Self {
        let result = xml::element(&format!("{action}Result"), result);
        let metadata = xml::element("ResponseMetadata", &xml::text("RequestId", &request_id));
        let namespace = match action.api() {
            Api::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            _ => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        };
        let body = format!(
            r#"<{action}Response xmlns="{namespace}">{result}{metadata}</{action}Response>"#
        );
        Self::xml(200, body, request_id)
    }

    /// An answer of EC2, around the XML of the action's result.
    pub(crate) fn ec2(action: Action, result: &str, request_id: String) -> Self {
        let inner = [xml::text("requestId", &request_id), result.to_owned()].concat();
        let namespace = "http://ec2.amazonaws.com/doc/2016-11-15/";
        let body = format!(r#"<{action}Response xmlns="{namespace}">{inner}</{action}Response>"#);
        Self::xml(200, body, request_id)
    }

    pub(crate) fn ecs(body: &Value, request_id: String) -> Self {
        Self::json(200, body, request_id)
    }

    /// An answer of VPC Lattice.
    pub(crate) fn rest(body: &Value, request_id: String) -> Self {
        Self { content_type: "application/json", ..Self::json(200, body, request_id) }
    }

    /// The same answer of JSON after this was done to its body.
    pub(crate) fn rewritten(self, rewrite: fn(&mut Value)) -> Self {
        let mut body = serde_json::from_str(&self.body).unwrap_or_default();
        rewrite(&mut body);
        Self { body: body.to_string(), ..self }
    }

    /// A refusal in the words of the service that was called.
    pub(crate) fn error(api: Api, error: &ApiError, request_id: String) -> Self {
        match api {
            Api::Lattice => {
                let body = json!({"message": error.message});
                let answer = Self::json(error.status, &body, request_id);
                Self {
                    content_type: "application/json",
                    error_type: Some(error.code.clone()),
                    ..answer
                }
            }
            Api::Ecs | Api::Tagging => {
                let body = json!({"__type": error.code, "message": error.message});
                Self::json(error.status, &body, request_id)
            }
            Api::Ec2 => {
                let inner = [xml::text("Code", &error.code), xml::text("Message", &error.message)];
                let errors = xml::element("Errors", &xml::element("Error", &inner.concat()));
                let inner = [errors, xml::text("RequestID", &request_id)].concat();
                Self::xml(error.status, xml::element("Response", &inner), request_id)
            }
            Api::Elb | Api::Sts => {
                let kind = if error.status < 500 { "Sender" } else { "Receiver" };
                let inner = [
                    xml::text("Type", kind),
                    xml::text("Code", &error.code),
                    xml::text("Message", &error.message),
                ]
                .concat();
                let body = xml::element(
                    "ErrorResponse",
                    &[xml::element("Error", &inner), xml::text("RequestId", &request_id)].concat(),
                );
                Self::xml(error.status, body, request_id)
            }
        }
    }

    fn xml(status: u16, body: String, request_id: String) -> Self {
        Self { status, content_type: "text/xml", request_id, error_type: None, body }
    }

    fn json(status: u16, body: &Value, request_id: String) -> Self {
        Self {
            status,
            content_type: "application/x-amz-json-1.1",
            request_id,
            error_type: None,
            body: body.to_string(),
        }
    }
}
