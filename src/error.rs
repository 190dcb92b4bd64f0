//! The function errors, with stable types that callers can match on.

use std::fmt;

use lambda_runtime::Diagnostic;

use crate::flow::discovery::AccountUnknown;
use crate::input::task_event::Unreadable;
use crate::report::failed::{AllGroups, Failed};

/// Why an invocation failed.
#[derive(thiserror::Error)]
pub enum Error {
    /// The input is of no kind that the function accepts.
    #[error(
        "unknown input: accepted are an EventBridge event \"ECS Task State Change\" of aws.ecs, an \
         SQS batch of such events, {{\"copy\": \"queued\", \"event\": E}} where E is such an event that the \
         queue has as well, an EventBridge event \"ECS Deployment State Change\" of aws.ecs, alone or \
         in an SQS batch, the payload of an ECS deployment lifecycle hook, an EventBridge \
         \"Scheduled Event\", {{\"action\": A}} where A is \"reconcile\", \"plan\" or \"doctor\", \
         {{\"action\": \"explain\", \"task\": ARN or id}}, \
         {{\"widgetContext\": …}} and {{\"describe\": true}} of a CloudWatch dashboard, and \
         {{\"action\": \"release\", \"targetGroupArn\": ARN}}"
    )]
    UnknownInput,
    /// The input is an ECS Task State Change, but a needed field is missing or malformed.
    #[error(transparent)]
    UnreadableEvent(#[from] Unreadable),
    /// Something could not be done; the message names task, target group, target and cause.
    #[error("{} failed: {}", .0.len(), AllGroups(.0))]
    TargetsFailed(Vec<Failed>),
    /// A cluster is bound by its name to a target group of another account, and the invocation does
    /// not say in which account the function is.
    #[error(transparent)]
    AccountUnknown(#[from] AccountUnknown),
    /// A message of an SQS batch failed that has no `messageId` to be returned by, so the whole
    /// batch has to be.
    #[error("a message without messageId failed, so its whole batch has to be returned")]
    NamelessMessage,
    /// The answer could not be written as JSON; everything else was done.
    #[error("the answer cannot be written as JSON: {0}")]
    AnswerNotWritten(serde_json::Error),
}

impl Error {
    /// The `errorType` of the function error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownInput => "UnknownInput",
            Self::UnreadableEvent(_) => "UnreadableEvent",
            Self::TargetsFailed(_) => "TargetsFailed",
            Self::AccountUnknown(_) => "AccountUnknown",
            Self::NamelessMessage => "NamelessMessage",
            Self::AnswerNotWritten(_) => "AnswerNotWritten",
        }
    }
}

/// The same as `Display`: the runtime logs an error through its `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.kind())
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self { error_type: error.kind().to_owned(), error_message: error.to_string() }
    }
}
