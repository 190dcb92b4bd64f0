//! Answers of invocations.

use std::collections::BTreeSet;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::input::deployment_event::ServiceArn;
use crate::input::sqs::Message;
use crate::report::Report;
use crate::report::failed::Failed;

/// The messages to be returned to the queue: those whose task failed, and those that cannot be
/// read (Lambda developer guide, "Implementing partial batch responses").
pub fn failures(
    messages: &[Message],
    report: &Report,
    services: &BTreeSet<&ServiceArn>,
) -> Result<SqsBatchResponse, Error> {
    let tasks = report.failed_tasks();
    let mut response = SqsBatchResponse::default();
    for message in messages.iter().filter(|message| message.failed(&tasks, services)) {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.id.clone().ok_or(Error::NamelessMessage)?;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

/// The report as the answer, or as a function error if trying again may help.
pub fn answer_unless_failed(report: Report) -> Result<Value, Error> {
    if report.failed.iter().any(Failed::may_be_retried) {
        Err(Error::TargetsFailed(report.failed))
    } else {
        answer(&report)
    }
}

/// Anything as the answer.
pub fn answer(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(Error::AnswerNotWritten)
}
