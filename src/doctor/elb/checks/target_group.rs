//! The checks of the target group by itself.

use super::{Judged, modify_attribute};
use crate::core::binding::Binding;
use crate::doctor::facts::{Attributes, Facts, TargetGroup};
use crate::doctor::verdict::Verdict::{DoesNotApply, Fail, Pass, Warn};

/// The target group exists and takes IPv6 addresses. Neither of its two types can be changed
/// (ELB API reference, ModifyTargetGroup).
pub fn target_group<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let name = binding.target_group.name();
    let Some(group) = facts.target_group.as_ref()? else {
        let detail = format!("there is no target group {}", binding.target_group);
        let fix = format!("correct `targetGroupArn` in BINDINGS, or {}", create(binding, None));
        return Ok(Fail(detail, fix));
    };
    let TargetGroup { target_type, ip_address_type, protocol, .. } = group;
    let found = format!(
        "{name} has target type {target_type}, IP address type {ip_address_type}, protocol {protocol}"
    );
    Ok(match (target_type.as_str(), ip_address_type.as_str()) {
        ("ip", "ipv6") => Pass(found),
        _ => {
            let create = create(binding, Some(group));
            let fix = format!("neither can be changed; bind another target group: {create}");
            Fail(format!("{found}; it takes no IPv6 addresses of tasks"), fix)
        }
    })
}

fn create(binding: &Binding, like: Option<&TargetGroup>) -> String {
    let protocol = like.map_or("TCP", |group| group.protocol.as_str());
    let port = binding.port.or(like.and_then(|group| group.port));
    let port = port.map_or("PORT".to_owned(), |port| port.to_string());
    format!(
        "create one: aws elbv2 create-target-group --name NAME --vpc-id VPC --target-type ip \
         --ip-address-type ipv6 --protocol {protocol} --port {port}"
    )
}

/// The targets see the clients' addresses. For TCP and TLS to IP addresses this is off unless it
/// is asked for, for UDP it is always on (ELB API reference, TargetGroupAttribute:
/// preserve_client_ip.enabled).
pub fn client_ip<'a>(binding: &Binding, facts: &'a Facts) -> Judged<'a> {
    let protocol = facts.target_group.as_ref()?.as_ref().map(|group| group.protocol.as_str());
    if !matches!(protocol, Some("TCP" | "TLS")) {
        return Ok(DoesNotApply);
    }
    let Attributes { preserves_client_ip, proxy_protocol, .. } = facts.attributes.as_ref()?;
    Ok(match (preserves_client_ip, proxy_protocol) {
        (true, _) => Pass("client IP preservation is on".to_owned()),
        (false, true) => Pass("proxy protocol v2 tells the clients' addresses".to_owned()),
        (false, false) => Warn(
            "client IP preservation is off, so tasks see the load balancer's address instead of \
             the client's"
                .to_owned(),
            format!(
                "let the clients' IPv6 addresses in by the tasks' security group, then: {}",
                modify_attribute(binding, "preserve_client_ip.enabled", "true")
            ),
        ),
    })
}
