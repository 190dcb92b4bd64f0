//! What is read of a service in deployment: the service, its tasks, and the health of their
//! targets.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::ecs::Desired;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, Cluster, Owner, TargetGroupArn};
use crate::core::deployment::gating;
use crate::core::failure::Failure;
use crate::core::health::{Health, Healths};
use crate::core::plan::Ports;
use crate::core::target::AddressPort;
use crate::core::task::Task;
use crate::flow::Settler;
use crate::flow::ports::known_ports;
use crate::input::deployment_event::ServiceArn;

/// A service by its cluster and name.
#[derive(Clone, Copy, Debug)]
pub struct ServiceName<'a> {
    /// Its cluster.
    pub cluster: &'a Cluster,
    /// Its name.
    pub name: &'a str,
}

impl ServiceName<'_> {
    /// Its ARN, for reports.
    pub fn arn(&self) -> String {
        self.cluster.arn_of_service(self.name)
    }

    /// The bindings in whose groups its new tasks have to be healthy.
    pub fn gating(&self, bindings: &[Binding]) -> Vec<Binding> {
        gating(bindings, self.cluster, &Owner::Service(self.name.to_owned()))
    }
}

/// What could be read of a service's tasks and targets. What could not is missing, and counts as
/// not ready.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Its tasks that are meant to run.
    pub tasks: Vec<Task>,
    /// The ports of its target groups.
    pub ports: Ports,
    /// The health of the targets there.
    pub healths: Healths,
    /// Groups that ELB does not know, and that only tags bind.
    pub gone: BTreeSet<TargetGroupArn>,
    /// Why something is missing.
    pub failures: Vec<Failure>,
}

impl Seen {
    /// Those of the bindings whose target groups are there.
    pub fn standing(&self, bindings: &[Binding]) -> Vec<Binding> {
        let stands = |binding: &&Binding| !self.gone.contains(&binding.target_group);
        bindings.iter().filter(stands).cloned().collect()
    }
}

/// The services that an ARN means, as the bindings name them: one, unless it has the old format.
pub fn services_of<'a>(arn: &ServiceArn, bindings: &'a [Binding]) -> Vec<ServiceName<'a>> {
    distinct(bindings.iter().filter(|binding| arn.is_bound_by(binding)))
}

/// The services of these bindings, each once.
pub fn distinct<'a>(bindings: impl Iterator<Item = &'a Binding>) -> Vec<ServiceName<'a>> {
    let mut services = Vec::<ServiceName>::new();
    for binding in bindings {
        let Owner::Service(name) = &binding.owner else { continue };
        let cluster = &binding.cluster;
        if !services.iter().any(|s| s.name == name && s.cluster.is_same(cluster)) {
            services.push(ServiceName { cluster, name });
        }
    }
    services
}

impl Settler<'_> {
    /// Reads the tasks of a service, and the health of their targets in the groups of `bindings`.
    pub async fn see(self, service: ServiceName<'_>, bindings: &[Binding]) -> Seen {
        let owner = Owner::Service(service.name.to_owned());
        let groups: BTreeSet<TargetGroupArn> =
            bindings.iter().map(|binding| binding.target_group.clone()).collect();
        let portless = bindings.iter().filter(|binding| binding.port.is_none());
        let portless: BTreeSet<TargetGroupArn> =
            portless.map(|binding| binding.target_group.clone()).collect();
        let (tasks, healths, ports) = tokio::join!(
            self.ecs.tasks_of(service.cluster, &owner, Desired::Running, self.limits),
            self.healths(groups),
            self.own_ports(portless, self.limits),
        );
        let mut seen = Seen { tasks: tasks.tasks, ports: known_ports(&ports), ..Seen::default() };
        seen.failures.extend(tasks.error);
        let failed = ports.into_iter().filter_map(|(group, port)| Some((group, port.err()?)));
        let failed = failed.filter(|(group, failure)| !self.is_gone(group, failure));
        seen.failures.extend(failed.map(|(_, failure)| failure));
        for (group, health) in healths {
            match health {
                Ok(health) => drop(seen.healths.insert(group, health)),
                Err(failure) if self.is_gone(&group, &failure) => drop(seen.gone.insert(group)),
                Err(failure) => seen.failures.push(failure),
            }
        }
        seen
    }

    /// The health of all targets of these groups.
    pub async fn healths(
        self,
        groups: BTreeSet<TargetGroupArn>,
    ) -> BTreeMap<TargetGroupArn, Result<BTreeMap<AddressPort, Health>, Failure>> {
        let healths = groups.into_iter().map(async |group| {
            let health = self.targets.health(&group, self.limits).await;
            (group, health)
        });
        side_by_side(healths).await.into_iter().collect()
    }
}
