//! A target group's settings.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::cidr::Cidr;
use crate::digest::digest;

/// A target group and how it behaves; [`crate::Aws::add_target_group`] puts it into the world.
#[derive(Clone, Debug)]
pub struct TargetGroup {
    pub(crate) name: String,
    pub(crate) family: Family,
    pub(crate) port: u16,
    pub(crate) protocol: String,
    pub(crate) target_type: String,
    attributes: Vec<(&'static str, String)>,
    /// Its protocol and port.
    pub(crate) health_check: (String, String),
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) registration_lag: Duration,
    pub(crate) deregistration_delay: Duration,
    pub(crate) quota: usize,
    /// A zone's subnet, and how many of its addresses may be there.
    pub(crate) zone_quota: Option<(Cidr, usize)>,
    pub(crate) vpc: Cidr,
    /// The address range of a VPC that is peered with it.
    pub(crate) peer: Option<Cidr>,
    /// Whether it is a group of VPC Lattice, not of ELBv2.
    pub(crate) is_lattice: bool,
    /// Whether a service of VPC Lattice uses it.
    pub(crate) in_service: bool,
    /// Its state in VPC Lattice.
    pub(crate) status: String,
}

/// `IpAddressType`: a target group takes addresses of one family only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    pub(crate) fn wire_name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    pub(crate) fn has(self, address: IpAddr) -> bool {
        address.is_ipv6() == (self == Self::Ipv6)
    }
}

impl TargetGroup {
    /// An IPv6 target group in a VPC of 2001:db8::/32.
    pub fn ipv6(name: &str) -> Self {
        Self::new(name, Family::Ipv6, "2001:db8::/32")
    }

    /// An IPv4 target group in a VPC of 10.0.0.0/8.
    pub fn ipv4(name: &str) -> Self {
        Self::new(name, Family::Ipv4, "10.0.0.0/8")
    }

    fn new(name: &str, family: Family, vpc: &str) -> Self {
        Self {
            name: name.to_owned(),
            family,
            port: 80,
            protocol: "TCP".to_owned(),
            target_type: "ip".to_owned(),
            attributes: Vec::new(),
            health_check: ("TCP".to_owned(), "traffic-port".to_owned()),
            region: "us-east-2".to_owned(),
            account: "123456789012".to_owned(),
            registration_lag: Duration::from_secs(120),
            deregistration_delay: Duration::from_secs(300),
            quota: 1000,
            zone_quota: None,
            vpc: Cidr::parse(vpc),
            peer: None,
            is_lattice: false,
            in_service: true,
            status: "ACTIVE".to_owned(),
        }
    }

    /// A group of VPC Lattice, with HTTP. VPC Lattice docs: "The default draining time is 1
    /// minute".
    pub fn lattice(self) -> Self {
        let health_check = ("HTTP".to_owned(), "traffic-port".to_owned());
        let deregistration_delay = Duration::from_secs(60);
        let protocol = "HTTP".to_owned();
        Self { is_lattice: true, protocol, health_check, deregistration_delay, ..self }
    }

    /// In VPC Lattice: no service uses it.
    pub fn without_service(self) -> Self {
        Self { in_service: false, ..self }
    }

    /// In VPC Lattice: `ACTIVE` unless said otherwise, or for example `CREATE_IN_PROGRESS`.
    pub fn status(self, status: &str) -> Self {
        Self { status: status.to_owned(), ..self }
    }

    /// `TCP` unless said otherwise; `TLS`, `UDP`, `TCP_UDP`, or those of Application Load
    /// Balancers.
    pub fn protocol(self, protocol: &str) -> Self {
        Self { protocol: protocol.to_owned(), ..self }
    }

    /// How it describes itself, `ip` unless said otherwise; its targets are addresses all the same.
    pub fn target_type(self, target_type: &str) -> Self {
        Self { target_type: target_type.to_owned(), ..self }
    }

    /// An attribute that is not at its default. The deregistration delay has a verb of its own.
    pub fn attribute(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((key, value.to_owned()));
        self
    }

    /// How its targets are checked: by `TCP` (in VPC Lattice by `HTTP`, or `none` at all) on their
    /// `traffic-port` unless said otherwise.
    pub fn health_check(self, protocol: &str, port: &str) -> Self {
        Self { health_check: (protocol.to_owned(), port.to_owned()), ..self }
    }

    /// The port of targets that are registered without one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The region in its ARN, `us-east-2` unless said otherwise.
    pub fn region(self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self }
    }

    /// The account in its ARN, `123456789012` unless said otherwise.
    pub fn account(self, account: &str) -> Self {
        Self { account: account.to_owned(), ..self }
    }

    /// How long a new target is `initial`. ELBv2 docs: a target gets traffic after its first passed
    /// health check; on an NLB that takes 90 to 180 s.
    pub fn registration_lag(self, registration_lag: Duration) -> Self {
        Self { registration_lag, ..self }
    }

    /// How long a deregistered target is `draining`. ELBv2 docs:
    /// `deregistration_delay.timeout_seconds`, 300 by default.
    pub fn deregistration_delay(self, deregistration_delay: Duration) -> Self {
        Self { deregistration_delay, ..self }
    }

    /// How many targets it may have. ELBv2 docs: 1,000 per target group.
    pub fn quota(self, quota: usize) -> Self {
        Self { quota, ..self }
    }

    /// How many targets of one zone it may have, that is, of this subnet, as CIDR text; a subnet
    /// lies in one zone. ELBv2 docs: 500 targets per Availability Zone of an NLB where cross-zone
    /// load balancing is off. That ELB refuses the next one as it does at the quota of the whole
    /// group is an assumption.
    pub fn zone_quota(self, subnet: &str, quota: usize) -> Self {
        Self { zone_quota: Some((Cidr::parse(subnet), quota)), ..self }
    }

    /// The VPC's address range, as CIDR text; targets outside it are refused.
    pub fn vpc_cidr(self, cidr: &str) -> Self {
        Self { vpc: Cidr::parse(cidr), ..self }
    }

    /// The address range of a peered VPC, as CIDR text. Its targets are registered in zone `all`
    /// (ELBv2 docs, "Register targets").
    pub fn peered_with(self, cidr: &str) -> Self {
        Self { peer: Some(Cidr::parse(cidr)), ..self }
    }

    /// The ARN, which depends on region, account and name alone.
    pub fn arn(&self) -> String {
        let Self { region, account, name, .. } = self;
        if self.is_lattice {
            let id = digest(name);
            return format!("arn:aws:vpc-lattice:{region}:{account}:targetgroup/tg-0{id:016x}");
        }
        let suffix = match self.name.as_str() {
            "demo-ipv6" => "6d0ecf831eec9f09".to_owned(),
            name => format!("{:016x}", digest(name)),
        };
        format!("arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{suffix}")
    }

    /// Its attributes. botocore: client IP preservation "is disabled if the target group type is IP
    /// address and the target group protocol is TCP or TLS. Otherwise, the default is enabled".
    pub(crate) fn attributes(&self) -> BTreeMap<&'static str, String> {
        let preserves = !matches!(self.protocol.as_str(), "TCP" | "TLS");
        let delay = self.deregistration_delay.as_secs();
        let defaults = [
            ("deregistration_delay.timeout_seconds", delay.to_string()),
            ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration".to_owned()),
            ("preserve_client_ip.enabled", preserves.to_string()),
            ("proxy_protocol_v2.enabled", "false".to_owned()),
        ];
        defaults.into_iter().chain(self.attributes.iter().cloned()).collect()
    }
}
