//! From events to a settled state: know, then settle.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::pin::pin;
use std::time::SystemTime;

use tokio::time::{Duration, timeout};

use crate::aws::ecs::Answer;
use crate::aws::rate_limits::Limits;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::failure::{Code, Failure};
use crate::core::knowledge::{Knowledge, Known, Sighting};
use crate::core::plan::{
    Plan, Portless, Ports, Reason, Skipped, groups_to_ask_for_their_port, plan,
};
use crate::core::task::{Phase, TaskArn};
use crate::flow::Settler;
use crate::flow::ports::{OwnPorts, known_ports};
use crate::flow::settle::Outcomes;
use crate::report::{Entry, Report};

/// So long everything waits for ECS and ELB to answer what the events leave open, so that each
/// group gets its registers before its deregisters. After that, what needs no answer is carried
/// out: a stop has seconds until its task gets SIGTERM.
const SOON: Duration = Duration::from_secs(1);

/// What the events leave open.
struct Questions {
    /// Tasks with their clusters, to be asked of ECS.
    tasks: Vec<(String, TaskArn)>,
    /// Target groups to be asked for their own port.
    groups: BTreeSet<TargetGroupArn>,
}

/// The answers, each of which may be a failure.
struct Answers {
    tasks: BTreeMap<TaskArn, Answer>,
    ports: OwnPorts,
}

impl Settler<'_> {
    /// Settles the tasks that these events report. `now` tells fresh news from old.
    pub async fn events(
        self,
        sightings: impl IntoIterator<Item = Sighting>,
        now: SystemTime,
    ) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        let mut knowledge = Knowledge::fold(sightings);
        self.skip_unbound(&mut knowledge, &mut report);
        let mut outcomes = Outcomes::new();
        let answers = self.ask(&knowledge, now, &mut outcomes).await;
        self.take_in(answers.tasks, &mut knowledge, &mut report);
        self.skip_unbound(&mut knowledge, &mut report);
        let ports = known_ports(&answers.ports);
        let mut plan = plan(self.bindings, &ports, &knowledge);
        for portless in std::mem::take(&mut plan.portless) {
            fail_for_lack_of_port(portless, &answers.ports, &mut report);
        }
        self.carry_out(plan, &ports, knowledge, outcomes, &mut report).await;
        report
    }

    fn skip_unbound(self, knowledge: &mut Knowledge, report: &mut Report) {
        for known in knowledge.split_off_unbound(self.bindings) {
            report.skipped.push(Skipped { task: known.task.arn, reason: Reason::NoBinding });
        }
    }

    /// Asks what the events leave open. If that takes long, carries out meanwhile what needs no
    /// answer.
    async fn ask(self, knowledge: &Knowledge, now: SystemTime, outcomes: &mut Outcomes) -> Answers {
        let doubtful = knowledge.iter().filter(|known| known.is_doubtful(now));
        let name = |known: &Known| (known.task.cluster.clone(), known.task.arn.clone());
        let tasks = doubtful.map(name).collect();
        let groups = groups_to_ask_for_their_port(self.bindings, knowledge);
        let limits = self.limits.for_part(0.5);
        let mut answers = pin!(self.answers(Questions { tasks, groups }, &limits));
        if let Ok(answers) = timeout(SOON, &mut answers).await {
            return answers;
        }
        let plan = self.certain(knowledge, now);
        tokio::join!(answers, self.act(&plan, knowledge, outcomes)).0
    }

    async fn answers(self, questions: Questions, limits: &Limits) -> Answers {
        let names = questions.tasks.iter().map(|(cluster, arn)| (cluster.as_str(), arn));
        let (tasks, ports) = tokio::join!(
            self.ecs.describe_tasks(names, limits),
            self.own_ports(questions.groups, limits)
        );
        Answers { tasks, ports }
    }

    /// What can be decided without an answer. An address that some task without an answer has may
    /// be in use by it.
    fn certain(self, knowledge: &Knowledge, now: SystemTime) -> Plan {
        let certain = knowledge.only(|known| !known.is_doubtful(now));
        let mut plan = plan(self.bindings, &self.ports_at_hand(), &certain);
        let doubtful = knowledge.iter().filter(|known| known.is_doubtful(now));
        let serving = doubtful.filter(|known| known.task.phase == Phase::Serving);
        let in_doubt: BTreeSet<Ipv6Addr> = serving.filter_map(|known| known.task.address).collect();
        plan.deregister.retain(|change| !in_doubt.contains(&change.target.id));
        plan
    }

    fn ports_at_hand(self) -> Ports {
        let groups = self.bindings.iter().map(|binding| &binding.target_group);
        groups.filter_map(|g| Some((g.clone(), self.targets.port_at_hand(g)?))).collect()
    }

    /// Takes in what ECS answered about the tasks whose event is not enough. A task about which no
    /// answer came is not acted on, but fails.
    fn take_in(
        self,
        answers: BTreeMap<TaskArn, Answer>,
        knowledge: &mut Knowledge,
        report: &mut Report,
    ) {
        for (arn, answer) in answers {
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
            };
            report.fail(entry, error);
        }
    }
}

/// Reads of ECS are eventually consistent: an answer can be older than the event.
fn stale(known: &Known) -> Failure {
    let message = format!(
        "the event's version {} has no address, and ECS answered with an older one",
        known.task.version
    );
    Failure::new("DescribeTasks", Code::StaleAnswer, message)
}

fn fail_for_lack_of_port(portless: Portless, ports: &OwnPorts, report: &mut Report) {
    match ports.get(&portless.group) {
        Some(Err(error)) => report.fail(portless, error),
        _ => {
            let error = Failure::new("DescribeTargetGroups", Code::NoPort, "it was not asked for");
            report.fail(portless, &error);
        }
    }
}
