//! What some runs try at the end, when all has come to rest and nothing else goes wrong, so that
//! what must follow is known exactly.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::events::sqs_batch;
use aws_sim::{Action, Call, Outcome, Task};
use ecs_ipv6_targets::core::drift::Prune;
use serde_json::{Value, json};

use crate::convergence::{After, converged};
use crate::course::reconcile;
use crate::coverage::Case;
use crate::evidence::Sighting;
use crate::forgery;
use crate::invocation::{Ending, Kind, invoke};
use crate::life::{self, become_known, enlist};
use crate::promises::{Broken, broken};
use crate::rare::{Hung, Trial};
use crate::run::Run;
use crate::scenario::{Delivery, Queue, Target};
use crate::subject::{Blemish, Origin, Stage, Stop, stage};
use harness::lambda;

/// What needs no answer that hangs is done within so much time.
const SOON: Duration = Duration::from_secs(2);

/// A call of which every attempt hangs.
#[derive(Clone, Debug)]
pub struct HungCall {
    /// Which action.
    pub action: Action,
    /// Only calls about this target group or cluster.
    pub about: String,
}

impl HungCall {
    /// Longer than the SDK waits for an attempt.
    pub const TIME: Duration = Duration::from_secs(60);

    /// Whether this call hangs. Clusters go by their names or ARNs.
    pub fn is(&self, call: &Call) -> bool {
        let named = call.resource.iter().chain(&call.targets);
        let is_it =
            |name: &String| *name == self.about || name.rsplit('/').next() == Some(&self.about);
        call.action == self.action && named.into_iter().any(is_it)
    }

    fn of(run: &Run, hung: Hung) -> Self {
        let (group, cluster) = (run.arns[0].clone(), run.scenario.services[0].cluster.to_owned());
        let (action, about) = match hung {
            Hung::Port => (Action::DescribeTargetGroups, group),
            Hung::Targets => (Action::DescribeTargetHealth, group),
            Hung::List => (Action::ListTasks, cluster),
            Hung::Tasks => (Action::DescribeTasks, cluster),
        };
        Self { action, about }
    }
}

/// Tries what the seed asks for. Where there may be no room for a target, nothing can be said of
/// it.
pub async fn hold(run: &Arc<Run>) {
    let short = run.scenario.rare.zone_quota.is_some()
        || run.scenario.groups.iter().any(crate::scenario::Group::is_small);
    if short || run.scenario.rare.crowd.is_some() {
        return;
    }
    for trial in &run.scenario.rare.trials {
        run.note("simulation", || format!("tries {trial:?}"));
        match *trial {
            Trial::HungReconcile(hung) => hung_reconcile(run, hung).await,
            Trial::HungBatch(hung) => hung_batch(run, hung).await,
            Trial::Forged(forgery) => forgery::forge(run, forgery).await,
            Trial::LoneStop => lone_stop(run).await,
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        reconcile(run, true).await;
        run.examine(|state| converged(run, state, After::Reconcile));
    }
}

/// A task of a service that runs, and of which nobody has told.
pub fn start(run: &Run, service: usize) -> usize {
    let number = run.state().subjects.len();
    let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 3, number as u16 + 1);
    let task = enlist(run, service, Some(address), Some(Blemish::Untold), Origin::Service);
    become_known(run, number, &task.pending().activating().running());
    number
}

/// The newest state of a task.
pub fn task(run: &Run, place: usize) -> Task {
    run.state().subjects[place].task.clone()
}

/// A task's targets that are registered, of all its targets.
pub fn registered(run: &Run, place: usize) -> (usize, usize) {
    let targets = run.state().subjects[place].targets.clone();
    let is_there = |target: &&Target| {
        run.aws.registered(&run.arns[target.group]).contains(&(target.id.into(), target.port))
    };
    (targets.iter().filter(is_there).count(), targets.len())
}

/// Examines whether all of a task's targets are there, or none of them.
pub fn expect(run: &Run, promise: &'static str, place: usize, there: bool) {
    let (found, all) = registered(run, place);
    if found != if there { all } else { 0 } {
        let how = format!("{found} of {all} targets of t{place} are registered");
        run.examine(|_| broken(promise, how));
    }
}

/// A batch of messages about tasks in these states, told at these times; the answer is each
/// message's id, by its task.
pub async fn hand_over(
    run: &Arc<Run>,
    told: &[(usize, Task, SystemTime)],
) -> BTreeMap<usize, bool> {
    let id = |place: &usize| format!("trial-{place}");
    let bodies: Vec<(String, Value)> =
        told.iter().map(|(place, task, at)| (id(place), task.event(*at))).collect();
    let payload = sqs_batch(bodies.iter().map(|(id, body)| (id.as_str(), body.to_string())));
    let sighting = |(subject, task, at): &(usize, Task, SystemTime)| Sighting {
        subject: *subject,
        task: task.clone(),
        at: *at,
        addressed: true,
    };
    let sightings: Vec<Sighting> = told.iter().map(sighting).collect();
    let (_, ending) = invoke(run, Kind::Events, payload, &sightings).await;
    let answer = if let Ending::Answer(answer) = &ending { Some(answer) } else { None };
    told.iter().map(|(place, ..)| (*place, lambda::returns(answer, &id(place)))).collect()
}

