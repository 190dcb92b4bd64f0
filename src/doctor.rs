//! `{"action":"doctor"}`: checks each binding against the account and says how to mend what is
//! wrong. It writes nothing. What it finds is its answer, and never a function error.
//!
//! Every binding gets these checks, in this order, as far as they apply to it. `fail` means that
//! IPv6 clients are not served, or will not be; `warn` that they are, with a drawback that may be
//! wanted. A check whose facts cannot be read fails, and its `fix` names the IAM action that is
//! missing. A check that does not apply is left out: the middle column says when.
//!
//! | check | left out | what has to hold |
//! | --- | --- | --- |
//! | `target-group` | | the target group exists, with target type `ip` and IP address type `ipv6` |
//! | `load-balancer` | no target group | a listener of an active dualstack Network Load Balancer forwards to it |
//! | `source-nat` | not UDP, no load balancer | the load balancer has prefixes for IPv6 source NAT |
//! | `client-ip` | no target group, not TCP or TLS | the targets see the clients' addresses |
//! | `zones` | no load balancer | every enabled zone has a target, or cross-zone load balancing is on |
//! | `quota` | no target group | a deployment that doubles the targets stays within the quota |
//! | `service` | a family is bound | the service exists and is `ACTIVE` |
//! | `not-attached` | a family is bound, no service | ECS does not fill the same target group by itself |
//! | `network-mode` | no service | the task definition has network mode `awsvpc` |
//! | `task-addresses` | no service | the running tasks have IPv6 addresses |
//! | `drain` | no target group, no service | a task serves on until its target is drained |
//!
//! [`facts`] is what was read. `gather` reads it. `judge` and the checks behind it decide, without
//! network or clock.

mod ecs_checks;
mod elb_checks;
pub mod facts;
mod gather;
mod judge;
mod memo;
#[cfg(test)]
mod tests;

use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use tracing::{info, warn};

use crate::binding::Binding;
use crate::ecs::Ecs;
use crate::limits::Limits;
use crate::load_balancers::LoadBalancers;
use crate::services::Services;
use crate::traffic::Counter;
use gather::Reads;
use judge::judge;

/// What reads the facts.
#[derive(Clone, Debug)]
pub struct Doctor {
    load_balancers: LoadBalancers,
    services: Services,
    ecs: Ecs,
}

/// What was found in all bindings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Whether nothing failed; warnings are allowed.
    pub ok: bool,
    /// The checks, in the order of the bindings.
    pub checks: Vec<Check>,
}

/// What was found in one check of one binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The binding, for people: `service:demo-service in demo-cluster → demo-ipv6:8080`.
    pub binding: String,
    /// The check's name, which stays the same.
    pub check: &'static str,
    /// What came of it.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// A sentence or command that mends it; empty if nothing is to be mended.
    pub fix: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Pass,
    /// IPv6 clients are served, with a drawback.
    Warn,
    /// IPv6 clients are not served, or will not be, or it is not known.
    Fail,
}

impl Doctor {
    /// A doctor whose clients have these settings.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            load_balancers: LoadBalancers::new(config),
            services: Services::new(config),
            ecs: Ecs::new(config, &Counter::default()),
        }
    }

    /// Examines all bindings at the same time.
    pub async fn examine(&self, bindings: &[Binding], limits: &Limits) -> Diagnosis {
        let reads = Reads::new(self, limits);
        let facts = stream::iter(bindings).map(|binding| reads.facts(binding));
        let facts: Vec<_> = facts.buffered(bindings.len().max(1)).collect().await;
        let checks: Vec<Check> = bindings
            .iter()
            .zip(&facts)
            .flat_map(|(binding, facts)| judge(binding, facts))
            .collect();
        let ok = checks.iter().all(|check| check.status != Status::Fail);
        Diagnosis { ok, checks }
    }
}

impl Diagnosis {
    /// Writes a line to the log for every check that did not pass, and one for all.
    pub fn log(&self) {
        let count = |status| self.checks.iter().filter(|check| check.status == status).count();
        for Check { binding, check, status, detail, fix } in &self.checks {
            if *status != Status::Pass {
                warn!(binding, check, ?status, detail, fix, "check did not pass");
            }
        }
        let (pass, warn, fail) = (count(Status::Pass), count(Status::Warn), count(Status::Fail));
        info!(input = "doctor", pass, warn, fail, "examined");
    }
}
