//! Why something could not be done, as data: the call, a stable code, and a message.

use std::fmt;

/// Why a call failed. Unlike an SDK error, it is short and contains no headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The call, for example `RegisterTargets`.
    pub action: &'static str,
    /// AWS's error code, or one of ours.
    pub code: Code,
    /// What AWS or the connection said.
    pub message: String,
}

impl Failure {
    /// A failure of the call `action`.
    pub fn new(action: &'static str, code: Code, message: impl Into<String>) -> Self {
        Self { action, code, message: message.into() }
    }

    /// Whether a call about a target group says that there is none: to ELB it is
    /// `TargetGroupNotFound`, to VPC Lattice `ResourceNotFoundException`.
    pub fn says_no_group(&self) -> bool {
        matches!(self.code.as_str(), "TargetGroupNotFound" | "ResourceNotFoundException")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.action, self.code, self.message)
    }
}

/// The code of a failure: the dimension `ErrorType` of the metric `Failed`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// AWS refused the call with this error code.
    Aws(String),
    /// AWS gave an error without a code.
    UnknownError,
    /// No answer came in time.
    Timeout,
    /// No connection could be made, or it broke.
    ConnectionFailed,
    /// The answer could not be read.
    UnreadableAnswer,
    /// The request could not be built.
    NotSent,
    /// The invocation's time was over before the call was made or answered.
    DeadlineReached,
    /// The target is registered, but ECS could not be asked whether the task still runs.
    Unconfirmed,
    /// ECS answered with an older state than the event's, and neither has the address.
    StaleAnswer,
    /// ECS left the task out of its answer, or could not describe it.
    TaskFailed,
    /// The target group's own port is not known.
    NoPort,
    /// No call was made for the target, because too many others were refused.
    NotTried,
    /// VPC Lattice left the target out of its answer.
    TargetFailed,
    /// A message of the queue is not an event that can be read.
    UnreadableMessage,
    /// An entry in the tag of a target group is malformed.
    BadTag,
    /// ECS left the service out of its answer, or could not describe it.
    ServiceFailed,
    /// ECS left the task definition out of its answer. Only in the doctor's answer.
    NoTaskDefinition,
    /// ELB left the load balancer out of its answer. Only in the doctor's answer.
    NoLoadBalancer,
}

impl Code {
    /// Every code that a report can have and that is not AWS's own, with its meaning.
    pub const OWN: [(Self, &'static str); 15] = [
        (Self::BadTag, "an entry in the tag of the target group is malformed"),
        (Self::ConnectionFailed, "no connection could be made, or it broke"),
        (
            Self::DeadlineReached,
            "the invocation's time was over before the call was made or answered",
        ),
        (Self::NoPort, "the target group's own port is not known"),
        (Self::NotSent, "the request could not be built"),
        (
            Self::NotTried,
            "no call was made, because too many targets were refused, or its subnet was full",
        ),
        (Self::ServiceFailed, "ECS left the service out of its answer, or could not describe it"),
        (
            Self::StaleAnswer,
            "ECS answered with an older state than the event's, and neither has the address",
        ),
        (Self::TargetFailed, "VPC Lattice left the target out of its answer"),
        (Self::TaskFailed, "ECS left the task out of its answer, or could not describe it"),
        (Self::Timeout, "no answer came in time"),
        (Self::Unconfirmed, "registered, but ECS could not be asked whether the task still runs"),
        (Self::UnknownError, "AWS gave an error without a code"),
        (Self::UnreadableAnswer, "AWS's answer could not be read"),
        (Self::UnreadableMessage, "the message is not an event that can be read"),
    ];

    /// The code for an error code of AWS.
    pub fn of_aws(code: Option<&str>) -> Self {
        code.map_or(Self::UnknownError, |code| Self::Aws(code.to_owned()))
    }

    /// The code as messages and metrics show it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Aws(code) => code,
            Self::UnknownError => "UnknownError",
            Self::Timeout => "Timeout",
            Self::ConnectionFailed => "ConnectionFailed",
            Self::UnreadableAnswer => "UnreadableAnswer",
            Self::NotSent => "NotSent",
            Self::DeadlineReached => "DeadlineReached",
            Self::Unconfirmed => "Unconfirmed",
            Self::StaleAnswer => "StaleAnswer",
            Self::TaskFailed => "TaskFailed",
            Self::NoPort => "NoPort",
            Self::NotTried => "NotTried",
            Self::TargetFailed => "TargetFailed",
            Self::UnreadableMessage => "UnreadableMessage",
            Self::BadTag => "BadTag",
            Self::ServiceFailed => "ServiceFailed",
            Self::NoTaskDefinition => "NoTaskDefinition",
            Self::NoLoadBalancer => "NoLoadBalancer",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_its_call_its_code_and_the_message() {
        let failure = |code| Failure::new("RegisterTargets", Code::of_aws(code), "why");
        let unknown = failure(None);
        assert_eq!(unknown.to_string(), "RegisterTargets: UnknownError: why");
        assert!(!unknown.says_no_group());
        for (code, no_group) in [
            ("TargetGroupNotFound", true),
            ("ResourceNotFoundException", true),
            ("InvalidTarget", false),
        ] {
            let failure = failure(Some(code));
            assert_eq!((failure.code.as_str(), failure.says_no_group()), (code, no_group));
        }
    }

    #[test]
    fn every_code_of_our_own_has_a_name_of_its_own() {
        let names = Code::OWN.map(|(code, _)| code.to_string());
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        let debug = Code::OWN.map(|(code, _)| format!("{code:?}"));
        assert_eq!(names, debug);
    }
}
