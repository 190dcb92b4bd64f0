//! The ports that target groups give to targets whose binding names none.

use std::collections::BTreeMap;

use crate::aws::rate_limits::Limits;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::TargetGroupArn;
use crate::core::failure::Failure;
use crate::core::plan::Ports;
use crate::flow::Settler;

/// The own ports of target groups whose bindings name none, or why a port could not be read.
pub type OwnPorts = BTreeMap<TargetGroupArn, Result<u16, Failure>>;

impl Settler<'_> {
    /// Asks the target groups for their own port.
    pub async fn own_ports(
        self,
        groups: impl IntoIterator<Item = TargetGroupArn>,
        limits: &Limits,
    ) -> OwnPorts {
        let ports = groups.into_iter().map(async |group| {
            let port = self.targets.own_port(&group, limits).await;
            (group, port)
        });
        side_by_side(ports).await.into_iter().collect()
    }
}

/// The ports that could be read.
pub fn known_ports(ports: &OwnPorts) -> Ports {
    let known =
        ports.iter().filter_map(|(group, port)| Some((group.clone(), *port.as_ref().ok()?)));
    known.collect()
}
