//! What is remembered of settling whole groups, so that messages which still wait in the queue cost
//! nothing where they say nothing new.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime};

use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::health::{Health, Healths};
use crate::core::knowledge::{Knowledge, Known};
use crate::core::plan::{Ports, target_of};
use crate::core::task::{Phase, Task, TaskArn};

/// How long it is remembered. Until then no message returns of which an earlier try changed
/// something after the reads: the queue hides it for longer than this and that try together.
const KEPT: Duration = Duration::from_secs(120);

/// How many tasks are remembered at most. In a backlog that does not end, all are forgotten then.
const MOST: usize = 50_000;

/// A state of a task in which its target in one group was as it should be.
#[derive(Clone, Debug)]
struct State {
    group: TargetGroupArn,
    /// As the binding names it.
    port: Option<u16>,
    id: Ipv6Addr,
    version: u64,
    phase: Phase,
    /// When reading began.
    at: SystemTime,
}

impl State {
    fn is_by(&self, binding: &Binding) -> bool {
        self.group == binding.target_group && self.port == binding.port
    }

    /// Whether nothing about `task` is newer. Version 0 means that an event had none.
    fn covers(&self, task: &Task) -> bool {
        task.version > 0 && task.version <= self.version && task.phase == self.phase
    }
}

/// Tasks whose targets were found as they should be after their groups had been settled, and to
/// which nothing was written since.
#[derive(Debug, Default)]
pub struct CaughtUp(BTreeMap<TaskArn, Vec<State>>);

impl CaughtUp {
    /// Remembers those of these tasks whose targets are as they should be, by health that was read
    /// **after** the tasks: whoever registers one of them later looks at a state that is no older.
    /// Each comes with whether its state is sure. Reading began `at`. What was remembered of the
    /// others in these groups is forgotten.
    pub fn remember<'a>(
        &mut self,
        bindings: &[Binding],
        ports: &Ports,
        tasks: impl IntoIterator<Item = (&'a Task, bool)>,
        healths: &Healths,
        at: SystemTime,
    ) {
        if self.0.len() > MOST {
            self.0.clear();
        }
        for (task, is_sure) in tasks {
            for binding in bindings.iter().filter(|binding| binding.covers(task)) {
                let states = self.0.entry(task.arn.clone()).or_default();
                states.retain(|state| !state.is_by(binding));
                if is_sure && is_right(binding, ports, task, healths) {
                    states.extend(state(binding, task, at));
                }
            }
        }
    }

    /// The tasks of which nothing is known that was not when their targets were found as they
    /// should be, in all groups that these bindings name. Their addresses become known.
    pub fn done(
        &mut self,
        knowledge: &mut Knowledge,
        bindings: &[Binding],
        now: SystemTime,
    ) -> BTreeSet<TaskArn> {
        let is_kept = |state: &State| now.duration_since(state.at).is_ok_and(|age| age <= KEPT);
        self.0.retain(|_, states| {
            states.retain(is_kept);
            !states.is_empty()
        });
        let done = |task: &Task| {
            let states = self.0.get(&task.arn)?;
            let is_known = |binding: &Binding| {
                states.iter().any(|state| state.is_by(binding) && state.covers(task))
            };
            let mut bindings = bindings.iter().filter(|binding| binding.covers(task)).peekable();
            let is_bound = bindings.peek().is_some();
            (is_bound && bindings.all(is_known)).then_some((task.arn.clone(), states.first()?.id))
        };
        let done: Vec<_> = knowledge.iter().filter_map(|known| done(&known.task)).collect();
        done.iter().for_each(|(task, address)| knowledge.learn_address(task, *address));
        done.into_iter().map(|(task, _)| task).collect()
    }

    /// Forgets the tasks that had one of the targets to which something is written.
    pub fn forget(&mut self, is_written: impl Fn(&TargetGroupArn, Ipv6Addr) -> bool) {
        for states in self.0.values_mut() {
            states.retain(|state| !is_written(&state.group, state.id));
        }
    }
}

/// Those of the tasks about which nothing is new that would keep a target although they may have
/// left meanwhile: another task has their address.
pub fn contested(done: &BTreeSet<TaskArn>, knowledge: &Knowledge) -> BTreeSet<TaskArn> {
    if done.is_empty() {
        return BTreeSet::new();
    }
    let is_done = |known: &&Known| done.contains(&known.task.arn);
    let (done, others): (Vec<_>, Vec<_>) = knowledge.iter().partition(is_done);
    let taken: BTreeSet<Ipv6Addr> = others.iter().filter_map(|known| known.task.address).collect();
    let serving = done.iter().map(|k| &k.task).filter(|task| task.phase == Phase::Serving);
    let is_taken = |task: &&Task| task.address.is_some_and(|address| taken.contains(&address));
    serving.filter(is_taken).map(|task| task.arn.clone()).collect()
}

