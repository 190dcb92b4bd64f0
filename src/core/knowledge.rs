//! What is known about the tasks of an invocation: events folded per task, then ECS's answers.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime};

use crate::core::binding::Binding;
use crate::core::task::{Phase, Task, TaskArn};

/// How old a RUNNING event may be to be believed without asking ECS. A redelivered or redriven
/// event is older, and its task may be long gone.
pub const FRESH: Duration = Duration::from_secs(60);

/// What an event reports about a task, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The task in the state that the event reports.
    pub task: Task,
    /// The envelope's `time`; redelivery does not change it.
    pub at: Option<SystemTime>,
    /// When the task entered that state (`updatedAt`); used only for metrics.
    pub changed: Option<SystemTime>,
}

/// A task according to the newest evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Everything reported about the task, folded.
    pub task: Task,
    /// The time of the newest event, if it has one.
    pub at: Option<SystemTime>,
    /// Whether an event was overtaken by newer knowledge.
    pub superseded: bool,
    /// Whether ECS answered that it knows no such task.
    pub gone: bool,
}

impl Known {
    fn fold(self, sighting: Sighting) -> Self {
        let newest = if sighting.task.version == self.task.version {
            self.at.max(sighting.at)
        } else if sighting.task.version > self.task.version {
            sighting.at
        } else {
            self.at
        };
        Self {
            superseded: self.superseded || sighting.task.version != self.task.version,
            at: newest,
            task: self.task.merge(sighting.task),
            gone: self.gone,
        }
    }

    /// Whether ECS should be asked before anything is decided: the task's RUNNING event is old, or
    /// its address is missing. No public capture shows the address in an event, while DescribeTasks
    /// is known to carry it, also for stopped tasks.
    pub fn is_doubtful(&self, now: SystemTime) -> bool {
        match self.task.phase {
            Phase::Starting => false,
            Phase::Serving => self.task.address.is_none() || !self.is_fresh(now),
            Phase::Leaving => self.task.address.is_none(),
        }
    }

    /// Whether ECS's `answer` lags behind what is known, and neither has the address: then its
    /// absence proves nothing. Version 0 means that ECS reported no version.
    pub fn is_left_open_by(&self, answer: &Task) -> bool {
        let lags = answer.version != 0 && answer.version < self.task.version;
        lags && self.task.address.is_none() && answer.address.is_none()
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        let Some(at) = self.at else { return false };
        match now.duration_since(at) {
            Ok(age) => age <= FRESH,
            Err(ahead) => ahead.duration() <= FRESH,
        }
    }
}

/// The tasks of an invocation, each with everything known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    tasks: BTreeMap<TaskArn, Known>,
}

impl Knowledge {
    /// Folds the sightings of each task; their order and repetitions make no difference.
    pub fn fold(sightings: impl IntoIterator<Item = Sighting>) -> Self {
        let mut tasks = BTreeMap::<TaskArn, Known>::new();
        for sighting in sightings {
            let arn = sighting.task.arn.clone();
            let known = match tasks.remove(&arn) {
                Some(known) => known.fold(sighting),
                None => {
                    Known { task: sighting.task, at: sighting.at, superseded: false, gone: false }
                }
            };
            tasks.insert(arn, known);
        }
        Self { tasks }
    }

    /// Knowledge from ECS's answers alone, without events.
    pub fn of(tasks: impl IntoIterator<Item = Task>) -> Self {
        Self::fold(tasks.into_iter().map(|task| Sighting { task, at: None, changed: None }))
    }

    /// Adds ECS's answers about other tasks.
    pub fn extend(&mut self, tasks: impl IntoIterator<Item = Task>) {
        let known = std::mem::take(&mut self.tasks).into_values().map(|known| known.task);
        *self = Self::of(known.chain(tasks));
    }

