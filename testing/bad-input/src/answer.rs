//! The shapes of answers, as docs/interface.md promises them.

use std::net::Ipv6Addr;

use serde_json::{Map, Value};

/// A target in a report: task, target group, address, port.
pub type Target = (Option<String>, String, Ipv6Addr, u16);

/// A report that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub registered: Vec<Target>,
    pub deregistered: Vec<Target>,
    /// Targets that no task explains and that were left alone.
    pub unowned: Vec<Target>,
    /// Tasks about which nothing was done, and the reason.
    pub skipped: Vec<(String, String)>,
    /// How many targets or bindings failed.
    pub failed: usize,
    /// Whether it says that nothing was written.
    pub dry_run: bool,
}

const REASONS: &[&str] =
    &["no-binding", "no-address", "not-running", "superseded", "gone", "queued"];
const CHECKS: &[&str] = &[
    "target-group",
    "load-balancer",
    "source-nat",
    "client-ip",
    "zones",
    "quota",
    "service",
    "not-attached",
    "network-mode",
    "task-addresses",
    "drain",
];

/// Reads a report; an error says what is not as documented.
pub fn report(answer: &Value) -> Result<Report, String> {
    let all = ["registered", "deregistered", "unowned", "skipped", "failed", "dryRun"];
    let answer = fields(answer, &all, &all)?;
    let targets =
        |name: &str| list(&answer[name])?.iter().map(target).collect::<Result<Vec<_>, _>>();
    let skipped = list(&answer["skipped"])?.iter().map(|entry| {
        let entry = fields(entry, &["taskArn", "reason"], &["taskArn", "reason"])?;
        let (task, reason) = (text(entry, "taskArn")?, text(entry, "reason")?);
        if REASONS.contains(&reason) {
            Ok((task.to_owned(), reason.to_owned()))
        } else {
            Err(format!("reason {reason}"))
        }
    });
    for failure in list(&answer["failed"])? {
        let known = ["taskArn", "targetGroupArn", "id", "port", "error"];
        text(fields(failure, &["targetGroupArn", "error"], &known)?, "error")?;
    }
    Ok(Report {
        registered: targets("registered")?,
        deregistered: targets("deregistered")?,
        unowned: targets("unowned")?,
        skipped: skipped.collect::<Result<_, _>>()?,
        failed: list(&answer["failed"])?.len(),
        dry_run: answer["dryRun"].as_bool().ok_or("dryRun is no bool")?,
    })
}

fn target(entry: &Value) -> Result<Target, String> {
    let needed = ["targetGroupArn", "id", "port"];
    let entry = fields(entry, &needed, &["taskArn", "targetGroupArn", "id", "port"])?;
    let task = entry.get("taskArn").map(|_| text(entry, "taskArn")).transpose()?;
    let id = text(entry, "id")?;
    let address: Ipv6Addr = id.parse().map_err(|_| format!("id {id} is no IPv6 address"))?;
    if address.to_string() != id {
        return Err(format!("id {id} is not in canonical text"));
    }
    let port =
        entry["port"].as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let port = port.ok_or_else(|| format!("port {}", entry["port"]))?;
    Ok((task.map(str::to_owned), text(entry, "targetGroupArn")?.to_owned(), address, port))
}

/// Reads a batch's answer: the ids of the messages that are returned to the queue.
pub fn returned(answer: &Value) -> Result<Vec<String>, String> {
    let answer = fields(answer, &["batchItemFailures"], &["batchItemFailures"])?;
    let ids = list(&answer["batchItemFailures"])?.iter().map(|failure| {
        let failure = fields(failure, &["itemIdentifier"], &["itemIdentifier"])?;
        text(failure, "itemIdentifier").map(str::to_owned)
    });
    ids.collect()
}

/// Checks an answer of the doctor.
pub fn checks(answer: &Value) -> Result<(), String> {
    let answer = fields(answer, &["ok", "checks"], &["ok", "checks"])?;
    let mut failed = false;
    for check in list(&answer["checks"])? {
        let all = ["binding", "check", "status", "detail", "fix"];
        let check = fields(check, &all, &all)?;
        for name in all {
            text(check, name)?;
        }
        let (name, status) = (text(check, "check")?, text(check, "status")?);
        if !CHECKS.contains(&name) || !["pass", "warn", "fail"].contains(&status) {
            return Err(format!("check {name} with status {status}"));
        }
        failed |= status == "fail";
    }
    if answer["ok"] == !failed { Ok(()) } else { Err("ok does not fit the checks".to_owned()) }
}

/// Checks the status page.
pub fn page(answer: &Value) -> Result<(), String> {
    let html = answer.as_str().ok_or("the page is no text")?;
    let is_page = html.starts_with("<div") && html.ends_with("</div>") && !html.contains("<script");
    if is_page { Ok(()) } else { Err(format!("no page: {html}")) }
}

/// Checks what a dashboard shows of the page.
pub fn description(answer: &Value) -> Result<(), String> {
    text(fields(answer, &["markdown"], &["markdown"])?, "markdown").map(drop)
}

/// An explanation that was read.
#[derive(Debug)]
pub struct Explanation {
    /// The ARN of the task, if ECS knows it.
    pub task: Option<String>,
    /// How many bindings cover it.
    pub bindings: usize,
    /// Whether it says why there is no more to say.
    pub has_because: bool,
}

/// Reads the answer about one task.
pub fn explanation(answer: &Value) -> Result<Explanation, String> {
    let known = ["task", "bindings", "otherBindings", "because"];
    let answer = fields(answer, &["task", "bindings"], &known)?;
    let of_task = ["taskArn", "cluster", "group", "lastStatus", "desiredStatus", "version"];
    let of_task = [&of_task[..], &["address", "startedBy", "healthStatus"]].concat();
    let task = match &answer["task"] {
        Value::Null => None,
        task => Some(text(fields(task, &of_task, &of_task)?, "taskArn")?.to_owned()),
    };
    for target in list(&answer["bindings"])? {
        let all =
            ["binding", "targetGroupArn", "id", "port", "state", "reason", "would", "because"];
        let target = fields(target, &all, &all)?;
        let would = text(target, "would")?;
        let has_words = !text(target, "because")?.is_empty() && !text(target, "state")?.is_empty();
        if !has_words || !["register", "deregister", "nothing"].contains(&would) {
            return Err(format!("not documented: {target:?}"));
        }
    }
    for other in answer.get("otherBindings").map_or(Ok(&Vec::new()), list)? {
        let all = ["binding", "because"];
        text(fields(other, &all, &all)?, "because")?;
    }
    let has_because = answer.get("because").map(|_| text(answer, "because")).transpose()?.is_some();
    Ok(Explanation { task, bindings: list(&answer["bindings"])?.len(), has_because })
}

fn fields<'a>(
    value: &'a Value,
    needed: &[&str],
    known: &[&str],
) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("no object: {value}"))?;
    if let Some(missing) = needed.iter().find(|name| !fields.contains_key(**name)) {
        return Err(format!("{missing} is missing in {value}"));
    }
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(format!("{unknown} is not documented: {value}")),
        None => Ok(fields),
    }
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("no list: {value}"))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    fields[name].as_str().ok_or_else(|| format!("{name} is no text: {}", fields[name]))
}
