//! What everything in a run shares: the simulated AWS, the function, and what has happened so far.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sim::{Aws, Call};
use harness::count::Count;
use harness::dice::Dice;
use harness::function::Instances;
use tokio::sync::Notify;

use crate::coverage::{Case, Coverage};
use crate::evidence::{Key, OnTheWay};
use crate::history::History;
use crate::hung_call::HungCall;
use crate::message::Message;
use crate::observation::Observation;
use crate::promises::Broken;
use crate::scenario::{Scenario, Target};

/// When every run begins, in time since 1970.
pub const BEGIN: Duration = Duration::from_secs(1_800_000_000);

/// The world of one run.
pub struct World {
    pub aws: Aws,
    /// The ARNs of the target groups, in the scenario's order.
    pub arns: Vec<String>,
    /// What the seed decided in advance.
    pub scenario: Scenario,
    pub function: Instances,
    /// What goes on in ECS.
    pub moving: Arc<Count>,
    /// What is on its way to the function, or being handled by it.
    pub deliveries: Arc<Count>,
    /// Wakes the pollers that wait for messages in the queue.
    pub queued: Notify,
    state: Mutex<State>,
}

/// Tells which calls are throttled.
pub type Refused = fn(&Call) -> bool;

/// What changes during a run.
pub struct State {
    /// The source of all chance.
    pub dice: Dice,
    pub history: History,
    pub coverage: Coverage,
    pub observed: Observation,
    /// The highest number given to an invocation or message so far.
    pub numbers: usize,
    /// The messages in the queue.
    pub queue: Vec<Message>,
    /// The dead-letter queue, and the events that Lambda gave up.
    pub dead: Vec<Message>,
    /// Messages held back, by task.
    pub held: BTreeMap<usize, Vec<Message>>,
    /// Addresses in the VPC that no group accepts.
    pub exhausted: BTreeSet<Ipv6Addr>,
    /// Answers of ECS that have not arrived.
    pub on_the_way: BTreeMap<Key, OnTheWay>,
    /// The call that hangs, if any.
    pub hung: Option<HungCall>,
    /// When the queue last handed messages over.
    pub handed_over_at: Option<Duration>,
    /// The calls that are throttled, if a trial has it so.
    pub refused: Option<Refused>,
    /// Until when ELB, ECS, the index of tags and STS are down.
    pub down_until: [Duration; 4],
    /// Whether faults still occur.
    pub faults: bool,
    /// The first promise that was broken.
    pub broken: Option<Broken>,
}

impl World {
    /// The world at the beginning of a run.
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
            observed: Observation::default(),
            numbers: 0,
            queue: Vec::new(),
            dead: Vec::new(),
            held: BTreeMap::new(),
            exhausted: BTreeSet::new(),
            on_the_way: BTreeMap::new(),
            hung: None,
            handed_over_at: None,
            refused: None,
            down_until: [Duration::ZERO; 4],
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

    /// What changes. The guard must not be held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the beginning of the run.
    pub fn elapsed(&self) -> Duration {
        let begin = SystemTime::UNIX_EPOCH + BEGIN;
        self.aws.now().duration_since(begin).unwrap_or_default()
    }

    /// Notes in the history what somebody did; `what` is only called if the history is kept.
    pub fn note(&self, who: &str, what: impl FnOnce() -> String) {
        if self.state().history.is_wanted() {
            let (at, what) = (self.elapsed(), what());
            self.state().history.note(at, who, what);
        }
    }

    /// Counts a case that occurred.
    pub fn cover(&self, case: Case) {
        self.state().coverage.note(case);
    }

    /// Draws whether a fault with this rate occurs; none does once the faults have ceased.
    pub fn strikes(&self, rate: f64) -> bool {
        let state = &mut *self.state();
        state.faults && state.dice.chance(rate)
    }

    /// Draws a time between these bounds, in seconds.
    pub fn draw_seconds(&self, least: f64, most: f64) -> Duration {
        self.state().dice.seconds(least, most)
    }

    /// Checks a promise; the first one that is broken is the run's outcome.
    pub fn examine(&self, promise: impl FnOnce(&mut State) -> Result<(), Broken>) {
        let verdict = promise(&mut self.state());
        if let Err(broken) = verdict {
            self.note("BROKEN", || broken.to_string());
            self.state().broken.get_or_insert(broken);
        }
    }

    /// The group with this ARN, by its place in the scenario.
    pub fn group(&self, arn: &str) -> Option<usize> {
        self.arns.iter().position(|known| known == arn)
    }

    /// All targets that are registered now.
    pub fn registered(&self) -> BTreeSet<Target> {
        let targets = |(group, arn): (usize, &String)| {
            let registered = self.aws.registered(arn).into_iter();
            registered.filter_map(move |(id, port)| match id {
                IpAddr::V6(id) => Some(Target { group, id, port }),
                IpAddr::V4(_) => None,
            })
        };
        self.arns.iter().enumerate().flat_map(targets).collect()
    }
}

impl State {
    /// Whether no group accepts this address.
    pub fn is_bad(&self, address: Ipv6Addr) -> bool {
        address.segments()[1] != 0xdb8 || self.exhausted.contains(&address)
    }

    /// The next number for an invocation or message.
    pub fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }
}
