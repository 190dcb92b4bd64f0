//! What a hold and the gate promise, as checks of what the simulated AWS saw.
//!
//! **Never in the way** ([`may_protect`], at every UpdateTaskProtection that is sent): only old
//! tasks of a service that is held are protected, and never of one without room. What an invocation
//! asks for, with the old tasks that it saw to be protected, is at most as many tasks as were
//! desired at some time since it began.
//!
//! **Once** ([`may_protect`]): no task is protected that the invocation saw to be protected, so
//! that no protection is renewed, except by a call whose answer was lost. *Admitted*: a task that
//! was released and is protected again, to the same end, because more tasks are desired or fewer
//! ready than before.
//!
//! **The application's own** ([`may_clear`]): a protection that an application set, and that ends
//! later than any hold of the service may, is not cleared by an invocation that could see it. (To
//! set it anew is against *once*.) *Admitted*: an application that protects a task between the
//! function's look and its write.
//!
//! **In time** ([`ends_in_time`], at every effect): no protection ends later than `HOLD_MINUTES`
//! and 90 s after the begin of the deployment that was PRIMARY at some time since the invocation
//! began.
//!
//! **Untouched** ([`may_touch`]): tasks of services that are not held, and standalone tasks, are in
//! no UpdateTaskProtection. **Dry**: under `DRY_RUN` there is neither that nor a change of targets.
//!
//! **Gapless** (`watch.rs`, every second of calm runs): where ECS keeps all
//! desired tasks (`minimumHealthyPercent` 100) and has room, the events arrive within 5 s and no
//! fault occurs, as many targets as desired serve in every group that gates, from the begin of a
//! deployment until the hold is over or the desired count changes. (ECS then stops new tasks as
//! well, and knows nothing of their IPv6 targets.)
//!
//! **The gate** ([`gate_is_right`], at every answer): SUCCEEDED only if at the invocation's begin
//! or end as many new tasks as desired were ready; FAILED only for an unbound service; never an
//! error. *Excused*: an invocation that was killed; a stale read just after a task crashed.
//!
//! **A hold fails no target** ([`fails_alone`], at every batch): where faults strike only calls
//! that holds need, no message of a task fails. **Looked at**: a deployment's message that is
//! answered as done was looked at.
//!
//! **Let go** (`watch.rs` in calm runs, `ending.rs` in all,
//! when the faults have ceased): when as many new tasks as desired are ready, nothing is protected
//! after two reconciles. *Admitted*: a rollback
//! that no invocation saw, without a fault, beside the failed deployment. When ECS no longer shows
//! that one, nothing shows that the protections are the function's, and they end by themselves. So
//! do those of a service that is scaled to 0: all of its tasks are then of one deployment, and no
//! reconcile looks.
//!
//! **It ends** (`ending.rs`): every deployment that ECS can carry out is over
//! some time after the last protection's end, also if the function is gone. **Nothing changes**:
//! the targets are those of the serving tasks, with a hold and without.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::deployments::ledger::{Hand, Ledger, Look, LookKind};
use crate::deployments::setting::{Service, Setting};
use crate::promises::{Broken, broken};

/// How much later than the hold a protection may end: a minute because ECS counts in minutes, and
/// the time of an invocation.
const ROUNDING: Duration = Duration::from_secs(90);

/// Untouched, and dry. `service` is the task's, if it has one.
pub fn may_touch(setting: &Setting, service: Option<usize>, task: &str) -> Result<(), Broken> {
    if setting.dry_run {
        return broken("dry", format!("the protection of {task} was changed"));
    }
    match service {
        Some(service) if setting.may_hold(service) => Ok(()),
        _ => broken("untouched", format!("{task} is of no service that is held")),
    }
}