/// While a read about the first service's binding hangs, the second one's is reconciled.
async fn hung_reconcile(run: &Arc<Run>, hung: Hung) {
    const PROMISE: &str = "a hang stays with its binding";
    let [_broken, dead] = [0, 1].map(|service| start(run, service));
    reconcile(run, true).await;
    become_known(run, dead, &task(run, dead).stopped());
    let new = start(run, 1);
    if hung == Hung::Port {
        run.function.cool();
    }
    run.cover(Case::ReconcileHung);
    run.state().hung = Some(HungCall::of(run, hung));
    let (_, ending) = invoke(run, Kind::Reconcile, json!({"action": "reconcile"}), &[]).await;
    run.state().hung = None;
    // Where a bad target is the other group's own failure, only its changes tell.
    let has_bad = run.state().subjects.iter().any(|s| s.bad_address && s.service == 1);
    let named = |told: &str| run.arns.iter().map(|arn| told.contains(arn)).collect::<Vec<_>>();
    match &ending {
        Ending::Error(told) if named(told) == [true, has_bad && named(told)[1]] => {}
        _ => run.examine(|_| broken(PROMISE, format!("the reconcile ended with {ending:?}"))),
    }
    expect(run, PROMISE, new, true);
    if run.scenario.prune != Prune::Never {
        expect(run, PROMISE, dead, false);
    }
}

/// While a read hangs that some messages of a batch need, the changes of the others are made.
async fn hung_batch(run: &Arc<Run>, hung: Hung) {
    const PROMISE: &str = "what needs no answer waits for none";
    let number = run.state().dice.number(1..=3);
    let old: Vec<usize> = (0..number).map(|_| start(run, 0)).collect();
    let [beside, leaving] = [0, 1].map(|service| start(run, service));
    let began = run.aws.now();
    reconcile(run, true).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let new = start(run, 1);
    let mut certain = vec![(leaving, Action::DeregisterTargets), (new, Action::RegisterTargets)];
    if hung == Hung::Port {
        run.function.cool();
    } else {
        certain.push((beside, Action::DeregisterTargets));
    }
    let now = run.aws.now();
    for (place, _) in certain.iter().filter(|(_, action)| *action == Action::DeregisterTargets) {
        become_known(run, *place, &task(run, *place).stopping());
    }
    let told = old.iter().map(|place| (*place, task(run, *place), began));
    let told = told.chain(certain.iter().map(|(place, _)| (*place, task(run, *place), now)));
    let told: Vec<_> = told.collect();
    run.cover(Case::BatchHung);
    run.state().hung = Some(HungCall::of(run, hung));
    let failed = hand_over(run, &told).await;
    run.state().hung = None;
    for (place, action) in certain {
        let took = first(run, place, action, now);
        if took.is_none_or(|took| took > SOON) || (failed[&place] && place != new) {
            let how =
                format!("{action} for t{place} came after {took:?}; failed: {}", failed[&place]);
            run.examine(|_| broken(PROMISE, how));
        }
    }
}

/// How long it took until a call of this action named all of a task's targets and was applied; none
/// if none did.
fn first(run: &Run, place: usize, action: Action, since: SystemTime) -> Option<Duration> {
    let targets = run.state().subjects[place].targets.clone();
    let calls = run.aws.calls();
    let when = |target: &Target| {
        let name = format!("[{}]:{}", target.id, target.port);
        let is_it = |call: &&Call| {
            call.action == action
                && call.at >= since
                && call.outcome == Outcome::Ok
                && call.resource.as_ref() == Some(&run.arns[target.group])
                && call.targets.contains(&name)
        };
        calls.iter().find(is_it).map(|call| call.at)
    };
    let times: Option<Vec<SystemTime>> = targets.iter().map(when).collect();
    times?.into_iter().max()?.duration_since(since).ok()
}

/// One task stops, when nothing was written for a minute and more.
async fn lone_stop(run: &Arc<Run>) {
    let direct = match run.scenario.delivery {
        Delivery::Direct => true,
        Delivery::Queue(Queue { copies, .. }) => copies,
    };
    if !direct {
        return;
    }
    let place = start(run, 0);
    reconcile(run, true).await;
    tokio::time::sleep(run.draw_seconds(61.0, 300.0)).await;
    let since = run.aws.now();
    let how = run.state().dice.pick(&[Stop::Asked, Stop::Crash]);
    run.cover(Case::LoneStop);
    life::stop(run.clone(), place, how).await;
    run.deliveries.calm().await;
    debug_assert_eq!(stage(&task(run, place)), Stage::Leaving);
    let took = first(run, place, Action::DeregisterTargets, since);
    if took.is_none_or(|took| took > SOON) {
        let how = format!("t{place} was deregistered after {took:?}");
        run.examine(|_| Err(Broken { promise: "soon", how }));
    }
}
