//! Holding a deployment: old tasks are protected from being stopped until the targets of the new
//! ones are healthy, and then released.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use tracing::{debug, error};

use crate::aws::deployments::{Protection, TaskProtections, Updated};
use crate::aws::side_by_side::side_by_side;
use crate::core::binding::{Binding, TargetGroupArn};
use crate::core::deployment::{Rollout, Service, is_deploying};
use crate::core::failure::{Code, Failure};
use crate::core::health::Awaited;
use crate::core::hold::{Decision, decide, never_held};
use crate::core::task::{Task, TaskArn};
use crate::flow::Settler;
use crate::flow::discovery::Gap;
use crate::flow::rollout::{Seen, ServiceName, distinct, services_of};
use crate::input::deployment_event::ServiceArn;
use crate::report::failed::Failed;
use crate::report::hold::{FailedHold, Held, Released};
use crate::report::{FirstFew, Report};

impl Settler<'_> {
    /// Looks at services whose deployments begin.
    pub async fn deployments<'a>(
        self,
        services: &BTreeSet<&'a ServiceArn>,
        now: SystemTime,
    ) -> Vec<(&'a ServiceArn, Report)> {
        let looks = services.iter();
        let looks = looks.map(async |service| (*service, self.deployment(service, now).await));
        side_by_side(looks).await
    }

    /// Looks at a service whose deployment begins.
    pub async fn deployment(self, arn: &ServiceArn, now: SystemTime) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        let Some(longest) = self.hold else { return report };
        let services = services_of(arn, self.bindings);
        if let Some(Gap { failure, is_blind }) = self.gap
            && (*is_blind || services.is_empty())
        {
            report.failed.push(failed(arn.as_str(), None, failure));
        }
        for service in services {
            let bindings = service.gating(self.bindings);
            if bindings.iter().any(|binding| binding.hold) {
                let (described, seen) = tokio::join!(
                    self.deployments.service(service.cluster, service.name, self.limits),
                    self.see(service, &bindings),
                );
                for failure in &seen.failures {
                    report.failed.push(failed(&service.arn(), None, failure));
                }
                let look = Look { settler: self, service, bindings: &bindings, now, longest };
                report.add_holds(look.hold(described, seen).await);
            }
        }
        report
    }

    /// Looks at those services among whose tasks some are new, and others old. What it needs of
    /// tasks and targets was read, except of groups that are not among the surveyed ones.
    pub async fn holds(
        self,
        seen: Seen,
        surveyed: &BTreeSet<TargetGroupArn>,
        now: SystemTime,
    ) -> Report {
        let mut report = Report::default();
        let Some(longest) = self.hold else { return report };
        let services = distinct(self.bindings.iter().filter(|binding| binding.hold));
        let looks = services.into_iter().filter_map(|service| {
            let bindings = service.gating(self.bindings);
            let is_own = |task: &&Task| bindings.iter().any(|binding| binding.covers(task));
            let own = seen.tasks.iter().filter(is_own);
            // Nearly always nothing is deployed, and then nothing is copied.
            let tasks = is_deploying(own.clone()).then(|| own.cloned().collect())?;
            let (ports, healths, gone) =
                (seen.ports.clone(), seen.healths.clone(), seen.gone.clone());
            let seen = Seen { tasks, ports, healths, gone, failures: Vec::new() };
            Some(async move {
                let name = service.name;
                let described = self.deployments.service(service.cluster, name, self.limits).await;
                let look = Look { settler: self, service, bindings: &bindings, now, longest };
                let is_whole = bindings.iter().all(|b| surveyed.contains(&b.target_group));
                let seen = if is_whole { seen } else { self.see(service, &bindings).await };
                look.hold(described, seen).await
            })
        });
        side_by_side(looks).await.into_iter().for_each(|holds| report.add_holds(holds));
        report
    }
}

/// A look at one service.
struct Look<'a> {
    settler: Settler<'a>,
    service: ServiceName<'a>,
    /// The bindings in whose groups new tasks have to be healthy.
    bindings: &'a [Binding],
    now: SystemTime,
    longest: Duration,
}