/// Never in the way, and once.
pub fn may_protect(
    setting: &Setting,
    ledger: &Ledger,
    number: usize,
    service: usize,
    task: &str,
) -> Result<(), Broken> {
    const IN_THE_WAY: &str = "never in the way";
    let (look, log) = (&ledger.looks[&number], &ledger.services[service]);
    let has_room = |desired: usize| setting.services[service].has_room(desired);
    let (most, _) = log.desired_since(look.begun);
    if !setting.services[service].desired_counts().any(has_room) {
        return broken(IN_THE_WAY, format!("{task} was protected, and there is no room"));
    }
    let of_service = |tasks: &BTreeMap<usize, BTreeSet<String>>| {
        tasks.get(&service).cloned().unwrap_or_default()
    };
    let (asked, protected) = (of_service(&look.asked), of_service(&look.protected));
    let asked = asked.union(&protected).count();
    if asked > most {
        let how = format!("{asked} tasks were to be protected, and {most} are desired");
        return broken(IN_THE_WAY, how);
    }
    let read = look.read_at(task);
    match ledger.protections.get(task) {
        Some(known) if known.since < read && known.until > read => {
            let how = format!("{task} was protected, and was so before, by the {:?}", known.by);
            broken("once", how)
        }
        _ => Ok(()),
    }
}

/// The application's own.
pub fn may_clear(
    setting: &Setting,
    ledger: &Ledger,
    number: usize,
    task: &str,
) -> Result<(), Broken> {
    let read = ledger.looks[&number].read_at(task);
    match ledger.protections.get(task) {
        Some(known)
            if known.by == Hand::Application
                && known.since <= read
                && known.until > last_end(setting, ledger, known.service) =>
        {
            broken("the application's own", format!("the protection of {task} was cleared"))
        }
        _ => Ok(()),
    }
}

/// The latest end of any hold of a service so far.
pub fn last_end(setting: &Setting, ledger: &Ledger, service: usize) -> SystemTime {
    ledger.services[service].newest() + setting.longest() + ROUNDING
}

/// In time.
pub fn ends_in_time(
    setting: &Setting,
    ledger: &Ledger,
    number: usize,
    service: usize,
    until: SystemTime,
) -> Result<(), Broken> {
    let Some(look) = ledger.looks.get(&number) else { return Ok(()) };
    let primaries = ledger.services[service].primaries_since(look.begun);
    let latest = primaries.map(|primary| primary.created).max().unwrap_or(look.begun);
    let end = latest + setting.longest() + ROUNDING;
    match until.duration_since(end) {
        Ok(late) if late > Duration::ZERO => {
            broken("in time", format!("a protection ends {late:?} too late"))
        }
        _ => Ok(()),
    }
}

/// How an invocation of the gate ended, and how many tasks were ready at best.
#[derive(Clone, Copy, Debug)]
pub struct GateSeen<'a> {
    /// The answer, if there was one and not an error.
    pub answer: Option<&'a Value>,
    /// The most new tasks that were ready at one of its calls.
    pub ready: usize,
    /// The least that were desired meanwhile.
    pub desired: usize,
    /// Whether a stale read may have hidden a crash, or another deployment became PRIMARY between
    /// its calls.
    pub may_be_stale: bool,
}

/// The gate.
pub fn gate_is_right(service: &Service, seen: GateSeen<'_>) -> Result<(), Broken> {
    const GATE: &str = "the gate";
    let GateSeen { answer, ready, desired, may_be_stale } = seen;
    let status = answer.and_then(|answer| answer["hookStatus"].as_str());
    match status {
        Some("SUCCEEDED") if ready < desired && !may_be_stale => {
            broken(GATE, format!("SUCCEEDED with {ready} of {desired} ready"))
        }
        Some("FAILED") if !service.bindings.is_empty() => {
            broken(GATE, "FAILED for a bound service")
        }
        Some("SUCCEEDED" | "IN_PROGRESS") if service.bindings.is_empty() => {
            broken(GATE, "an unbound service was not refused")
        }
        Some("SUCCEEDED" | "FAILED" | "IN_PROGRESS") => Ok(()),
        _ => broken(GATE, format!("answered {answer:?}")),
    }
}

/// A hold fails no target: `failed` is whether a task's message failed.
pub fn fails_alone(look: &Look, failed: bool) -> Result<(), Broken> {
    let is_alone = look.kind == LookKind::Events && !look.other_struck;
    if failed && is_alone {
        return broken(
            "a hold fails no target",
            "a task's message failed without a fault of its own",
        );
    }
    Ok(())
}
