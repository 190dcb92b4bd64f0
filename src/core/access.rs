//! How a target group is reached that is in another account, or in a VPC beside that of the tasks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::core::binding::TargetGroupArn;

/// How target groups are reached. A group that is not among them is in the function's own account,
/// and in the VPC of the tasks.
pub type Accesses = BTreeMap<TargetGroupArn, Access>;

/// How one target group is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The role that may change it; `None` means the function's own.
    pub role: Option<Role>,
    /// Whether its targets are outside its VPC, in a peered one. ELB then wants `all` for their
    /// Availability Zone, and inside its VPC none (ELB docs, "Register targets").
    pub all_zones: bool,
}

/// A role of the account that owns a target group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    arn: Arc<str>,
    external_id: Option<Arc<str>>,
}

impl Role {
    /// Reads `arn:<partition>:iam::<account>:role/<path and name>` (IAM user guide, "IAM
    /// identifiers": up to 64 characters in a name).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let name = resource.strip_prefix("role/")?.rsplit('/').next()?;
        let well_formed = (prefix, service, region) == ("arn", "iam", "")
            && partition.starts_with("aws")
            && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && (1..=64).contains(&name.len())
            && text.len() <= 2048
            && text.bytes().all(|b| b == b':' || b == b'/' || is_word(b));
        well_formed.then(|| Self { arn: text.into(), external_id: None })
    }

    /// The same role, assumed with this external ID.
    #[must_use]
    pub fn with_external_id(self, id: &str) -> Self {
        Self { external_id: Some(id.into()), ..self }
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account it belongs to.
    pub fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    /// What its owner expects to be told by whoever assumes it. It is nobody else's business.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

/// Without the external ID.
impl fmt::Debug for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Role").field(&self.arn).finish_non_exhaustive()
    }
}

/// Whether STS takes a text as an external ID (STS API reference, AssumeRole: 2 to 1,224 characters
/// of `[\w+=,.@:\/-]`).
pub fn is_external_id(text: &str) -> bool {
    (2..=1224).contains(&text.len()) && text.bytes().all(|b| is_word(b) || b == b':' || b == b'/')
}

/// A name by which STS takes a session (the same page: 2 to 64 characters of `[\w+=,.@-]`), as near
/// to `wanted` as may be.
pub fn session_name(wanted: &str) -> String {
    let allowed = |c: char| if c.is_ascii() && is_word(c as u8) { c } else { '-' };
    let name: String = wanted.chars().take(64).map(allowed).collect();
    if name.len() < 2 { env!("CARGO_PKG_NAME").to_owned() } else { name }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::222222222222:role/ecs-ipv6-targets";

    #[test]
    fn a_role_is_read_with_its_account_and_never_shows_its_external_id() {
        let role = Role::parse(ROLE).unwrap().with_external_id("a-secret");
        assert_eq!((role.arn(), role.account()), (ROLE, "222222222222"));
        assert_eq!(role.external_id(), Some("a-secret"));
        let shown = format!("{role:?}");
        assert!(shown.contains(ROLE) && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn only_the_arn_of_a_role_is_one() {
        for good in ["role/a", "role/path/to/A_b+c=d,e.f@g-h"] {
            assert!(Role::parse(&format!("arn:aws-us-gov:iam::222222222222:{good}")).is_some());
        }
        for bad in [
            "",
            "ecs-ipv6-targets",
            "arn:aws:iam::222222222222:user/a",
            "arn:aws:iam::222222222222:role/",
            "arn:aws:iam::222222222222:role/path/",
            "arn:aws:iam::222222222222:role/a b",
            "arn:aws:iam::22222222222:role/a",
            "arn:aws:iam::22222222222a:role/a",
            "arn:amazon:iam::222222222222:role/a",
            "arn:aws:iam:us-east-2:222222222222:role/a",
            "arn:aws:sts::222222222222:assumed-role/a/b",
            &format!("arn:aws:iam::222222222222:role/{}", "a".repeat(65)),
            &format!("arn:aws:iam::222222222222:role/{}/a", "p".repeat(2048)),
        ] {
            assert_eq!(Role::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_external_id_has_2_to_1224_of_the_characters_that_sts_takes() {
        for good in ["ab", "A_b+c=d,e.f@g:h/i-1", &"a".repeat(1224)] {
            assert!(is_external_id(good), "{good}");
        }
        for bad in ["", "a", "a b", "a;b", "é1", "a\\b", &"a".repeat(1225)] {
            assert!(!is_external_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_session_has_a_name_that_sts_takes() {
        for (wanted, name) in [
            ("my-function_2", "my-function_2"),
            ("a b:c/é", "a-b-c--"),
            ("fn", "fn"),
            ("f", "ecs-ipv6-targets"),
            ("", "ecs-ipv6-targets"),
        ] {
            assert_eq!(session_name(wanted), name);
        }
        assert_eq!(session_name(&"a".repeat(70)).len(), 64);
    }
}
