//! Reads the facts about a service, its tasks, and what surrounds them.

use std::collections::BTreeSet;

use super::Reads;
use crate::core::binding::{Binding, Owner};
use crate::core::task::Task;
use crate::doctor::facts::{NativeGroup, Read, SecurityGroup, Service, Subnet, TaskDefinition};

/// What is known of a service, and what follows from it. By default there is none.
pub(super) struct OnService {
    pub(super) service: Read<Option<Service>>,
    pub(super) native_groups: Read<Vec<NativeGroup>>,
    pub(super) task_definition: Read<Option<TaskDefinition>>,
    pub(super) security_groups: Read<Vec<SecurityGroup>>,
}

impl Default for OnService {
    fn default() -> Self {
        Self {
            service: Ok(None),
            native_groups: Ok(Vec::new()),
            task_definition: Ok(None),
            security_groups: Ok(Vec::new()),
        }
    }
}

impl Reads<'_> {
    /// The service, and the facts that can only be read once it is known.
    pub(super) async fn service_and_more(&self, binding: &Binding) -> OnService {
        let name = match &binding.owner {
            Owner::Service(name) => name,
            Owner::Family(family) => {
                let task_definition = self.task_definition(Some(family)).await;
                return OnService { task_definition, ..OnService::default() };
            }
        };
        let service = self.service(binding.cluster.as_str(), name).await;
        match &service {
            Ok(Some(known)) => {
                let (native_groups, task_definition, security_groups) = tokio::join!(
                    self.native_groups(known, binding),
                    self.task_definition(known.task_definition.as_deref()),
                    self.security_groups(known, binding),
                );
                OnService { service, native_groups, task_definition, security_groups }
            }
            Ok(None) => OnService::default(),
            Err(error) => OnService {
                native_groups: Err(error.clone()),
                task_definition: Err(error.clone()),
                service,
                ..OnService::default()
            },
        }
    }

    /// VPC Lattice comes from a prefix list of its own, whose addresses are not read.
    async fn security_groups(
        &self,
        service: &Service,
        binding: &Binding,
    ) -> Read<Vec<SecurityGroup>> {
        let ids = &service.security_groups;
        if ids.is_empty() || binding.target_group.is_lattice() {
            return Ok(Vec::new());
        }
        let read = self.doctor.network.security_groups(ids, self.limits);
        self.security_groups.get(&ids.join(" "), self.slot(read)).await
    }

    /// The tasks, and the service's subnets if they may be the reason why tasks lack an address.
    pub(super) async fn tasks_and_subnets(
        &self,
        binding: &Binding,
    ) -> (Read<Vec<Task>>, Read<Vec<Subnet>>) {
        let tasks = self.tasks(binding).await;
        let service = match &binding.owner {
            Owner::Service(name) if tasks.iter().flatten().any(Task::serves_without_address) => {
                self.service(binding.cluster.as_str(), name).await
            }
            _ => Ok(None),
        };
        let ids = match service {
            Ok(Some(service)) if !service.subnets.is_empty() => service.subnets,
            _ => return (tasks, Ok(Vec::new())),
        };
        let read = self.doctor.network.subnets(&ids, self.limits);
        (tasks, self.subnets.get(&ids.join(" "), self.slot(read)).await)
    }

    /// They are in the function's own account. One that no longer exists is ignored, and one of
    /// several entries counts once. Beside a group of VPC Lattice they are of no interest.
    async fn native_groups(&self, service: &Service, binding: &Binding) -> Read<Vec<NativeGroup>> {
        let bound = binding.target_group.as_str();
        let mut groups = Vec::new();
        if binding.target_group.is_lattice() {
            return Ok(groups);
        }
        let arns: BTreeSet<&String> = service.target_groups.iter().collect();
        for arn in arns.into_iter().filter(|arn| *arn != bound) {
            if let Some(group) = self.target_group(None, arn).await? {
                let targets = match group.load_balancers.is_empty() {
                    true => Ok(Vec::new()),
                    false => self.targets(None, arn).await,
                };
                groups.push(NativeGroup {
                    name: group.name,
                    protocol: group.protocol,
                    load_balancers: group.load_balancers,
                    targets,
                    deregistration_delay: self.attributes(None, arn).await?.deregistration_delay,
                });
            }
        }
        Ok(groups)
    }
}
