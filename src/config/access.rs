//! The fields of an entry that say how its target group is reached: `roleArn`, `externalId`,
//! `zone`.

use serde_json::Value;

use crate::config::bindings::Entry;
use crate::config::error::{ConfigError, quoted};
use crate::core::access::{Access, Accesses, Role, is_external_id};
use crate::core::binding::{Binding, TargetGroupArn};

impl Entry<'_> {
    /// Reads `roleArn` and `externalId`. A mistake in the latter does not show its value.
    pub fn role(
        &self,
        arn: Option<Value>,
        external_id: Option<Value>,
        group: &TargetGroupArn,
    ) -> Result<Option<Role>, ConfigError> {
        let Some(arn) = arn else {
            let fix = "give roleArn as well, or remove externalId";
            let lonely = || self.mistake(".externalId", "given without roleArn", fix);
            return external_id.map_or(Ok(None), |_| Err(lonely()));
        };
        if group.is_lattice() {
            let problem = "a target group of VPC Lattice cannot be in another account";
            let fix = "remove it, and run the function in the group's account";
            return Err(self.mistake(".roleArn", problem, fix));
        }
        let role = arn.as_str().and_then(Role::parse).ok_or_else(|| {
            let fix = "give arn:aws:iam::ACCOUNT:role/NAME, a role of the target group's account";
            let problem = format!("{} is not the ARN of an IAM role", shown(&arn));
            self.mistake(".roleArn", problem, fix)
        })?;
        if role.account() != group.account() {
            let (of_role, of_group) = (role.account(), group.account());
            let problem = format!("the role is in account {of_role}, the group in {of_group}");
            let fix = "give a role of the target group's account, or remove roleArn";
            return Err(self.mistake(".roleArn", problem, fix));
        }
        let Some(external_id) = external_id else { return Ok(Some(role)) };
        match external_id.as_str().filter(|id| is_external_id(id)) {
            Some(id) => Ok(Some(role.with_external_id(id))),
            None => {
                let problem = "not 2 to 1,224 letters, digits or characters of _+=,.@:/-";
                let fix = "give what the role's trust policy names as sts:ExternalId, or leave it \
                           out";
                Err(self.mistake(".externalId", problem, fix))
            }
        }
    }

    /// Reads `zone`.
    pub fn all_zones(
        &self,
        zone: Option<Value>,
        group: &TargetGroupArn,
    ) -> Result<bool, ConfigError> {
        match zone {
            None => Ok(false),
            Some(_) if group.is_lattice() => {
                let problem = "targets of a VPC Lattice target group have no zone";
                Err(self.mistake(".zone", problem, "remove it"))
            }
            Some(zone) if zone == "all" => Ok(true),
            Some(other) => {
                let fix = "give \"all\" for a target group in a peered VPC, or leave it out";
                Err(self.mistake(".zone", format!("{} is not \"all\"", shown(&other)), fix))
            }
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| quoted(&value.to_string()), quoted)
}

/// How each group is reached, on which all its bindings have to agree.
pub fn of_groups(read: &[(Binding, Access)]) -> Result<Accesses, ConfigError> {
    for (index, (binding, access)) in read.iter().enumerate() {
        let of_group = |(other, _): &(Binding, Access)| other.target_group == binding.target_group;
        let Some(first) = read.iter().position(of_group) else { continue };
        let earlier = &read[first].1;
        let arn = |access: &Access| access.role.as_ref().map(|role| role.arn().to_owned());
        let field = if arn(access) != arn(earlier) {
            "roleArn"
        } else if access.role != earlier.role {
            "externalId"
        } else if access.all_zones != earlier.all_zones {
            "zone"
        } else {
            continue;
        };
        return Err(ConfigError::new(
            format!("BINDINGS[{index}].{field}"),
            format!("not that of BINDINGS[{first}], which has the same target group"),
            "give both the same",
        ));
    }
    let special = read.iter().filter(|(_, access)| *access != Access::default());
    let special = special.map(|(binding, access)| (binding.target_group.clone(), access.clone()));
    Ok(special.collect())
}

#[cfg(test)]
mod tests {
    use crate::config::bindings;
    use crate::core::access::Accesses;
    use crate::core::binding::Binding;

    const GROUP: &str =
        "arn:aws:elasticloadbalancing:us-east-2:222222222222:targetgroup/there/6d0e";
    const HERE: &str = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/here/6d0e";
    const ROLE: &str = r#""roleArn":"arn:aws:iam::222222222222:role/r""#;

    fn read(entries: &[(&str, &str, &str)]) -> Result<(Vec<Binding>, Accesses), String> {
        let entry = |(cluster, group, more): &(&str, &str, &str)| {
            let comma = if more.is_empty() { "" } else { "," };
            format!(
                r#"{{"cluster":"{cluster}","service":"s","targetGroupArn":"{group}"{comma}{more}}}"#
            )
        };
        let entries: Vec<String> = entries.iter().map(entry).collect();
        let read = bindings::read(&format!("[{}]", entries.join(",")), "us-east-2");
        read.map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn what_is_not_given_is_the_functions_own() {
        let plain = format!(r#"{ROLE},"externalId":"prod-web","zone":"all""#);
        let (_, accesses) = read(&[("c", HERE, ""), ("c", GROUP, &plain)]).unwrap();
        let [(group, access)] = &accesses.iter().collect::<Vec<_>>()[..] else { panic!() };
        let role = access.role.as_ref().unwrap();
        assert_eq!((group.as_str(), access.all_zones), (GROUP, true));
        assert_eq!(role.external_id(), Some("prod-web"));
        let (_, accesses) = read(&[("c", HERE, r#""zone":"all""#)]).unwrap();
        assert!(accesses.values().all(|access| access.all_zones && access.role.is_none()));
    }

    #[test]
    fn a_cluster_by_name_is_in_the_account_of_a_group_without_a_role() {
        let own = "arn:aws:ecs:us-east-2:123456789012:cluster/c";
        let (bindings, _) = read(&[("c", GROUP, ROLE), ("c", HERE, "")]).unwrap();
        assert!(bindings.iter().all(|binding| binding.cluster.is(own)));
        let (bindings, _) = read(&[("c", GROUP, ROLE)]).unwrap();
        assert!(bindings[0].cluster.lacks_account());
        let (bindings, _) = read(&[(own, GROUP, ROLE)]).unwrap();
        assert!(bindings[0].cluster.is(own));
        let twice = [("c", GROUP, ROLE), (own, GROUP, ROLE), ("c", HERE, "")];
        assert!(read(&twice).unwrap_err().starts_with("BINDINGS[1]: the same binding"));
    }

    #[test]
    fn all_bindings_of_a_group_agree() {
        let id = |id: &str| format!(r#"{ROLE},"externalId":"{id}""#);
        let zone = format!(r#"{ROLE},"zone":"all""#);
        let other = ROLE.replace("/r", "/q");
        for (one, two, field) in [
            (ROLE, "", "roleArn"),
            (ROLE, &other, "roleArn"),
            (ROLE, &id("prod"), "externalId"),
            (&id("prod"), &id("test"), "externalId"),
            (ROLE, &zone, "zone"),
        ] {
            let mistake = read(&[("c", GROUP, one), ("d", GROUP, two)]).unwrap_err();
            assert!(mistake.starts_with(&format!("BINDINGS[1].{field}: not that of BINDINGS[0]")));
            assert!(!mistake.contains("prod"), "{mistake}");
        }
        assert!(read(&[("c", GROUP, &id("prod")), ("d", GROUP, &id("prod"))]).is_ok());
    }
}
