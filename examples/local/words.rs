//! Calls, inputs and answers in words.

use std::iter;
use std::net::{Ipv6Addr, SocketAddrV6};

use aws_sim::{Action, Answer, Aws, Call, Outcome};
use ecs_ipv6_targets::input::is_scheduled;
use serde_json::Value;

use crate::input::{Input, event_in};
use crate::screen::{Look, Screen};

/// How much of a list is spelled out.
const SHOWN: usize = 8;

pub fn input(input: &Input) -> Vec<String> {
    if let Some(of_task) = input.event() {
        let copied = if input.is_copy() { "a copy: " } else { "" };
        return vec![format!("{copied}{}", event(of_task))];
    }
    if let Some(action) = input.payload["action"].as_str() {
        return vec![format!("an operator's: {action}")];
    }
    match input.messages() {
        Some(messages) => cut(messages.iter().map(message)),
        None if is_scheduled(&input.payload) => vec!["a Scheduled Event: reconcile".to_owned()],
        None => vec!["of no kind that the function knows".to_owned()],
    }
}

fn message(message: &Value) -> String {
    let id = id8(text(&message["messageId"]));
    match event_in(message) {
        Some(of_task) => format!("{id}  {}", event(&of_task)),
        None => format!("{id}  not an ECS Task State Change"),
    }
}

/// The state of a task that an event reports.
pub fn event(event: &Value) -> String {
    let detail = &event["detail"];
    format!(
        "task {}, {}, version {}, {}",
        short(text(&detail["taskArn"])),
        status(text(&detail["lastStatus"]), text(&detail["desiredStatus"])),
        detail["version"],
        text(&event["time"]),
    )
}

/// The calls, in columns: action, target group or cluster, and what it is about, one a line.
pub fn calls(screen: &Screen, aws: &Aws, calls: &[Call]) -> Vec<String> {
    if calls.is_empty() {
        return vec![screen.paint(Look::Dim, "none")];
    }
    let resource = |call: &Call| short(call.resource.as_deref().unwrap_or_default());
    let actions = calls.iter().map(|call| call.action.name().len()).max().unwrap_or_default();
    let resources = calls.iter().map(|call| resource(call).len()).max().unwrap_or_default();
    let lines = |call: &Call| {
        let head = (call.action.name(), resource(call));
        let heads = iter::once(head).chain(iter::repeat(("", String::new())));
        heads.zip(about(screen, aws, call)).map(|((action, resource), about)| {
            format!("{action:<actions$}  {resource:<resources$}  {about}")
        })
    };
    calls.iter().flat_map(lines).collect()
}

/// What a call is about and how it ended: tasks with their states, or targets.
fn about(screen: &Screen, aws: &Aws, call: &Call) -> Vec<String> {
    if call.action == Action::DescribeTasks && call.outcome == Outcome::Ok {
        let state = |arn: &String| screen.paint(Look::Green, state(aws, arn));
        return cut(call.targets.iter().map(|arn| format!("{} → {}", short(arn), state(arn))));
    }
    let mut lines = cut(call.targets.iter().map(|target| short(target)));
    let outcome = format!(" → {}", outcome(screen, &call.outcome));
    match lines.last_mut() {
        Some(last) => last.push_str(&outcome),
        None => lines.push(outcome),
    }
    lines
}

fn outcome(screen: &Screen, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok => screen.paint(Look::Green, "ok"),
        Outcome::Error(code) => screen.paint(Look::Red, code),
        Outcome::Lost => screen.paint(Look::Red, "answer lost"),
        Outcome::Unanswered => screen.paint(Look::Yellow, "no answer yet"),
    }
}

/// What ECS says of a task.
fn state(aws: &Aws, arn: &str) -> String {
    match aws.task(arn) {
        Some(task) => status(task.last_status(), task.desired_status()),
        None => "MISSING".to_owned(),
    }
}

pub fn answer(screen: &Screen, answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Success(answer) if answer["batchItemFailures"].is_array() => {
            vec![batch_answer(&returned(answer))]
        }
        Answer::Success(answer) if answer["checks"].is_array() => checks(screen, answer),
        Answer::Success(answer) => report(answer),
        Answer::Error { error_type, error_message } => {
            vec![format!("{}: {error_message}", screen.paint(Look::Red, error_type))]
        }
    }
}

