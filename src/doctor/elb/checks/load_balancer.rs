//! The checks of the load balancer and its listeners.

use super::Judged;
use super::listeners::{Listeners, create_rule_on};
use crate::core::binding::Binding;
use crate::doctor::facts::{Balancer, Facts, LoadBalancer, TargetGroup};
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

/// A listener of an active dualstack Network Load Balancer forwards IPv6 clients to the group. The
/// targets of any other group are never health-checked and stay `unused`, reason `Target.NotInUse`
/// (ELB API reference, TargetHealth); an IPv6 target group needs a dualstack load balancer (ELB
/// docs, "Target groups for your Network Load Balancers": IP address type).
///
/// IPv6 clients that go to another group are served there: NLB translates for targets of the other
/// family. So that is a warning.
pub fn load_balancer<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let bound = &binding.target_group;
    let Some(group) = facts.target_group.as_ref()? else { return Ok(DoesNotApply) };
    let Some(front) = facts.front.as_ref()? else {
        let detail = "no load balancer uses the target group, so its targets stay `unused` \
                      (Target.NotInUse)";
        let beside = create_rule_on("LISTENER", 20, bound);
        let fix = format!(
            "{}; or, for the IPv6 clients of a listener that there is: {beside}",
            create_listener("ARN", binding, group)
        );
        return Ok(Fail(detail.to_owned(), fix));
    };
    let balancer = front.load_balancer.as_ref()?;
    if let Some(verdict) = unfit(balancer) {
        return Ok(verdict);
    }
    let listeners = front.listeners.as_ref()?;
    let listeners = Listeners::new(balancer, listeners, &front.ipv4_targets, bound, facts);
    if let Some(verdict) = listeners.trouble() {
        return Ok(verdict);
    }
    let LoadBalancer { arn, name, state, .. } = balancer;
    let serving = listeners.serving().join(", ");
    let found = format!("{name} forwards {serving} to it, network, dualstack");
    Ok(match state.as_str() {
        _ if serving.is_empty() => {
            let detail = format!("no listener of {name} forwards to the target group");
            Fail(detail, create_listener(arn, binding, group))
        }
        "active" => Pass(format!("{found}, active")),
        // "The load balancer is routing traffic but does not have the resources it needs to
        // scale" (ELB API reference, LoadBalancerState).
        _ => {
            let fix = "free IP addresses in the load balancer's subnets, so that it can scale";
            Warn(format!("{found}, {state}"), fix.to_owned())
        }
    })
}

fn create_listener(balancer: &str, binding: &Binding, group: &TargetGroup) -> String {
    let protocol = &group.protocol;
    let certificate = if protocol == "TLS" { " --certificates CertificateArn=ARN" } else { "" };
    format!(
        "aws elbv2 create-listener --load-balancer-arn {balancer} --protocol {protocol} \
         --port PORT{certificate} --default-actions Type=forward,TargetGroupArn={}",
        binding.target_group
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
