//! The rates that all callers of an account share.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::action::{Action, Api};
use crate::api_error::ApiError;

/// A token bucket: so many calls at once, and so many a second.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How many calls a full bucket admits at once.
    pub at_once: u32,
    /// How many more it admits in each second.
    pub per_second: u32,
}

impl Rate {
    /// RegisterTargets and DeregisterTargets together (ELBv2 docs, "Request throttling for the ELB
    /// API").
    pub const ELB_WRITES: Self = Self { at_once: 20, per_second: 4 };
    /// All calls to ELBv2 (the same page).
    pub const ELB_CALLS: Self = Self { at_once: 40, per_second: 10 };
    /// DescribeTasks and ListTasks together (ECS docs, "Request throttling for the Amazon ECS
    /// API").
    pub const ECS_READS: Self = Self { at_once: 100, per_second: 20 };
    /// UpdateTaskProtection and GetTaskProtection together (the same page).
    pub const TASK_PROTECTION: Self = Self { at_once: 200, per_second: 80 };
    /// GetResources (AWS general reference, "AWS Resource Groups endpoints and quotas").
    pub const TAG_READS: Self = Self { at_once: 15, per_second: 15 };
}

/// The buckets of all accounts.
#[derive(Debug)]
pub(crate) struct AllRates {
    writes: Rate,
    calls: Rate,
    of: BTreeMap<String, Rates>,
}

impl AllRates {
    pub(crate) fn new(writes: Rate, calls: Rate) -> Self {
        Self { writes, calls, of: BTreeMap::new() }
    }

    /// Those of the account whose credentials call (ELBv2 docs, "Request throttling for the ELB
    /// API": per account and region).
    pub(crate) fn of(&mut self, account: &str) -> &mut Rates {
        let Self { writes, calls, of } = self;
        of.entry(account.to_owned()).or_insert_with(|| Rates::new(*writes, *calls))
    }
}

/// The buckets of one account and region.
#[derive(Debug)]
pub(crate) struct Rates {
    writes: Bucket,
    calls: Bucket,
    lattice_writes: Bucket,
    lattice_calls: Bucket,
    ecs_reads: Bucket,
    task_protection: Bucket,
    tag_reads: Bucket,
}

impl Rates {
    fn new(writes: Rate, calls: Rate) -> Self {
        Self {
            writes: Bucket::full(writes),
            calls: Bucket::full(calls),
            lattice_writes: Bucket::full(writes),
            lattice_calls: Bucket::full(calls),
            ecs_reads: Bucket::full(Rate::ECS_READS),
            task_protection: Bucket::full(Rate::TASK_PROTECTION),
            tag_reads: Bucket::full(Rate::TAG_READS),
        }
    }

    /// Takes a call's tokens, or refuses it. VPC Lattice documents no rates; it has those of ELBv2,
    /// for itself.
    pub(crate) fn admit(
        &mut self,
        api: Api,
        action: Action,
        now: SystemTime,
    ) -> Result<(), ApiError> {
        let admitted = match action {
            Action::UpdateTaskProtection | Action::GetTaskProtection => {
                self.task_protection.take(now)
            }
            Action::DescribeTasks | Action::ListTasks => self.ecs_reads.take(now),
            Action::GetResources => self.tag_reads.take(now),
            _ if api == Api::Lattice => {
                self.lattice_calls.take(now)
                    && (!action.is_write() || self.lattice_writes.take(now))
            }
            _ if matches!(action.api(), Api::Ecs | Api::Sts) => true,
            _ => self.calls.take(now) && (!action.is_write() || self.writes.take(now)),
        };
        match admitted {
            true => Ok(()),
            false => Err(ApiError::sender(throttled(action), "Rate exceeded")),
        }
    }
}

/// The code by which the action's service throttles.
pub(crate) fn throttled(action: Action) -> &'static str {
    match action {
        Action::GetResources => "ThrottledException",
        Action::AssumeRole => "Throttling",
        _ => "ThrottlingException",
    }
}

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// When the bucket is full again if nobody calls.
    full_at: SystemTime,
}

impl Bucket {
    fn full(rate: Rate) -> Self {
        Self { rate, full_at: SystemTime::UNIX_EPOCH }
    }

    fn take(&mut self, now: SystemTime) -> bool {
        let token = Duration::from_secs(1) / self.rate.per_second;
        let full_at = self.full_at.max(now) + token;
        let room = full_at <= now + token * self.rate.at_once;
        if room {
            self.full_at = full_at;
        }
        room
    }
}
