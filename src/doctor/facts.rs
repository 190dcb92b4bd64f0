//! What doctor has read about a binding: plain facts, each of which may have failed to be read.

mod ec2;
mod ecs;
mod elb;
mod lattice;
mod listener;

pub use ec2::{Inbound, SecurityGroup, Subnet};
pub use ecs::{Container, Deployment, NativeGroup, Ports, Service, TaskDefinition};
pub use elb::{
    AssumedRole, Attributes, Balancer, HealthCheck, LoadBalancer, Quotas, Target, TargetGroup,
    TargetsPerGroup, Zone,
};
pub use lattice::LatticeGroup;
pub use listener::{ClientFamily, Forward, Listener, Rule};

use std::time::Duration;

use crate::core::failure::Failure;
use crate::core::task::{Phase, Task};

/// A fact, or why it could not be read.
pub type Read<T> = Result<T, Failure>;

/// All that is known about one binding.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The role by which the group is reached; `None` if it is the function's own.
    pub role: Option<AssumedRole>,
    /// Whether the targets are registered in zone `all`, as those outside the group's VPC.
    pub all_zones: bool,
    /// The bound target group; `None` if there is none of that ARN.
    pub target_group: Read<Option<TargetGroup>>,
    /// Its attributes.
    pub attributes: Read<Attributes>,
    /// Its targets, whatever their state.
    pub targets: Read<Vec<Target>>,
    /// What forwards to it; `None` if nothing does.
    pub front: Read<Option<Balancer>>,
    /// The bound target group, if it is one of VPC Lattice; nothing is then known of ELB.
    pub lattice: Read<Option<LatticeGroup>>,
    /// How many targets this account may have.
    pub quotas: Read<Quotas>,
    /// The bound service; `None` if there is none, or if a family is bound.
    pub service: Read<Option<Service>>,
    /// The other target groups that ECS fills for the service by itself.
    pub native_groups: Read<Vec<NativeGroup>>,
    /// What the service's or the family's next task will be made from; `None` if that is unknown
    /// because there is no service.
    pub task_definition: Read<Option<TaskDefinition>>,
    /// The service's or the family's tasks that are meant to run.
    pub tasks: Read<Vec<Task>>,
    /// The security groups of the service's tasks; none if they are not known.
    pub security_groups: Read<Vec<SecurityGroup>>,
    /// The subnets of the service's tasks, if some of these lack an address.
    pub subnets: Read<Vec<Subnet>>,
    /// How long the function may hold a deployment of the service; `None` if it holds none.
    pub hold: Option<Duration>,
}

impl Facts {
    /// The groups of the same load balancer that ECS fills for the service. A task stands in each
    /// of them beside its target in the bound group.
    pub fn native_groups_beside(&self) -> Result<Vec<&NativeGroup>, &Failure> {
        let group = self.target_group.as_ref()?.as_ref();
        let balancer = group.and_then(|group| group.load_balancers.first());
        let natives = self.native_groups.as_ref()?.iter();
        let beside = |native: &&NativeGroup| {
            balancer.is_some_and(|balancer| native.load_balancers.contains(balancer))
        };
        Ok(natives.filter(beside).collect())
    }

    /// Whether something sends clients to the group.
    pub fn is_in_use(&self) -> Result<bool, &Failure> {
        let lattice = self.lattice.as_ref()?.as_ref();
        let has_service = lattice.is_some_and(|group| !group.services.is_empty());
        Ok(has_service || self.front.as_ref()?.is_some())
    }

    /// The tasks that serve and have an address, so that they belong in the group.
    pub fn serving_tasks(&self) -> Result<Vec<&Task>, &Failure> {
        let serves = |task: &&Task| task.phase == Phase::Serving && task.address.is_some();
        Ok(self.tasks.as_ref()?.iter().filter(serves).collect())
    }
}
