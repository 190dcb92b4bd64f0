//! The checks of the target group and the load balancer before it.

use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::failure::Failure;
use crate::core::task::{Phase, Task};
use crate::doctor::facts::{
    Attributes, Balancer, Facts, LoadBalancer, Quotas, Target, TargetGroup, TargetsPerGroup,
};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

type Judged<'a> = Result<Verdict, &'a Failure>;

/// The target group exists and takes IPv6 addresses. Neither of its two types can be changed
/// (ELB API reference, ModifyTargetGroup).
pub fn target_group<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let name = binding.target_group.name();
    let Some(group) = facts.target_group.as_ref()? else {
        let detail = format!("there is no target group {}", binding.target_group);
        let fix = format!("correct `targetGroupArn` in BINDINGS, or {}", create(binding, None));
        return Ok(Fail(detail, fix));
    };
    let TargetGroup { target_type, ip_address_type, protocol, .. } = group;
    let found = format!(
        "{name} has target type {target_type}, IP address type {ip_address_type}, protocol {protocol}"
    );
    Ok(match (target_type.as_str(), ip_address_type.as_str()) {
        ("ip", "ipv6") => Pass(found),
        _ => {
            let create = create(binding, Some(group));
            let fix = format!("neither can be changed; bind another target group: {create}");
            Fail(format!("{found}; it takes no IPv6 addresses of tasks"), fix)
        }
    })
}

fn create(binding: &Binding, like: Option<&TargetGroup>) -> String {
    let protocol = like.map_or("TCP", |group| group.protocol.as_str());
    let port = binding.port.or(like.and_then(|group| group.port));
    let port = port.map_or("PORT".to_owned(), |port| port.to_string());
    format!(
        "create one: aws elbv2 create-target-group --name NAME --vpc-id VPC --target-type ip \
         --ip-address-type ipv6 --protocol {protocol} --port {port}"
    )
}

/// A listener of an active dualstack Network Load Balancer forwards to the group. The targets of
/// any other group are never health-checked and stay `unused`, reason `Target.NotInUse`
/// (ELB API reference, TargetHealth); an IPv6 target group needs a dualstack load balancer (ELB
/// docs, "Target groups for your Network Load Balancers": IP address type).
pub fn load_balancer<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let group = &binding.target_group;
    let Some(TargetGroup { protocol, .. }) = facts.target_group.as_ref()? else {
        return Ok(DoesNotApply);
    };
    let Some(front) = facts.front.as_ref()? else {
        let detail = "no load balancer uses the target group, so its targets stay `unused` \
                      (Target.NotInUse)";
        return Ok(Fail(detail.to_owned(), listen("ARN", group, protocol)));
    };
    let balancer = front.load_balancer.as_ref()?;
    if let Some(verdict) = unfit(balancer) {
        return Ok(verdict);
    }
    let listeners = front.listeners.as_ref()?.iter();
    let listeners = listeners.filter(|l| l.forwards_to.iter().any(|arn| arn == group.as_str()));
    let listeners: Vec<String> = listeners.map(ToString::to_string).collect();
    let LoadBalancer { name, state, .. } = balancer;
    if listeners.is_empty() {
        let detail =
            format!("no listener of {name} forwards to the target group by its default action");
        return Ok(Fail(detail, listen(&balancer.arn, group, protocol)));
    }
    let found = format!("{name} forwards {} to it, network, dualstack", listeners.join(", "));
    Ok(match state.as_str() {
        "active" => Pass(format!("{found}, active")),
        // "The load balancer is routing traffic but does not have the resources it needs to
        // scale" (ELB API reference, LoadBalancerState).
        _ => {
            let fix = "free IP addresses in the load balancer's subnets, so that it can scale";
            Warn(format!("{found}, {state}"), fix.to_owned())
        }
    })
}

fn listen(balancer: &str, group: &TargetGroupArn, protocol: &str) -> String {
    let certificate = if protocol == "TLS" { " --certificates CertificateArn=ARN" } else { "" };
    format!(
        "aws elbv2 create-listener --load-balancer-arn {balancer} --protocol {protocol} \
         --port PORT{certificate} --default-actions Type=forward,TargetGroupArn={group}"
    )
}

