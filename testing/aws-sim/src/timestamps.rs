//! Times as AWS writes them.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// `2023-05-02T14:19:34.52Z`, to the millisecond, as in events.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let millis = DateTime::from(time).to_millis().unwrap_or_default();
    let time = DateTime::from_millis(millis);
    time.fmt(Format::DateTime).unwrap_or_default()
}

/// Seconds since 1970, as in ECS's answers.
pub(crate) fn seconds(time: SystemTime) -> f64 {
    DateTime::from(time).as_secs_f64()
}

/// Without the fraction, as EventBridge's envelope has it.
pub(crate) fn whole_seconds(at: SystemTime) -> SystemTime {
    let since_1970 = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970.as_secs())
}
