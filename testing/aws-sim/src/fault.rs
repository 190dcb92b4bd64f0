use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use crate::action::{Action, Api};
use crate::api_error::ApiError;
use crate::call::Call;
use crate::rates;

/// Something that goes wrong with certain calls of one action.
///
/// Which calls: all of them; with [`Fault::nth`] that one; with [`Fault::times`] so many, from the
/// `nth` or else the first. Only calls that match the filters [`Fault::when_target`] and
/// [`Fault::group`] are counted, from the moment the fault is added. What happens: a 503 unless
/// said otherwise.
#[derive(Clone, Debug)]
pub struct Fault {
    action: Action,
    target: Option<String>,
    resource: Option<String>,
    nth: Option<usize>,
    times: Option<usize>,
    seen: usize,
    effect: Effect,
}

/// What a fault does to a call.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The call is refused and changes nothing.
    Refuse(ApiError),
    /// The call has its usual effect, and the connection breaks before the answer.
    LoseAnswer,
    /// The call waits this long before its usual effect and answer.
    Hang(Duration),
    /// The call has its usual effect, and this is done to its answer of JSON.
    Rewrite(fn(&mut Value)),
}

impl Fault {
    /// Every call of this action is refused with a 503, until it is said otherwise.
    pub fn on(action: Action) -> Self {
        let unavailable = ApiError::new("ServiceUnavailable", "Service is unavailable", 503);
        Self {
            action,
            target: None,
            resource: None,
            nth: None,
            times: None,
            seen: 0,
            effect: Effect::Refuse(unavailable),
        }
    }

    /// From the `nth` matching call on, counted from 1; without [`Fault::times`] that call alone.
    pub fn nth(self, nth: usize) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// So many matching calls.
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Only calls that contain this target: an address (at any port), an address and port as a
    /// [`Call`] spells them, or a name as the call has it (a task's ARN, a service, a target
    /// group's ARN).
    pub fn when_target(self, target: &str) -> Self {
        Self { target: Some(target.to_owned()), ..self }
    }

    /// Only calls about this target group, load balancer or cluster.
    pub fn group(self, arn: &str) -> Self {
        Self { resource: Some(arn.to_owned()), ..self }
    }

    /// ELBv2 and ECS docs: `ThrottlingException`, "Rate exceeded"; the Tagging API's:
    /// `ThrottledException`.
    pub fn throttled(self) -> Self {
        let code = rates::throttled(self.action);
        self.error(code, "Rate exceeded", 400)
    }

    /// Refused with this wire code, message and HTTP status.
    pub fn error(self, code: &str, message: &str, status: u16) -> Self {
        self.effect(Effect::Refuse(ApiError::new(code, message, status)))
    }

    /// A 500.
    pub fn internal_error(self) -> Self {
        let code = match self.action.api() {
            Api::Elb => "InternalFailure",
            Api::Ecs => "ServerException",
            Api::Tagging => "InternalServiceException",
            Api::Sts => "InternalFailure",
            Api::Ec2 => "InternalError",
            Api::Lattice => "InternalServerException",
        };
        self.error(code, "An internal error occurred", 500)
    }

    /// Refused by IAM.
    pub fn access_denied(self) -> Self {
        let (code, status) = match self.action.api() {
            Api::Elb | Api::Sts => ("AccessDenied", 403),
            Api::Ecs | Api::Tagging => ("AccessDeniedException", 400),
            Api::Ec2 => ("UnauthorizedOperation", 403),
            Api::Lattice => ("AccessDeniedException", 403),
        };
        let message = format!(
            "User: arn:aws:sts::123456789012:assumed-role/demo/demo is not authorized to perform: {} \
             because no identity-based policy allows the action",
            self.action.iam_name()
        );
        self.error(code, &message, status)
    }

    /// The call has its effect, and the connection breaks before the answer.
    pub fn lost_answer(self) -> Self {
        self.effect(Effect::LoseAnswer)
    }

    /// The call waits so long before its effect and answer. A caller that gives up earlier leaves
    /// no effect.
    pub fn hang(self, time: Duration) -> Self {
        self.effect(Effect::Hang(time))
    }

    /// The call has its usual effect, and its answer is rewritten: for what AWS might answer and
    /// the simulation never does. Only answers of JSON: those of ECS and VPC Lattice.
    pub fn rewritten(self, rewrite: fn(&mut Value)) -> Self {
        self.effect(Effect::Rewrite(rewrite))
    }

    pub(crate) fn into_effect(self) -> Effect {
        self.effect
    }

    fn effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    /// Counts this call if it matches; the effect if the fault strikes it.
    pub(crate) fn strike(&mut self, call: &Call) -> Option<Effect> {
        if !self.matches(call) {
            return None;
        }
        self.seen += 1;
        let first = self.nth.unwrap_or(1);
        let times = match (self.nth, self.times) {
            (_, Some(times)) => times,
            (Some(_), None) => 1,
            (None, None) => usize::MAX,
        };
        let strikes = self.seen >= first && self.seen - first < times;
        strikes.then(|| self.effect.clone())
    }

    fn matches(&self, call: &Call) -> bool {
        let resource = self.resource.as_deref();
        let target = self.target.as_deref();
        call.action == self.action
            && resource.is_none_or(|resource| call.resource.as_deref() == Some(resource))
            && target.is_none_or(|target| call.targets.iter().any(|sent| is_target(sent, target)))
    }
}

/// Whether a target of a call is the one that a fault names.
fn is_target(sent: &str, named: &str) -> bool {
    let address =
        sent.parse::<SocketAddr>().map(|target| target.ip()).or_else(|_| sent.parse::<IpAddr>());
    match (address, named.parse::<IpAddr>()) {
        (Ok(address), Ok(named)) => address == named,
        _ => sent == named,
    }
}
