//! A load balancer with its listeners.

use crate::digest::digest;

/// A load balancer with its listeners; [`crate::Aws::add_load_balancer`] puts it into the world.
///
/// Like one that was just created with no options: active, with IPv4 only, in zone `a`, without
/// cross-zone load balancing and without listeners.
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) state: String,
    pub(crate) ip_address_type: String,
    pub(crate) source_nat_prefixes: bool,
    pub(crate) cross_zone: bool,
    /// The letters of its zones: `a` is `us-east-2a`.
    pub(crate) zones: Vec<char>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) rules: Vec<Rule>,
}

/// `Type` of a load balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Network,
    Application,
}

impl Kind {
    pub(crate) fn wire_name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Application => "application",
        }
    }

    fn in_arn(self) -> &'static str {
        match self {
            Self::Network => "net",
            Self::Application => "app",
        }
    }
}

/// A listener whose default action forwards to target groups.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) protocol: String,
    pub(crate) port: u16,
    pub(crate) forwards_to: Vec<String>,
}

/// A rule of the listener on this port.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) port: u16,
    pub(crate) priority: u16,
    pub(crate) family: String,
    pub(crate) forwards_to: Vec<(String, u16)>,
}

impl LoadBalancer {
    /// A Network Load Balancer.
    pub fn network(name: &str) -> Self {
        Self::new(name, Kind::Network)
    }

    /// An Application Load Balancer.
    pub fn application(name: &str) -> Self {
        Self::new(name, Kind::Application)
    }

    fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            region: "us-east-2".to_owned(),
            account: "123456789012".to_owned(),
            state: "active".to_owned(),
            ip_address_type: "ipv4".to_owned(),
            source_nat_prefixes: false,
            cross_zone: false,
            zones: vec!['a'],
            listeners: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// `IpAddressType` is `dualstack`: it takes IPv6 clients, and may have IPv6 target groups.
    pub fn dualstack(self) -> Self {
        Self { ip_address_type: "dualstack".to_owned(), ..self }
    }

    /// ELBv2 docs: `active`, `provisioning`, `active_impaired` or `failed`.
    pub fn state(self, state: &str) -> Self {
        Self { state: state.to_owned(), ..self }
    }

    /// `EnablePrefixForIpv6SourceNat` is on, as UDP over IPv6 needs it.
    pub fn source_nat_prefixes(self) -> Self {
        Self { source_nat_prefixes: true, ..self }
    }

    /// Cross-zone load balancing is on.
    pub fn cross_zone(self) -> Self {
        Self { cross_zone: true, ..self }
    }

    /// Its enabled zones, by their letters: `abc` are `us-east-2a`, `us-east-2b` and `us-east-2c`.
    pub fn zones(self, letters: &str) -> Self {
        Self { zones: letters.chars().collect(), ..self }
    }

    /// One more listener that forwards to this target group.
    pub fn listener(mut self, protocol: &str, port: u16, target_group: &str) -> Self {
        self.listeners.push(Listener {
            protocol: protocol.to_owned(),
            port,
            forwards_to: vec![target_group.to_owned()],
        });
        self
    }

    /// One more listener that shares its traffic out between several target groups.
    pub fn weighted_listener(mut self, protocol: &str, port: u16, target_groups: &[&str]) -> Self {
        let forwards_to = target_groups.iter().map(|&arn| arn.to_owned()).collect();
        self.listeners.push(Listener { protocol: protocol.to_owned(), port, forwards_to });
        self
    }

    /// One more rule of the listener on this port: clients of this family, `ipv4` or `ipv6`, go to
    /// these target groups, each with its weight.
    pub fn rule(
        mut self,
        port: u16,
        priority: u16,
        family: &str,
        target_groups: &[(&str, u16)],
    ) -> Self {
        let forwards_to = target_groups.iter().map(|(arn, weight)| ((*arn).to_owned(), *weight));
        let forwards_to = forwards_to.collect();
        self.rules.push(Rule { port, priority, family: family.to_owned(), forwards_to });
        self
    }

    /// The account in its ARN, `123456789012` unless said otherwise.
    pub fn account(self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self }
    }

    /// The ARN, which depends on region, account, kind and name alone.
    pub fn arn(&self) -> String {
        self.arn_of("loadbalancer", "")
    }

    pub(crate) fn listener_arn(&self, listener: &Listener) -> String {
        let id = digest(&format!("{} {}", self.name, listener.port));
        self.arn_of("listener", &format!("/{id:016x}"))
    }

    pub(crate) fn zone_names(&self) -> impl Iterator<Item = String> {
        self.zones.iter().map(|letter| format!("{}{letter}", self.region))
    }

    pub(crate) fn uses(&self, target_group: &str) -> bool {
        self.listeners.iter().any(|listener| listener.forwards_to.iter().any(|g| g == target_group))
            || self.has_rule_for(target_group)
    }

    /// Whether a rule names this target group.
    fn has_rule_for(&self, target_group: &str) -> bool {
        self.rules.iter().any(|rule| rule.forwards_to.iter().any(|(arn, _)| arn == target_group))
    }

    fn arn_of(&self, resource: &str, rest: &str) -> String {
        let Self { region, account, name, .. } = self;
        let kind = self.kind.in_arn();
        let id = digest(name);
        format!(
            "arn:aws:elasticloadbalancing:{region}:{account}:{resource}/{kind}/{name}/{id:016x}{rest}"
        )
    }
}
