//! What becomes of IPv6 clients at the listeners of a load balancer.

use std::collections::BTreeMap;

use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;
use crate::doctor::facts::{ClientFamily, Facts, Forward, Listener, LoadBalancer, Read, Rule};
use crate::doctor::unread;
use crate::doctor::verdict::Verdict::{self, Fail, Warn};

/// What becomes of IPv6 clients at a listener. A rule or else the default action decides.
enum Route<'a> {
    /// They come to the group.
    Here(Option<&'a Rule>),
    /// The listener names the group, but they go to others.
    Elsewhere(Option<&'a Rule>),
    /// The listener names the group, but they go nowhere, because no group has a weight.
    Nowhere(Option<&'a Rule>),
    /// Only this rule names the group, and has a condition that is not understood.
    Unknown(&'a Rule),
    /// The rules could not be read.
    Unread(&'a Failure),
    /// The listener does not name the group.
    Foreign,
}

/// A load balancer's listeners, as its bound group sees them.
pub struct Listeners<'a> {
    balancer: &'a LoadBalancer,
    ipv4_targets: &'a BTreeMap<String, Read<usize>>,
    group: &'a TargetGroupArn,
    facts: &'a Facts,
    routes: Vec<(&'a Listener, Route<'a>)>,
}

/// What is wrong, and how to fix it.
type Trouble = (String, String);

impl<'a> Listeners<'a> {
    /// Where these listeners send IPv6 clients.
    pub fn new(
        balancer: &'a LoadBalancer,
        listeners: &'a [Listener],
        ipv4_targets: &'a BTreeMap<String, Read<usize>>,
        group: &'a TargetGroupArn,
        facts: &'a Facts,
    ) -> Self {
        let routes = listeners.iter();
        let routes = routes.map(|listener| (listener, route(listener, group.as_str()))).collect();
        Self { balancer, ipv4_targets, group, facts, routes }
    }

    /// The listeners by which IPv6 clients come to the group, for people.
    pub fn serving(&self) -> Vec<String> {
        let serving = self.routes.iter().filter_map(|(listener, route)| match route {
            Route::Here(None) => Some(listener.to_string()),
            Route::Here(Some(rule)) => {
                Some(format!("{listener} (IPv6 clients by rule {})", rule.priority))
            }
            _ => None,
        });
        serving.collect()
    }

    /// What is wrong with the listeners that name the group; `None` if none of them does, or if all
    /// is well.
    pub fn trouble(&self) -> Option<Verdict> {
        let is_served = self.routes.iter().any(|(_, route)| matches!(route, Route::Here(_)));
        let is_dead = self.routes.iter().any(|(_, route)| matches!(route, Route::Nowhere(_)));
        let mut troubles: Vec<Trouble> = self
            .routes
            .iter()
            .filter_map(|(listener, route)| self.misled(listener, route))
            .collect();
        if troubles.is_empty() {
            troubles.extend(self.unread(is_served));
        }
        troubles.extend(self.routes.iter().filter_map(|(listener, _)| self.empty_ipv4(listener)));
        let (details, fixes): (Vec<String>, Vec<String>) = troubles.into_iter().unzip();
        let (detail, fix) = (details.join("; "), fixes.join("; "));
        match detail.is_empty() {
            true => None,
            false if is_dead && !is_served => Some(Fail(detail, fix)),
            false => Some(Warn(detail, fix)),
        }
    }

    /// IPv6 clients that do not come to the group, though the listener names it.
    fn misled(&self, listener: &Listener, route: &Route<'_>) -> Option<Trouble> {
        let name = &self.balancer.name;
        let (rule, goal) = match route {
            Route::Elsewhere(rule) => (rule, names(listener.action_for(ClientFamily::Ipv6))),
            Route::Nowhere(rule) => (rule, "no target group".to_owned()),
            Route::Unknown(Rule { arn, priority, .. }) => {
                let detail = format!(
                    "rule {priority} of {listener} of {name} forwards to the target group, on \
                     a condition that doctor does not know"
                );
                let fix = format!(
                    "see whether it covers IPv6 clients: aws elbv2 describe-rules --rule-arns {arn}"
                );
                return Some((detail, fix));
            }
            Route::Here(_) | Route::Unread(_) | Route::Foreign => return None,
        };
        let by = rule.map_or("the default action".to_owned(), |r| format!("rule {}", r.priority));
        let weight = listener.action_for(ClientFamily::Ipv6).weight_of(self.group.as_str());
        let why = weight.map_or("", |_| ", where the target group has weight 0");
        let detail = format!("{listener} of {name} sends IPv6 clients to {goal} by {by}{why}");
        let fix = match rule {
            Some(Rule { arn, .. }) => format!(
                "aws elbv2 modify-rule --rule-arn {arn} --actions Type=forward,TargetGroupArn={}",
                self.group
            ),
            None => create_rule(listener, self.group),
        };
        Some((detail, fix))
    }

    /// Rules that could not be read, as far as they matter. A load balancer uses the group, so that
    /// something names it.
    fn unread(&self, is_served: bool) -> Option<Trouble> {
        let unread = self.routes.iter().filter_map(|(listener, route)| match route {
            Route::Unread(error) => Some((listener, *error)),
            _ => None,
        });
        let unread: Vec<(&&Listener, &Failure)> = unread.collect();
        let names = |listener: &Listener| listener.default_action.serves(self.group.as_str());
        let default = unread.iter().find(|(listener, _)| names(listener));
        let (detail, error) = match default {
            Some((listener, error)) => (
                format!(
                    "{listener} of {} forwards to the target group by its default action; whether \
                     a rule sends IPv6 clients elsewhere is not known",
                    self.balancer.name
                ),
                error,
            ),
            None if is_served => return None,
            None => (
                format!(
                    "{} uses the target group, by a rule it seems; for which clients is not known",
                    self.balancer.name
                ),
                &unread.first()?.1,
            ),
        };
        Some((format!("{detail}: {error}"), unread::fix_with(error, self.facts)))
    }

    /// A group without a target gets all IPv4 clients, while a rule sends IPv6 clients here.
    fn empty_ipv4(&self, listener: &Listener) -> Option<Trouble> {
        let groups = listener.ipv4_groups_beside(self.group.as_str());
        let targets = |group: &str| self.ipv4_targets.get(group)?.as_ref().ok().copied();
        let are_empty = !groups.is_empty() && groups.iter().all(|group| targets(group) == Some(0));
        are_empty.then(|| {
            let names = names(listener.action_for(ClientFamily::Ipv4));
            (
                format!("{listener} sends IPv4 clients to {names}, where no target is in service"),
                format!(
                    "attach the service to {names} as well, or send the IPv4 clients to the target \
                     group"
                ),
            )
        })
    }
}

fn route<'a>(listener: &'a Listener, group: &str) -> Route<'a> {
    let rules = match &listener.rules {
        Ok(rules) => rules,
        Err(error) => return Route::Unread(error),
    };
    let (rule, action) =
        (listener.rule_for(ClientFamily::Ipv6), listener.action_for(ClientFamily::Ipv6));
    let names = |action: &Forward| action.weight_of(group).is_some();
    let known = |rule: &&Rule| rule.clients != ClientFamily::Unknown;
    if action.serves(group) {
        Route::Here(rule)
    } else if names(&listener.default_action)
        || rules.iter().filter(known).any(|rule| names(&rule.action))
    {
        match action.receivers().next() {
            Some(_) => Route::Elsewhere(rule),
            None => Route::Nowhere(rule),
        }
    } else {
        rules.iter().find(|rule| names(&rule.action)).map_or(Route::Foreign, Route::Unknown)
    }
}

/// The groups that get traffic, for people.
fn names(action: &Forward) -> String {
    let names = action.receivers().map(|arn| arn.split('/').nth(1).unwrap_or(arn));
    names.collect::<Vec<_>>().join(" and ")
}

/// A command that sends a listener's IPv6 clients to a group, by a priority that is free.
pub fn create_rule(listener: &Listener, group: &TargetGroupArn) -> String {
    let is_taken =
        |priority: &u32| listener.rules.iter().flatten().any(|rule| rule.priority == *priority);
    let priority = (20..).find(|priority| !is_taken(priority)).unwrap_or_default();
    create_rule_on(&listener.arn, priority, group)
}

/// The same for a listener that is not known.
pub fn create_rule_on(listener: &str, priority: u32, group: &TargetGroupArn) -> String {
    format!(
        "aws elbv2 create-rule --listener-arn {listener} --priority {priority} --conditions \
         '[{{\"Field\":\"source-ip\",\"SourceIpConfig\":{{\"IpAddressType\":\"ipv6\"}}}}]' \
         --actions Type=forward,TargetGroupArn={group}"
    )
}