fn state(binding: &Binding, task: &Task, at: SystemTime) -> Option<State> {
    Some(State {
        group: binding.target_group.clone(),
        port: binding.port,
        id: task.address?,
        version: task.version,
        phase: task.phase,
        at,
    })
}

/// Whether the target that a binding makes of a task is as it should be. Of a starting task that
/// is not known.
fn is_right(binding: &Binding, ports: &Ports, task: &Task, healths: &Healths) -> bool {
    let Some(targets) = healths.get(&binding.target_group) else { return false };
    let Some(target) = target_of(binding, ports, task) else { return false };
    let is_present = targets.get(&(target.id, target.port)).is_some_and(Health::is_present);
    match task.phase {
        Phase::Starting => false,
        Phase::Serving => is_present,
        Phase::Leaving => !is_present,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::core::fixtures::{ADDRESS, binding, group, task};
    use crate::core::target::AddressPort;

    const READ: SystemTime = UNIX_EPOCH;

    const TARGET: AddressPort = (Ipv6Addr::LOCALHOST, 80);

    fn of_group(name: &str, state: &str) -> (TargetGroupArn, BTreeMap<AddressPort, Health>) {
        let health = Health { state: state.to_owned(), reason: String::new() };
        (group(name), [(TARGET, health)].into())
    }

    /// What is done of `said` that long after `read` was remembered, with the target in this state
    /// of health.
    fn done(read: &Task, state: Option<&str>, said: &Task, after: Duration) -> Option<Known> {
        let bindings = [binding("demo", "demo", None)];
        let healths = match state {
            Some(state) => Healths::from([of_group("demo", state)]),
            None => Healths::from([(group("demo"), BTreeMap::new())]),
        };
        let mut caught_up = CaughtUp::default();
        let ports = [(group("demo"), 80)].into();
        caught_up.remember(&bindings, &ports, [(read, true)], &healths, READ);
        let mut knowledge = Knowledge::of([said.clone()]);
        let done = caught_up.done(&mut knowledge, &bindings, READ + after);
        knowledge.get(done.first()?).cloned()
    }

    fn is_done(read: &Task, state: Option<&str>, said: &Task, after: Duration) -> bool {
        done(read, state, said, after).is_some()
    }

    #[test]
    fn a_message_is_done_if_its_state_was_known_and_the_target_right() {
        use Phase::{Leaving, Serving, Starting};
        for (phase, state, right) in [
            (Serving, Some("healthy"), true),
            (Serving, Some("draining"), false),
            (Serving, None, false),
            (Leaving, None, true),
            (Leaving, Some("draining"), true),
            (Leaving, Some("healthy"), false),
            (Starting, None, false),
            (Starting, Some("healthy"), false),
        ] {
            let read = task("c50e", phase, ADDRESS);
            let is_done = |said| is_done(&read, state, &said, Duration::ZERO);
            for (version, no_newer) in [(0, false), (2, true), (3, true), (4, false)] {
                let said = Task { version, ..read.clone() };
                assert_eq!(is_done(said), right && no_newer, "{phase:?} {state:?} {version}");
            }
            let silent = Task { address: None, ..read.clone() };
            let known = done(&read, state, &silent, Duration::ZERO);
            let address = known.and_then(|known| known.task.address);
            assert_eq!(address, ADDRESS.filter(|_| right), "an event need not have it");
            for other in [Starting, Serving, Leaving] {
                let said = Task { phase: other, ..read.clone() };
                assert_eq!(is_done(said), right && other == phase, "{phase:?} {other:?}");
            }
        }
    }

    #[test]
    fn it_is_remembered_for_two_minutes_and_not_for_the_past() {
        let read = task("c50e", Phase::Serving, ADDRESS);
        for (after, kept) in [(120, true), (121, false)] {
            let after = Duration::from_secs(after);
            assert_eq!(is_done(&read, Some("healthy"), &read, after), kept, "{after:?}");
        }
        let (mut caught_up, bindings) = in_groups(&read, &["demo"]);
        let before = READ - Duration::from_secs(1);
        assert_eq!(caught_up.done(&mut Knowledge::of([read]), &bindings, before).len(), 0);
    }

    /// A running task that is remembered with these groups, and the bindings.
    fn in_groups(read: &Task, names: &[&str]) -> (CaughtUp, Vec<Binding>) {
        let mut caught_up = CaughtUp::default();
        let bindings: Vec<_> = names.iter().map(|name| binding("demo", name, Some(80))).collect();
        let healths = names.iter().map(|name| of_group(name, "healthy")).collect();
        caught_up.remember(&bindings, &Ports::new(), [(read, true)], &healths, READ);
        (caught_up, bindings)
    }

    #[test]
    fn all_groups_of_a_task_count() {
        let read = task("c50e", Phase::Serving, ADDRESS);
        let (mut caught_up, bindings) = in_groups(&read, &["a"]);
        let mut knowledge = Knowledge::of([read.clone()]);
        let mut number = |of: &[Binding]| caught_up.done(&mut knowledge, of, READ).len();
        assert_eq!(number(&bindings), 1);
        assert_eq!(number(&[]), 0, "an unbound task is reported as such");
        let elsewhere = binding("demo", "b", Some(80));
        assert_eq!(number(&[bindings[0].clone(), elsewhere]), 0, "not known of the other group");
        assert_eq!(number(&[binding("demo", "a", Some(81))]), 0, "another port");
    }

    #[test]
    fn a_serving_task_is_looked_at_again_if_another_one_has_its_address() {
        let other = Some(Ipv6Addr::UNSPECIFIED);
        for (phase, address, of_other, is_contested) in [
            (Phase::Serving, ADDRESS, ADDRESS, true),
            (Phase::Serving, ADDRESS, other, false),
            (Phase::Serving, None, None, false),
            (Phase::Leaving, ADDRESS, ADDRESS, false),
        ] {
            let done = task("c50e", phase, address);
            let newer = task("8f1d", Phase::Leaving, of_other);
            let names = BTreeSet::from([done.arn.clone()]);
            let expected = if is_contested { names.clone() } else { BTreeSet::new() };
            let knowledge = Knowledge::of([done, newer.clone()]);
            assert_eq!(
                contested(&names, &knowledge),
                expected,
                "{phase:?} {address:?} {of_other:?}"
            );
            let both = names.into_iter().chain([newer.arn]).collect();
            assert_eq!(contested(&both, &knowledge), BTreeSet::new(), "nothing new of both");
        }
    }

    #[test]
    fn what_is_too_old_takes_no_room_beside_what_is_not() {
        let old = task("c50e", Phase::Serving, ADDRESS);
        let (mut caught_up, bindings) = in_groups(&old, &["demo"]);
        let new = task("8f1d", Phase::Serving, ADDRESS);
        let healths = [of_group("demo", "healthy")].into();
        let later = READ + KEPT;
        caught_up.remember(&bindings, &Ports::new(), [(&new, true)], &healths, later);
        caught_up.done(&mut Knowledge::default(), &bindings, later + Duration::from_secs(1));
        assert_eq!(caught_up.0.into_keys().collect::<Vec<_>>(), [new.arn]);
    }

    #[test]
    fn of_a_backlog_that_does_not_end_the_memory_is_bounded() {
        let mut caught_up = CaughtUp::default();
        let bindings = [binding("demo", "demo", Some(80))];
        let healths = [of_group("demo", "healthy")].into();
        for n in 0..MOST + 2 {
            let task = task(&n.to_string(), Phase::Serving, ADDRESS);
            caught_up.remember(&bindings, &Ports::new(), [(&task, true)], &healths, READ);
        }
        assert_eq!(caught_up.0.len(), 1);
    }

    #[test]
    fn what_is_found_wrong_or_unsure_or_is_written_to_is_forgotten() {
        let read = task("c50e", Phase::Serving, ADDRESS);
        let number = |change: &dyn Fn(&mut CaughtUp, &[Binding])| {
            let (mut caught_up, bindings) = in_groups(&read, &["a", "b"]);
            change(&mut caught_up, &bindings);
            caught_up.done(&mut Knowledge::of([read.clone()]), &bindings, READ).len()
        };
        let found = |caught_up: &mut CaughtUp, bindings: &[Binding], state: &str, is_sure| {
            let healths = [of_group("b", state)].into();
            caught_up.remember(bindings, &Ports::new(), [(&read, is_sure)], &healths, READ);
        };
        assert_eq!(number(&|_, _| ()), 1);
        assert_eq!(number(&|it, bindings| found(it, &bindings[1..], "healthy", true)), 1);
        assert_eq!(number(&|it, bindings| found(it, &bindings[1..], "draining", true)), 0);
        assert_eq!(number(&|it, bindings| found(it, &bindings[1..], "healthy", false)), 0);
        for (name, id, left) in [
            ("b", Ipv6Addr::LOCALHOST, 0),
            ("c", Ipv6Addr::LOCALHOST, 1),
            ("b", Ipv6Addr::UNSPECIFIED, 1),
        ] {
            let is_it = |of: &TargetGroupArn, at: Ipv6Addr| *of == group(name) && at == id;
            assert_eq!(number(&|it, _| it.forget(is_it)), left, "{name} {id}");
        }
    }
}
