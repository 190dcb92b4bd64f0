//! The messages of an SQS batch.

use std::collections::BTreeSet;

use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::Value;
use tracing::{debug, error};

use crate::core::knowledge::Sighting;
use crate::core::task::TaskArn;
use crate::input::deployment_event::{self, ServiceArn};
use crate::input::task_event;
use crate::json::JsonObject;

/// Records of other sources have another `eventSource`, or no `messageId`.
pub fn is_message(record: &Value) -> bool {
    match record.get("eventSource") {
        Some(source) => source == "aws:sqs",
        None => record["messageId"].is_string(),
    }
}

/// A message of a batch, and what it reports if it can be read.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its `messageId`.
    pub id: Option<String>,
    /// What it reports; `None` if it cannot be read.
    pub news: Option<News>,
}

/// What a message reports.
#[derive(Clone, Debug)]
pub enum News {
    /// The state of a task.
    Task(Sighting),
    /// The beginning of a service's deployment, or something else about a deployment.
    Deployment(Option<ServiceArn>),
}

impl Message {
    /// Reads a record. A message that cannot be read is logged.
    pub fn read(record: Value) -> Self {
        let id = record["messageId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        let news = news(record)
            .inspect_err(|problem| error!(message_id = id, problem, "message cannot be read"))
            .inspect(|news| debug!(message_id = id, ?news, "message"));
        Self { id, news: news.ok() }
    }

    /// What it reports of a task.
    pub fn sighting(&self) -> Option<&Sighting> {
        match &self.news {
            Some(News::Task(sighting)) => Some(sighting),
            _ => None,
        }
    }

    /// The service whose deployment it reports.
    pub fn deployment(&self) -> Option<&ServiceArn> {
        match &self.news {
            Some(News::Deployment(service)) => service.as_ref(),
            _ => None,
        }
    }

    /// Whether it has to return to the queue: it cannot be read, or its task or service is among
    /// these.
    pub fn failed(&self, tasks: &BTreeSet<&TaskArn>, services: &BTreeSet<&ServiceArn>) -> bool {
        match &self.news {
            None => true,
            Some(News::Task(sighting)) => tasks.contains(&sighting.task.arn),
            Some(News::Deployment(service)) => {
                service.as_ref().is_some_and(|service| services.contains(service))
            }
        }
    }
}

fn news(record: Value) -> Result<News, String> {
    let JsonObject(message): JsonObject<SqsMessage> =
        serde_json::from_value(record).map_err(|e| e.to_string())?;
    let body = message.body.unwrap_or_default();
    if let Some(sighting) = task_event::read_text(&body) {
        return Ok(News::Task(sighting));
    }
    let event: Value = serde_json::from_str(&body).map_err(|e| format!("body is no JSON: {e}"))?;
    let news = if task_event::is_task_state_change(&event) {
        task_event::read(event).map(News::Task)
    } else if deployment_event::is_deployment_state_change(&event) {
        deployment_event::read(event).map(News::Deployment)
    } else {
        return Err(
            "body is neither an ECS Task State Change nor a Deployment State Change of aws.ecs"
                .to_owned(),
        );
    };
    news.map_err(|error| error.to_string())
}
