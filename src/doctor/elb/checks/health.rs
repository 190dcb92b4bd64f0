//! The checks of the targets' health.

use std::collections::BTreeMap;

use super::Judged;
use crate::core::binding::Binding;
use crate::core::task::Task;
use crate::doctor::facts::{Facts, HealthCheck, Target, TaskDefinition};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

/// The state of a serving task that has no target.
const NOT_REGISTERED: &str = "not registered";

/// The targets of the serving tasks are healthy. A Network Load Balancer without any healthy target
/// sends to all of them (ELB docs, "Health checks for Network Load Balancer target groups"), which
/// hides the trouble.
///
/// A new target is `initial` for some minutes, and becomes `unhealthy` if its checks fail. So
/// `initial` beside healthy targets is as it should be. For how long a target has been in its state
/// ELB does not say.
pub fn health<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(group) = facts.target_group.as_ref()? else { return Ok(DoesNotApply) };
    if facts.front.as_ref()?.is_none() {
        return Ok(DoesNotApply);
    }
    let tasks = facts.serving_tasks()?;
    if tasks.is_empty() {
        return Ok(DoesNotApply);
    }
    let port = binding.port.or(group.port);
    let targets = facts.targets.as_ref()?;
    let fix = |ill: &[State<'_>]| suspicions(ill, &group.health_check);
    let see = "`load-balancer` or `health-check`";
    Ok(of_tasks(&tasks, port, targets, is_healthy, see, fix))
}

/// Whether the targets of these tasks are healthy. `others_to_see` are the checks that may say why
/// a target stays `initial`; `fix` says what to do about those that are neither healthy nor
/// `initial`.
pub fn of_tasks(
    tasks: &[&Task],
    port: Option<u16>,
    targets: &[Target],
    is_healthy: impl Fn(State<'_>) -> bool,
    others_to_see: &str,
    fix: impl Fn(&[State<'_>]) -> String,
) -> Verdict {
    let states = tasks.iter().map(|task| state_of(task, port, targets));
    let (healthy, others): (Vec<State>, Vec<State>) = states.partition(|state| is_healthy(*state));
    let ill: Vec<State> = others.iter().copied().filter(|(state, _)| *state != "initial").collect();
    let found = format!("{} of {} serving tasks have healthy targets", healthy.len(), tasks.len());
    let all = format!("{found}; {}", counts(&others));
    match (healthy.is_empty(), others.is_empty(), ill.is_empty()) {
        (_, true, _) => Pass(found),
        (false, _, true) => Pass(format!("{all}, for how long is not known")),
        (true, _, true) => {
            let fix = format!(
                "wait: a new target is initial for up to 3 minutes; if it is still so after 5, see \
                 whether {others_to_see} says why"
            );
            Warn(format!("{all}, for how long is not known"), fix)
        }
        (false, _, false) => Warn(all, fix(&ill)),
        (true, _, false) => Fail(all, fix(&ill)),
    }
}

/// A target's state and reason.
pub type State<'a> = (&'a str, &'a str);

fn state_of<'a>(task: &Task, port: Option<u16>, targets: &'a [Target]) -> State<'a> {
    let is_its = |target: &&Target| {
        target.address == task.address && (port.is_none() || target.port == port)
    };
    let target = targets.iter().find(is_its);
    target.map_or((NOT_REGISTERED, ""), |target| (&target.state, &target.reason))
}

/// Where health checks are disabled, targets are `unavailable` and get traffic (ELB API reference,
/// TargetHealth).
fn is_healthy((state, reason): State<'_>) -> bool {
    state == "healthy" || (state, reason) == ("unavailable", "Target.HealthCheckDisabled")
}

/// `2 unhealthy (Target.FailedHealthChecks), 1 not registered`.
fn counts(states: &[State<'_>]) -> String {
    let mut counts: BTreeMap<State<'_>, usize> = BTreeMap::new();
    for state in states {
        *counts.entry(*state).or_default() += 1;
    }
    let counts = counts.into_iter().map(|((state, reason), count)| match reason {
        "" => format!("{count} {state}"),
        reason => format!("{count} {state} ({reason})"),
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// What to look at, the likeliest first.
fn suspicions(states: &[State<'_>], check: &HealthCheck) -> String {
    let any = |wanted: &[&str]| states.iter().any(|(state, _)| wanted.contains(state));
    let HealthCheck { protocol, port } = check;
    let port = port.map_or("the target's port".to_owned(), |port| format!("port {port}"));
    let mut fixes = Vec::new();
    if any(&["unhealthy", "unhealthy.draining"]) {
        fixes.push(format!(
            "let the container listen on [::], not on 0.0.0.0 only; then let IPv6 in by the tasks' \
             security group, on the target's port and for the {protocol} check on {port}"
        ));
    }
    if any(&["unused"]) {
        fixes.push("fix `load-balancer` and `zones` first".to_owned());
    }
    if any(&[NOT_REGISTERED, "draining"]) {
        fixes.push("invoke the function with {\"action\":\"reconcile\"}".to_owned());
    }
    if fixes.is_empty() {
        fixes.push("the reason in brackets is ELB's".to_owned());
    }
    fixes.join("; ")
}

/// Something answers the health check of a UDP group. UDP itself cannot be checked: the check is by
/// TCP, HTTP or HTTPS, by default on the port that takes the UDP traffic (ELB docs, "Health checks
/// for Network Load Balancer target groups"). With `awsvpc` a port that no container maps can be
/// reached as well, so a missing mapping is only a hint.
pub fn health_check<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(group) = facts.target_group.as_ref()?.as_ref().filter(|group| group.takes_udp())
    else {
        return Ok(DoesNotApply);
    };
    let Some(definition) = facts.task_definition.as_ref()? else { return Ok(DoesNotApply) };
    let HealthCheck { protocol, port } = &group.health_check;
    let Some(port) = port.or(binding.port).or(group.port) else { return Ok(DoesNotApply) };
    let TaskDefinition { name, containers, .. } = definition;
    let mut ports = containers.iter().flat_map(|container| &container.ports);
    let found = format!("targets are checked by {protocol} on port {port}");
    let is_healthy = |target: &Target| is_healthy((&target.state, &target.reason));
    Ok(if ports.any(|ports| ports.protocol == "tcp" && ports.range.contains(&port)) {
        Pass(format!("{found}, which {name} maps"))
    } else if facts.targets.iter().flatten().any(is_healthy) {
        Pass(format!("{found}, which answers, though {name} does not map it for TCP"))
    } else {
        let fix = format!(
            "let a container answer {protocol} on a port that it maps for TCP, and: aws elbv2 \
             modify-target-group --target-group-arn {} --health-check-port PORT",
            binding.target_group
        );
        Warn(format!("{found}, which {name} does not map for TCP"), fix)
    })
}
