//! From events to a settled state: know, then settle.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use tokio::time::{Duration, timeout};

use crate::aws::ecs::Answer;
use crate::aws::rate_limits::Limits;
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::caught_up::contested;
use crate::core::failure::{Code, Failure};
use crate::core::knowledge::{Knowledge, Known, Sighting};
use crate::core::plan::{
    Plan, Portless, Ports, Reason, Skipped, groups_to_ask_for_their_port, plan,
};
use crate::core::target::{Change, Write};
use crate::core::task::{Phase, TaskArn};
use crate::flow::Settler;
use crate::flow::catch_up::Patience;
use crate::flow::discovery::Gap;
use crate::flow::ports::{OwnPorts, known_ports};
use crate::flow::settle::Outcomes;
use crate::report::Report;
use crate::report::entry::Entry;
use crate::report::failed::{Failed, FailedTags};

/// How long everything waits for ECS and ELB to answer what the events leave open, so that each
/// group gets its registers before its deregisters. After that, decided changes are carried out: a
/// stopping task gets SIGTERM within seconds.
const SOON: Duration = Duration::from_secs(1);

/// The answer to a question that the events leave open.
enum Answered {
    Tasks(BTreeMap<TaskArn, Answer>),
    Port(TargetGroupArn, Result<u16, Failure>),
}

/// What became of events.
pub struct Settled {
    /// What was done, and what was not.
    pub report: Report,
    /// What is known of the tasks.
    pub knowledge: Knowledge,
    /// Groups whose writes had to wait for the rates.
    pub delayed: BTreeSet<TargetGroupArn>,
}

/// What is known so far, and what was done about it.
struct Course {
    knowledge: Knowledge,
    /// Tasks about which ECS is being asked.
    open: BTreeSet<TaskArn>,
    ports: OwnPorts,
    outcomes: Outcomes,
    /// Groups whose writes had to wait for the rates.
    delayed: BTreeSet<TargetGroupArn>,
    report: Report,
}

