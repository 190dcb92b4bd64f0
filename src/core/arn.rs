//! Names and ARNs as ECS and ELB write them.

/// The parts of an ARN of a resource that lives in a region and an account
/// (`arn:<partition>:<service>:<region>:<account>:<resource>`, IAM user guide, "Amazon Resource
/// Names").
pub struct Arn<'a> {
    /// The partition, for example `aws`.
    pub partition: &'a str,
    /// The service, for example `ecs`.
    pub service: &'a str,
    /// The region, for example `us-east-2`.
    pub region: &'a str,
    /// The account's ID, twelve digits.
    pub account: &'a str,
    /// The resource, for example `cluster/demo`.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN into its parts; `None` if one is missing or malformed.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let well_formed = prefix == "arn"
            && partition.starts_with("aws")
            && [partition, service, region].into_iter().all(is_name)
            && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && !resource.is_empty();
        well_formed.then_some(Self { partition, service, region, account, resource })
    }
}

/// Whether ECS and ELB would accept `text` as a name: letters, digits, hyphens, underscores (ECS
/// API reference, CreateCluster and CreateService: up to 255 of these).
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_split_into_its_parts_and_the_resource_keeps_its_colons() {
        let arn = Arn::parse("arn:aws-cn:ecs:cn-north-1:123456789012:a/b:c").unwrap();
        assert_eq!((arn.partition, arn.service, arn.region), ("aws-cn", "ecs", "cn-north-1"));
        assert_eq!((arn.account, arn.resource), ("123456789012", "a/b:c"));
    }

    #[test]
    fn an_arn_with_a_missing_or_malformed_part_is_none() {
        for text in [
            "",
            "arn:aws:ecs:us-east-2:123456789012",
            "arn:aws:ecs:us-east-2:123456789012:",
            "urn:aws:ecs:us-east-2:123456789012:a",
            "arn:amazon:ecs:us-east-2:123456789012:a",
            "arn:aws/:ecs:us-east-2:123456789012:a",
            "arn:aws::us-east-2:123456789012:a",
            "arn:aws:ecs::123456789012:a",
            "arn:aws:ecs:us-east-2:12345678901:a",
            "arn:aws:ecs:us-east-2:12345678901a:a",
        ] {
            assert!(Arn::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_name_has_up_to_255_letters_digits_hyphens_and_underscores() {
        for good in ["a", "Demo_service-2", &"a".repeat(255)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "a b", "a/b", "a.b", "é", &"a".repeat(256)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
