//! The shapes of answers, as docs/interface.md promises them.

use std::net::Ipv6Addr;

use serde_json::{Map, Value};

/// A target in a report: task, target group, address, port.
pub type Target = (Option<String>, String, Ipv6Addr, u16);

/// A report, taken apart.
#[derive(Debug, Default)]
pub struct Report {
    /// What was registered.
    pub registered: Vec<Target>,
    /// What was deregistered.
    pub deregistered: Vec<Target>,
    /// What was left alone.
    pub unowned: Vec<Target>,
    /// Tasks, and why nothing was done about them.
    pub skipped: Vec<(String, String)>,
    /// How many failed.
    pub failed: usize,
    /// Whether nothing was written.
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

/// Takes a report apart; an error says in what it is none.
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

/// The ids of the messages that are returned.
pub fn returned(answer: &Value) -> Result<Vec<String>, String> {
    let answer = fields(answer, &["batchItemFailures"], &["batchItemFailures"])?;
    let ids = list(&answer["batchItemFailures"])?.iter().map(|failure| {
        let failure = fields(failure, &["itemIdentifier"], &["itemIdentifier"])?;
        text(failure, "itemIdentifier").map(str::to_owned)
    });
    ids.collect()
}

/// Doctor's checks.
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
