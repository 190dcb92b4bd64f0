//! The ARNs of target groups, of which there are two kinds.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::core::arn::{Arn, is_name};

/// The ARN of a target group, known to be well-formed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetGroupArn(Arc<str>);

/// Why a text is not the ARN of a target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotATargetGroup {
    /// It is not an ARN, or parts of it are missing or malformed.
    Malformed,
    /// It is the ARN of something else, for example a load balancer.
    OtherResource,
}

/// The services that have target groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// Elastic Load Balancing v2: `targetgroup/<name>/<id>`.
    LoadBalancer,
    /// VPC Lattice: `targetgroup/tg-<id>` (VPC Lattice API reference, RegisterTargets: 17
    /// lower-case letters and digits in the id).
    Lattice,
}

/// What has to be known of a target group before targets are registered in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The group.
    pub arn: TargetGroupArn,
    /// The port of targets that name none, if it has one.
    pub port: Option<u16>,
    /// Why it cannot take IPv6 addresses, in a few words, if it cannot.
    pub unfit: Option<String>,
}

impl TargetGroupArn {
    /// Reads `arn:<partition>:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<id>` or
    /// `arn:<partition>:vpc-lattice:<region>:<account>:targetgroup/tg-<id>`.
    pub fn parse(text: &str) -> Result<Self, NotATargetGroup> {
        let arn = Arn::parse(text).ok_or(NotATargetGroup::Malformed)?;
        let group = arn.resource.strip_prefix("targetgroup/");
        let group = group.ok_or(NotATargetGroup::OtherResource)?;
        let well_formed = match kind(arn.service).ok_or(NotATargetGroup::OtherResource)? {
            GroupKind::LoadBalancer => {
                group.split_once('/').is_some_and(|(name, id)| is_name(name) && is_name(id))
            }
            GroupKind::Lattice => group.strip_prefix("tg-").is_some_and(is_lattice_id),
        };
        if !well_formed {
            return Err(NotATargetGroup::Malformed);
        }
        Ok(Self(text.into()))
    }

    /// Which service has it.
    pub fn kind(&self) -> GroupKind {
        kind(self.part(2)).unwrap_or(GroupKind::LoadBalancer)
    }

    /// Whether it is one of VPC Lattice.
    pub fn is_lattice(&self) -> bool {
        self.kind() == GroupKind::Lattice
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region the target group lives in.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account that owns the target group.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// The target group's name, for messages; in VPC Lattice its id, `tg-…`, because the ARN has no
    /// name.
    pub fn name(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or(&self.0)
    }

    fn part(&self, place: usize) -> &str {
        self.0.split(':').nth(place).unwrap_or_default()
    }
}

fn kind(service: &str) -> Option<GroupKind> {
    match service {
        "elasticloadbalancing" => Some(GroupKind::LoadBalancer),
        "vpc-lattice" => Some(GroupKind::Lattice),
        _ => None,
    }
}

fn is_lattice_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
}

impl fmt::Display for TargetGroupArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for TargetGroupArn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::CLUSTER;

    const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo-ipv6/6d0ecf831eec9f09";

    const LATTICE: &str =
        "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0123456789abcdefg";

    #[test]
    fn a_target_group_arn_holds_region_and_name() {
        let group = TargetGroupArn::parse(GROUP).unwrap();
        assert_eq!((group.region(), group.name()), ("us-east-2", "demo-ipv6"));
        assert!(TargetGroupArn::parse(&GROUP.replace(":aws:", ":aws-us-gov:")).is_ok());
        assert_eq!((group.kind(), group.is_lattice()), (GroupKind::LoadBalancer, false));
    }

    #[test]
    fn a_group_of_lattice_goes_by_its_id() {
        let group = TargetGroupArn::parse(LATTICE).unwrap();
        assert_eq!((group.region(), group.name()), ("us-east-2", "tg-0123456789abcdefg"));
        assert_eq!((group.kind(), group.account()), (GroupKind::Lattice, "123456789012"));
        assert!(group.is_lattice());
    }

    #[test]
    fn other_arns_are_distinguished_from_malformed_ones() {
        use NotATargetGroup::{Malformed, OtherResource};
        for (text, why) in [
            ("", Malformed),
            ("demo-ipv6", Malformed),
            ("arn:aws:elasticloadbalancing:us-east-2:1234:targetgroup/demo/6d0e", Malformed),
            (
                "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/de mo/6d0e",
                Malformed,
            ),
            ("arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo", Malformed),
            (
                "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/demo/6d 0e",
                Malformed,
            ),
            (
                "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/net/demo/6d0e",
                OtherResource,
            ),
            ("arn:aws:vpc-lattice:us-east-2:123456789012:service/svc-0123", OtherResource),
            ("arn:aws:ec2:us-east-2:123456789012:targetgroup/demo/6d0e", OtherResource),
            ("arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/demo/6d0e", Malformed),
            ("arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-", Malformed),
            ("arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-01/23", Malformed),
            ("arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-0A", Malformed),
            ("arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/tg-01", Malformed),
            (CLUSTER, OtherResource),
        ] {
            assert_eq!(TargetGroupArn::parse(text), Err(why), "{text}");
        }
    }
}
