//! The documents that are damaged: the samples in `events/`, and inputs for other functions.

use std::fs;
use std::path::PathBuf;

use harness::dice::Dice;
use serde_json::{Value, json};

use crate::mutate;
use crate::odd_values;

/// Every document to draw from and to take pieces from.
pub struct Documents {
    /// ECS Task State Change events.
    events: Vec<Value>,
    /// SQS batches.
    batches: Vec<Value>,
    /// ECS Deployment State Change events, and the questions of lifecycle hooks.
    deployments: Vec<Value>,
    /// Actions of an operator, and the schedule.
    requests: Vec<Value>,
    /// Inputs that are not for the function.
    foreign: Vec<Value>,
    all: Vec<Value>,
}

impl Documents {
    /// Reads the files of this repository.
    pub fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let read = |path: PathBuf| -> Value {
            let text =
                fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            serde_json::from_slice(&text).expect("the samples are JSON")
        };
        let folder = fs::read_dir(root.join("../../events")).expect("the folder of samples exists");
        let mut paths: Vec<PathBuf> = folder.filter_map(|file| Some(file.ok()?.path())).collect();
        paths.sort();
        let named = |prefix: &str| -> Vec<Value> {
            let stem =
                |path: &PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let wanted =
                paths.iter().filter(|path| stem(path).is_some_and(|stem| stem.starts_with(prefix)));
            wanted.cloned().map(read).collect()
        };
        let requests = [
            "plan",
            "reconcile",
            "doctor",
            "release",
            "explain",
            "widget",
            "describe",
            "scheduled",
        ]
        .iter()
        .flat_map(|name| named(name));
        let mut events = named("task-");
        events.extend(named("task-running").iter().map(of_old_format));
        let deployments = [named("deployment-"), named("hook-")].concat();
        let (batches, requests) = (named("sqs-"), requests.collect::<Vec<_>>());
        let Value::Array(foreign) = read(root.join("foreign.json")) else {
            panic!("foreign.json is a list");
        };
        let all = [&events, &batches, &deployments, &requests, &foreign]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        Self { events, batches, deployments, requests, foreign, all }
    }

    /// Draws the text of an input, as the Runtime API would send it.
    pub fn draw(&self, dice: &mut Dice) -> Vec<u8> {
        let is_event = |input: &Value| input["detail-type"] == "ECS Task State Change";
        let mut input = match dice.number(0..=99) {
            0..=4 => odd_values::tree(dice, 5),
            5..=14 => one_of(dice, &self.foreign),
            15..=17 => one_of(dice, &self.requests),
            18..=24 => one_of(dice, &self.batches),
            25..=39 => self.batch(dice),
            40..=49 => one_of(dice, &self.deployments),
            _ => one_of(dice, &self.events),
        };
        if is_event(&input) && dice.chance(0.1) {
            input = json!({"copy": "queued", "event": input});
        }
        for _ in 0..dice.pick(&[0, 1, 1, 1, 1, 2, 2, 3, 6]) {
            mutate::structure(dice, &mut input, &self.all);
        }
        let mut text = input.to_string().into_bytes();
        if dice.chance(0.12) {
            mutate::text(dice, &mut text);
        }
        text
    }

    /// Draws a batch of samples, some of them damaged. An id may be missing or odd.
    fn batch(&self, dice: &mut Dice) -> Value {
        let records = (0..dice.number(0..=4)).map(|number| {
            let documents = match dice.number(0..=19) {
                0 => &self.deployments,
                1 | 2 => &self.foreign,
                _ => &self.events,
            };
            let mut event = one_of(dice, documents);
            if dice.chance(0.3) {
                mutate::structure(dice, &mut event, &self.all);
            }
            let id = if dice.chance(0.95) {
                json!(format!("m{number}"))
            } else {
                odd_values::value(dice)
            };
            json!({"messageId": id, "body": event.to_string(), "eventSource": "aws:sqs"})
        });
        json!({"Records": records.collect::<Vec<_>>()})
    }

    /// The sample event of this task in this state.
    pub fn event(&self, task: &str, last_status: &str) -> &Value {
        let mut events = self.events.iter();
        let event = events.find(|event| {
            let detail = &event["detail"];
            detail["lastStatus"] == last_status
                && detail["taskArn"].as_str().is_some_and(|arn| arn.ends_with(task))
        });
        event.expect("there is such a sample")
    }

    /// All documents, to take pieces from.
    pub fn all(&self) -> &[Value] {
        &self.all
    }
}

/// The same event with a task ARN of the old short format, which has no cluster.
fn of_old_format(event: &Value) -> Value {
    let mut event = event.clone();
    let arn = event["detail"]["taskArn"].as_str().unwrap_or_default().replace("demo-cluster/", "");
    event["detail"]["taskArn"] = json!(arn);
    event
}

fn one_of(dice: &mut Dice, documents: &[Value]) -> Value {
    documents[dice.number(0..=documents.len() - 1)].clone()
}
