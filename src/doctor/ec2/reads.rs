//! What doctor reads of Amazon EC2.

use tracing::debug;

use crate::aws::ec2::Ec2;
use crate::aws::rate_limits::Limits;
use crate::aws::xml::Element;
use crate::doctor::facts::{Inbound, Read, SecurityGroup, Subnet};

/// Reads security groups and subnets.
#[derive(Clone, Debug)]
pub struct Network {
    ec2: Ec2,
}

impl Network {
    /// A reader by these calls.
    pub fn new(ec2: Ec2) -> Self {
        Self { ec2 }
    }

    /// The security groups of these ids.
    pub async fn security_groups(
        &self,
        ids: &[String],
        limits: &Limits,
    ) -> Read<Vec<SecurityGroup>> {
        const ACTION: &str = "DescribeSecurityGroups";
        debug!(?ids, ACTION);
        let answer = self.ec2.describe(ACTION, "GroupId", ids, limits).await?;
        Ok(answer.list("securityGroupInfo").map(security_group).collect())
    }

    /// The subnets of these ids.
    pub async fn subnets(&self, ids: &[String], limits: &Limits) -> Read<Vec<Subnet>> {
        const ACTION: &str = "DescribeSubnets";
        debug!(?ids, ACTION);
        let answer = self.ec2.describe(ACTION, "SubnetId", ids, limits).await?;
        Ok(answer.list("subnetSet").map(subnet).collect())
    }
}

fn security_group(described: &Element) -> SecurityGroup {
    SecurityGroup {
        id: described.text("groupId").unwrap_or_default().to_owned(),
        rules: described.list("ipPermissions").map(inbound).collect(),
    }
}

fn inbound(rule: &Element) -> Inbound {
    let texts = |list: &str, name: &str| -> Vec<String> {
        rule.list(list).filter_map(|item| item.text(name)).map(str::to_owned).collect()
    };
    let port = |name: &str| rule.text(name).and_then(|port| port.parse().ok());
    let others = [texts("groups", "groupId"), texts("prefixListIds", "prefixListId")];
    Inbound {
        protocol: rule.text("ipProtocol").unwrap_or_default().to_owned(),
        ports: port("fromPort").zip(port("toPort")),
        ipv6: texts("ipv6Ranges", "cidrIpv6"),
        has_ipv4: rule.list("ipRanges").next().is_some(),
        others: others.concat(),
    }
}

fn subnet(described: &Element) -> Subnet {
    let is_associated = |range: &Element| range.find_text("state") == Some("associated");
    Subnet {
        id: described.text("subnetId").unwrap_or_default().to_owned(),
        has_ipv6: described.list("ipv6CidrBlockAssociationSet").any(is_associated),
        assigns_ipv6: described.text("assignIpv6AddressOnCreation") == Some("true"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_with_all_its_sources() {
        let rule = "<item><ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>81</toPort>\
            <groups><item><groupId>sg-1</groupId></item></groups>\
            <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>\
            <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>\
            <prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item>";
        let expected = Inbound {
            protocol: "tcp".to_owned(),
            ports: Some((80, 81)),
            ipv6: vec!["::/0".to_owned()],
            has_ipv4: true,
            others: vec!["sg-1".to_owned(), "pl-1".to_owned()],
        };
        assert_eq!(inbound(&Element::parse(rule.as_bytes()).unwrap()), expected);
        let all = Element::parse(b"<item><ipProtocol>-1</ipProtocol></item>").unwrap();
        assert_eq!(inbound(&all), Inbound { protocol: "-1".to_owned(), ..Inbound::default() });
    }

    #[test]
    fn a_range_that_is_going_is_none() {
        let read = |state: &str| {
            let document = format!(
                "<item><subnetId>subnet-1</subnetId><ipv6CidrBlockAssociationSet><item>\
                 <ipv6CidrBlockState><state>{state}</state></ipv6CidrBlockState></item>\
                 </ipv6CidrBlockAssociationSet></item>"
            );
            subnet(&Element::parse(document.as_bytes()).unwrap()).has_ipv6
        };
        assert_eq!((read("associated"), read("disassociating")), (true, false));
    }
}
