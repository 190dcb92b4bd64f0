//! Security groups and the subnet, as EC2 shows them.

use std::collections::BTreeMap;

use crate::action::Action;
use crate::api_error::ApiError;
use crate::query_protocol::Query;
use crate::xml;

/// The subnet of all services.
pub(crate) const SUBNET: &str = "subnet-0aaaaaaaaaaaaaaaa";

/// A security group; [`crate::Aws::add_security_group`] puts it into the world.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    id: String,
    /// The XML of its inbound rules.
    rules: Vec<String>,
}

impl SecurityGroup {
    /// A group that lets nothing in.
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), rules: Vec::new() }
    }

    /// It lets these addresses in on this port: a range of IPv6 or IPv4.
    pub fn lets_in(mut self, protocol: &str, port: u16, range: &str) -> Self {
        let (list, name) = match range.contains(':') {
            true => ("ipv6Ranges", "cidrIpv6"),
            false => ("ipRanges", "cidrIp"),
        };
        let rule = [
            xml::text("ipProtocol", protocol),
            xml::text("fromPort", port),
            xml::text("toPort", port),
            items(list, [xml::text(name, range)]),
        ];
        self.rules.push(rule.concat());
        self
    }
}

/// What the subnet says of IPv6.
#[derive(Clone, Copy, Debug)]
pub struct Subnet {
    /// Whether it has a range.
    pub has_ipv6: bool,
    /// Whether interfaces get an address when they are made.
    pub assigns_ipv6: bool,
}

/// The network around tasks.
#[derive(Debug)]
pub(crate) struct Network {
    security_groups: BTreeMap<String, SecurityGroup>,
    subnet: Subnet,
}

impl Default for Network {
    fn default() -> Self {
        let subnet = Subnet { has_ipv6: true, assigns_ipv6: true };
        Self { security_groups: BTreeMap::new(), subnet }
    }
}

impl Network {
    pub(crate) fn add_security_group(&mut self, group: SecurityGroup) {
        self.security_groups.insert(group.id.clone(), group);
    }

    pub(crate) fn set_subnet(&mut self, subnet: Subnet) {
        self.subnet = subnet;
    }

    /// The XML of an answer (EC2 API reference).
    pub(crate) fn describe(&self, action: Action, query: &Query) -> Result<String, ApiError> {
        match action {
            Action::DescribeSecurityGroups => self.describe_security_groups(query),
            Action::DescribeSubnets => self.describe_subnets(query),
            _ => unreachable!("{action} is no action of EC2"),
        }
    }

    fn describe_security_groups(&self, query: &Query) -> Result<String, ApiError> {
        let found: Result<Vec<String>, ApiError> = ids(query, "GroupId")
            .map(|id| {
                let group = self.security_groups.get(id).ok_or_else(|| {
                    let message = format!("The security group '{id}' does not exist");
                    ApiError::sender("InvalidGroup.NotFound", message)
                })?;
                let rules = items("ipPermissions", group.rules.iter().cloned());
                Ok([xml::text("groupId", id), rules].concat())
            })
            .collect();
        Ok(items("securityGroupInfo", found?))
    }

    fn describe_subnets(&self, query: &Query) -> Result<String, ApiError> {
        if let Some(id) = ids(query, "SubnetId").find(|id| *id != SUBNET) {
            let message = format!("The subnet ID '{id}' does not exist");
            return Err(ApiError::sender("InvalidSubnetID.NotFound", message));
        }
        let Subnet { has_ipv6, assigns_ipv6 } = self.subnet;
        let range = [
            xml::text("ipv6CidrBlock", "2001:db8:0:1::/64"),
            xml::element("ipv6CidrBlockState", &xml::text("state", "associated")),
        ];
        let subnet = [
            xml::text("subnetId", SUBNET),
            xml::text("assignIpv6AddressOnCreation", assigns_ipv6),
            items("ipv6CidrBlockAssociationSet", has_ipv6.then(|| range.concat())),
        ];
        Ok(items("subnetSet", [subnet.concat()]))
    }
}

/// A list of EC2's protocol: each item in an `item` of its own.
fn items(name: &str, items: impl IntoIterator<Item = String>) -> String {
    let items: String = items.into_iter().map(|item| xml::element("item", &item)).collect();
    xml::element(name, &items)
}

/// Lists of EC2's protocol are spelled `GroupId.1`.
fn ids<'a>(query: &'a Query, name: &str) -> impl Iterator<Item = &'a str> {
    (1..).map_while(move |n| query.get(&format!("{name}.{n}")))
}
