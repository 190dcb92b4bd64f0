//! What an input is, by the documented rules alone. The oracle shares no code with the function.

use std::net::Ipv6Addr;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

use crate::deployments::{self, Hook};
use crate::legible::Legible;
use crate::lossy_json;
use crate::rules;

/// What an input claims to be.
#[derive(Debug)]
pub enum Claim {
    /// An ECS Task State Change.
    Event(Event),
    /// A copy of an ECS Task State Change that is in the queue as well.
    Copy(Event),
    Batch(Vec<Message>),
    /// An ECS Deployment State Change, and whether it can be read.
    Deployment(Legible),
    /// The question of a deployment lifecycle hook.
    Hook(Hook),
    /// The schedule, or an operator who asks for a reconcile.
    Reconcile,
    /// An operator who asks for a plan.
    Plan,
    /// An operator who asks for the doctor's checks.
    Doctor,
    /// An operator who asks about one task, by its ARN or id.
    Explain(String),
    /// A dashboard that asks for the status page.
    Widget,
    /// A dashboard that asks what the status page is.
    Describe,
    /// An operator who empties a target group, or asks what that would do.
    Release(Release),
}

/// What is to be emptied.
#[derive(Debug)]
pub struct Release {
    /// The ARN of a target group, as it was sent.
    pub group: String,
    /// Whether it is only a question.
    pub dry: bool,
}

/// Everything that an input claims to be.
#[derive(Debug)]
pub struct Reading {
    /// The claims: usually one, none if the input is not for the function.
    pub claims: Vec<Claim>,
    /// Whether the input contradicts itself, so that refusing it is also right.
    pub contradicted: bool,
}

/// The phase of a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The task does not run yet.
    Starting,
    /// The task runs and is meant to.
    Serving,
    /// The task is meant to stop, or has stopped.
    Leaving,
}

/// What an event says of its task.
#[derive(Clone, Debug)]
pub struct Sight {
    pub arn: String,
    pub cluster: String,
    /// Its `group`: the service or family.
    pub group: String,
    pub phase: Phase,
    /// Its addresses, in the order of its containers.
    pub addresses: Vec<Ipv6Addr>,
    /// The time of the event in seconds since 1970; none if that is missing or malformed.
    pub at: Option<i64>,
    /// Whether the function must be able to read it.
    pub certain: bool,
}

#[derive(Clone, Debug)]
pub struct Event {
    /// Whether it can be read.
    pub legible: Legible,
    /// What it says of its task; none if it cannot be read.
    pub sight: Option<Sight>,
}

#[derive(Clone, Debug)]
pub struct Message {
    /// Its id, by which it is returned.
    pub id: Option<String>,
    pub event: Event,
}

const ILLEGIBLE: Event = Event { legible: Legible::No, sight: None };

pub fn read(input: &Value) -> Reading {
    let mut claims = Vec::new();
    let mut contradicted = false;
    if is_ours(input) {
        claims.push(Claim::Event(event(input)));
    }
    if input["detail-type"] == "Scheduled Event"
        && matches!(input["source"].as_str(), Some("aws.events" | "aws.scheduler"))
    {
        claims.push(Claim::Reconcile);
    }
    if let Some(copy) = input.get("copy") {
        if copy == "queued" && is_ours(&input["event"]) {
            claims.push(Claim::Copy(event(&input["event"])));
        } else {
            contradicted = true;
        }
    }
    match input.get("action").map(|action| action.as_str().unwrap_or_default()) {
        Some("reconcile") => claims.push(Claim::Reconcile),
        Some("plan") => claims.push(Claim::Plan),
        Some("doctor") => claims.push(Claim::Doctor),
        Some("release") => {
            let release = release(input);
            // Which other texts are ARNs of target groups is not the oracle's to know.
            contradicted |= release.as_ref().is_none_or(|release| release.group != GROUP);
            claims.extend(release.map(Claim::Release));
        }
        Some("explain") => match input["task"].as_str() {
            Some(task) if rules::id_of_task(task).is_some() => {
                claims.push(Claim::Explain(task.to_owned()));
            }
            _ => contradicted = true,
        },
        Some(_) => contradicted = true,
        None => {}
    }
    if input["describe"] == true {
        claims.push(Claim::Describe);
    }
    if input["widgetContext"].is_object() {
        claims.push(Claim::Widget);
    }
    if deployments::is_event(input) {
        claims.push(Claim::Deployment(deployments::legible(input)));
    }
    claims.extend(deployments::hook(input).map(Claim::Hook));
    contradicted |= deployments::is_odd_hook(input);
    if let Some(Value::Array(records)) = input.get("Records") {
        let of_sqs = records.iter().filter(|record| is_of_sqs(record)).count();
        if of_sqs > 0 || records.is_empty() {
            claims.push(Claim::Batch(records.iter().map(message).collect()));
        }
        contradicted |= of_sqs < records.len() || records.is_empty();
    }
    contradicted |= claims.len() > 1;
    Reading { claims, contradicted }
}

/// The target group of the sample.
const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

fn release(input: &Value) -> Option<Release> {
    let group = input["targetGroupArn"].as_str()?.to_owned();
    let dry = input.get("dryRun").map_or(Some(false), Value::as_bool)?;
    Some(Release { group, dry })
}

