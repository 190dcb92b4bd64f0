//! The checks of the service, its task definition and its tasks.

mod rollout;

pub use rollout::{deployment, rollout};

use std::cmp::max;

use crate::core::binding::{Binding, Owner};
use crate::core::failure::Failure;
use crate::core::task::{Phase, Task};
use crate::doctor::facts::{Container, Facts, NativeGroup, Service, TaskDefinition};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

type Judged<'a> = Result<Verdict, &'a Failure>;

/// What a container has between SIGTERM and SIGKILL unless it says otherwise (ECS API reference,
/// ContainerDefinition: stopTimeout; on EC2 the agent can be told another default).
const STOP_TIMEOUT: u32 = 30;

/// How long new connections may still come to a Network Load Balancer's target that was
/// deregistered. Not documented; measured by others at up to two minutes.
const STRAGGLERS: u32 = 120;

/// The service exists and is active.
pub fn service<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Owner::Service(name) = &binding.owner else { return Ok(DoesNotApply) };
    let cluster = &binding.cluster;
    let Some(Service { status, desired, running, .. }) = facts.service.as_ref()? else {
        let fix = "correct `cluster` or `service` in BINDINGS, or create the service";
        let detail = format!("the cluster {cluster} has no service {name}");
        return Ok(Fail(detail, fix.to_owned()));
    };
    Ok(match status.as_str() {
        "ACTIVE" => Pass(format!("ACTIVE, {running} of {desired} tasks run")),
        _ => {
            let fix = "create the service again, or remove the binding from BINDINGS";
            Fail(format!("the service {name} is {status}"), fix.to_owned())
        }
    })
}

/// ECS leaves the group to the function. In a group of the service's `loadBalancers` ECS removes
/// the targets it did not add itself and replaces tasks whose IPv4 address it cannot register.
pub fn not_attached<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Owner::Service(name) = &binding.owner else { return Ok(DoesNotApply) };
    let Some(service) = facts.service.as_ref()? else { return Ok(DoesNotApply) };
    let group = &binding.target_group;
    if group.is_lattice() {
        return Ok(not_attached_in_lattice(binding, name, service));
    }
    let (bound, others): (Vec<&str>, Vec<&str>) =
        service.target_groups.iter().map(String::as_str).partition(|arn| *arn == group.as_str());
    if bound.is_empty() {
        return Ok(Pass(format!("{} is not among the service's load balancers", group.name())));
    }
    let keep = match others.as_slice() {
        [] => "'[]'".to_owned(),
        others => {
            let names = others.iter().map(|arn| arn.split('/').nth(1).unwrap_or(arn));
            format!("JSON, where JSON lists only {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    let detail = format!(
        "{} is among the service's load balancers, so ECS removes the targets that the function \
         registers",
        group.name()
    );
    let fix = format!(
        "aws ecs update-service --cluster {} --service {name} --load-balancers {keep}",
        binding.cluster.as_str()
    );
    Ok(Fail(detail, fix))
}

/// The same of a group of VPC Lattice, among the `vpcLatticeConfigurations` of a deployment.
fn not_attached_in_lattice(binding: &Binding, name: &str, service: &Service) -> Verdict {
    let group = &binding.target_group;
    if !service.lattice_groups.iter().any(|arn| arn == group.as_str()) {
        let found = format!("{} is not among the service's VPC Lattice groups", group.name());
        return Pass(found);
    }
    let detail = format!(
        "{} is among the service's VPC Lattice groups, so ECS registers and removes targets there",
        group.name()
    );
    let fix = format!(
        "aws ecs update-service --cluster {} --service {name} --vpc-lattice-configurations JSON, \
         where JSON leaves it out",
        binding.cluster.as_str()
    );
    Fail(detail, fix)
}

/// The tasks have network interfaces of their own. In the other modes they share the instance's
/// addresses, and no task has one.
pub fn network_mode<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(definition) = facts.task_definition.as_ref()? else { return Ok(DoesNotApply) };
    let TaskDefinition { name, network_mode, .. } = definition;
    let found = format!("{name} has network mode {network_mode}");
    Ok(match network_mode.as_str() {
        "awsvpc" => Pass(found),
        _ => Fail(
            format!("{found}, so its tasks have no addresses of their own"),
            "register a revision with `networkMode` awsvpc and deploy it".to_owned(),
        ),
    })
}

