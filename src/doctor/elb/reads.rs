//! Thin adapter over Elastic Load Balancing v2: what doctor reads of target groups, load balancers
//! and quotas. It changes nothing.

mod listeners;

use aws_sdk_elasticloadbalancingv2::types;
use tracing::debug;

use crate::aws::accounts::{Accounts, Reached};
use crate::aws::rate_limits::{Kind, Limits};
use crate::aws::xml::Element;
use crate::core::binding::TargetGroupArn;
use crate::core::failure::{Code, Failure};
use crate::doctor::facts::{
    Attributes, HealthCheck, Listener, LoadBalancer, Quotas, Read, Rule, Target, TargetGroup,
    TargetsPerGroup, Zone,
};

/// ELB's default for the attribute `deregistration_delay.timeout_seconds`.
const DEREGISTRATION_DELAY: u32 = 300;

/// ELB's default quota (ELB docs, "Quotas for your Network Load Balancers").
const TARGETS_PER_GROUP: usize = 1000;

/// The default of "Targets per Availability Zone per Network Load Balancer" (the same page).
const TARGETS_PER_ZONE: usize = 500;

/// The default of "Targets per Network Load Balancer" (the same page).
const TARGETS_PER_LOAD_BALANCER: usize = 3000;

/// The bound target group in whose account something is read; `None` is the function's own account.
pub type Via<'a> = Option<&'a TargetGroupArn>;

/// Reads target groups and load balancers, each by its ARN.
#[derive(Clone, Debug)]
pub struct LoadBalancers {
    /// The accounts in which it reads.
    pub accounts: Accounts,
}

impl LoadBalancers {
    /// Whether the role of a group can be assumed.
    pub async fn assumes_role(&self, group: &TargetGroupArn, limits: &Limits) -> Read<()> {
        self.accounts.reach(group, limits).await.map(drop)
    }

