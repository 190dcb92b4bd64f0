//! One run's world: what everything that happens in it shares.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sim::Aws;
use tokio::sync::Notify;

use crate::coverage::{Case, Coverage};
use crate::delivery::Message;
use crate::evidence::Evidence;
use crate::history::History;
use crate::invocation::Invocation;
use crate::promises::Broken;
use crate::scenario::{Scenario, Target};
use crate::subject::{Origin, Subject};
use crate::trials::HungCall;
use harness::count::Count;
use harness::dice::Dice;
use harness::function::Instances;

/// When every run begins.
pub const BEGIN: Duration = Duration::from_secs(1_800_000_000);

/// A run.
pub struct Run {
    /// The simulated AWS.
    pub aws: Aws,
    /// The ARNs of the target groups, in the scenario's order.
    pub arns: Vec<String>,
    /// What the seed decided in advance.
    pub scenario: Scenario,
    /// The function under examination.
    pub function: Instances,
    /// What goes on in ECS.
    pub moving: Arc<Count>,
    /// What is on its way to the function, or in it.
    pub deliveries: Arc<Count>,
    /// Wakes whoever waits for messages in the queue.
    pub queued: Notify,
    state: Mutex<State>,
}

/// What changes in the course of a run.
pub struct State {
    /// Chance.
    pub dice: Dice,
    /// What happened.
    pub history: History,
    /// What was exercised.
    pub coverage: Coverage,
    /// Every task there ever was.
    pub subjects: Vec<Subject>,
    /// What was shown to any invocation.
    pub newest: Evidence,
    /// The invocations under way.
    pub invocations: BTreeMap<usize, Invocation>,
    /// Numbers given to invocations and messages so far.
    pub numbers: usize,
    /// The messages in the queue.
    pub queue: Vec<Message>,
    /// The dead-letter queue, and the events that Lambda gave up.
    pub dead: Vec<Message>,
    /// Messages held back, by task.
    pub held: BTreeMap<usize, Vec<Message>>,
    /// Messages sent, and those that were answered without a failure.
    pub sent: usize,
    /// See `sent`.
    pub applied: usize,
    /// Targets that somebody edited by hand and that no reconcile has seen since.
    pub edited: BTreeSet<Target>,
    /// Addresses in the VPC that no group takes.
    pub exhausted: BTreeSet<Ipv6Addr>,
    /// Targets that a forged event claims.
    pub claimed: BTreeSet<Target>,
    /// Which call hangs, every attempt of it.
    pub hung: Option<HungCall>,
    /// When the queue last handed messages over.
    pub handed_over_at: Option<Duration>,
    /// Targets that were wrong before the reconcile, and excused.
    pub wrong: BTreeSet<Target>,
    /// Until when ECS is down, and ELB.
    pub down_until: [Duration; 2],
    /// Whether anything still goes wrong.
    pub faults: bool,
    /// The first promise that was broken.
    pub broken: Option<Broken>,
}

impl Run {
    /// A run at its beginning.
    pub fn new(
        aws: Aws,
        arns: Vec<String>,
        scenario: Scenario,
        function: Instances,
        dice: Dice,
        history: History,
    ) -> Arc<Self> {
        let state = State {
            dice,
            history,
            coverage: Coverage::default(),
            subjects: Vec::new(),
            newest: Evidence::default(),
            invocations: BTreeMap::new(),
            numbers: 0,
            queue: Vec::new(),
            dead: Vec::new(),
            held: BTreeMap::new(),
            sent: 0,
            applied: 0,
            edited: BTreeSet::new(),
            exhausted: BTreeSet::new(),
            claimed: BTreeSet::new(),
            hung: None,
            handed_over_at: None,
            wrong: BTreeSet::new(),
            down_until: [Duration::ZERO; 2],
            faults: true,
            broken: None,
        };
        Arc::new(Self {
            aws,
            arns,
            scenario,
            function,
            moving: Arc::default(),
            deliveries: Arc::default(),
            queued: Notify::new(),
            state: Mutex::new(state),
        })
    }

    /// What changes; nobody may hold it while waiting.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the beginning.
    pub fn elapsed(&self) -> Duration {
        let begin = SystemTime::UNIX_EPOCH + BEGIN;
        self.aws.now().duration_since(begin).unwrap_or_default()
    }

    /// Notes what somebody did.
    pub fn note(&self, who: &str, what: impl FnOnce() -> String) {
        if self.state().history.is_wanted() {
            let (at, what) = (self.elapsed(), what());
            self.state().history.note(at, who, what);
        }
    }

    /// A case occurred.
    pub fn cover(&self, case: Case) {
        self.state().coverage.note(case);
    }

    /// Rolls the dice for something that goes wrong; nothing does once the faults have ceased.
    pub fn strikes(&self, rate: f64) -> bool {
        let state = &mut *self.state();
        state.faults && state.dice.chance(rate)
    }

    /// A time between these seconds.
    pub fn draw_seconds(&self, least: f64, most: f64) -> Duration {
        self.state().dice.seconds(least, most)
    }

    /// Examines a promise about the state of things; the first one broken counts.
    pub fn examine(&self, promise: impl FnOnce(&mut State) -> Result<(), Broken>) {
        let verdict = promise(&mut self.state());
        if let Err(broken) = verdict {
            self.note("BROKEN", || broken.to_string());
            self.state().broken.get_or_insert(broken);
        }
    }

    /// The group with this ARN.
    pub fn group(&self, arn: &str) -> Option<usize> {
        self.arns.iter().position(|known| known == arn)
    }

    /// A target in words: `blue [2001:db8::1]:8080`.
    pub fn words(&self, target: &Target) -> String {
        target.words(&self.scenario)
    }
}

impl Target {
    /// The target in words: `blue [2001:db8::1]:8080`.
    pub fn words(&self, scenario: &Scenario) -> String {
        format!("{} [{}]:{}", scenario.groups[self.group].name, self.id, self.port)
    }
}

impl State {
    /// The tasks that the bindings give this target, by their places in the list.
    pub fn holders(&self, target: &Target) -> impl Iterator<Item = usize> {
        let holds = move |(_, subject): &(usize, &Subject)| subject.targets.contains(target);
        self.subjects.iter().enumerate().filter(holds).map(|(place, _)| place)
    }

    /// How many tasks of this account had this address, bound or not.
    pub fn users(&self, address: Ipv6Addr) -> usize {
        let own = self.subjects.iter().filter(|subject| subject.origin != Origin::Foreign);
        own.filter(|subject| subject.task.ipv6() == Some(address)).count()
    }

    /// Whether no group takes this address.
    pub fn is_bad(&self, address: Ipv6Addr) -> bool {
        address.segments()[1] != 0xdb8 || self.exhausted.contains(&address)
    }

    /// The task with this ARN; ids are `t` and the place in the list.
    pub fn subject(&self, arn: &str) -> Option<usize> {
        let place = arn.rsplit('/').next()?.strip_prefix('t')?.parse().ok()?;
        (place < self.subjects.len()).then_some(place)
    }

    /// The next number.
    pub fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }
}
