//! The checks of a target group of VPC Lattice. Those of the ECS service are the same for both
//! kinds.

use crate::core::binding::Binding;
use crate::core::failure::Failure;
use crate::doctor::ecs::checks::stop_timeout;
use crate::doctor::elb::checks::{State, of_quota, of_tasks};
use crate::doctor::facts::{Facts, LatticeGroup};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

type Judged<'a> = Result<Verdict, &'a Failure>;

/// VPC Lattice's default quota (VPC Lattice user guide, "Quotas": targets per target group). It
/// cannot be read from there.
const TARGETS_PER_GROUP: usize = 1000;

/// How long a target drains, in seconds (VPC Lattice API reference, TargetSummary: "The default
/// draining time is 1 minute"). Nothing sets it.
const DRAINING: u32 = 60;

/// How long new connections may still come to a target that was deregistered, in seconds: AWS's own
/// number for a change of weights (ECS developer guide, "VPC Lattice resources for Amazon ECS
/// blue/green deployments": approximately 90 seconds).
const STRAGGLERS: u32 = 90;

/// The target group exists, takes IPv6 addresses, and checks its targets' health. None of its types
/// can be changed (VPC Lattice API reference, UpdateTargetGroup).
pub fn target_group<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let bound = &binding.target_group;
    let create = "create one: aws vpc-lattice create-target-group --name NAME --type IP --config \
                  port=PORT,protocol=HTTP,vpcIdentifier=VPC,ipAddressType=IPV6";
    let Some(group) = facts.lattice.as_ref()? else {
        let fix = format!("correct `targetGroupArn` in BINDINGS, or {create}");
        return Ok(Fail(format!("there is no target group {bound}"), fix));
    };
    let LatticeGroup { name, target_type, ip_address_type, status, protocol, vpc, .. } = group;
    let port = group.port.map_or("none".to_owned(), |port| port.to_string());
    let found = format!(
        "{name} has type {target_type}, IP address type {ip_address_type}, protocol {protocol}, \
         port {port}, VPC {vpc}"
    );
    if (target_type.as_str(), ip_address_type.as_str()) != ("IP", "IPV6") {
        let fix = format!("neither can be changed; bind another target group: {create}");
        return Ok(Fail(format!("{found}; it takes no IPv6 addresses of tasks"), fix));
    }
    Ok(match (status.as_str(), &group.health_check) {
        ("ACTIVE", Some(check)) => Pass(format!("{found}; it checks health by {check}")),
        ("ACTIVE", None) => Warn(
            format!(
                "{found}; it checks no health, so that a target gets clients at once, and neither \
                 hold nor gate waits for it"
            ),
            format!(
                "aws vpc-lattice update-target-group --target-group-identifier {} --health-check \
                 enabled=true,path=PATH",
                bound.name()
            ),
        ),
        (status, _) => Fail(
            format!("{found}; it is {status}"),
            "wait some minutes, then invoke doctor again; create it again if it has failed"
                .to_owned(),
        ),
    })
}

/// A service of VPC Lattice uses the group. The targets of any other group are UNUSED (VPC Lattice
/// API reference, TargetSummary). With which weight, and whether a service network reaches the
/// service, is not read.
pub fn service<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(group) = facts.lattice.as_ref()? else { return Ok(DoesNotApply) };
    if group.services.is_empty() {
        let detail = "no service of VPC Lattice uses the target group, so its targets stay unused";
        let fix = format!(
            "aws vpc-lattice create-listener --service-identifier SERVICE --name NAME --protocol \
             HTTP --default-action 'forward={{targetGroups=[{{targetGroupIdentifier={}}}]}}', or a \
             rule of a listener that there is",
            binding.target_group.name()
        );
        return Ok(Fail(detail.to_owned(), fix));
    }
    Ok(Pass(format!("{} uses it", group.services.join(", "))))
}

/// The targets of the serving tasks are healthy. A group of unhealthy targets only fails open (VPC
/// Lattice user guide, "Health checks"), which hides the trouble.
pub fn health<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(group) = facts.lattice.as_ref()? else { return Ok(DoesNotApply) };
    let tasks = facts.serving_tasks()?;
    if tasks.is_empty() || group.services.is_empty() {
        return Ok(DoesNotApply);
    }
    let port = binding.port.or(group.port);
    let is_healthy = |(state, _): State<'_>| matches!(state, "healthy" | "unavailable");
    let fix = |ill: &[State<'_>]| {
        let any = |wanted: &[&str]| ill.iter().any(|(state, _)| wanted.contains(state));
        let check = group.health_check.as_deref().unwrap_or("nothing");
        let listen = format!(
            "let the container listen on [::], not on 0.0.0.0 only; then let the managed prefix \
             list com.amazonaws.REGION.ipv6.vpc-lattice in by the tasks' security group, on the \
             target's port and for the check by {check}"
        );
        let register = "invoke the function with {\"action\":\"reconcile\"}".to_owned();
        let mut fixes = Vec::new();
        fixes.extend(any(&["unhealthy"]).then_some(listen));
        fixes.extend(any(&["not registered", "draining"]).then_some(register));
        if fixes.is_empty() {
            fixes.push("the reason in brackets is VPC Lattice's".to_owned());
        }
        fixes.join("; ")
    };
    let targets = facts.targets.as_ref()?;
    Ok(of_tasks(&tasks, port, targets, is_healthy, "`lattice-service`", fix))
}

/// A deployment that starts all new tasks before it stops the old ones needs twice as many targets
/// for a while.
pub fn quota<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    if facts.lattice.as_ref()?.is_none() {
        return Ok(DoesNotApply);
    }
    let targets = facts.targets.as_ref()?.len();
    let quota = "VPC Lattice quota \"Targets per target group\"";
    Ok(of_quota(targets, TARGETS_PER_GROUP, " (the default quota)", quota))
}

/// A task serves on until its target is drained. ECS does not know of it, and stops the containers
/// within seconds.
pub fn drain<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(definition) = facts.task_definition.as_ref()? else { return Ok(DoesNotApply) };
    let Some(group) = facts.lattice.as_ref()? else { return Ok(DoesNotApply) };
    let stop = stop_timeout(definition, binding.port.or(group.port));
    let found = format!("ECS sends SIGTERM at once, then waits {stop} s for the containers");
    let need = format!("the target drains for {DRAINING} s");
    Ok(if stop >= STRAGGLERS {
        Pass(format!("{found}, which must go on serving; {need}"))
    } else {
        let late = format!("{found}; {need} and may get new connections for {STRAGGLERS} s");
        let fix = "set `stopTimeout` of the containers to at least 90 (Fargate takes up to 120), \
                   and let them serve on after SIGTERM";
        Warn(late, fix.to_owned())
    })
}
