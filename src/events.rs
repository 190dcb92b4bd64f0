//! From events to a settled state: know, then settle.

use std::time::SystemTime;

use crate::binding::Binding;
use crate::call::CallError;
use crate::knowledge::{Knowledge, Known, Sighting};
use crate::plan::{Portless, Reason, Skipped, groups_to_ask_for_their_port, plan};
use crate::report::{Entry, Report};
use crate::settle::{OwnPorts, Settle, known_ports};

impl Settle<'_> {
    /// Settles the tasks that these events report. `now` tells fresh news from old.
    pub async fn events(
        self,
        sightings: impl IntoIterator<Item = Sighting>,
        now: SystemTime,
    ) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        let mut knowledge = Knowledge::fold(sightings);
        for known in knowledge.split_off_unbound(self.bindings) {
            report.skipped.push(Skipped { task: known.task.arn, reason: Reason::NoBinding });
        }
        self.ask_about_doubtful(&mut knowledge, now, &mut report).await;
        let ports = self.own_ports(groups_to_ask_for_their_port(self.bindings, &knowledge)).await;
        let mut plan = plan(self.bindings, &known_ports(&ports), &knowledge);
        for portless in std::mem::take(&mut plan.portless) {
            fail_for_lack_of_port(portless, &ports, &mut report);
        }
        self.carry_out(plan, knowledge, &mut report).await;
        report
    }

    /// Asks ECS about the tasks whose event is not enough. A task about which no answer comes is
    /// not acted on, but fails.
    async fn ask_about_doubtful(
        self,
        knowledge: &mut Knowledge,
        now: SystemTime,
        report: &mut Report,
    ) {
        let doubtful: Vec<&Known> = knowledge.iter().filter(|k| k.is_doubtful(now)).collect();
        let names = doubtful.iter().map(|known| (known.task.cluster.as_str(), &known.task.arn));
        let answers = self.ecs.describe_tasks(names, self.limits).await;
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

    fn fail_undecided(self, known: &Known, error: &CallError, report: &mut Report) {
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
fn stale(known: &Known) -> CallError {
    let message = format!(
        "the event's version {} has no address, and ECS answered with an older one",
        known.task.version
    );
    CallError::new("DescribeTasks", "StaleAnswer", message)
}

fn fail_for_lack_of_port(portless: Portless, ports: &OwnPorts, report: &mut Report) {
    match ports.get(&portless.group) {
        Some(Err(error)) => report.fail(portless, error),
        _ => {
            let error = CallError::new("DescribeTargetGroups", "NoPort", "it was not asked for");
            report.fail(portless, &error);
        }
    }
}
