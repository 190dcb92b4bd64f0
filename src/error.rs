//! The function errors, with types that stay the same for whoever matches on them.

use std::fmt;

use lambda_runtime::Diagnostic;

use crate::event::Unreadable;
use crate::report::Report;

/// Why an invocation failed.
#[derive(thiserror::Error)]
pub enum Error {
    /// The input is of no kind that the function accepts.
    #[error(
        "unknown input: accepted are an EventBridge event \"ECS Task State Change\" of aws.ecs and \
         an SQS batch of such events"
    )]
    UnknownInput,
    /// The input is an ECS Task State Change, but lacks what is needed.
    #[error(transparent)]
    UnreadableEvent(#[from] Unreadable),
    /// Something could not be done; the message names task, target group, target and cause.
    #[error("{}", failures(.0))]
    TargetsFailed(Report),
    /// A message of an SQS batch failed that has no `messageId` to be returned by, so the whole
    /// batch has to be.
    #[error("a message without messageId failed, so its whole batch has to be returned")]
    NamelessMessage,
}

impl Error {
    /// The `errorType` of the function error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownInput => "UnknownInput",
            Self::UnreadableEvent(_) => "UnreadableEvent",
            Self::TargetsFailed(_) => "TargetsFailed",
            Self::NamelessMessage => "NamelessMessage",
        }
    }
}

/// Failures spelled out in an error's message; the log and a retry tell the rest.
const SHOWN: usize = 20;

fn failures(report: &Report) -> String {
    let shown: Vec<_> = report.failed.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = match report.failed.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{} failed: {}{more}", report.failed.len(), shown.join("; "))
}

/// The same as `Display`: the runtime logs an error by its `Debug`.
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