/// What is wrong with a load balancer so that it serves no IPv6 client at all.
fn unfit(balancer: &LoadBalancer) -> Option<Verdict> {
    let LoadBalancer { arn, name, kind, state, ip_address_type, .. } = balancer;
    let (problem, fix) = match (kind.as_str(), ip_address_type.as_str(), state.as_str()) {
        ("network", "dualstack", "active" | "active_impaired") => return None,
        ("network", "dualstack", "failed") => {
            ("could not be set up".to_owned(), "delete it and create it again".to_owned())
        }
        ("network", "dualstack", state) => {
            (format!("is {state}"), "wait some minutes, then invoke doctor again".to_owned())
        }
        ("network", other, _) => (
            format!("has IP address type {other}, so no IPv6 client can reach it"),
            format!(
                "give its subnets IPv6 ranges, then: aws elbv2 set-ip-address-type \
                 --load-balancer-arn {arn} --ip-address-type dualstack"
            ),
        ),
        (other, ..) => (
            format!("is of type {other}"),
            "use the target group behind a Network Load Balancer".to_owned(),
        ),
    };
    Some(Fail(format!("{name} {problem}"), fix))
}

/// UDP over IPv6 needs a source NAT prefix in each subnet (ELB API reference,
/// CreateLoadBalancer: EnablePrefixForIpv6SourceNat). UDP listeners take no other groups than
/// those of UDP and TCP_UDP, so the group's protocol tells.
pub fn source_nat<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    let takes_udp = facts.target_group.as_ref()?.as_ref().is_some_and(TargetGroup::takes_udp);
    let Some(Balancer { load_balancer, .. }) = facts.front.as_ref()?.as_ref().filter(|_| takes_udp)
    else {
        return Ok(DoesNotApply);
    };
    let LoadBalancer { arn, name, source_nat_prefixes, zones, .. } = load_balancer.as_ref()?;
    if *source_nat_prefixes {
        return Ok(Pass(format!("{name} has prefixes for IPv6 source NAT")));
    }
    let subnets = zones
        .iter()
        .map(|zone| format!("SubnetId={},SourceNatIpv6Prefix=auto_assigned", zone.subnet));
    let subnets = subnets.collect::<Vec<_>>().join(" ");
    let fix = format!(
        "repeat each subnet's AllocationId, PrivateIPv4Address or IPv6Address, if it has one: aws elbv2 set-subnets \
         --load-balancer-arn {arn} --enable-prefix-for-ipv6-source-nat on --subnet-mappings \
         {subnets}"
    );
    let detail = format!("{name} has no prefixes for IPv6 source NAT, so UDP over IPv6 fails");
    Ok(Fail(detail, fix))
}

/// The targets see the clients' addresses. For TCP and TLS to IP addresses this is off unless it
/// is asked for, for UDP it is always on (ELB API reference, TargetGroupAttribute:
/// preserve_client_ip.enabled).
pub fn client_ip<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let protocol = facts.target_group.as_ref()?.as_ref().map(|group| group.protocol.as_str());
    if !matches!(protocol, Some("TCP" | "TLS")) {
        return Ok(DoesNotApply);
    }
    let Attributes { preserves_client_ip, proxy_protocol, .. } = facts.attributes.as_ref()?;
    Ok(match (preserves_client_ip, proxy_protocol) {
        (true, _) => Pass("client IP preservation is on".to_owned()),
        (false, true) => Pass("proxy protocol v2 tells the clients' addresses".to_owned()),
        (false, false) => Warn(
            "client IP preservation is off, so tasks see the load balancer's address instead of \
             the client's"
                .to_owned(),
            format!(
                "let the clients' IPv6 addresses in by the tasks' security group, then: {}",
                modify_attribute(binding, "preserve_client_ip.enabled", "true")
            ),
        ),
    })
}

