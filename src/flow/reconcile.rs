//! The wide net: makes the target groups contain the serving tasks, whatever events were lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::drift::{Prune, drift, in_step};
use crate::flow::Settler;
use crate::flow::rollout::Seen;
use crate::flow::settle::Outcomes;
use crate::flow::survey::Survey;
use crate::report::Report;

/// How many targets of serving tasks each group contains.
pub type InStep = BTreeMap<TargetGroupArn, usize>;

impl Settler<'_> {
    /// Reconciles these bindings, which are all of their target groups; nothing is removed from
    /// the groups in `kept`. A binding fails if something about it cannot be read: then nothing
    /// is removed from its target group, but tasks that could be read are registered. Other
    /// bindings are not affected. Also returns how many targets of serving tasks each group already
    /// contained.
    pub async fn reconcile(
        self,
        bindings: Vec<Binding>,
        kept: BTreeSet<TargetGroupArn>,
        prune: Prune,
        now: SystemTime,
    ) -> (Report, InStep) {
        let surveyed: BTreeSet<TargetGroupArn> =
            bindings.iter().map(|binding| binding.target_group.clone()).collect();
        let survey = self.survey(bindings, kept, prune).await;
        let Survey { readable, ports, mut findings, healths, gone, mut report } = survey;
        let in_step = in_step(&readable, &ports, &findings);
        let plan = drift(&readable, &ports, &findings, prune);
        let tasks = findings.knowledge.iter().filter(|_| self.hold.is_some());
        let tasks = tasks.map(|known| known.task.clone()).collect();
        let seen = Seen { tasks, ports: ports.clone(), healths, gone, failures: Vec::new() };
        let outcomes = Outcomes::new();
        // Neither waits for the other: a hold keeps no target from being registered.
        let (_, holds) = tokio::join!(
            self.carry_out(plan, &ports, &mut findings.knowledge, outcomes, &mut report),
            self.holds(seen, &surveyed, now),
        );
        report.add_holds(holds);
        (report, in_step)
    }
}