fn is_ours(input: &Value) -> bool {
    input["detail-type"] == "ECS Task State Change" && input["source"] == "aws.ecs"
}

/// SQS sets `eventSource`. A message made up by hand, for a trial, may lack it.
fn is_of_sqs(record: &Value) -> bool {
    record.get("eventSource").map_or(record["messageId"].is_string(), |source| source == "aws:sqs")
}

fn message(record: &Value) -> Message {
    let id = record["messageId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let texts = ["messageId", "receiptHandle", "body", "md5OfBody", "md5OfMessageAttributes"];
    let texts = texts.iter().chain(&["eventSourceARN", "eventSource", "awsRegion"]);
    let attributes = match &record["attributes"] {
        Value::Null => true,
        Value::Object(map) => map.values().all(Value::is_string),
        _ => false,
    };
    let more = &record["messageAttributes"];
    let plain = texts.into_iter().all(|name| is_text_or_none(&record[name]))
        && attributes
        && (more.is_null() || more.as_object().is_some_and(serde_json::Map::is_empty));
    let text = record["body"].as_str().unwrap_or_default();
    let body: Option<Value> = serde_json::from_str(text).ok();
    let plain = plain && body.is_some();
    let body = body.or_else(|| lossy_json::read(text));
    let mut event = match body {
        Some(body) if is_ours(&body) => event(&body),
        Some(body) if deployments::is_event(&body) => {
            Event { legible: deployments::legible(&body), sight: None }
        }
        _ => ILLEGIBLE,
    };
    if !plain {
        event.legible = event.legible.min(Legible::Perhaps);
        event.sight = event.sight.map(|sight| Sight { certain: false, ..sight });
    }
    Message { id, event }
}

fn is_text_or_none(value: &Value) -> bool {
    value.is_string() || value.is_null()
}

fn event(input: &Value) -> Event {
    let detail = &input["detail"];
    let (Some(arn), Some(last), Some(desired), Some(_)) = (
        detail["taskArn"].as_str(),
        detail["lastStatus"].as_str(),
        detail["desiredStatus"].as_str(),
        detail["version"].as_u64(),
    ) else {
        return ILLEGIBLE;
    };
    let Some(cluster_in_arn) = rules::cluster_of_task(arn) else { return ILLEGIBLE };
    let cluster = match (&detail["clusterArn"], cluster_in_arn) {
        (Value::String(arn), _) => arn.clone(),
        (Value::Null, None) => return ILLEGIBLE,
        (_, within) => {
            let prefix = arn.split(":task/").next().unwrap_or_default();
            format!("{prefix}:cluster/{}", within.unwrap_or_default())
        }
    };
    let time = seconds(&input["time"]);
    let (addresses, containers_are_plain) = addresses(&detail["containers"]);
    let plain =
        ["version", "id", "account", "region"].iter().all(|name| is_text_or_none(&input[name]))
            && are_texts_or_none(&input["resources"])
            && is_text_or_none(&detail["clusterArn"])
            && is_text_or_none(&detail["group"])
            && (input["time"].is_null() || time.is_some())
            && containers_are_plain;
    let sight = Sight {
        arn: arn.to_owned(),
        cluster,
        group: detail["group"].as_str().unwrap_or_default().to_owned(),
        phase: phase(last, desired),
        addresses,
        at: time,
        certain: plain,
    };
    Event { legible: if plain { Legible::Yes } else { Legible::Perhaps }, sight: Some(sight) }
}

/// The time of an event in seconds since 1970. The SDK's parser is not the one that the function
/// uses.
fn seconds(time: &Value) -> Option<i64> {
    Some(DateTime::from_str(time.as_str()?, Format::DateTime).ok()?.secs())
}

/// ECS developer guide, "Amazon ECS task lifecycle": the states after RUNNING all lead to the end.
fn phase(last: &str, desired: &str) -> Phase {
    let ending = ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"];
    if desired == "STOPPED" || ending.contains(&last) {
        Phase::Leaving
    } else if last == "RUNNING" && desired == "RUNNING" {
        Phase::Serving
    } else {
        Phase::Starting
    }
}

fn are_texts_or_none(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string))
}

/// The addresses in an event's containers, and whether everything around them is as documented.
fn addresses(containers: &Value) -> (Vec<Ipv6Addr>, bool) {
    let is_plain = |container: &Value| {
        let interfaces = list(&container["networkInterfaces"]);
        container.is_object() && interfaces.is_some_and(|all| all.iter().all(Value::is_object))
    };
    let texts = || {
        let containers = list(containers).unwrap_or_default().iter();
        let interfaces = containers.flat_map(|c| list(&c["networkInterfaces"]).unwrap_or_default());
        interfaces.map(|interface| &interface["ipv6Address"])
    };
    let plain = list(containers).is_some_and(|all| all.iter().all(is_plain))
        && texts().all(is_text_or_none);
    (texts().filter_map(|text| text.as_str()?.parse().ok()).collect(), plain)
}

/// The items of a list; empty for null, and none if the value is something else.
fn list(value: &Value) -> Option<&[Value]> {
    if value.is_null() { Some(&[]) } else { value.as_array().map(Vec::as_slice) }
}
