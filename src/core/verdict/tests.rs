//! Verdicts by table: tasks and a target, and what a reconcile makes of them.

use super::Because::*;
use super::*;
use crate::core::drift::drift;
use crate::core::fixtures::{ADDRESS, binding, target, task};
use crate::core::knowledge::Knowledge;
use crate::core::task::Task;

/// What becomes of the first task's target, or of a stranger's if there is no task. `state` is that
/// of the target, if it is there.
fn verdict(tasks: &[Task], state: Option<&str>, prune: Prune, incomplete: bool) -> Verdict {
    let (target, ports) = (target(), Ports::new());
    let group = target.group.clone();
    let health = state.map(|state| Health { state: state.to_owned(), reason: String::new() });
    let is_present = health.as_ref().is_some_and(Health::is_present);
    let present = is_present.then(|| target.clone()).into_iter().collect();
    let of_group = health.map(|health| ((target.id, target.port), health)).into_iter().collect();
    let findings = Findings {
        present: [(group.clone(), present)].into(),
        knowledge: Knowledge::of(tasks.to_vec()),
        incomplete: incomplete.then(|| group.clone()).into_iter().collect(),
    };
    let bindings = [binding("demo", "demo", Some(80))];
    let plan = drift(&bindings, &ports, &findings, prune);
    let healths = [(group, of_group)].into();
    let view = View::new(&ports, &findings, &healths, prune, &plan);
    match tasks.first().and_then(|task| findings.knowledge.get(&task.arn)) {
        Some(known) => view.of_task(known, &bindings[0]),
        None => view.of_stranger(target),
    }
}

fn a_task(phase: Phase) -> Task {
    task("c50e", phase, ADDRESS)
}

#[test]
fn a_tasks_target_is_judged_by_its_phase_and_what_the_group_has() {
    use Phase::{Leaving, Serving, Starting};
    use Would::{Deregister, Nothing, Register};
    for (phase, state, would, because) in [
        (Serving, None, Register, Missing),
        (Serving, Some("draining"), Register, DrainsButServes),
        (Serving, Some("initial"), Nothing, InStep),
        (Starting, None, Nothing, NotRunning),
        (Starting, Some("healthy"), Nothing, NotRunning),
        (Leaving, Some("healthy"), Deregister, LeftOver),
        (Leaving, Some("draining"), Nothing, Left),
        (Leaving, None, Nothing, Left),
    ] {
        let verdict = verdict(&[a_task(phase)], state, Prune::Proven, false);
        assert_eq!((verdict.would, verdict.because), (would, because), "{phase:?} {state:?}");
        assert_eq!(verdict.target, Some(target()));
        assert_eq!(verdict.health.map(|health| health.state).as_deref(), state);
    }
}

#[test]
fn what_keeps_a_leaving_tasks_target_is_named() {
    let twin = |phase| Task { arn: task("d61f", phase, None).arn, ..a_task(phase) };
    let [leaving, serving, starting] =
        [a_task(Phase::Leaving), twin(Phase::Serving), twin(Phase::Starting)];
    let healthy = Some("healthy");
    for (tasks, state, prune, incomplete, because) in [
        (vec![leaving.clone()], healthy, Prune::Never, false, NeverPruned),
        (vec![leaving.clone()], healthy, Prune::Never, true, Incomplete),
        (vec![leaving.clone()], healthy, Prune::Proven, true, Incomplete),
        (vec![leaving.clone(), serving.clone()], healthy, Prune::Proven, false, Shared),
        (vec![leaving.clone(), serving], None, Prune::Proven, false, Shared),
        (vec![leaving, starting], healthy, Prune::Never, false, Shared),
    ] {
        let verdict = verdict(&tasks, state, prune, incomplete);
        assert_eq!((verdict.would, verdict.because), (Would::Nothing, because));
    }
}

#[test]
fn a_strangers_target_is_removed_only_by_the_policy_for_it() {
    use Would::{Deregister, Nothing};
    for (state, prune, incomplete, would, because) in [
        ("healthy", Prune::Proven, false, Nothing, Unowned),
        ("healthy", Prune::All, false, Deregister, Pruned),
        ("healthy", Prune::All, true, Nothing, Unclear),
        ("draining", Prune::All, true, Nothing, Drains),
    ] {
        let verdict = verdict(&[], Some(state), prune, incomplete);
        assert_eq!((verdict.would, verdict.because), (would, because));
    }
}

#[test]
fn a_task_without_a_target_is_told_what_is_missing() {
    let nowhere = |phase| verdict(&[task("c50e", phase, None)], None, Prune::Proven, false);
    assert_eq!(nowhere(Phase::Starting).because, NotRunning);
    assert_eq!(nowhere(Phase::Serving).because, NoAddress);
    assert_eq!(nowhere(Phase::Leaving).because, NoAddress);

    let (ports, findings, healths) = (Ports::new(), Findings::default(), Healths::new());
    let plan = Plan::default();
    let view = View::new(&ports, &findings, &healths, Prune::Proven, &plan);
    let knowledge = Knowledge::of([a_task(Phase::Serving)]);
    let known = knowledge.iter().next().unwrap();
    let verdict = view.of_task(known, &binding("demo", "demo", None));
    assert_eq!((verdict.because, verdict.target), (NoPort, None));
}

#[test]
fn a_verdict_that_a_report_skips_begins_with_the_reports_reason() {
    assert!(NotRunning.to_string().starts_with("not-running: the task "));
    assert!(NoAddress.to_string().starts_with("no-address: the task "));
    assert!(Shared.to_string().starts_with("superseded: the target's "));
    assert_eq!(Missing.to_string(), "the task serves, and its target is not registered");
}
