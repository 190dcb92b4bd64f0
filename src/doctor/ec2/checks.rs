//! The checks of security groups and subnets. What cannot be read or known never fails: the
//! function works without these permissions.

use crate::core::binding::Binding;
use crate::core::failure::Failure;
use crate::core::task::Task;
use crate::doctor::facts::{Facts, Inbound, SecurityGroup, Subnet, TargetGroup};
use crate::doctor::unread;
use crate::doctor::verdict::Verdict::{self, DoesNotApply, Fail, Pass, Warn};

type Judged<'a> = Result<Verdict, &'a Failure>;

/// The tasks' security groups let IPv6 in on the target's port and on that of the health check.
/// Rules for `0.0.0.0/0` let in IPv4 alone (VPC user guide, "Security group rules").
pub fn security_group<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let Some(group) = facts.target_group.as_ref()? else { return Ok(DoesNotApply) };
    let groups = match &facts.security_groups {
        Ok(groups) if groups.is_empty() => return Ok(DoesNotApply),
        Ok(groups) => groups,
        Err(error) => return Ok(unread(error, facts)),
    };
    let balancers = balancer_groups(facts);
    let ways = ways(binding, group);
    let reached = |wanted: Reach| {
        let ways = ways.iter().filter(|way| reach(groups, way, balancers) == wanted);
        ways.map(|(protocol, port)| format!("{protocol}:{port}")).collect::<Vec<_>>()
    };
    let ids = groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>().join(", ");
    let (closed, only_ipv4) = (reached(Reach::Closed), reached(Reach::OnlyIpv4));
    let (some, unknown) = (reached(Reach::Some), reached(Reach::Unknown));
    if !closed.is_empty() || !only_ipv4.is_empty() {
        let why = if only_ipv4.is_empty() { "" } else { ", only IPv4" };
        let shut = [closed, only_ipv4].concat();
        let detail = format!("{ids} lets no IPv6 in on {}{why}", shut.join(", "));
        return Ok(Fail(detail, allow(&groups[0].id, &shut)));
    }
    if !unknown.is_empty() {
        let detail = format!(
            "{ids} lets in on {} what security groups or prefix lists name, which is not known",
            unknown.join(", ")
        );
        let fix = "see that they name the load balancer and, with client IP preservation, the \
                   clients";
        return Ok(Warn(detail, fix.to_owned()));
    }
    let all = ways.iter().map(|(protocol, port)| format!("{protocol}:{port}"));
    let from = if some.is_empty() { "" } else { ", from some addresses" };
    let all = all.collect::<Vec<_>>().join(", ");
    Ok(Pass(format!("{ids} lets IPv6 in on {all}{from}")))
}

/// A protocol and a port.
type Way = (&'static str, u16);

/// How far IPv6 gets in; the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Closed,
    OnlyIpv4,
    Unknown,
    Some,
    Open,
}

/// What targets get, and by what they are checked (always by TCP, or HTTP over it).
fn ways(binding: &Binding, group: &TargetGroup) -> Vec<Way> {
    let port = binding.port.or(group.port);
    let protocols: &[&str] = match group.protocol.as_str() {
        "UDP" => &["udp"],
        "TCP_UDP" => &["tcp", "udp"],
        _ => &["tcp"],
    };
    let traffic = protocols.iter().filter_map(|protocol| Some((*protocol, port?)));
    let checked = group.health_check.port.or(port).map(|port| ("tcp", port));
    let mut ways: Vec<Way> = traffic.chain(checked).collect();
    ways.sort_unstable();
    ways.dedup();
    ways
}

fn reach(groups: &[SecurityGroup], way: &Way, balancers: &[String]) -> Reach {
    let rules = groups.iter().flat_map(|group| &group.rules).filter(|rule| covers(rule, way));
    let reaches = rules.map(|rule| {
        if rule.ipv6.iter().any(|range| range == "::/0") {
            Reach::Open
        } else if !rule.ipv6.is_empty() || rule.others.iter().any(|id| balancers.contains(id)) {
            Reach::Some
        } else if !rule.others.is_empty() {
            Reach::Unknown
        } else if rule.has_ipv4 {
            Reach::OnlyIpv4
        } else {
            Reach::Closed
        }
    });
    reaches.max().unwrap_or(Reach::Closed)
}

/// Protocols may be named by their numbers (EC2 API reference, IpPermission).
fn covers(rule: &Inbound, (protocol, port): &Way) -> bool {
    let number = if *protocol == "tcp" { "6" } else { "17" };
    let is_its = rule.protocol == "-1" || rule.protocol == *protocol || rule.protocol == number;
    let port = i64::from(*port);
    is_its && rule.ports.is_none_or(|(first, last)| (first..=last).contains(&port) || first == -1)
}

/// The security groups of the load balancer, as far as they are known.
fn balancer_groups(facts: &Facts) -> &[String] {
    let front = facts.front.as_ref().ok().and_then(Option::as_ref);
    let balancer = front.and_then(|front| front.load_balancer.as_ref().ok());
    balancer.map_or(&[], |balancer| &balancer.security_groups)
}

fn allow(group: &str, ways: &[String]) -> String {
    let rules = ways.iter().filter_map(|way| {
        let (protocol, port) = way.split_once(':')?;
        Some(format!(
            " 'IpProtocol={protocol},FromPort={port},ToPort={port},Ipv6Ranges=[{{CidrIpv6=::/0}}]'"
        ))
    });
    format!(
        "aws ec2 authorize-security-group-ingress --group-id {group} --ip-permissions{}",
        rules.collect::<String>()
    )
}

/// Why running tasks lack IPv6 addresses: a subnet without a range, or one that assigns none, or
/// else the account's setting (ECS developer guide, "Task networking": using a VPC in dual-stack
/// mode).
pub fn subnets<'a>(_: &Binding, facts: &'a Facts) -> Judged<'a> {
    if !facts.tasks.as_ref()?.iter().any(Task::serves_without_address) {
        return Ok(DoesNotApply);
    }
    let subnets = match &facts.subnets {
        Ok(subnets) if subnets.is_empty() => return Ok(DoesNotApply),
        Ok(subnets) => subnets,
        Err(error) => return Ok(unread(error, facts)),
    };
    let of = |fits: fn(&&Subnet) -> bool| {
        subnets.iter().filter(fits).map(|subnet| subnet.id.as_str()).collect::<Vec<_>>()
    };
    let (without, idle) = (of(|subnet| !subnet.has_ipv6), of(|subnet| !subnet.assigns_ipv6));
    Ok(if let Some(first) = without.first() {
        let fix = format!(
            "aws ec2 associate-subnet-cidr-block --subnet-id {first} --ipv6-cidr-block RANGE; then \
             replace the tasks"
        );
        Fail(format!("no IPv6 range: {}", without.join(", ")), fix)
    } else if let Some(first) = idle.first() {
        let fix = format!(
            "aws ec2 modify-subnet-attribute --subnet-id {first} \
             --assign-ipv6-address-on-creation; then replace the tasks"
        );
        Fail(format!("do not assign IPv6 addresses: {}", idle.join(", ")), fix)
    } else {
        let fix = "aws ecs put-account-setting-default --name dualStackIPv6 --value enabled; then \
                   replace the tasks";
        let detail = "the subnets have IPv6 ranges and assign addresses, so it may be the \
                      account's setting, or the tasks are older";
        Warn(detail.to_owned(), fix.to_owned())
    })
}

fn unread(error: &Failure, facts: &Facts) -> Verdict {
    Warn(format!("cannot be checked: {error}"), unread::fix_with(error, facts))
}
