//! Taking a target group out of use: all its targets that tasks of its bindings explain are
//! deregistered, before its tag is removed.

use std::collections::BTreeSet;

use crate::aws::ecs::Desired;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::knowledge::Knowledge;
use crate::core::plan::{Plan, targets_of};
use crate::core::target::{Change, Target};
use crate::flow::Settler;
use crate::flow::ports::known_ports;
use crate::flow::settle::Outcomes;
use crate::flow::survey::owners;
use crate::report::Report;
use crate::report::entry::Entry;
use crate::report::failed::{Failed, FailedTags};

impl Settler<'_> {
    /// Deregisters the targets of a group that tasks of its bindings explain, whatever their state:
    /// starting, serving or stopped. It does not last: events and reconciles register again as long
    /// as the group is bound.
    pub async fn release(self, group: &TargetGroupArn) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        if let Some(gap) = self.gap {
            report.failed.push(Failed::Tags(FailedTags::new(None, &gap.failure)));
        }
        let of_group = self.bindings.iter().filter(|binding| binding.target_group == *group);
        let bindings: Vec<Binding> = of_group.cloned().collect();
        if bindings.is_empty() {
            return report;
        }
        let portless = bindings.iter().filter(|binding| binding.port.is_none());
        let portless: BTreeSet<TargetGroupArn> = portless.map(|_| group.clone()).collect();
        let (ports, health, mut knowledge) = tokio::join!(
            self.own_ports(portless, self.limits),
            self.targets.health(group, self.limits),
            self.tasks_of(&bindings, &mut report),
        );
        let entry = || Entry::from(group.clone());
        let ports_known = known_ports(&ports);
        for error in ports.into_values().filter_map(Result::err) {
            self.fail(&mut report, entry(), &error);
        }
        let present: BTreeSet<Target> = match health {
            Ok(health) => {
                let present = health.into_iter().filter(|(_, health)| health.is_present());
                present.map(|((id, port), _)| Target { group: group.clone(), id, port }).collect()
            }
            Err(error) => {
                self.fail(&mut report, entry(), &error);
                return report;
            }
        };
        let mut plan = Plan::default();
        for known in knowledge.iter() {
            let explained = targets_of(&bindings, &ports_known, known).into_iter();
            let explained = explained.filter(|target| present.contains(target));
            let task = Some(known.task.arn.clone());
            plan.deregister.extend(explained.map(|target| Change { task: task.clone(), target }));
        }
        self.carry_out(plan, &ports_known, &mut knowledge, Outcomes::new(), &mut report).await;
        report
    }

    /// The tasks of the bindings, running and stopped. What cannot be read fails.
    async fn tasks_of(self, bindings: &[Binding], report: &mut Report) -> Knowledge {
        let mut knowledge = Knowledge::default();
        let owners = owners(bindings.iter());
        let reads = [Desired::Running, Desired::Stopped].into_iter().flat_map(|desired| {
            let owners = owners.iter().copied();
            owners.map(move |(cluster, owner)| async move {
                self.ecs.tasks_of(cluster, owner, desired, self.limits).await
            })
        });
        for found in side_by_side(reads).await {
            if let Some(error) = &found.error {
                report.fail(Entry::from(bindings[0].target_group.clone()), error);
            }
            knowledge.extend(found.tasks);
        }
        knowledge
    }
}
