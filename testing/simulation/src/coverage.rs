//! What was exercised: a simulation that never reaches a case proves nothing about it.

use std::fmt;
use std::marker::PhantomData;

/// A list of what can happen in a run.
pub trait Cases: Copy + 'static {
    /// Every case, in the order in which they are printed.
    const ALL: &'static [Self];

    /// What happens, in words.
    fn words(self) -> &'static str;

    /// Its place in the list.
    fn index(self) -> usize;
}

macro_rules! cases {
    ($name:ident: $($case:ident $words:literal,)*) => {
        /// Something that can happen in a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the words beside each say it")]
        pub enum $name { $($case,)* }

        impl $crate::coverage::Cases for $name {
            const ALL: &'static [Self] = &[$(Self::$case,)*];

            fn words(self) -> &'static str {
                match self { $(Self::$case => $words,)* }
            }

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use cases;

cases! { Case:
    EventDuplicated "fault: event delivered twice",
    EventHeld "fault: event held back until its task stops",
    EventDelayed "fault: event delayed",
    EventVeryLate "fault: event delayed by more than an hour",
    EventDropped "fault: event dropped",
    EventWithoutAddress "fault: event without the address",
    QuietQueue "fault: message kept for up to 20 s in a quiet queue",
    CopySent "delivery: stop also sent as a copy",
    CopyDropped "fault: copy dropped",
    ForeignCluster "fault: event of a cluster of the same name elsewhere",
    CrowdWithEvents "fault: crowd of bad targets with events",
    CrowdWithoutEvents "fault: crowd of bad targets found by reconciles",
    ZoneFull "fault: one zone of a target group full",
    Unhealthy "fault: target unhealthy.draining",
    TaskBeforeRule "fault: task ran before there was a rule",
    Throttled "fault: call throttled",
    SharedRateUsedUp "fault: call throttled by the account's shared bucket",
    ServerError "fault: call answered with a 500",
    Outage "fault: ECS or ELB down for a while",
    AnswerLost "fault: answer lost after the effect",
    CallHung "fault: call hung for seconds",
    KilledBeforeCall "fault: function killed before a call's effect",
    KilledAfterCall "fault: function killed after a call's effect",
    KilledAnywhere "fault: function killed at any moment",
    StaleRead "fault: stale read of ECS",
    StaleReadMatters "fault: stale read that hides a stop",
    BadTarget "fault: target outside the VPC refused",
    RefusedByItself "fault: VPC Lattice refuses a target by itself",
    AbsentRefused "fault: VPC Lattice refuses to deregister what is not there",
    BothKinds "life: a group of VPC Lattice beside one of a load balancer",
    QuotaHit "fault: target group full",
    RegisteredByHand "fault: target registered by hand",
    DeregisteredByHand "fault: target deregistered by hand",
    ForgottenAtOnce "fault: ECS forgets a task at once",
    AddressReused "fault: address of a stopped task used again",
    StoppedOnRegister "fault: task stops just when it is registered",
    Meddled "fault: reconcile at the moment of a task's change",
    Asked "question: plan or doctor at the moment of a task's change",
    Latecomer "fault: task starts just after a reconcile has listed the tasks",
    Crashed "life: task crashes straight to STOPPED",
    ShortLived "life: task stops seconds after it began to run",
    StoppedBeforeRunning "life: task stops before it runs",
    Deployed "life: service deployed",
    Scaled "life: service scaled",
    BatchOfMany "delivery: batch of several messages",
    PartialFailure "delivery: batch failed in part",
    Redelivered "delivery: message received again",
    DeadLettered "delivery: message in the dead-letter queue",
    Redriven "delivery: dead-letter queue sent back",
    GivenUp "delivery: event given up after three tries",
    FunctionError "delivery: function error",
    AskedBeforeActing "settle: asked ECS before acting",
    LookedAgain "settle: looked again after a register",
    LookFoundLeaving "settle: the look found the task leaving",
    LookFoundGone "settle: the look found the task gone",
    Undone "settle: register undone after the look",
    Unconfirmed "settle: register unconfirmed",
    StaleAnswer "settle: stale answer not believed",
    Bisected "settle: refused batch halved",
    DeadlineReached "settle: deadline reached",
    OldStartRefuted "settle: old start refuted by ECS",
    ReasonNoBinding "reason: no-binding",
    ReasonNoAddress "reason: no-address",
    ReasonNotRunning "reason: not-running",
    ReasonSuperseded "reason: superseded",
    ReasonGone "reason: gone",
    ReasonQueued "reason: queued",
    ReasonGroupGone "reason: group-gone",
    TagAppeared "tags: a tag binds what it did not bind",
    TagVanished "tags: a tag no longer binds a task that serves",
    TagSpoilt "tags: an entry that cannot be read",
    TagMistyped "tags: an entry of a service that does not exist",
    TagLagged "tags: the index lags by a minute or more",
    TagsUnread "tags: a read fails",
    TagsBrokeOff "tags: pages break off",
    BadTag "tags: a reconcile fails for BadTag",
    RoleDeleted "roles: a role is deleted",
    RoleDistrusted "roles: a role no longer trusts the function",
    RoleAssumed "roles: AssumeRole answered",
    RoleAssumedLater "roles: AssumeRole answered when the first credentials have expired",
    RoleDenied "roles: AssumeRole denied",
    CredentialsRefused "roles: credentials refused by ELB",
    ThrottledElsewhere "roles: a call throttled in another account",
    ReconcileRegistered "reconcile: registered a target",
    ReconcilePruned "reconcile: deregistered a target",
    ReconcileFoundUnowned "reconcile: left a target unowned",
    ReconcileFailed "reconcile: failed",
    ReconcileBesideEvents "interleaving: reconcile beside events",
    WritesCrossed "interleaving: register and deregister of one target in flight at once",
    StopBeforeLook "interleaving: stop between register and look",
    KilledBeforeLook "interleaving: killed between register and look",
    StartAfterStop "interleaving: start delivered after the stop",
    ReusedAddressRemoved "admitted: late stop takes the target of the address's next task",
    TriedAgain "ending: good target of a crowd in after more than one reconcile",
    ReconcileHung "trial: a read hangs for one binding in a reconcile",
    BatchHung "trial: a read hangs that some messages of a batch need",
    StartForged "trial: forged start of a real task",
    OldTagsUsed "trial: tags cannot be read, and those of a while ago are used",
    OldTagsUnused "trial: tags cannot be read, and those of a while ago are too old",
    Unproven "trial: a task stops without an event while its tag is lost or malformed",
    RoleLost "trial: a role cannot be assumed in a reconcile",
    OwnAccountThrottled "trial: the function's own account is throttled",
    LoneStop "trial: one stop after a minute without writes",
    TargetExcused "ending: target excused until a reconcile",
    TargetHeld "ending: target right without a reconcile",
    TargetHealed "ending: target put right by the reconcile",
    LeftUnproven "ending: target left because nothing proves it",
}

/// How often each case occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage<C = Case> {
    counts: Vec<u64>,
    cases: PhantomData<C>,
}

impl<C: Cases> Default for Coverage<C> {
    fn default() -> Self {
        Self { counts: vec![0; C::ALL.len()], cases: PhantomData }
    }
}

impl<C: Cases> Coverage<C> {
    /// Counts one more occurrence.
    pub fn note(&mut self, case: C) {
        self.counts[case.index()] += 1;
    }

    /// Counts one more occurrence if it is one.
    pub fn note_if(&mut self, occurred: bool, case: C) {
        self.counts[case.index()] += u64::from(occurred);
    }

    /// How often a case occurred.
    pub fn count(&self, case: C) -> u64 {
        self.counts[case.index()]
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    }

    /// The cases that never occurred.
    pub fn missing(&self) -> Vec<C> {
        C::ALL.iter().copied().filter(|case| self.count(*case) == 0).collect()
    }
}

impl<C: Cases> fmt::Display for Coverage<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for case in C::ALL {
            writeln!(f, "{:>12}  {}", self.count(*case), case.words())?;
        }
        Ok(())
    }
}