impl Look<'_> {
    /// Decides from what was read, and carries it out.
    async fn hold(&self, described: Result<Option<Service>, Failure>, seen: Seen) -> Report {
        let mut report = Report::default();
        let service = match described {
            Ok(Some(service)) => service,
            Ok(None) => return report,
            Err(failure) => {
                report.failed.push(failed(&self.service.arn(), None, &failure));
                return report;
            }
        };
        if let Some(why) = never_held(&service) {
            debug!(service = service.arn, %why, "not held");
            return report;
        }
        let bindings = seen.standing(self.bindings);
        let mut rollout = Rollout::of(&service, &seen.tasks, &bindings, &seen.ports, &seen.healths);
        let TaskProtections { protections, gone, unknown } =
            match self.protections(&service, &rollout).await {
                Ok(known) => known,
                Err(failure) => {
                    report.failed.push(failed(&service.arn, None, &failure));
                    return report;
                }
            };
        rollout.forget(&gone);
        let unknown = unknown.into_iter();
        report.failed.extend(unknown.map(|(task, why)| failed(&service.arn, Some(&task), &why)));
        let mut decision = decide(&service, &rollout, &protections, self.now, self.longest);
        if let Some(why) = decision.why_not {
            debug!(service = service.arn, %why, "not held");
        }
        if self.is_blocked(&service) {
            decision.held -= decision.protect.len();
            decision.protect.clear();
        }
        let expires = decision.expires && !self.settler.dry_run;
        self.carry_out(&service, decision, &mut report).await;
        if expires && report.hold_numbers.standing > 0 {
            self.announce_end(&service, &rollout);
            report.hold_numbers.expired = 1;
        }
        report
    }

    /// Until when the tasks are protected that a hold may have protected. Those are old, but for a
    /// rollback, in which they are the new ones again.
    async fn protections(
        &self,
        service: &Service,
        rollout: &Rollout<'_>,
    ) -> Result<TaskProtections, Failure> {
        let is_rollback = service.primary().map(|primary| primary.created) != service.newest();
        let new = rollout.ready.iter().chain(rollout.waiting.iter().map(|(task, _)| task));
        let new = new.filter(|_| is_rollback).map(|task| &task.arn);
        let old = rollout.old.iter().map(|(task, _)| &task.arn);
        let tasks: Vec<&TaskArn> = old.chain(new).collect();
        let Settler { deployments, limits, .. } = self.settler;
        deployments.protections(self.service.cluster, &tasks, limits).await
    }

    fn is_blocked(&self, service: &Service) -> bool {
        let primary = service.primary();
        primary.is_some_and(|primary| self.settler.deployments.is_blocked(&primary.id))
    }

    /// In the words that an alarm leads to: which targets the deployment waited for in vain.
    fn announce_end(&self, service: &Service, rollout: &Rollout<'_>) {
        let awaited: Vec<&Awaited> =
            rollout.waiting.iter().flat_map(|(_, awaited)| awaited).collect();
        let (ready, desired) = (rollout.ready.len(), service.desired);
        let awaited = FirstFew(&awaited).to_string();
        error!(
            service = service.arn,
            ready, desired, awaited, "hold ends, but targets are not healthy"
        );
    }

    async fn carry_out(&self, service: &Service, decision: Decision, report: &mut Report) {
        let Decision { protect, release, minutes, mut held, .. } = decision;
        let lasts = Duration::from_secs(60 * u64::from(minutes));
        let Settler { deployments, limits, dry_run, .. } = self.settler;
        let cluster = self.service.cluster;
        let update = async |tasks: &[TaskArn], protection| {
            if dry_run {
                return tasks.iter().map(|task| (task.clone(), Ok(None))).collect();
            }
            deployments.update(cluster, tasks, protection, limits).await
        };
        let protected: Updated = update(&protect, Protection::For(minutes)).await;
        for (task_arn, result) in protected {
            match result {
                Ok(until) => {
                    let until = until.unwrap_or(self.now + lasts);
                    report.held.push(Held { task_arn, until });
                }
                Err(failure) => {
                    held -= 1;
                    self.note_failure(service, &task_arn, &failure, report);
                }
            }
        }
        let cleared: Updated = update(&release, Protection::Clear).await;
        let all_cleared = cleared.values().all(Result::is_ok);
        for (task_arn, result) in cleared {
            match result {
                Ok(_) => report.released.push(Released { task_arn }),
                Err(failure) => self.note_failure(service, &task_arn, &failure, report),
            }
        }
        report.hold_numbers.standing += held;
        if held == 0 && all_cleared && !report.released.is_empty() {
            let began = service.newest().unwrap_or(self.now);
            let lasted = self.now.duration_since(began).unwrap_or_default();
            report.hold_numbers.seconds.push(lasted.as_secs());
        }
    }

    /// A task that is gone meanwhile is nothing that failed (ECS API reference, "API failure
    /// reasons": MISSING).
    fn note_failure(
        &self,
        service: &Service,
        task: &TaskArn,
        failure: &Failure,
        report: &mut Report,
    ) {
        if failure.code == Code::of_aws(Some("MISSING")) {
            debug!(%task, "gone before its protection could be changed");
            return;
        }
        let failed = FailedHold::new(&service.arn, Some(task), failure);
        if let Some(primary) = service.primary().filter(|_| failed.is_final()) {
            self.settler.deployments.note_blocked(&primary.id);
        }
        report.failed.push(Failed::Hold(failed));
    }
}

fn failed(service: &str, task: Option<&TaskArn>, failure: &Failure) -> Failed {
    Failed::Hold(FailedHold::new(service, task, failure))
}
