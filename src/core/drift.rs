//! Pure decisions for a reconcile: what has to change in target groups so that they hold the
//! addresses of the serving tasks, and what may be removed from them.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::binding::{Binding, Owner, TargetGroupArn};
use crate::core::knowledge::Knowledge;
use crate::core::plan::{Plan, Ports, Reason, plan, targets_of};
use crate::core::target::{Change, Target};
use crate::core::task::Phase;

/// What a reconcile may remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prune {
    /// It may remove addresses of stopped tasks of a bound service.
    #[default]
    Proven,
    /// It may remove every target that no starting or serving task explains.
    All,
    /// It may remove nothing.
    Never,
}

/// What was read about the target groups and tasks that the bindings name.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The targets of each group that could be read, without those that drain. They were read
    /// before the tasks were.
    pub present: BTreeMap<TargetGroupArn, BTreeSet<Target>>,
    /// The tasks of the bound services, running and stopped.
    pub knowledge: Knowledge,
    /// Groups with tasks that could not be read. Nothing is removed from these, because a task that
    /// was not found may still exist.
    pub incomplete: BTreeSet<TargetGroupArn>,
}

/// Decides what to change so that the groups contain the serving tasks, and what to remove under
/// `prune`.
pub fn drift(bindings: &[Binding], ports: &Ports, findings: &Findings, prune: Prune) -> Plan {
    let Findings { present, knowledge, .. } = findings;
    let mut plan = plan(bindings, ports, knowledge);
    let mut doubtful = groups_awaiting_an_address(bindings, knowledge);
    doubtful.extend(groups_of_unknown_families(bindings, knowledge));
    let proven: BTreeMap<Target, Change> =
        plan.deregister.drain(..).map(|change| (change.target.clone(), change)).collect();
    for target in unexplained(bindings, ports, findings) {
        match (prune, proven.get(&target)) {
            (Prune::Proven | Prune::All, Some(change)) => plan.deregister.push(change.clone()),
            (Prune::All, None) if !doubtful.contains(&target.group) => {
                plan.deregister.push(Change { task: None, target });
            }
            _ => plan.unowned.push(target),
        }
    }
    plan.register.retain(|change| {
        present.get(&change.target.group).is_some_and(|targets| !targets.contains(&change.target))
    });
    // No event reported these tasks, so a stopped one needs no entry in the report.
    plan.skipped.retain(|skipped| match skipped.reason {
        Reason::NoAddress => {
            let known = skipped.task.as_ref().and_then(|task| knowledge.get(task));
            known.is_some_and(|known| known.task.phase == Phase::Serving)
        }
        reason => reason == Reason::NotRunning,
    });
    plan
}

/// The targets that no task known so far explains, in groups whose tasks could all be read: only
/// those can be removed.
pub fn unexplained(bindings: &[Binding], ports: &Ports, findings: &Findings) -> BTreeSet<Target> {
    let explained = explained(bindings, ports, &findings.knowledge);
    let whole = findings.present.iter().filter(|(group, _)| !findings.incomplete.contains(*group));
    whole.flat_map(|(_, targets)| targets.difference(&explained).cloned()).collect()
}

/// How many targets of serving tasks each group already contains, for groups that could be read.
pub fn in_step(
    bindings: &[Binding],
    ports: &Ports,
    findings: &Findings,
) -> BTreeMap<TargetGroupArn, usize> {
    let serving = findings.knowledge.iter().filter(|known| known.task.phase == Phase::Serving);
    let wanted: BTreeSet<Target> =
        serving.flat_map(|known| targets_of(bindings, ports, known)).collect();
    let held = |targets: &BTreeSet<Target>| targets.intersection(&wanted).count();
    findings.present.iter().map(|(group, targets)| (group.clone(), held(targets))).collect()
}

/// The groups of tasks that are to run and that ECS shows without an address. A read that lags
/// behind may show a serving task like this, so any target could be that task's.
fn groups_awaiting_an_address(
    bindings: &[Binding],
    knowledge: &Knowledge,
) -> BTreeSet<TargetGroupArn> {
    let awaiting = knowledge
        .iter()
        .filter(|known| known.task.phase == Phase::Starting && known.task.address.is_none());
    let groups = awaiting.flat_map(|known| bindings.iter().filter(|b| b.covers(&known.task)));
    groups.map(|binding| binding.target_group.clone()).collect()
}