/// The messages that an answer gives back to the queue.
pub fn returned(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().map(Vec::as_slice).unwrap_or_default();
    failures.iter().map(|failure| text(&failure["itemIdentifier"])).collect()
}

fn batch_answer(returned: &[&str]) -> String {
    match returned {
        [] => "all messages are done".to_owned(),
        ids => {
            let ids = cut(ids.iter().map(|id| id8(id)));
            format!("back to the queue: message {}; all others are done", ids.join(", "))
        }
    }
}

/// What doctor found, and below each check that did not pass how to fix it.
fn checks(screen: &Screen, answer: &Value) -> Vec<String> {
    let checks = answer["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let lines = |check: &Value| {
        let status = text(&check["status"]);
        let look = match status {
            "pass" => Look::Green,
            "warn" => Look::Yellow,
            _ => Look::Red,
        };
        let (name, detail) = (text(&check["check"]), text(&check["detail"]));
        let found = format!("{}  {name:<15} {detail}", screen.paint(look, status));
        let fix = text(&check["fix"]);
        let fix = (!fix.is_empty()).then(|| screen.paint(Look::Dim, format!("      fix: {fix}")));
        iter::once(found).chain(fix)
    };
    checks.iter().flat_map(lines).collect()
}

fn report(report: &Value) -> Vec<String> {
    let list = |name: &'static str| {
        let entries = report[name].as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().map(move |entry| (name, entry))
    };
    let would = if report["dryRun"] == true { "would be " } else { "" };
    let targets = list("registered").chain(list("deregistered"));
    let targets = targets.map(|(done, entry)| {
        let task = entry["taskArn"].as_str().map(|arn| format!(" for task {}", short(arn)));
        format!("{would}{done} {}{}", target(entry), task.unwrap_or_default())
    });
    let unowned = list("unowned")
        .map(|(_, entry)| format!("unowned {}: no task explains it; left alone", target(entry)));
    let skipped = list("skipped").map(|(_, entry)| {
        let reason = text(&entry["reason"]);
        let what = match entry.get("taskArn") {
            Some(_) => format!("task {}", task(entry)),
            None => format!("target group {}", short(text(&entry["targetGroupArn"]))),
        };
        format!("skipped {what}: {reason}{}", gloss(reason))
    });
    let lines = cut(targets.chain(unowned).chain(skipped));
    // Not a report, or an empty one.
    if lines.is_empty() { vec![report.to_string()] } else { lines }
}

/// The reason of a skip in other words.
fn gloss(reason: &str) -> &'static str {
    match reason {
        "no-binding" => " (no binding names its service)",
        "no-address" => " (it has no IPv6 address)",
        "not-running" => " (it does not run yet)",
        "queued" => " (left to the queue)",
        "superseded" => " (a newer state of the task is known)",
        "gone" => " (ECS no longer knows the task)",
        "group-gone" => " (ELB does not know the target group)",
        _ => "",
    }
}

fn task(entry: &Value) -> String {
    short(text(&entry["taskArn"]))
}

fn target(entry: &Value) -> String {
    let id = text(&entry["id"]).parse::<Ipv6Addr>();
    let port = entry["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    match (id, port) {
        (Ok(id), Some(port)) => SocketAddrV6::new(id, port, 0, 0).to_string(),
        _ => entry.to_string(),
    }
}

/// `RUNNING`, or both where lastStatus and desiredStatus differ.
fn status(last: &str, desired: &str) -> String {
    if last == desired { last.to_owned() } else { format!("{last} (desired: {desired})") }
}

/// What is shown of an ARN: a target group's or cluster's name, the start of a task's id. Other
/// text stays as it is.
fn short(text: &str) -> String {
    let mut path = text.split('/');
    match path.next() {
        Some(head) if head.ends_with(":targetgroup") => path.next().unwrap_or(text).to_owned(),
        Some(head) if head.ends_with(":task") => id8(path.next_back().unwrap_or(text)),
        _ => path.next_back().unwrap_or(text).to_owned(),
    }
}

fn id8(id: &str) -> String {
    id.chars().take(8).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// The first few, and how many more there are.
fn cut(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(SHOWN);
    if more > 0 {
        items.truncate(SHOWN);
        items.push(format!("and {more} more"));
    }
    items
}
