//! `{"action":"doctor"}`: checks each binding against the account and says how to fix what is
//! wrong. It writes nothing. What it finds is its answer, and never a function error.
//!
//! Every binding gets these checks, in this order, as far as they apply to it. `fail` means that
//! IPv6 clients are not served, or will not be; `warn` that they are, with a drawback that may be
//! intended. A check whose facts cannot be read fails, and its `fix` names the IAM action that is
//! missing; `load-balancer` only warns without the rules, because ELB says that something uses the
//! group, and `security-group` and `subnets` only warn, because nothing else needs EC2. A check
//! that does not apply is left out: the middle column says when.
//!
//! | check | left out | what has to hold |
//! | --- | --- | --- |
//! | `role` | no role | the role of another account can be assumed |
//! | `target-group` | | the target group exists, with target type `ip` and IP address type `ipv6` |
//! | `load-balancer` | no target group | a listener of an active dualstack Network Load Balancer forwards IPv6 clients to it, by a rule or its default action, with a weight above 0; IPv4 clients that rules send elsewhere find targets |
//! | `source-nat` | not UDP, no load balancer | the load balancer has prefixes for IPv6 source NAT |
//! | `client-ip` | no target group, not TCP or TLS | the targets see the clients' addresses |
//! | `zones` | no load balancer | every enabled zone has a target, or cross-zone load balancing is on; with `"zone": "all"`, the group does not take UDP |
//! | `health-check` | not UDP, no task definition | a container maps the port of the health check for TCP, or a target is healthy |
//! | `health` | no load balancer, no serving task with an address | the targets of the serving tasks are healthy |
//! | `security-group` | no target group, a family is bound, the service names no security group | the tasks' security groups let IPv6 in on the target's port and the health check's |
//! | `quota` | no target group | a deployment that doubles the targets stays within the quotas, which count both groups of a task that ECS registers behind the same load balancer |
//! | `service` | a family is bound | the service exists and is `ACTIVE` |
//! | `not-attached` | a family is bound, no service | ECS does not fill the same target group by itself |
//! | `network-mode` | no service | the task definition has network mode `awsvpc` |
//! | `task-addresses` | no service | the running tasks have IPv6 addresses |
//! | `subnets` | a family is bound, no running task lacks an address | why tasks lack addresses: the subnets have IPv6 ranges and assign addresses |
//! | `deployment` | a family is bound, no service | ECS deploys in rolling updates |
//! | `rollout` | a family is bound, no service, no load balancer, an external deployment controller | something keeps old tasks until the IPv6 targets of new ones are healthy |
//! | `drain` | no target group, no service | a task serves on until its target is drained |
//!
//! A group of VPC Lattice gets `lattice-service` (a service of VPC Lattice uses the group) in place
//! of `load-balancer`, and of the other checks those that are not about load balancers: neither
//! `role`, `source-nat`, `client-ip`, `zones` nor `health-check`.
//!
//! With bindings by tags, every tagged target group also gets the check `tag`: its tag is
//! well-formed.
//!
//! [`facts`] is what was read. `gather` reads it. `judge` and the checks behind it decide, without
//! network or clock.

mod ec2;
mod ecs;
mod elb;
pub mod facts;
mod gather;
mod judge;
mod lattice;
mod memo;
pub mod tag;
#[cfg(test)]
mod tests;
mod unread;
pub mod verdict;

use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use crate::aws::accounts::Accounts;
use crate::aws::clients::Clients;
use crate::aws::ecs::Ecs;
use crate::aws::lattice::Lattice;
use crate::aws::rate_limits::Limits;
use crate::core::binding::Binding;
use crate::core::deployment::is_held;
use crate::doctor::ec2::reads::Network;
use crate::doctor::ecs::reads::Services;
use crate::doctor::elb::reads::LoadBalancers;
use facts::Facts;
use gather::Reads;
use judge::judge;
use verdict::{Check, Diagnosis, Status};

/// What reads the facts.
#[derive(Clone, Debug)]
pub struct Doctor {
    load_balancers: LoadBalancers,
    lattice: Lattice,
    services: Services,
    network: Network,
    ecs: Ecs,
}

impl Doctor {
    /// A doctor that reads by these clients, and what is about target groups in their accounts.
    pub fn new(clients: &Clients, accounts: Accounts) -> Self {
        Self {
            load_balancers: LoadBalancers { accounts },
            lattice: clients.lattice.clone(),
            services: Services::new(clients.ecs_calls.clone()),
            network: Network::new(clients.ec2.clone()),
            ecs: Ecs::new(clients),
        }
    }

    /// Examines all bindings at the same time. `hold` is how long the function may hold a
    /// deployment; `None` holds none.
    pub async fn examine(
        &self,
        bindings: &[Binding],
        hold: Option<Duration>,
        limits: &Limits,
    ) -> Diagnosis {
        let reads = Reads::new(self, limits);
        let facts = stream::iter(bindings).map(async |binding| {
            let facts = reads.facts(binding).await;
            Facts { hold: hold.filter(|_| is_held(bindings, binding)), ..facts }
        });
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