    /// A target group; `None` if there is none of this ARN.
    pub async fn target_group(
        &self,
        via: Via<'_>,
        arn: &str,
        limits: &Limits,
    ) -> Read<Option<TargetGroup>> {
        const ACTION: &str = "DescribeTargetGroups";
        debug!(arn, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        match reached.query(ACTION, &[("TargetGroupArns.member.1", arn)]).await {
            Ok(answer) => {
                Ok(answer.find("TargetGroups").and_then(Element::first).map(target_group))
            }
            Err(error) if error.code.as_str() == "TargetGroupNotFound" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The attributes of a target group.
    pub async fn attributes(&self, via: Via<'_>, arn: &str, limits: &Limits) -> Read<Attributes> {
        const ACTION: &str = "DescribeTargetGroupAttributes";
        debug!(arn, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let answer = reached.query(ACTION, &[("TargetGroupArn", arn)]).await?;
        let value = |key| attribute(&answer, key);
        let delay = value("deregistration_delay.timeout_seconds");
        Ok(Attributes {
            preserves_client_ip: value("preserve_client_ip.enabled") == Some("true"),
            proxy_protocol: value("proxy_protocol_v2.enabled") == Some("true"),
            // Or "use_load_balancer_configuration", which is no bool.
            cross_zone: value(CROSS_ZONE).and_then(|value| value.parse().ok()),
            deregistration_delay: delay
                .and_then(|delay| delay.parse().ok())
                .unwrap_or(DEREGISTRATION_DELAY),
        })
    }

    /// The targets of a target group, those that drain too. ELB answers all of them at once.
    pub async fn targets(&self, via: Via<'_>, arn: &str, limits: &Limits) -> Read<Vec<Target>> {
        const ACTION: &str = "DescribeTargetHealth";
        debug!(arn, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let call = reached.client.sdk.describe_target_health().target_group_arn(arn).send();
        let answer = reached.within(Kind::ElbRead, ACTION, call).await?;
        Ok(answer.target_health_descriptions().iter().map(target).collect())
    }

    /// A load balancer.
    pub async fn load_balancer(
        &self,
        via: Via<'_>,
        arn: &str,
        limits: &Limits,
    ) -> Read<LoadBalancer> {
        const ACTION: &str = "DescribeLoadBalancers";
        debug!(arn, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let answer = reached.query(ACTION, &[("LoadBalancerArns.member.1", arn)]).await?;
        let described = answer.find("LoadBalancers").and_then(Element::first);
        described.map(load_balancer).ok_or_else(|| {
            Failure::new(ACTION, Code::NoLoadBalancer, "ELB left it out of its answer")
        })
    }

    /// All listeners of a load balancer, with no rule read yet.
    pub async fn listeners(&self, via: Via<'_>, arn: &str, limits: &Limits) -> Read<Vec<Listener>> {
        const ACTION: &str = "DescribeListeners";
        debug!(arn, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let listeners = pages(&reached, ACTION, Some(("LoadBalancerArn", arn)), |page| {
            page.list("Listeners").map(listeners::listener).collect()
        });
        listeners.await
    }

    /// The rules of a listener besides its default one, in the order in which they are tried.
    pub async fn rules(&self, via: Via<'_>, listener: &str, limits: &Limits) -> Read<Vec<Rule>> {
        const ACTION: &str = "DescribeRules";
        debug!(listener, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let rules = pages(&reached, ACTION, Some(("ListenerArn", listener)), |page| {
            page.list("Rules").filter_map(listeners::rule).collect()
        });
        let mut rules = rules.await?;
        rules.sort_by_key(|rule| rule.priority);
        Ok(rules)
    }

    /// Whether a load balancer balances across zones where the target group does not say.
    pub async fn cross_zone(&self, via: Via<'_>, arn: &str, limits: &Limits) -> Read<bool> {
        const ACTION: &str = "DescribeLoadBalancerAttributes";
        debug!(arn, ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let answer = reached.query(ACTION, &[("LoadBalancerArn", arn)]).await?;
        Ok(attribute(&answer, CROSS_ZONE) == Some("true"))
    }

    /// How many targets an account may have.
    pub async fn quotas(&self, via: Via<'_>, limits: &Limits) -> Read<Quotas> {
        const ACTION: &str = "DescribeAccountLimits";
        debug!(ACTION);
        let reached = self.accounts.reach(via, limits).await?;
        let limits = pages(&reached, ACTION, None, |page| {
            page.list("Limits").filter_map(quota).collect::<Vec<_>>()
        });
        let limits = limits.await?;
        // The names are those of the AWS CLI reference's example of DescribeAccountLimits.
        let told =
            |wanted: &str| limits.iter().find(|(name, _)| name == wanted).map(|(_, most)| *most);
        let per_group = told("targets-per-target-group");
        Ok(Quotas {
            per_group: per_group
                .map_or(TargetsPerGroup::Assumed(TARGETS_PER_GROUP), TargetsPerGroup::Told),
            per_zone: told("targets-per-availability-zone-per-network-load-balancer")
                .unwrap_or(TARGETS_PER_ZONE),
            per_load_balancer: told("targets-per-network-load-balancer")
                .unwrap_or(TARGETS_PER_LOAD_BALANCER),
        })
    }
}

/// An attribute of both target groups and load balancers.
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// All pages of an answer, by what is read of each (ELB API reference: `Marker`, `NextMarker`).
async fn pages<T>(
    reached: &Reached,
    action: &'static str,
    of: Option<(&str, &str)>,
    read: fn(&Element) -> Vec<T>,
) -> Read<Vec<T>> {
    let mut found = Vec::new();
    let mut marker = String::new();
    loop {
        let next = Some(("Marker", marker.as_str())).filter(|(_, marker)| !marker.is_empty());
        let parameters: Vec<_> = of.into_iter().chain(next).collect();
        let answer = reached.query(action, &parameters).await?;
        let Some(page) = answer.first() else { return Ok(found) };
        found.extend(read(page));
        marker = page.text("NextMarker").unwrap_or_default().to_owned();
        if marker.is_empty() {
            return Ok(found);
        }
    }
}

/// An attribute in an answer about a target group or a load balancer.
fn attribute<'a>(answer: &'a Element, key: &str) -> Option<&'a str> {
    let mut attributes = answer.first()?.list("Attributes");
    attributes.find(|attribute| attribute.text("Key") == Some(key))?.text("Value")
}

fn quota(limit: &Element) -> Option<(String, usize)> {
    Some((limit.text("Name")?.to_owned(), limit.text("Max")?.parse().ok()?))
}

fn target_group(group: &Element) -> TargetGroup {
    let number = |name: &str| group.text(name).and_then(|number| number.parse().ok());
    // The port may be "traffic-port", which is no number.
    let port = number("HealthCheckPort");
    let protocol = group.text("HealthCheckProtocol").unwrap_or("TCP").to_owned();
    TargetGroup {
        name: text(group.text("TargetGroupName")),
        target_type: text(group.text("TargetType")),
        ip_address_type: text(group.text("IpAddressType")),
        protocol: text(group.text("Protocol")),
        port: number("Port"),
        health_check: HealthCheck { protocol, port },
        load_balancers: group.texts("LoadBalancerArns").map(str::to_owned).collect(),
    }
}

fn target(described: &types::TargetHealthDescription) -> Target {
    let (target, health) = (described.target(), described.target_health());
    Target {
        address: target.and_then(|target| target.id()?.parse().ok()),
        port: port_number(target.and_then(|target| target.port())),
        zone: target.and_then(|target| target.availability_zone()).map(str::to_owned),
        state: text(health.and_then(|health| health.state()).map(|state| state.as_str())),
        reason: text(health.and_then(|health| health.reason()).map(|reason| reason.as_str())),
    }
}

fn load_balancer(described: &Element) -> LoadBalancer {
    let zone = |zone: &Element| Zone {
        name: text(zone.text("ZoneName")),
        subnet: text(zone.text("SubnetId")),
    };
    let state = described.child("State").and_then(|state| state.text("Code"));
    LoadBalancer {
        arn: text(described.text("LoadBalancerArn")),
        name: text(described.text("LoadBalancerName")),
        kind: text(described.text("Type")),
        state: text(state),
        ip_address_type: text(described.text("IpAddressType")),
        source_nat_prefixes: described.text("EnablePrefixForIpv6SourceNat") == Some("on"),
        security_groups: described.texts("SecurityGroups").map(str::to_owned).collect(),
        zones: described.list("AvailabilityZones").map(zone).collect(),
    }
}

/// What AWS leaves out is not what a check asks for.
fn text(told: Option<&str>) -> String {
    told.unwrap_or_default().to_owned()
}

fn port_number(port: Option<i32>) -> Option<u16> {
    port.and_then(|port| u16::try_from(port).ok())
}
