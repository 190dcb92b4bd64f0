//! What Lambda adds to an invocation, and how long it waits between two.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ecs_ipv6_targets::input::Payload;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

/// How long a message that was handed out stays invisible, as in the template.
pub const VISIBILITY: Duration = Duration::from_secs(182);

/// Lambda developer guide, "Using Lambda with Amazon SQS": "If you're using a batch window and your
/// SQS queue contains very low traffic, Lambda might wait for up to 20 seconds before invoking your
/// function. This is true even if you set a batch window lower than 20 seconds."
pub const QUIET: Duration = Duration::from_secs(20);

/// Lambda's waits before it tries a failed event again.
pub const TRIES_AFTER: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// The function, in the account of all tasks.
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-2:123456789012:function:ecs-ipv6-targets";

/// What Lambda says of an invocation that it will end at that moment.
pub fn context(deadline: SystemTime) -> Context {
    let mut context = Context::default();
    context.invoked_function_arn = FUNCTION_ARN.to_owned();
    context.deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    context
}

/// An invocation with this payload.
pub fn event(payload: &Value, context: Context) -> LambdaEvent<Payload> {
    event_of_text(payload.to_string().as_bytes(), context)
}

/// An invocation with this payload, as the function gets and reads it. Text that is no JSON is a
/// panic.
pub fn event_of_text(payload: &[u8], context: Context) -> LambdaEvent<Payload> {
    LambdaEvent::new(serde_json::from_slice(payload).expect("it is JSON"), context)
}

/// Whether a batch's answer returns this message; without an answer, all are.
pub fn returns(answer: Option<&Value>, id: &str) -> bool {
    let failures = answer.and_then(|answer| answer["batchItemFailures"].as_array());
    failures.is_none_or(|failures| failures.iter().any(|f| f["itemIdentifier"] == id))
}
