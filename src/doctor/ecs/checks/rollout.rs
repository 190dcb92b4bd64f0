//! The checks of how ECS deploys the service.

use std::cmp::max;

use super::Judged;
use crate::core::binding::Binding;
use crate::doctor::facts::{Deployment, Facts, Service};
use crate::doctor::verdict::Verdict::{DoesNotApply, Pass, Warn};

/// Old tasks that stay for so long after the traffic has shifted outlast the registration of their
/// successors' targets, which takes up to 180 s (measured by others).
const BAKE_MINUTES: u32 = 5;

/// The stages at which new tasks run and old ones still do (ECS developer guide, "Lifecycle hooks
/// for Amazon ECS service deployments").
const HALTING_STAGES: [&str; 6] = [
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

/// ECS replaces the tasks in a rolling update. In all other ways of deploying it gives the new
/// tasks no traffic at first. In the IPv6 group they get it at once, because the service has only
/// one.
pub fn deployment<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(service) = facts.service.as_ref()? else { return Ok(DoesNotApply) };
    Ok(match kind(&service.deployment) {
        "ROLLING" => {
            Pass("ROLLING: old and new tasks are expected to serve side by side".to_owned())
        }
        kind => Warn(
            format!(
                "{kind}: new tasks get IPv6 clients as soon as their targets are healthy, before \
                 the deployment gives them any traffic"
            ),
            "deploy in a rolling update (deployment controller ECS, strategy ROLLING), unless old \
             and new tasks may serve IPv6 clients side by side"
                .to_owned(),
        ),
    })
}

/// The strategy, or another controller than ECS.
fn kind(deployment: &Deployment) -> &str {
    match deployment.controller.as_str() {
        "ECS" => &deployment.strategy,
        controller => controller,
    }
}

/// Something keeps the old tasks until the IPv6 targets of the new ones serve, which ECS knows
/// nothing of. With a native group of the same load balancer ECS waits until the targets there are
/// healthy, which takes about as long (ECS API reference, DeploymentConfiguration:
/// minimumHealthyPercent). A hold goes by the service's deployments; with CodeDeploy there are task
/// sets instead (ECS API reference, TaskSet), and nothing is held. With an external controller it
/// is not ECS that decides, and a group that nothing uses serves nobody. A group of VPC Lattice has
/// no native group beside it of which anything like that is documented.
pub fn rollout<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(service) = facts.service.as_ref()? else { return Ok(DoesNotApply) };
    let kind = kind(&service.deployment);
    if kind == "EXTERNAL" || !facts.is_in_use()? {
        return Ok(DoesNotApply);
    }
    if let Some(detail) = stops_early(service, kind) {
        let fix = match service.deployment.is_daemon {
            true => "use the scheduling strategy REPLICA",
            false => "set minimumHealthyPercent to 100 and maximumPercent to 200",
        };
        return Ok(Warn(detail, fix.to_owned()));
    }
    let mut keepers = Vec::new();
    let may_be_held = kind != "CODE_DEPLOY";
    if let Some(hold) = facts.hold.filter(|_| may_be_held) {
        keepers.push(format!("the function, for at most {} minutes", hold.as_secs() / 60));
    }
    keepers.extend(halts(&service.deployment, kind));
    match facts.native_groups_beside() {
        Ok(natives) => keepers.extend(
            natives
                .iter()
                .map(|native| format!("ECS, until the targets in {} are healthy", native.name)),
        ),
        Err(error) if keepers.is_empty() => return Err(error),
        Err(_) => {}
    }
    if !keepers.is_empty() {
        return Ok(Pass(format!("old tasks are kept by {}", keepers.join("; by "))));
    }
    let detail = format!(
        "ECS stops old tasks before the IPv6 targets of the new ones serve, up to 3 minutes later: \
         {}",
        waits_for(facts)
    );
    let attach = match facts.lattice {
        Ok(Some(_)) => "deploy in another way, with a lifecycle hook",
        _ => "attach the service to an IPv4 target group of the same load balancer",
    };
    let hold = if may_be_held { "set HOLD_MINUTES, or " } else { "" };
    let bake = match kind {
        "ROLLING" | "CODE_DEPLOY" => "",
        _ => ", or set bakeTimeInMinutes to 5",
    };
    Ok(Warn(detail, format!("{hold}{attach}{bake}")))
}

/// Whether a rolling update stops old tasks before new ones run, so that nothing can keep them.
/// Other ways of deploying start all new tasks first.
fn stops_early(service: &Service, kind: &str) -> Option<String> {
    let Deployment { minimum_percent, maximum_percent, .. } = service.deployment;
    if kind != "ROLLING" {
        return None;
    }
    // ECS rounds the upper limit down (ECS API reference, maximumPercent). A service that is scaled
    // to nothing now will have a task one day.
    let desired = max(service.desired, 1);
    if desired * maximum_percent / 100 <= desired {
        let tasks = if desired == 1 { "task".to_owned() } else { format!("{desired} tasks") };
        Some(format!(
            "maximumPercent {maximum_percent} leaves no room for a new task beside {tasks}, so that \
             ECS stops an old one first"
        ))
    } else if minimum_percent < 100 {
        Some(format!(
            "minimumHealthyPercent {minimum_percent} lets ECS stop old tasks before new ones run"
        ))
    } else {
        None
    }
}

/// What halts a deployment that shifts traffic. Whether a hook halts a rolling update before old
/// tasks are stopped is not documented.
fn halts(deployment: &Deployment, kind: &str) -> Vec<String> {
    if !matches!(kind, "BLUE_GREEN" | "LINEAR" | "CANARY") {
        return Vec::new();
    }
    let stages = deployment.hooks.iter().filter(|stage| HALTING_STAGES.contains(&stage.as_str()));
    let hooks = stages.map(|stage| format!("a lifecycle hook at {stage}"));
    let bake = deployment.bake_minutes;
    let bake = (bake >= BAKE_MINUTES).then(|| format!("the bake time of {bake} minutes"));
    hooks.chain(bake).collect()
}

/// What ECS waits for (ECS API reference, minimumHealthyPercent).
fn waits_for(facts: &Facts) -> &'static str {
    let definition = facts.task_definition.iter().flatten().next();
    let mut containers = definition.iter().flat_map(|definition| &definition.containers);
    match containers.any(|container| container.essential && container.has_health_check) {
        true => "ECS waits only for the health checks of the containers",
        false => "ECS counts a new task as healthy 40 s after its start",
    }
}
