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

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{
        Action, ForwardActionConfig, RuleCondition, SourceIpConditionConfig, TargetGroupTuple,
    };

    use super::*;

    fn source(family: &str) -> RuleCondition {
        let source = SourceIpConditionConfig::builder().ip_address_type(family.into());
        RuleCondition::builder().field("source-ip").source_ip_config(source.build()).build()
    }

    #[test]
    fn only_a_lone_condition_on_the_ip_family_is_understood() {
        let ranges = SourceIpConditionConfig::builder().ip_address_type("ipv6".into());
        let ranges = ranges.values("2001:db8::/32").build();
        let ranges = RuleCondition::builder().source_ip_config(ranges).build();
        let path = RuleCondition::builder().field("path-pattern").values("/").build();
        for (conditions, expected) in [
            (vec![source("ipv6")], ClientFamily::Ipv6),
            (vec![source("ipv4")], ClientFamily::Ipv4),
            (vec![source("ipv8")], ClientFamily::Unknown),
            (vec![ranges], ClientFamily::Unknown),
            (vec![path.clone()], ClientFamily::Unknown),
            (vec![source("ipv6"), path], ClientFamily::Unknown),
            (vec![], ClientFamily::Unknown),
        ] {
            assert_eq!(clients(&conditions), expected, "{conditions:?}");
        }
    }

    #[test]
    fn rules_are_sorted_by_number_and_the_default_one_is_left_out() {
        let rule = |priority: &str| types::Rule::builder().priority(priority).build();
        let rules = rules(&[rule("100"), rule("default"), rule("20"), rule("3")]);
        let priorities: Vec<u32> = rules.iter().map(|rule| rule.priority).collect();
        assert_eq!(priorities, [3, 20, 100]);
    }

    #[test]
    fn a_group_without_a_weight_has_one_and_is_counted_once() {
        let group = |arn: &str, weight: Option<i32>| {
            TargetGroupTuple::builder().target_group_arn(arn).set_weight(weight).build()
        };
        let both = [group("a", None), group("b", Some(0)), group("c", Some(-1))];
        let both = ForwardActionConfig::builder().set_target_groups(Some(both.to_vec())).build();
        let kind = types::ActionTypeEnum::Forward;
        let action = Action::builder().r#type(kind).forward_config(both).target_group_arn("a");
        let lone = Action::builder().target_group_arn("d").build();
        let found = forward(&[action.build(), lone]);
        let expected = [("a", 1), ("b", 0), ("d", 1)];
        assert_eq!(found.0, expected.map(|(arn, weight)| (arn.to_owned(), weight)));
    }
}
