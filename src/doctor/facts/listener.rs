//! A listener's default action and rules, and where clients go by them.

use std::fmt;

use super::Read;

/// A listener of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its ARN.
    pub arn: String,
    /// For example `TCP`.
    pub protocol: String,
    /// The port it listens on.
    pub port: u16,
    /// What its default action forwards to. A Network Load Balancer's listener has no other
    /// actions.
    pub default_action: Forward,
    /// Its rules besides the default one, in the order in which they are tried.
    pub rules: Read<Vec<Rule>>,
}

impl Listener {
    /// The rule that these clients come under; without one they come under the default action. A
    /// rule with another condition is taken for one that does not match.
    pub fn rule_for(&self, clients: ClientFamily) -> Option<&Rule> {
        self.rules.iter().flatten().find(|rule| rule.clients == clients)
    }

    /// What becomes of these clients.
    pub fn action_for(&self, clients: ClientFamily) -> &Forward {
        self.rule_for(clients).map_or(&self.default_action, |rule| &rule.action)
    }

    /// The groups that get the IPv4 clients while a rule sends the IPv6 clients to this one; none
    /// if it gets both.
    pub fn ipv4_groups_beside(&self, group: &str) -> Vec<&str> {
        let split = self.rule_for(ClientFamily::Ipv6).is_some_and(|rule| rule.action.serves(group));
        let ipv4 = self.action_for(ClientFamily::Ipv4);
        if split && !ipv4.serves(group) { ipv4.receivers().collect() } else { Vec::new() }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol, self.port)
    }
}

/// The target groups of a forward action, each with its weight. A weight of 0 gets nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forward(pub Vec<(String, u32)>);

impl Forward {
    /// The weight of this group; `None` if it is not among them.
    pub fn weight_of(&self, group: &str) -> Option<u32> {
        let weights = self.0.iter().filter(|(arn, _)| arn == group).map(|(_, weight)| *weight);
        weights.max()
    }

    /// Whether this group gets traffic.
    pub fn serves(&self, group: &str) -> bool {
        self.weight_of(group).is_some_and(|weight| weight > 0)
    }

    /// The groups that get traffic.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, weight)| *weight > 0).map(|(arn, _)| arn.as_str())
    }
}

/// A rule of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its ARN.
    pub arn: String,
    /// The lowest is tried first.
    pub priority: u32,
    /// Whom it applies to.
    pub clients: ClientFamily,
    /// Where their traffic goes.
    pub action: Forward,
}

/// The clients that a rule applies to. A Network Load Balancer's rule has one condition,
/// `source-ip` with an `IpAddressType` (ELB docs, "Listener rules for your Network Load
/// Balancers").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFamily {
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv6.
    Ipv6,
    /// Another condition, or several.
    Unknown,
}
