//! Targets of a target group, and the changes to them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddrV6};

use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;
use crate::core::task::TaskArn;

/// An address and port in a target group. ELB removes a target that was registered with a port
/// only if the same port is named, so there is no target without one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The target group.
    pub group: TargetGroupArn,
    /// The address at which a task serves.
    pub id: Ipv6Addr,
    /// The port on which it serves.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = SocketAddrV6::new(self.id, self.port, 0, 0);
        write!(f, "{address} in {}", self.group.name())
    }
}

/// A target that is to be registered or deregistered, and the task that is the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The task whose target it is; `None` for a target that no task explains.
    pub task: Option<TaskArn>,
    /// The target.
    pub target: Target,
}

/// The two ways to change a target group, in the order in which they are done: a rollout then
/// never leaves a group with fewer targets than it has serving tasks. Both may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Write {
    /// RegisterTargets: changes nothing for a registered target, and brings back a draining one.
    Register,
    /// DeregisterTargets: succeeds for a target that is not registered, too.
    Deregister,
}

impl Write {
    /// The name of the API call.
    pub fn action(self) -> &'static str {
        match self {
            Self::Register => "RegisterTargets",
            Self::Deregister => "DeregisterTargets",
        }
    }
}

/// A target within a group: address and port.
pub type AddressPort = (Ipv6Addr, u16);

/// The targets that a call left as they were although it was accepted, and why.
pub type Refused = BTreeMap<AddressPort, Failure>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::target;

    #[test]
    fn a_target_is_named_by_address_port_and_group_and_a_write_by_its_call() {
        assert_eq!(target().to_string(), "[::1]:80 in demo");
        assert_eq!(Write::Register.action(), "RegisterTargets");
        assert_eq!(Write::Deregister.action(), "DeregisterTargets");
    }
}