impl Settler<'_> {
    /// Settles the tasks that these events report. `now` decides which events are old.
    pub async fn events(
        self,
        sightings: impl IntoIterator<Item = Sighting>,
        now: SystemTime,
    ) -> Settled {
        let mut knowledge = Knowledge::fold(sightings);
        let mut done = BTreeSet::new();
        if self.patience != Patience::Endless {
            done = self.memory.caught_up().done(&mut knowledge, self.bindings, now);
        }
        let tasks: Vec<TaskArn> = match self.gap {
            Some(gap) if gap.is_blind => knowledge.iter().map(|k| k.task.arn.clone()).collect(),
            _ => Vec::new(),
        };
        let settler = Settler { done: &done, ..self };
        let mut settled = settler.settle_events(knowledge, now).await;
        // Without any tag read, other bindings of these tasks may be unknown.
        tasks.iter().for_each(|task| self.fail_for_gap(task, &mut settled.report));
        settled
    }

    async fn settle_events(self, knowledge: Knowledge, now: SystemTime) -> Settled {
        let mut course = Course {
            knowledge,
            open: BTreeSet::new(),
            ports: OwnPorts::new(),
            outcomes: Outcomes::new(),
            delayed: BTreeSet::new(),
            report: Report { dry_run: self.dry_run, ..Report::default() },
        };
        self.skip_unbound(&mut course);
        self.ask(&mut course, now).await;
        let Course { mut knowledge, mut ports, mut outcomes, mut delayed, mut report, .. } = course;
        // ECS may have named another owner than the event did.
        let missing = groups_to_ask_for_their_port(self.bindings, &knowledge);
        let missing = missing.into_iter().filter(|group| !ports.contains_key(group));
        ports.extend(self.own_ports(missing.collect::<Vec<_>>(), self.limits).await);
        let known = known_ports(&ports);
        let mut plan = plan(self.bindings, &known, &knowledge);
        for portless in std::mem::take(&mut plan.portless) {
            self.fail_for_lack_of_port(portless, &ports, &mut report);
        }
        // Looked at as if they had just been registered.
        let contested = contested(self.done, &knowledge);
        let is_contested =
            |change: &&Change| change.task.as_ref().is_some_and(|task| contested.contains(task));
        let trusted = plan.register.iter().filter(is_contested);
        outcomes.extend(trusted.map(|change| ((Write::Register, change.clone()), Ok(()))));
        let done = self.done - &contested;
        let settler = Settler { done: &done, ..self };
        let carry_out = settler.carry_out(plan, &known, &mut knowledge, outcomes, &mut report);
        delayed.extend(carry_out.await);
        Settled { report, knowledge, delayed }
    }

    /// Asks what the events leave open, and takes in the answers as they arrive. If some take long,
    /// carries out what is decided without them.
    async fn ask(self, course: &mut Course, now: SystemTime) {
        let is_open = |known: &&Known| !self.done.contains(&known.task.arn);
        let doubtful = course.knowledge.iter().filter(is_open).filter(|k| k.is_doubtful(now));
        let name = |known: &Known| (known.task.cluster.clone(), known.task.arn.clone());
        let tasks: Vec<(String, TaskArn)> = doubtful.map(name).collect();
        course.open = tasks.iter().map(|(_, arn)| arn.clone()).collect();
        let groups = groups_to_ask_for_their_port(self.bindings, &course.knowledge);
        let limits = self.limits.for_part(0.5);
        let inbox = Mutex::new(Vec::new());
        let mut asking = pin!(self.questions(tasks, groups, &limits, &inbox));
        let mut asked = false;
        while !asked {
            asked = timeout(SOON, &mut asking).await.is_ok();
            self.take_in(&inbox, course);
            if !asked {
                asked = self.act_meanwhile(course, &mut asking).await;
                self.take_in(&inbox, course);
            }
        }
    }

    /// Asks ECS and ELB, and puts each answer into `inbox` when it arrives.
    async fn questions(
        self,
        tasks: Vec<(String, TaskArn)>,
        groups: BTreeSet<TargetGroupArn>,
        limits: &Limits,
        inbox: &Mutex<Vec<Answered>>,
    ) {
        let put = |answer| inbox.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        let names = tasks.iter().map(|(cluster, arn)| (cluster.as_str(), arn));
        let ports = groups.into_iter().map(async |group| {
            let port = self.targets.own_port(&group, limits).await;
            put(Answered::Port(group, port));
        });
        let pages = self.ecs.describe_pages(names, limits, |page| put(Answered::Tasks(page)));
        tokio::join!(pages, side_by_side(ports));
    }

    /// Carries out what is decided so far, within a part of the time, while the questions go on.
    /// Returns whether all questions have been answered.
    async fn act_meanwhile(
        self,
        course: &mut Course,
        asking: &mut (impl Future<Output = ()> + Unpin),
    ) -> bool {
        let plan = self.decided(course);
        let limits = self.limits.for_part(0.25);
        let settler = Settler { limits: &limits, ..self };
        let Course { knowledge, outcomes, delayed, .. } = course;
        let asked = {
            let mut act = pin!(settler.act(&plan, knowledge, outcomes));
            let acted = tokio::select! {
                biased;
                groups = &mut act => Some(groups),
                () = asking => None,
            };
            let asked = acted.is_none();
            delayed.extend(match acted {
                Some(groups) => groups,
                None => act.await,
            });
            asked
        };
        // What this part was too short for is made with the rest.
        outcomes.retain(|_, result| !is_cut_off(result));
        asked
    }

    /// What can be decided without the outstanding answers. An address of a task in question may be
    /// in use, so it is not deregistered.
    fn decided(self, course: &Course) -> Plan {
        let Course { knowledge, open, .. } = course;
        let decided = knowledge.only(|known| !open.contains(&known.task.arn));
        let mut plan = plan(self.bindings, &self.ports_at_hand(), &decided);
        let in_question = knowledge.iter().filter(|known| open.contains(&known.task.arn));
        let serving = in_question.filter(|known| known.task.phase == Phase::Serving);
        let taken: BTreeSet<Ipv6Addr> = serving.filter_map(|known| known.task.address).collect();
        plan.deregister.retain(|change| !taken.contains(&change.target.id));
        plan
    }

    fn ports_at_hand(self) -> Ports {
        let groups = self.bindings.iter().map(|binding| &binding.target_group);
        groups.filter_map(|g| Some((g.clone(), self.targets.port_at_hand(g)?))).collect()
    }

    fn take_in(self, inbox: &Mutex<Vec<Answered>>, course: &mut Course) {
        let answers = std::mem::take(&mut *inbox.lock().unwrap_or_else(PoisonError::into_inner));
        for answer in answers {
            match answer {
                Answered::Port(group, port) => drop(course.ports.insert(group, port)),
                Answered::Tasks(answers) => self.take_in_tasks(answers, course),
            }
        }
        self.skip_unbound(course);
    }

    fn skip_unbound(self, course: &mut Course) {
        for Known { task, .. } in course.knowledge.split_off_unbound(self.bindings) {
            match self.gap {
                None => course.report.skipped.push(Skipped::task(task.arn, Reason::NoBinding)),
                Some(_) => self.fail_for_gap(&task.arn, &mut course.report),
            }
        }
    }

    /// What is not known to be bound may be bound by a tag that could not be read.
    fn fail_for_gap(self, task: &TaskArn, report: &mut Report) {
        let Some(Gap { failure, .. }) = self.gap else { return };
        if !report.failed.iter().any(|failed| failed.task() == Some(task)) {
            report.failed.push(Failed::Tags(FailedTags::new(Some(task), failure)));
        }
    }

    /// Takes in ECS's answers about the tasks whose events are not enough. A task without an answer
    /// fails and is left alone.
    fn take_in_tasks(self, answers: BTreeMap<TaskArn, Answer>, course: &mut Course) {
        let Course { knowledge, open, report, .. } = course;
        for (arn, answer) in answers {
            open.remove(&arn);
            let Some(known) = knowledge.get(&arn) else { continue };
            let problem = match answer {
                Ok(Some(answer)) if known.is_left_open_by(&answer) => stale(known),
                Ok(Some(answer)) => {
                    knowledge.learn(answer);
                    continue;
                }
                Ok(None) => {
                    knowledge.learn_gone(&arn);
                    continue;
                }
                Err(error) => error,
            };
            if let Some(known) = knowledge.remove(&arn) {
                self.fail_undecided(&known, &problem, report);
            }
        }
    }

    fn fail_undecided(self, known: &Known, error: &Failure, report: &mut Report) {
        for Binding { target_group, port, .. } in
            self.bindings.iter().filter(|binding| binding.covers(&known.task))
        {
            let entry = Entry {
                task_arn: Some(known.task.arn.clone()),
                target_group_arn: target_group.clone(),
                id: known.task.address,
                port: *port,
                binding: None,
            };
            report.fail(entry, error);
        }
    }

    fn fail_for_lack_of_port(self, portless: Portless, ports: &OwnPorts, report: &mut Report) {
        match ports.get(&portless.group) {
            Some(Err(error)) => self.fail(report, portless, error),
            _ => {
                let action = "DescribeTargetGroups";
                let error = Failure::new(action, Code::NoPort, "it was not asked for");
                self.fail(report, portless, &error);
            }
        }
    }
}

/// Whether there was no time for a change.
fn is_cut_off(result: &Result<(), Failure>) -> bool {
    result.as_ref().is_err_and(|error| error.code == Code::DeadlineReached)
}

/// Reads of ECS are eventually consistent: an answer can be older than the event.
fn stale(known: &Known) -> Failure {
    let message = format!(
        "the event's version {} has no address, and ECS answered with an older one",
        known.task.version
    );
    Failure::new("DescribeTasks", Code::StaleAnswer, message)
}
