//! A target group with its registered targets and their health.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::api_error::ApiError;
use crate::health::HealthChecks;
use crate::query_protocol::Target;
use crate::target_group::TargetGroup;

/// With drawn lags, a new target's last so many seconds before its first passed check are
/// `Elb.InitialHealthChecking`. ELBv2 docs: `HealthCheckIntervalSeconds` is 30 by default.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// The health of a target. It displays as the API's own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Registered, and not yet serving.
    Initial,
    /// It gets traffic.
    Healthy,
    /// Registered, and failing its health checks.
    Unhealthy,
    /// Registered, failing its health checks, and keeping its connections for a while. ELBv2 docs:
    /// with `target_health_state.unhealthy.draining_interval_seconds`, an unhealthy target is in
    /// this state first.
    UnhealthyDraining,
    /// Deregistered, and keeping its connections until the deregistration delay is over.
    Draining,
    /// Not registered.
    Unused,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::UnhealthyDraining => "unhealthy.draining",
            Self::Draining => "draining",
            Self::Unused => "unused",
        })
    }
}

/// A target as DescribeTargetHealth would show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRow {
    /// Its address.
    pub id: IpAddr,
    /// Its port: one address may be registered at several.
    pub port: u16,
    /// Its state now.
    pub health: Health,
}

/// A target group with its targets. A target is an address *and* a port: one address may be there
/// several times.
#[derive(Debug)]
pub(crate) struct Targets {
    pub(crate) group: TargetGroup,
    registrations: BTreeMap<(IpAddr, u16), Registration>,
    /// Addresses that it takes no more, whatever their VPC.
    exhausted: BTreeSet<IpAddr>,
}

#[derive(Clone, Copy, Debug)]
struct Registration {
    since: SystemTime,
    /// How long it is `initial`, if that was drawn and is not the group's one lag.
    lag: Option<Duration>,
    /// Whether the registering call named the port.
    named_port: bool,
    /// What its health checks say once it is past `initial`.
    checked: Health,
    draining_until: Option<SystemTime>,
}

impl Targets {
    pub(crate) fn of(group: TargetGroup) -> Self {
        Self { group, registrations: BTreeMap::new(), exhausted: BTreeSet::new() }
    }

    /// RegisterTargets: all of them or, if one is refused, none.
    pub(crate) fn register(
        &mut self,
        asked: &[Target],
        checks: &HealthChecks,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        for target in asked {
            self.check(target)?;
        }
        let mut after = self.registrations.clone();
        for target in asked {
            let key = self.key(target);
            if !after.get(&key).is_some_and(Registration::is_registered) {
                let entry = Registration {
                    since: now,
                    lag: checks.lag(&self.group.name, key.0, now),
                    named_port: target.port.is_some(),
                    checked: match checks.answers(key.0) {
                        true => Health::Healthy,
                        false => Health::Unhealthy,
                    },
                    draining_until: None,
                };
                after.insert(key, entry);
            }
        }
        let registered = after.iter().filter(|(_, entry)| entry.is_registered());
        let registered = registered.map(|((address, _), _)| *address);
        self.check_quotas(registered)?;
        self.registrations = after;
        Ok(())
    }

    /// Whether there is room for all these addresses together.
    fn check_quotas(
        &self,
        registered: impl Iterator<Item = IpAddr> + Clone,
    ) -> Result<(), ApiError> {
        let TargetGroup { name, quota, zone_quota, .. } = &self.group;
        let too_many = |place: String, quota: usize| {
            let message = format!("{place} may have {quota} targets");
            Err(ApiError::sender("TooManyTargets", message))
        };
        if registered.clone().count() > *quota {
            return too_many(format!("The target group '{name}'"), *quota);
        }
        match zone_quota {
            Some((zone, quota)) if registered.filter(|id| zone.contains(*id)).count() > *quota => {
                too_many(format!("A zone of the target group '{name}'"), *quota)
            }
            _ => Ok(()),
        }
    }

