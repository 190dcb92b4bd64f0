//! What DescribeListeners and DescribeRules answer, as facts.

use super::text;
use crate::aws::xml::Element;
use crate::doctor::facts::{ClientFamily, Forward, Listener, Rule};

/// A listener, with no rule read yet.
pub fn listener(described: &Element) -> Listener {
    Listener {
        arn: text(described.text("ListenerArn")),
        protocol: text(described.text("Protocol")),
        port: described.text("Port").and_then(|port| port.parse().ok()).unwrap_or_default(),
        default_action: forward(described, "DefaultActions"),
        rules: Ok(Vec::new()),
    }
}

/// A rule; `None` for the default one, which repeats the listener's default action; its priority is
/// `default` (ELB API reference, Rule).
pub fn rule(described: &Element) -> Option<Rule> {
    Some(Rule {
        arn: text(described.text("RuleArn")),
        priority: described.text("Priority")?.parse().ok()?,
        clients: clients(described),
        action: forward(described, "Actions"),
    })
}

fn clients(rule: &Element) -> ClientFamily {
    let mut conditions = rule.list("Conditions");
    let (Some(only), None) = (conditions.next(), conditions.next()) else {
        return ClientFamily::Unknown;
    };
    let source = only.child("SourceIpConfig").filter(|source| source.list("Values").count() == 0);
    match source.and_then(|source| source.text("IpAddressType")) {
        Some("ipv4") => ClientFamily::Ipv4,
        Some("ipv6") => ClientFamily::Ipv6,
        _ => ClientFamily::Unknown,
    }
}

/// An action names a lone target group itself and in its `ForwardConfig`, and several in the latter
/// alone. A group without a weight has 1.
fn forward(described: &Element, actions: &str) -> Forward {
    let several = described.list(actions).filter_map(|action| action.child("ForwardConfig"));
    let several = several.flat_map(|forward| forward.list("TargetGroups"));
    let mut groups: Vec<(String, u32)> = several
        .filter_map(|group| {
            let weight = group.text("Weight").map_or(Some(1), |weight| weight.parse().ok())?;
            Some((group.text("TargetGroupArn")?.to_owned(), weight))
        })
        .collect();
    for arn in described.list(actions).filter_map(|action| action.text("TargetGroupArn")) {
        if !groups.iter().any(|(known, _)| known == arn) {
            groups.push((arn.to_owned(), 1));
        }
    }
    Forward(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(document: &str) -> Element {
        Element::parse(document.as_bytes()).unwrap()
    }

    #[test]
    fn only_a_lone_condition_on_the_ip_family_is_understood() {
        let source = |family: &str| {
            format!(
                "<member><Field>source-ip</Field><SourceIpConfig><Values/>\
                 <IpAddressType>{family}</IpAddressType></SourceIpConfig></member>"
            )
        };
        let ranges = source("ipv6").replace("<Values/>", "<Values><member>::/0</member></Values>");
        let path = "<member><Field>path-pattern</Field></member>";
        for (conditions, expected) in [
            (source("ipv6"), ClientFamily::Ipv6),
            (source("ipv4"), ClientFamily::Ipv4),
            (source("ipv6").replace("<Values/>", ""), ClientFamily::Ipv6),
            (source("ipv8"), ClientFamily::Unknown),
            (ranges, ClientFamily::Unknown),
            (path.to_owned(), ClientFamily::Unknown),
            (source("ipv6") + path, ClientFamily::Unknown),
            (String::new(), ClientFamily::Unknown),
        ] {
            let rule = xml(&format!("<member><Conditions>{conditions}</Conditions></member>"));
            assert_eq!(clients(&rule), expected, "{conditions}");
        }
    }

    #[test]
    fn the_default_rule_is_none() {
        for (priority, expected) in [("20", Some(20)), ("default", None)] {
            let found = rule(&xml(&format!("<member><Priority>{priority}</Priority></member>")));
            assert_eq!(found.map(|rule| rule.priority), expected);
        }
    }

    #[test]
    fn a_group_without_a_weight_has_one_and_is_counted_once() {
        let group = |arn: &str, weight: &str| {
            format!("<member><TargetGroupArn>{arn}</TargetGroupArn>{weight}</member>")
        };
        let several =
            [group("a", ""), group("b", "<Weight>0</Weight>"), group("c", "<Weight>-1</Weight>")];
        let described = xml(&format!(
            "<member><Actions><member><TargetGroupArn>a</TargetGroupArn><ForwardConfig>\
             <TargetGroups>{}</TargetGroups></ForwardConfig></member>{}</Actions></member>",
            several.concat(),
            group("d", ""),
        ));
        let found = forward(&described, "Actions");
        let expected = [("a", 1), ("b", 0), ("d", 1)];
        assert_eq!(found.0, expected.map(|(arn, weight)| (arn.to_owned(), weight)));
    }
}
