//! ELBv2's action about the rules of a Network Load Balancer's listeners: where clients of one IP
//! family go instead of by the default action. ELBv2 docs, "Listener rules for your Network Load
//! Balancers": the only condition is `source-ip` with an `IpAddressType`, the only action one
//! `forward`.

use crate::api_error::ApiError;
use crate::load_balancer::{Listener, Rule};
use crate::query_protocol::Query;
use crate::world::World;
use crate::xml;

/// In pages, because it has a marker. The order of the rules is not documented; the default rule is
/// the last one here. That a Network Load Balancer's default rule is listed as an Application Load
/// Balancer's is, is an assumption.
pub(crate) fn describe_rules(world: &World, query: &Query) -> Result<String, ApiError> {
    let arn = query.required("ListenerArn")?;
    let listeners = world
        .load_balancers
        .values()
        .flat_map(|balancer| balancer.listeners.iter().map(move |listener| (balancer, listener)));
    let mut named = listeners.filter(|(balancer, listener)| balancer.listener_arn(listener) == arn);
    let (balancer, listener) = named
        .next()
        .ok_or_else(|| ApiError::sender("ListenerNotFound", "One or more listeners not found"))?;
    let skip = query.get("Marker").and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let page = query.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(400);
    let own = balancer.rules.iter().filter(|rule| rule.port == listener.port);
    let all: Vec<String> =
        own.map(|rule| describe(arn, rule)).chain([default_rule(arn, listener)]).collect();
    let marker = match all.len() > skip + page {
        true => xml::text("NextMarker", skip + page),
        false => String::new(),
    };
    Ok([xml::list("Rules", all.into_iter().skip(skip).take(page)), marker].concat())
}

fn describe(listener_arn: &str, rule: &Rule) -> String {
    let family = xml::element("SourceIpConfig", &xml::text("IpAddressType", &rule.family));
    let condition = [xml::text("Field", "source-ip"), family].concat();
    [
        xml::text("RuleArn", rule_arn(listener_arn, &rule.priority.to_string())),
        xml::text("Priority", rule.priority),
        xml::list("Conditions", [condition]),
        xml::list("Actions", [forward(&rule.forwards_to)]),
        xml::text("IsDefault", false),
    ]
    .concat()
}

fn default_rule(listener_arn: &str, listener: &Listener) -> String {
    let groups: Vec<(String, u16)> =
        listener.forwards_to.iter().map(|arn| (arn.clone(), 1)).collect();
    [
        xml::text("RuleArn", rule_arn(listener_arn, "default")),
        xml::text("Priority", "default"),
        xml::list("Conditions", []),
        xml::list("Actions", [forward(&groups)]),
        xml::text("IsDefault", true),
    ]
    .concat()
}

fn rule_arn(listener_arn: &str, id: &str) -> String {
    format!("{}/{id}", listener_arn.replacen(":listener/", ":listener-rule/", 1))
}

fn forward(target_groups: &[(String, u16)]) -> String {
    let group = |(arn, weight): &(String, u16)| {
        [xml::text("TargetGroupArn", arn), xml::text("Weight", weight)].concat()
    };
    let groups = xml::list("TargetGroups", target_groups.iter().map(group));
    [xml::text("Type", "forward"), xml::element("ForwardConfig", &groups)].concat()
}
