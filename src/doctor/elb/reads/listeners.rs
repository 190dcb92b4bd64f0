//! What DescribeListeners and DescribeRules answer, as facts.

use aws_sdk_elasticloadbalancingv2::types::{self, SourceIpAddressTypeEnum};

use super::{port_number, text};
use crate::doctor::facts::{ClientFamily, Forward, Listener, Rule};

/// A listener, with no rule read yet.
pub fn listener(described: &types::Listener) -> Listener {
    Listener {
        arn: text(described.listener_arn()),
        protocol: text(described.protocol().map(|protocol| protocol.as_str())),
        port: port_number(described.port()).unwrap_or_default(),
        default_action: forward(described.default_actions()),
        rules: Ok(Vec::new()),
    }
}

/// The rules by their priority. The default rule repeats the listener's default action; its
/// priority is `default` (ELB API reference, Rule).
pub fn rules(described: &[types::Rule]) -> Vec<Rule> {
    let rule = |rule: &types::Rule| {
        Some(Rule {
            arn: text(rule.rule_arn()),
            priority: rule.priority()?.parse().ok()?,
            clients: clients(rule.conditions()),
            action: forward(rule.actions()),
        })
    };
    let mut rules: Vec<Rule> = described.iter().filter_map(rule).collect();
    rules.sort_by_key(|rule| rule.priority);
    rules
}

fn clients(conditions: &[types::RuleCondition]) -> ClientFamily {
    let [only] = conditions else { return ClientFamily::Unknown };
    let source = only.source_ip_config().filter(|source| source.values().is_empty());
    match source.and_then(|source| source.ip_address_type()) {
        Some(SourceIpAddressTypeEnum::Ipv4) => ClientFamily::Ipv4,
        Some(SourceIpAddressTypeEnum::Ipv6) => ClientFamily::Ipv6,
        _ => ClientFamily::Unknown,
    }
}

/// An action names a lone target group itself and in its `ForwardConfig`, and several in the latter
/// alone. A group without a weight has 1.
fn forward(actions: &[types::Action]) -> Forward {
    let several = actions.iter().filter_map(|action| action.forward_config());
    let several = several.flat_map(|forward| forward.target_groups());
    let mut groups: Vec<(String, u32)> = several
        .filter_map(|group| {
            let weight = group.weight().map_or(Some(1), |weight| u32::try_from(weight).ok())?;
            Some((group.target_group_arn()?.to_owned(), weight))
        })
        .collect();
    for arn in actions.iter().filter_map(|action| action.target_group_arn()) {
        if !groups.iter().any(|(known, _)| known == arn) {
            groups.push((arn.to_owned(), 1));
        }
    }
    Forward(groups)
}
