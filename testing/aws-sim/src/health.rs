//! How long a Network Load Balancer takes with a new target, and what it finds.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::chance::Chance;
use crate::targets::Health;

/// What the health checks of the world come to. By default every target group has its one
/// registration lag, and every target is healthy after that.
#[derive(Clone, Debug, Default)]
pub(crate) struct HealthChecks {
    /// The range of the registration lags, if they are drawn, and their seed.
    pub(crate) lags: Option<((Duration, Duration), Chance)>,
    /// Addresses that answer no health check.
    pub(crate) silent: BTreeSet<IpAddr>,
}

impl HealthChecks {
    /// The registration lag of a target that is registered now, if it is drawn.
    pub(crate) fn lag(&self, group: &str, id: IpAddr, now: SystemTime) -> Option<Duration> {
        let (range, chance) = self.lags?;
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        Some(chance.between(&format!("lag {group} {id} {since}"), range))
    }

    /// What the first health check says.
    pub(crate) fn first(&self, id: IpAddr) -> Health {
        if self.silent.contains(&id) { Health::Unhealthy } else { Health::Healthy }
    }
}