    /// The tasks in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.tasks.values()
    }

    /// What is known about one task.
    pub fn get(&self, arn: &TaskArn) -> Option<&Known> {
        self.tasks.get(arn)
    }

    /// Keeps the tasks that some binding covers and returns the others.
    pub fn split_off_unbound(&mut self, bindings: &[Binding]) -> Vec<Known> {
        // Tags can bind thousands of services, and a batch has 1,500 tasks: too many pairs.
        let bound: HashSet<_> = bindings.iter().map(Binding::key).collect();
        let is_bound = |Task { cluster, group, .. }: &Task| {
            let owner = group.split_once(':');
            owner.is_some_and(|(kind, name)| bound.contains(&(cluster.as_str(), kind, name)))
        };
        let (bound, unbound) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|(_, known)| is_bound(&known.task));
        self.tasks = bound;
        unbound.into_values().collect()
    }

    /// Only the tasks that meet a condition.
    #[must_use]
    pub fn only(&self, holds: impl Fn(&Known) -> bool) -> Self {
        let tasks = self.tasks.iter().filter(|(_, known)| holds(known));
        Self { tasks: tasks.map(|(arn, known)| (arn.clone(), known.clone())).collect() }
    }

    /// Removes a task about which nothing can be decided now.
    pub fn remove(&mut self, arn: &TaskArn) -> Option<Known> {
        self.tasks.remove(arn)
    }

    /// Folds in ECS's answer about a task. If the answer contradicts an event, the event is marked
    /// as superseded. The address and group of a task never change, so ECS has the last word on
    /// them whatever the versions.
    pub fn learn(&mut self, answer: Task) {
        let Some(known) = self.tasks.remove(&answer.arn) else { return };
        let said = known.task.clone();
        let (address, group) = (answer.address, answer.group.clone());
        let mut task = known.task.merge(answer);
        task.address = address.or(task.address);
        if !group.is_empty() {
            task.group = group;
        }
        let differs = task.phase != said.phase
            || said.address.is_some_and(|address| task.address != Some(address))
            || !said.group.is_empty() && task.group != said.group;
        let superseded = known.superseded || differs;
        self.tasks.insert(task.arn.clone(), Known { task, superseded, ..known });
    }

    /// Records that ECS knows no such task.
    pub fn learn_gone(&mut self, arn: &TaskArn) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.gone = true;
        }
    }

    /// Records that ECS no longer knows a task that was believed to serve.
    pub fn learn_gone_meanwhile(&mut self, arn: &TaskArn) {
        if let Some(known) = self.tasks.get_mut(arn) {
            known.gone = true;
            known.task.phase = Phase::Leaving;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::core::fixtures::{ADDRESS, binding, task};

    fn task_at(version: u64, phase: Phase, address: Option<Ipv6Addr>) -> Task {
        Task { version, ..task("c50e", phase, address) }
    }

    fn serving(version: u64) -> Task {
        task_at(version, Phase::Serving, ADDRESS)
    }

    fn seconds(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// What is known of the one task after these sightings.
    fn known(sightings: impl IntoIterator<Item = (Task, Option<u64>)>) -> Known {
        let sightings = sightings.into_iter();
        let knowledge = Knowledge::fold(sightings.map(|(task, at)| Sighting {
            task,
            at: at.map(seconds),
            changed: None,
        }));
        assert_eq!(knowledge.iter().count(), 1);
        knowledge.iter().next().unwrap().clone()
    }

    #[test]
    fn the_time_is_that_of_the_highest_version_and_the_latest_of_equals() {
        for (sightings, at, superseded) in [
            ([(3, 10), (4, 5)], 5, true),
            ([(4, 5), (3, 10)], 5, true),
            ([(3, 5), (3, 10)], 10, false),
            ([(3, 10), (3, 5)], 10, false),
        ] {
            let known = known(sightings.map(|(version, at)| (serving(version), Some(at))));
            assert_eq!((known.at, known.superseded), (Some(seconds(at)), superseded));
        }
        let third = known([3, 4, 4].map(|version| (serving(version), None)));
        assert!(third.superseded, "what was superseded stays so");
    }

    #[test]
    fn a_clock_that_is_off_by_a_minute_makes_no_news_doubtful() {
        for (at, doubtful) in [(939, true), (940, false), (1060, false), (1061, true)] {
            assert_eq!(
                known([(serving(3), Some(at))]).is_doubtful(seconds(1000)),
                doubtful,
                "{at}"
            );
        }
        assert!(known([(serving(3), None)]).is_doubtful(seconds(1000)));
    }

    #[test]
    fn an_older_answer_leaves_open_what_neither_says() {
        for (known_address, version, answered, open) in [
            (None, 2, None, true),
            (None, 3, None, false),
            (None, 4, None, false),
            (None, 0, None, false),
            (ADDRESS, 2, None, false),
            (None, 2, ADDRESS, false),
        ] {
            let known = known([(task_at(3, Phase::Serving, known_address), None)]);
            let answer = task_at(version, Phase::Starting, answered);
            assert_eq!(known.is_left_open_by(&answer), open, "{known_address:?} {answer:?}");
        }
    }

    #[test]
    fn an_answer_is_folded_in_and_supersedes_an_event_that_said_otherwise() {
        let mut knowledge = Knowledge::of([task_at(3, Phase::Serving, None)]);
        let arn = serving(3).arn;
        knowledge.learn(serving(3));
        let known = knowledge.get(&arn).unwrap();
        assert_eq!((known.task.address, known.superseded), (ADDRESS, false));
        knowledge.learn(task_at(4, Phase::Leaving, None));
        let known = knowledge.get(&arn).unwrap();
        assert_eq!((known.task.phase, known.superseded), (Phase::Leaving, true));
        knowledge.learn(task_at(5, Phase::Leaving, None));
        assert!(knowledge.get(&arn).unwrap().superseded);
        knowledge.learn(task("other", Phase::Serving, None));
        assert_eq!(knowledge.iter().count(), 1, "nobody asked about the other");
    }

    #[test]
    fn a_task_that_ecs_does_not_know_leaves_only_if_it_was_registered() {
        let mut knowledge = Knowledge::of([serving(3)]);
        let arn = serving(3).arn;
        let state = |knowledge: &Knowledge| {
            let known = knowledge.get(&arn).unwrap();
            (known.gone, known.task.phase)
        };
        assert_eq!(state(&knowledge), (false, Phase::Serving));
        knowledge.learn_gone(&arn);
        assert_eq!(state(&knowledge), (true, Phase::Serving));
        knowledge.learn(serving(4));
        assert_eq!(state(&knowledge), (true, Phase::Serving));
        let mut knowledge = Knowledge::of([serving(3)]);
        knowledge.learn_gone_meanwhile(&arn);
        assert_eq!(state(&knowledge), (true, Phase::Leaving));
    }

    #[test]
    fn unbound_tasks_are_split_off_and_others_stay() {
        let [one, two] = ["one", "two"].map(|id| task(id, Phase::Serving, None));
        let stranger = Task { group: "service:other".to_owned(), ..task("three", one.phase, None) };
        let mut knowledge = Knowledge::of([one.clone()]);
        knowledge.extend([stranger.clone(), two.clone()]);
        let split_off = knowledge.split_off_unbound(&[binding("demo", "demo-ipv6", None)]);
        assert_eq!(split_off.into_iter().map(|known| known.task).collect::<Vec<_>>(), [stranger]);
        assert_eq!(knowledge.remove(&one.arn).map(|known| known.task), Some(one));
        assert_eq!(knowledge, Knowledge::of([two]));
    }
}
