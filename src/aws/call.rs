//! One call to AWS, bounded by the deadline, whose failure is put in a few words.

use std::error::Error;
use std::fmt;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Duration, timeout_at};
use tracing::debug;

use crate::aws::rate_limits::{Kind, Limits};
use crate::core::failure::{Code, Failure};

/// Converts an error of the SDK.
fn failure<E, R>(action: &'static str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug,
{
    let (code, message) = match error {
        SdkError::ServiceError(service) => {
            let error = service.err();
            let message = error.message().map_or("no message", first_line);
            (Code::of_aws(error.code()), message.to_owned())
        }
        SdkError::TimeoutError(_) => (Code::Timeout, "no answer in time".to_owned()),
        SdkError::DispatchFailure(_) => (Code::ConnectionFailed, causes(error)),
        SdkError::ResponseError(_) => (Code::UnreadableAnswer, causes(error)),
        _ => (Code::NotSent, causes(error)),
    };
    Failure::new(action, code, message)
}

/// The first line of AWS's message. If AWS rejects a signature, further lines repeat the request
/// with all its headers, including the session token.
fn first_line(message: &str) -> &str {
    message.trim_start().lines().next().unwrap_or_default()
}

/// The innermost causes of an error, which say more than the SDK's own words for it.
fn causes(error: &dyn Error) -> String {
    let mut chain = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if chain.last() != Some(&text) {
            chain.push(text);
        }
        next = cause.source();
    }
    without_request(&chain.join(": "))
}

/// The SDK's error about an endpoint that is no URI holds the whole request with its body, where
/// what a role's owner expects to be told may stand.
fn without_request(text: &str) -> String {
    let Some((before, rest)) = text.split_once(" to request `") else { return text.to_owned() };
    rest.rsplit_once("`: ").map_or(before.to_owned(), |(_, after)| format!("{before}: {after}"))
}

/// The failure of a call for which there is no time.
pub fn too_late(action: &'static str) -> Failure {
    let message = "the invocation's time was over before this was done";
    Failure::new(action, Code::DeadlineReached, message)
}

/// Makes a call when it is due, and waits for it until the deadline. A call that is cut off may
/// have had its effect; all calls here may be repeated.
pub async fn within<T, E, R>(
    limits: &Limits,
    kind: Kind,
    action: &'static str,
    call: impl Future<Output = Result<T, SdkError<E, R>>>,
) -> Result<T, Failure>
where
    E: ProvideErrorMetadata + Error + 'static,
    R: fmt::Debug,
{
    if !limits.acquire(kind).await || limits.deadline.is_over() {
        return Err(too_late(action));
    }
    let result = match timeout_at(limits.end_of_call().instant(), call).await {
        Ok(answer) => answer.map_err(|error| failure(action, &error)),
        Err(_) => Err(too_late(action)),
    };
    if let Err(error) = &result {
        debug!(%error, "call failed");
    }
    result
}

/// How long to wait for AWS. The SDK has no limit of its own for an attempt or for a call with
/// its retries; a connection that died while Lambda had the process frozen must not hang.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(20))
        .build()
}

/// How often to try: throttling, 5xx, timeouts and broken connections are tried again after a
/// growing pause with jitter (AWS SDKs reference, "Retry behavior", standard mode).
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(5)
}
