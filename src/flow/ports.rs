//! The ports that target groups give to targets whose binding names none.

use std::collections::BTreeMap;

use crate::aws::rate_limits::Limits;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Source, TargetGroupArn};
use crate::core::failure::{Code, Failure};
use crate::core::plan::Ports;
use crate::flow::Settler;

/// With more groups than this, the ports of those that tags bind are looked up together: one by one
/// that would take a tenth of a second for each.
const FEW: usize = 20;

/// How many ports are looked up together.
const TOGETHER: usize = 100;

/// The own ports of target groups whose bindings name none, or why a port could not be read.
pub type OwnPorts = BTreeMap<TargetGroupArn, Result<u16, Failure>>;

impl Settler<'_> {
    /// Asks the target groups for their own port.
    pub async fn own_ports(
        self,
        groups: impl IntoIterator<Item = TargetGroupArn>,
        limits: &Limits,
    ) -> OwnPorts {
        let groups: Vec<TargetGroupArn> = groups.into_iter().collect();
        if groups.len() > FEW && self.bindings.iter().any(|b| b.source == Source::Tag) {
            self.fetch_together(&groups, limits).await;
        }
        let ports = groups.into_iter().map(async |group| {
            let port = self.targets.own_port(&group, limits).await;
            (group, port)
        });
        side_by_side(ports).await.into_iter().collect()
    }

    /// Looks up ports in few calls. A group that is gone fails the whole call, and is found by
    /// halving. What is not found here is looked up by itself.
    async fn fetch_together(self, groups: &[TargetGroupArn], limits: &Limits) {
        let unknown = groups.iter().filter(|group| self.targets.port_at_hand(group).is_none());
        let unknown: Vec<&TargetGroupArn> = unknown.collect();
        let mut parts: Vec<&[&TargetGroupArn]> = unknown.chunks(TOGETHER).collect();
        while let Some(part) = parts.pop() {
            let fetched = self.targets.fetch_ports(part, limits).await;
            let is_missing =
                |error: Failure| error.code == Code::of_aws(Some("TargetGroupNotFound"));
            if fetched.err().is_some_and(is_missing) && part.len() > 1 {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
            }
        }
    }
}

/// The ports that could be read.
pub fn known_ports(ports: &OwnPorts) -> Ports {
    let known =
        ports.iter().filter_map(|(group, port)| Some((group.clone(), *port.as_ref().ok()?)));
    known.collect()
}