    /// Whether the target group takes such a target at all.
    pub(crate) fn check(&self, target: &Target) -> Result<(), ApiError> {
        let address = target.address;
        if !self.group.family.has(address) {
            return Err(ApiError::validation(format!(
                "The IP address '{address}' is not a valid {} address",
                self.group.family.wire_name()
            )));
        }
        let is_in_peer = self.group.peer.as_ref().is_some_and(|peer| peer.contains(address));
        if !is_in_peer && !self.group.vpc.contains(address) {
            return Err(ApiError::validation(format!(
                "The IP address '{address}' is not within the VPC of the target group"
            )));
        }
        if self.exhausted.contains(&address) {
            return Err(ApiError::sender(
                "TooManyRegistrationsForTargetId",
                format!("The IP address '{address}' is registered too often"),
            ));
        }
        if is_in_peer {
            return match target.zone.as_deref() {
                Some("all") => Ok(()),
                _ => Err(ApiError::validation(format!(
                    "The IP address '{address}' is outside the VPC and needs an Availability Zone"
                ))),
            };
        }
        if target.zone.is_some() {
            return Err(ApiError::validation(format!(
                "The IP address '{address}' is within the VPC and cannot have its Availability Zone overridden"
            )));
        }
        Ok(())
    }

    /// DeregisterTargets. Targets that are not registered are no error (botocore: "the action
    /// returns successfully").
    pub(crate) fn deregister(&mut self, asked: &[Target], now: SystemTime) {
        for target in asked {
            let key = self.key(target);
            if let Some(entry) = self.registrations.get_mut(&key)
                && entry.is_registered()
                && (target.port.is_some() || !entry.named_port)
            {
                entry.draining_until = Some(now + self.group.deregistration_delay);
            }
        }
    }

    /// All targets, the draining ones too, sorted by address and port.
    pub(crate) fn rows(&self, now: SystemTime) -> Vec<TargetRow> {
        self.registrations
            .iter()
            .map(|(&(id, port), entry)| TargetRow {
                id,
                port,
                health: entry.health(&self.group, now),
            })
            .filter(|row| row.health != Health::Unused)
            .collect()
    }

    /// The health of one target; a target without a port is the one at the group's port.
    pub(crate) fn row(&self, target: &Target, now: SystemTime) -> TargetRow {
        let (id, port) = self.key(target);
        let entry = self.registrations.get(&(id, port));
        let health = entry.map_or(Health::Unused, |entry| entry.health(&self.group, now));
        TargetRow { id, port, health }
    }

    /// Whether the registration of an `initial` target is done and its first health checks are
    /// under way (`Elb.InitialHealthChecking`). Only where lags are drawn
    /// ([`crate::Aws::draw_registration_lags`]).
    pub(crate) fn is_first_checked(&self, row: &TargetRow, now: SystemTime) -> bool {
        let entry = self.registrations.get(&(row.id, row.port));
        entry.is_some_and(|entry| {
            entry.lag.is_some() && entry.settled_at(&self.group) <= now + CHECK_INTERVAL
        })
    }

    /// From now on it takes this address no more.
    pub(crate) fn exhaust(&mut self, id: IpAddr) {
        self.exhausted.insert(id);
    }

    /// The health checks of a registered target have come to this.
    pub(crate) fn set_health(&mut self, id: IpAddr, port: u16, health: Health) {
        if let Some(entry) = self.registrations.get_mut(&(id, port)) {
            entry.checked = health;
        }
    }

    fn key(&self, target: &Target) -> (IpAddr, u16) {
        (target.address, target.port.unwrap_or(self.group.port))
    }
}

impl Registration {
    fn is_registered(&self) -> bool {
        self.draining_until.is_none()
    }

    fn health(&self, group: &TargetGroup, now: SystemTime) -> Health {
        match self.draining_until {
            Some(until) if until <= now => Health::Unused,
            Some(_) => Health::Draining,
            None if now < self.settled_at(group) => Health::Initial,
            None => self.checked,
        }
    }
    /// When it is no longer `initial`.
    fn settled_at(&self, group: &TargetGroup) -> SystemTime {
        self.since + self.lag.unwrap_or(group.registration_lag)
    }
}
