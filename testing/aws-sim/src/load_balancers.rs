//! ELBv2's actions about load balancers and the account.

use std::collections::BTreeMap;

use crate::api_error::ApiError;
use crate::load_balancer::{Listener, LoadBalancer};
use crate::query_protocol::Query;
use crate::world::World;
use crate::xml;

pub(crate) fn describe_load_balancers(world: &World, query: &Query) -> Result<String, ApiError> {
    let arns = query.strings("LoadBalancerArns");
    let names = query.strings("Names");
    let asked: Result<Vec<&LoadBalancer>, ApiError> =
        arns.iter().map(|arn| find(world, arn)).collect();
    let found: Vec<&LoadBalancer> = match (arns.is_empty(), names.is_empty()) {
        (true, true) => world.load_balancers.values().collect(),
        (true, false) => {
            let named = world.load_balancers.values().filter(|lb| names.contains(&lb.name));
            named.collect()
        }
        (false, _) => asked?,
    };
    if found.len() < names.len() {
        return Err(not_found());
    }
    Ok(xml::list("LoadBalancers", found.into_iter().map(load_balancer)))
}

/// In pages, because it has a marker: `PageSize` listeners, or all of them.
pub(crate) fn describe_listeners(world: &World, query: &Query) -> Result<String, ApiError> {
    let balancer = find(world, query.required("LoadBalancerArn")?)?;
    let skip = query.get("Marker").and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let page = query.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(400);
    let rest = balancer.listeners.iter().skip(skip);
    let listeners = xml::list("Listeners", rest.take(page).map(|entry| listener(balancer, entry)));
    let marker = match balancer.listeners.len() > skip + page {
        true => xml::text("NextMarker", skip + page),
        false => String::new(),
    };
    Ok([listeners, marker].concat())
}

pub(crate) fn describe_load_balancer_attributes(
    world: &World,
    query: &Query,
) -> Result<String, ApiError> {
    let balancer = find(world, query.required("LoadBalancerArn")?)?;
    let attributes = [
        ("deletion_protection.enabled", "false".to_owned()),
        ("load_balancing.cross_zone.enabled", balancer.cross_zone.to_string()),
    ];
    Ok(attribute_list(attributes))
}

pub(crate) fn describe_account_limits(world: &World) -> String {
    let limit =
        |(name, max): (&String, &u64)| [xml::text("Max", max), xml::text("Name", name)].concat();
    xml::list("Limits", world.account_limits.iter().map(limit))
}

/// As real answers of DescribeAccountLimits have them; only those that concern Network Load
/// Balancers.
pub(crate) fn default_limits() -> BTreeMap<String, u64> {
    let limits = [
        ("listeners-per-network-load-balancer", 50),
        ("network-load-balancers", 50),
        ("target-groups", 3000),
        ("targets-per-availability-zone-per-network-load-balancer", 500),
        ("targets-per-network-load-balancer", 3000),
        ("targets-per-target-group", 1000),
    ];
    limits.into_iter().map(|(name, max)| (name.to_owned(), max)).collect()
}

pub(crate) fn attribute_list(
    attributes: impl IntoIterator<Item = (&'static str, String)>,
) -> String {
    let attribute =
        |(key, value): (&str, String)| [xml::text("Key", key), xml::text("Value", value)].concat();
    xml::list("Attributes", attributes.into_iter().map(attribute))
}

fn find<'a>(world: &'a World, arn: &str) -> Result<&'a LoadBalancer, ApiError> {
    world.load_balancers.get(arn).ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::sender("LoadBalancerNotFound", "One or more load balancers not found")
}

fn load_balancer(balancer: &LoadBalancer) -> String {
    let source_nat = if balancer.source_nat_prefixes { "on" } else { "off" };
    let zones = balancer.zone_names().zip(&balancer.zones).map(|(zone, letter)| {
        let subnet = format!("subnet-0{}", letter.to_string().repeat(16));
        [xml::text("ZoneName", zone), xml::text("SubnetId", subnet)].concat()
    });
    [
        xml::text("LoadBalancerArn", balancer.arn()),
        xml::text("LoadBalancerName", &balancer.name),
        xml::text("DNSName", format!("{}.elb.{}.amazonaws.com", balancer.name, balancer.region)),
        xml::text("Type", balancer.kind.wire_name()),
        xml::text("Scheme", "internet-facing"),
        xml::text("VpcId", "vpc-0aaaaaaaaaaaaaaaa"),
        xml::element("State", &xml::text("Code", &balancer.state)),
        xml::text("IpAddressType", &balancer.ip_address_type),
        xml::text("EnablePrefixForIpv6SourceNat", source_nat),
        xml::list("AvailabilityZones", zones),
    ]
    .concat()
}

/// botocore: with one target group an action names it in `TargetGroupArn`, with several in
/// `ForwardConfig` only; real answers have `ForwardConfig` in both cases.
fn listener(balancer: &LoadBalancer, listener: &Listener) -> String {
    let groups = listener.forwards_to.iter();
    let groups =
        groups.map(|arn| [xml::text("TargetGroupArn", arn), xml::text("Weight", 1)].concat());
    let only = match listener.forwards_to.as_slice() {
        [arn] => xml::text("TargetGroupArn", arn),
        _ => String::new(),
    };
    let forward = [
        xml::text("Type", "forward"),
        only,
        xml::element("ForwardConfig", &xml::list("TargetGroups", groups)),
    ];
    [
        xml::text("ListenerArn", balancer.listener_arn(listener)),
        xml::text("LoadBalancerArn", balancer.arn()),
        xml::text("Port", listener.port),
        xml::text("Protocol", &listener.protocol),
        xml::list("DefaultActions", [forward.concat()]),
    ]
    .concat()
}