/// Every enabled zone has a target. Without cross-zone load balancing a zone that has none in one
/// group leaves the load balancer's DNS name, for all its listeners (AWS re:Post knowledge
/// center, "ELB DNS cross-zone balance configuration"), and clients that know the zone's address
/// fail. A target's zone is the one ELB has it in.
pub fn zones<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(Balancer { load_balancer, .. }) = facts.front.as_ref()? else {
        return Ok(DoesNotApply);
    };
    let LoadBalancer { zones, .. } = load_balancer.as_ref()?;
    let all = facts.targets.as_ref()?;
    let unused = all.iter().filter(|target| target.state == "unused").count();
    if unused > 0 {
        return Ok(outside_the_zones(unused, load_balancer.as_ref()?));
    }
    let targets: Vec<&Target> = all.iter().filter(|target| target.is_in_service()).collect();
    if targets.is_empty() {
        return no_target(facts);
    }
    let untold = targets.iter().filter(|target| target.zone.is_none()).count();
    if untold > 0 {
        return Ok(Pass(format!("not known: ELB does not tell the zone of {untold} targets")));
    }
    let cross_zone = crosses_zones(facts)?;
    // An address outside the VPC is registered for all zones.
    let has_target = |zone: &str| {
        targets.iter().any(|t| matches!(t.zone.as_deref(), Some(z) if z == zone || z == "all"))
    };
    let names = zones.iter().map(|zone| zone.name.as_str());
    let (served, empty): (Vec<&str>, Vec<&str>) = names.partition(|zone| has_target(zone));
    Ok(match (empty.is_empty(), cross_zone) {
        (true, _) => Pass(format!("targets in {}", served.join(", "))),
        (false, true) => {
            Pass(format!("none in {}, but cross-zone load balancing is on", empty.join(", ")))
        }
        (false, false) => {
            let command = modify_attribute(binding, "load_balancing.cross_zone.enabled", "true");
            let fix = format!("run tasks in each of these zones, or: {command}");
            Warn(format!("no target in {}, and cross-zone is off", empty.join(", ")), fix)
        }
    })
}

/// The target group decides, or else the load balancer.
fn crosses_zones(facts: &Facts) -> Result<bool, &Failure> {
    match (facts.attributes.as_ref()?.cross_zone, facts.front.as_ref()?) {
        (Some(decided), _) => Ok(decided),
        (None, Some(front)) => Ok(*front.cross_zone.as_ref()?),
        (None, None) => Ok(false),
    }
}

/// Behind a listener a target is `unused` if its zone is not enabled for the load balancer (ELB
/// API reference, TargetHealth: Target.NotInUse).
fn outside_the_zones(unused: usize, balancer: &LoadBalancer) -> Verdict {
    let LoadBalancer { arn, zones, .. } = balancer;
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    let names = names.join(", ");
    let detail = format!(
        "{unused} targets are unused: no listener uses them, or they are outside the enabled zones \
         ({names})"
    );
    let fix = format!(
        "if `load-balancer` fails, fix that first; else enable the tasks' zones: aws elbv2 \
         set-subnets --load-balancer-arn {arn} --subnets SUBNETS (all of them, old and new)"
    );
    Fail(detail, fix)
}

/// It depends on whether there should be targets.
fn no_target(facts: &Facts) -> Judged<'_> {
    let serves = |task: &&Task| task.phase == Phase::Serving && task.address.is_some();
    let serving = facts.tasks.as_ref()?.iter().filter(serves).count();
    Ok(match serving {
        0 => Warn(
            "no target is in service, and no task with an IPv6 address runs".to_owned(),
            "start a task".to_owned(),
        ),
        _ => Fail(
            format!("no target is in service, though {serving} tasks with IPv6 addresses run"),
            "invoke the function with {\"action\":\"reconcile\"}; if `load-balancer` fails, fix \
             that first"
                .to_owned(),
        ),
    })
}

/// A deployment that starts all new tasks before it stops the old ones (maximumPercent 200, or
/// blue/green) needs twice as many targets for a while.
pub fn quota<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    if facts.target_group.as_ref()?.is_none() {
        return Ok(DoesNotApply);
    }
    let targets = facts.targets.as_ref()?.len();
    let Quotas { per_group, per_zone } = *facts.quotas.as_ref()?;
    let (most, fix, remark) = if crosses_zones(facts)? && per_zone < per_group.most() {
        let remark = " (cross-zone is on: of all groups of the load balancer together)";
        (per_zone, "Targets per Availability Zone per Network Load Balancer", remark)
    } else {
        let assumed = matches!(per_group, TargetsPerGroup::Assumed(_));
        let remark = if assumed { " (the default quota)" } else { "" };
        (per_group.most(), "Targets per target group per Region", remark)
    };
    let found = format!("{targets} of {most} targets{remark}");
    let fix = format!(
        "ask for more of the Elastic Load Balancing quota \"{fix}\" (Service Quotas), or spread the \
         tasks over several services and groups"
    );
    Ok(if targets >= most {
        Fail(format!("{found}: no other task can be registered"), fix)
    } else if 2 * targets > most {
        Warn(format!("{found}: too few are left for a deployment that doubles them"), fix)
    } else {
        Pass(found)
    })
}

fn modify_attribute(binding: &Binding, key: &str, value: &str) -> String {
    format!(
        "aws elbv2 modify-target-group-attributes --target-group-arn {} --attributes \
         Key={key},Value={value}",
        binding.target_group
    )
}