/// The groups of families without any task in ECS, running or stopped. ListTasks answers a mistyped
/// family with an empty list, while a mistyped service is an error (ECS API reference, ListTasks:
/// ServiceNotFoundException).
fn groups_of_unknown_families(
    bindings: &[Binding],
    knowledge: &Knowledge,
) -> BTreeSet<TargetGroupArn> {
    let families = bindings.iter().filter(|binding| matches!(binding.owner, Owner::Family(_)));
    let unknown = families.filter(|b| !knowledge.iter().any(|known| b.covers(&known.task)));
    unknown.map(|binding| binding.target_group.clone()).collect()
}

/// The targets of tasks that serve, and of those about to: a start can be faster than a read of
/// ECS that lags behind.
fn explained(bindings: &[Binding], ports: &Ports, knowledge: &Knowledge) -> BTreeSet<Target> {
    let staying = knowledge.iter().filter(|known| known.task.phase != Phase::Leaving);
    staying.flat_map(|known| targets_of(bindings, ports, known)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fixtures::{ADDRESS, binding, group, target, task};
    use crate::core::task::Task;

    /// What was read: the group `demo` with its one target, and these tasks.
    fn findings(tasks: impl IntoIterator<Item = Task>) -> Findings {
        Findings {
            present: [(group("demo"), [target()].into())].into(),
            knowledge: Knowledge::of(tasks),
            incomplete: BTreeSet::new(),
        }
    }

    fn drifted(bindings: &[Binding], findings: &Findings) -> Plan {
        drift(bindings, &Ports::new(), findings, Prune::All)
    }

    #[test]
    fn a_group_is_emptied_unless_a_task_or_family_may_explain_its_targets() {
        let service = binding("demo", "demo", Some(80));
        let elsewhere = Some("2001:db8::2".parse().unwrap());
        let family = Owner::Family("demo".into());
        let family = Binding { owner: family, ..service.clone() };
        let of_family = Task { group: "family:demo".into(), ..task("c50e", Phase::Leaving, None) };
        for (binding, task, removed) in [
            (&service, None, 1),
            (&service, Some(task("c50e", Phase::Leaving, ADDRESS)), 1),
            (&service, Some(task("c50e", Phase::Starting, None)), 0),
            (&service, Some(task("c50e", Phase::Starting, elsewhere)), 1),
            (&service, Some(task("c50e", Phase::Serving, None)), 1),
            (&service, Some(of_family.clone()), 1),
            (&family, None, 0),
            (&family, Some(of_family), 1),
        ] {
            let plan = drifted(std::slice::from_ref(binding), &findings(task.clone()));
            assert_eq!((plan.deregister.len(), plan.unowned.len()), (removed, 1 - removed));
        }
    }

    #[test]
    fn of_tasks_without_a_change_only_those_that_could_serve_are_skipped() {
        let bindings = [binding("demo", "demo", Some(80))];
        for (phase, address, reason) in [
            (Phase::Starting, ADDRESS, Some(Reason::NotRunning)),
            (Phase::Serving, None, Some(Reason::NoAddress)),
            (Phase::Leaving, None, None),
        ] {
            let plan = drifted(&bindings, &findings([task("c50e", phase, address)]));
            let reasons: Vec<Reason> = plan.skipped.iter().map(|skipped| skipped.reason).collect();
            assert_eq!(reasons, reason.into_iter().collect::<Vec<_>>(), "{phase:?}");
        }
        let [old, new] = [(Phase::Leaving, "old"), (Phase::Serving, "new")]
            .map(|(phase, id)| task(id, phase, ADDRESS));
        let plan = drifted(&bindings, &findings([old, new]));
        assert_eq!(plan, Plan::default(), "the address is in use again");
    }

    #[test]
    fn only_what_serves_is_in_step_and_only_groups_that_were_read_are_filled() {
        let bindings = ["demo", "unread"].map(|name| binding("demo", name, Some(80)));
        for (phase, contained) in [(Phase::Serving, 1), (Phase::Starting, 0), (Phase::Leaving, 0)] {
            let findings = findings([task("c50e", phase, ADDRESS)]);
            let in_step = in_step(&bindings, &Ports::new(), &findings);
            assert_eq!(in_step, [(group("demo"), contained)].into(), "{phase:?}");
            assert_eq!(drifted(&bindings, &findings).register, [], "{phase:?}");
        }
    }
}
