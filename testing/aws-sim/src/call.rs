//! The log of calls.

use std::time::SystemTime;

use crate::action::Action;

/// One call as the simulated AWS received it. Every attempt of a retrying client is a call of its
/// own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When the call arrived.
    pub at: SystemTime,
    /// The action that was called.
    pub action: Action,
    /// The ARN of the target group, load balancer or role, or the cluster as it was named; none for
    /// calls about several of them.
    pub resource: Option<String>,
    /// What the call is about: targets as `[2001:db8::1]:8080` (or a bare `2001:db8::1` where no
    /// port was sent) in canonical text, or whatever else it lists: tasks, services, a task
    /// definition, ARNs of target groups or load balancers.
    pub targets: Vec<String>,
    /// What became of it so far.
    pub outcome: Outcome,
    /// Those of the targets that VPC Lattice refused although it accepted the call.
    pub refused: Vec<String>,
    /// The host the request was sent to.
    pub host: String,
    /// The region the request was signed for.
    pub region: Option<String>,
    /// The account whose credentials signed it.
    pub account: String,
    /// The parameters as they were sent: for ELBv2 those of the form (`Targets.member.1.Port`), for
    /// ECS the top-level members with their JSON text.
    pub parameters: Vec<(String, String)>,
}

impl Call {
    /// The values of every parameter whose name ends in `name`: `values("Port")` finds
    /// `Targets.member.1.Port`.
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.parameters
            .iter()
            .filter(|(sent, _)| sent.rsplit('.').next() == Some(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not answered: it is still under way, or the caller gave up before it was.
    Unanswered,
    /// Applied and answered.
    Ok,
    /// Refused with this wire code; nothing was changed.
    Error(String),
    /// The call had its usual effect, and the answer was lost on its way back.
    Lost,
}
