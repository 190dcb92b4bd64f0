//! What was read of Amazon EC2.

/// A security group, by its inbound rules (EC2 API reference, SecurityGroup).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its id.
    pub id: String,
    /// Whom it lets in.
    pub rules: Vec<Inbound>,
}

/// An inbound rule (EC2 API reference, IpPermission).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inbound {
    /// `tcp`, `udp`, another name or number of a protocol, or `-1` for all of them.
    pub protocol: String,
    /// The first and the last port; `None` if the rule names none, which means all of them.
    pub ports: Option<(i64, i64)>,
    /// Ranges of IPv6 addresses.
    pub ipv6: Vec<String>,
    /// Whether it has ranges of IPv4 addresses.
    pub has_ipv4: bool,
    /// Ids of security groups and prefix lists, whose addresses are not read.
    pub others: Vec<String>,
}

/// A subnet (EC2 API reference, Subnet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: String,
    /// Whether it has a range of IPv6 addresses.
    pub has_ipv6: bool,
    /// `AssignIpv6AddressOnCreation`.
    pub assigns_ipv6: bool,
}
