//! What an input is, read from the documented rules alone, and what it may therefore bring about.

use std::net::Ipv6Addr;

use serde_json::Value;

use crate::lenient;
use crate::rules;
use crate::timestamp;

/// What an input claims to be.
#[derive(Debug)]
pub enum Claim {
    /// An ECS Task State Change.
    Event(Event),
    /// An ECS Task State Change that the queue has as well.
    Copy(Event),
    /// An SQS batch.
    Batch(Vec<Message>),
    /// The schedule, or the operator's wish for a reconcile.
    Reconcile,
    /// The operator's wish for a plan.
    Plan,
    /// The operator's wish for the doctor.
    Doctor,
}

/// All that an input claims to be; nothing if it is not ours.
#[derive(Debug)]
pub struct Reading {
    /// Mostly one, if any.
    pub claims: Vec<Claim>,
    /// Whether something speaks against it, so that to refuse it is right too.
    pub contradicted: bool,
}

/// Whether an event can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Legible {
    /// Something is missing without which it means nothing.
    No,
    /// What is needed is there, and something else is odd.
    Perhaps,
    /// Everything is as documented.
    Yes,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It does not run yet.
    Starting,
    /// It runs and is meant to.
    Serving,
    /// It is meant to stop, or has.
    Leaving,
}

/// What an event says of its task.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The task.
    pub arn: String,
    /// Its cluster.
    pub cluster: String,
    /// Its group.
    pub group: String,
    /// Where it stands.
    pub stage: Stage,
    /// Its addresses, in the order of its containers.
    pub addresses: Vec<Ipv6Addr>,
    /// When it was so, in seconds since 1970; none if that is missing or odd.
    pub at: Option<i64>,
    /// Whether it is sure to be read.
    pub certain: bool,
}

/// An ECS Task State Change.
#[derive(Clone, Debug)]
pub struct Event {
    /// Whether it can be read.
    pub legible: Legible,
    /// What it says, unless it cannot.
    pub sight: Option<Sight>,
}

/// A message of a batch.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id, by which it is returned.
    pub id: Option<String>,
    /// The event in it.
    pub event: Event,
}

const ILLEGIBLE: Event = Event { legible: Legible::No, sight: None };

/// Reads an input.
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
        Some(_) => contradicted = true,
        None => {}
    }
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

fn is_ours(input: &Value) -> bool {
    input["detail-type"] == "ECS Task State Change" && input["source"] == "aws.ecs"
}

/// SQS names itself; whoever makes up a message to try things out may leave that away.
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
    let body = body.or_else(|| lenient::read(text));
    let mut event = body.filter(is_ours).map_or(ILLEGIBLE, |body| event(&body));
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
        (Value::String(told), _) => told.clone(),
        (Value::Null, None) => return ILLEGIBLE,
        (_, within) => {
            let prefix = arn.split(":task/").next().unwrap_or_default();
            format!("{prefix}:cluster/{}", within.unwrap_or_default())
        }
    };
    let time = timestamp::read(&input["time"]);
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
        stage: stage(last, desired),
        addresses,
        at: time,
        certain: plain,
    };
    Event { legible: if plain { Legible::Yes } else { Legible::Perhaps }, sight: Some(sight) }
}

/// ECS developer guide, "Amazon ECS task lifecycle": the states after RUNNING all lead to the end.
fn stage(last: &str, desired: &str) -> Stage {
    let ending = ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"];
    if desired == "STOPPED" || ending.contains(&last) {
        Stage::Leaving
    } else if last == "RUNNING" && desired == "RUNNING" {
        Stage::Serving
    } else {
        Stage::Starting
    }
}

fn are_texts_or_none(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string))
}

/// The addresses in an event's containers, and whether everything on the way is as documented.
fn addresses(containers: &Value) -> (Vec<Ipv6Addr>, bool) {
    let is_plain = |container: &Value| {
        let interfaces = list(&container["networkInterfaces"]);
        container.is_object() && interfaces.is_some_and(|all| all.iter().all(Value::is_object))
    };
    let told = || {
        let containers = list(containers).unwrap_or_default().iter();
        let interfaces = containers.flat_map(|c| list(&c["networkInterfaces"]).unwrap_or_default());
        interfaces.map(|interface| &interface["ipv6Address"])
    };
    let plain =
        list(containers).is_some_and(|all| all.iter().all(is_plain)) && told().all(is_text_or_none);
    (told().filter_map(|told| told.as_str()?.parse().ok()).collect(), plain)
}

/// A list, which is empty where there is none; none if it is something else.
fn list(value: &Value) -> Option<&[Value]> {
    if value.is_null() { Some(&[]) } else { value.as_array().map(Vec::as_slice) }
}