/// The running tasks have IPv6 addresses. ECS gives them when the task starts, never later (ECS
/// developer guide, "Task networking": using a VPC in dual-stack mode).
pub fn task_addresses<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let service = facts.service.as_ref()?;
    if service.is_none() && matches!(binding.owner, Owner::Service(_)) {
        return Ok(DoesNotApply);
    }
    let tasks = facts.tasks.as_ref()?.iter().filter(|task| task.phase == Phase::Serving);
    let (with, without): (Vec<&Task>, Vec<&Task>) = tasks.partition(|task| task.address.is_some());
    let total = with.len() + without.len();
    let Some(first) = without.first() else {
        return Ok(match total {
            0 => Warn("no task runs, so it is not known".to_owned(), "start a task".to_owned()),
            _ => Pass(format!("all {total} running tasks have IPv6 addresses")),
        });
    };
    let subnets = service.iter().flat_map(|service| &service.subnets);
    let subnets: Vec<&str> = subnets.map(String::as_str).collect();
    let subnets = if subnets.is_empty() { "SUBNETS".to_owned() } else { subnets.join(" ") };
    let fix = format!(
        "give the subnets IPv6 ranges; for s in {subnets}; do aws ec2 modify-subnet-attribute \
         --subnet-id $s --assign-ipv6-address-on-creation; done; aws ecs \
         put-account-setting-default --name dualStackIPv6 --value enabled; then replace the tasks"
    );
    let detail = format!(
        "{} of {total} running tasks have no IPv6 address, {} for one",
        without.len(),
        first.arn.id()
    );
    Ok(Fail(detail, fix))
}

/// A task serves on until its target is drained. ECS does not know of the IPv6 target. It stops
/// the containers within seconds, unless it has to wait for a target of its own: until that is
/// drained the task is DEACTIVATING and does not get SIGTERM (ECS developer guide, "Amazon ECS
/// task lifecycle").
pub fn drain<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(definition) = facts.task_definition.as_ref()? else { return Ok(DoesNotApply) };
    let Some(group) = facts.target_group.as_ref()? else { return Ok(DoesNotApply) };
    let delay = facts.attributes.as_ref()?.deregistration_delay;
    let hold = facts.native_groups.as_ref()?.iter().filter(|group| holds(group));
    let hold = hold.max_by_key(|group| group.deregistration_delay);
    let held = hold.map_or(0, |group| group.deregistration_delay);
    let stop = stop_timeout(definition, binding.port.or(group.port));
    let needed = max(delay, STRAGGLERS);
    let found = match hold {
        Some(group) => format!(
            "ECS waits {held} s for {} before SIGTERM, then {stop} s for the containers",
            group.name
        ),
        None => format!("ECS sends SIGTERM at once, then waits {stop} s for the containers"),
    };
    let need = format!("the IPv6 target drains for {delay} s");
    Ok(if held >= needed {
        Pass(format!("{found}; {need}"))
    } else if held + stop >= needed {
        Pass(format!("{found}, which must go on serving; {need}"))
    } else {
        let late = format!("{found}; {need} and may get new connections for {STRAGGLERS} s");
        Warn(late, drain_fix(binding, needed))
    })
}

/// A Network Load Balancer's target is `draining` for the whole delay. An Application Load
/// Balancer's is done as soon as it has no connections (ELB docs, "Deregistration delay"), so it
/// holds nothing for sure.
fn holds(group: &NativeGroup) -> bool {
    matches!(group.protocol.as_str(), "TCP" | "TLS" | "UDP" | "TCP_UDP")
}

/// The shortest stop timeout of the containers that serve: those that map the port, or else all
/// essential ones.
pub fn stop_timeout(definition: &TaskDefinition, port: Option<u16>) -> u32 {
    let timeouts = |serves: &dyn Fn(&&Container) -> bool| {
        let containers = definition.containers.iter().filter(serves);
        containers.map(|container| container.stop_timeout.unwrap_or(STOP_TIMEOUT)).min()
    };
    let maps = |container: &Container, port| {
        container.ports.iter().any(|ports| ports.range.contains(&port))
    };
    timeouts(&|container| port.is_some_and(|port| maps(container, port)))
        .or_else(|| timeouts(&|container| container.essential))
        .unwrap_or(STOP_TIMEOUT)
}

fn drain_fix(binding: &Binding, needed: u32) -> String {
    let attach = match binding.owner {
        Owner::Service(_) => format!(
            "attach the service to an IPv4 target group of the same load balancer whose \
             deregistration delay is at least {needed} s, or "
        ),
        Owner::Family(_) => String::new(),
    };
    format!(
        "{attach}set `stopTimeout` of the containers to {STRAGGLERS} (Fargate's most), let them \
         serve on after SIGTERM, and: aws elbv2 modify-target-group-attributes --target-group-arn \
         {} --attributes Key=deregistration_delay.timeout_seconds,Value={STRAGGLERS}",
        binding.target_group
    )
}
