//! Reads the facts of a binding of a target group of VPC Lattice.

use super::Reads;
use super::on_service::OnService;
use crate::core::binding::Binding;
use crate::core::failure::{Code, Failure};
use crate::doctor::facts::Facts;
use crate::doctor::lattice::reads;

impl Reads<'_> {
    /// Nothing is read of ELB.
    pub async fn facts_in_lattice(&self, binding: &Binding) -> Facts {
        let (group, lattice) = (&binding.target_group, &self.doctor.lattice);
        let arn = group.as_str();
        let targets = self.slot(reads::targets(lattice, group, self.limits));
        let of_group = self.slot(reads::group(lattice, group, self.limits));
        let (targets, lattice, on_service, (tasks, subnets)) = tokio::join!(
            self.targets.get(arn, targets),
            self.lattice_groups.get(arn, of_group),
            self.service_and_more(binding),
            self.tasks_and_subnets(binding),
        );
        let OnService { service, native_groups, task_definition, security_groups } = on_service;
        let not_read = Failure::new("none", Code::NotSent, "not read for VPC Lattice");
        Facts {
            role: None,
            all_zones: false,
            target_group: Ok(None),
            attributes: Err(not_read.clone()),
            targets,
            front: Ok(None),
            lattice,
            quotas: Err(not_read),
            service,
            native_groups,
            task_definition,
            tasks,
            security_groups,
            subnets,
            hold: None,
        }
    }
}
