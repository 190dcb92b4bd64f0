//! What the real function does, as a tree: from each call that waits, by each answer, to the calls
//! that wait next. A node is found by running the real handler with the real SDK clients from the
//! beginning of an invocation, and is remembered, so that each is run once however many states of
//! the world lead to it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use aws_sim::{Aws, events};
use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::core::caught_up::CaughtUp;
use ecs_ipv6_targets::flow::catch_up::Patience;
use ecs_ipv6_targets::handler::Handler;
use harness::function::{runtime, sdk};
use harness::lambda;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::bounds::{Bounds, HOLD_MINUTES};
use crate::knowledge::Shown;
use crate::message::{Batch, Event, Input, Message};
use crate::names::{SERVICE, address, bindings, time};
use crate::wire::{Call, Inbox, Reply};

/// What happens to an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// The call of this number is answered.
    Answer(usize, Reply),
    /// More than a second passes without an answer.
    Wait,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Which messages are to be received again, or whether a reconcile failed.
    pub failed: [bool; 2],
    /// What its instance remembers.
    pub instance: Instance,
}

/// The number of a node. 0 is no node.
pub type NodeId = u32;

/// A point in the course of an invocation.
#[derive(Clone, Debug)]
pub struct Node {
    pub input: Input,
    /// The calls that wait for an answer, each with its number.
    pub waiting: Vec<(usize, Call)>,
    /// The end, if this is it.
    pub end: Option<End>,
    /// What the invocation was shown, and what it did.
    pub shown: Shown,
    before: Option<(NodeId, Move)>,
    instance: Instance,
}

/// What an instance remembers: the end of an invocation after which an instance remembers the same.
/// 0 remembers nothing.
pub type Instance = NodeId;

/// The function with these settings.
pub struct Function {
    bounds: Bounds,
    config: Config,
    runtime: Runtime,
    nodes: Vec<Node>,
    begun: HashMap<(Input, Instance), NodeId>,
    next: HashMap<(NodeId, Move), NodeId>,
    /// By what they remember, in words; from the beginning, the one that remembers nothing.
    instances: HashMap<String, Instance>,
}

/// Longer than the function waits for an answer before it does what needs none.
const SLOW: Duration = Duration::from_millis(1100);

/// Nothing that the function waits for takes less time than this, save the answers to its calls.
const INSTANT: Duration = Duration::from_millis(1);

impl Function {
    /// The function with the settings of these bounds.
    pub fn new(bounds: Bounds) -> Self {
        let config = Config::read(|name| {
            Some(match name {
                "BINDINGS" => bindings().to_string(),
                "AWS_REGION" => "us-east-2".to_owned(),
                "PRUNE" if bounds.prunes_all => "all".to_owned(),
                "HOLD_MINUTES" if bounds.deploys => HOLD_MINUTES.to_string(),
                _ => return None,
            })
        });
        Self {
            bounds,
            config: config.expect("the settings are right"),
            runtime: runtime(),
            nodes: Vec::new(),
            begun: HashMap::new(),
            next: HashMap::new(),
            instances: [(format!("{:?}", CaughtUp::default()), 0)].into(),
        }
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize - 1]
    }

    /// How many nodes were found.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// An invocation begins, on an instance that remembers this.
    pub fn begin(&mut self, input: Input, instance: Instance) -> NodeId {
        if let Some(id) = self.begun.get(&(input, instance)) {
            return *id;
        }
        let id = self.run(input, instance, None, Shown::by(input));
        self.begun.insert((input, instance), id);
        id
    }

    /// This happens to an invocation.
    pub fn step(&mut self, id: NodeId, step: Move) -> NodeId {
        if let Some(next) = self.next.get(&(id, step)) {
            return *next;
        }
        let Node { input, waiting, shown, instance, .. } = self.node(id);
        let shown = match step {
            Move::Wait => Shown { has_waited: true, ..*shown },
            Move::Answer(number, reply) => {
                let call = waiting.iter().find(|(own, _)| *own == number);
                let (_, call) = call.expect("the call waits");
                shown.after(&self.bounds, *call, reply)
            }
        };
        let next = self.run(*input, *instance, Some((id, step)), shown);
        self.next.insert((id, step), next);
        next
    }

    fn run(
        &mut self,
        input: Input,
        instance: Instance,
        before: Option<(NodeId, Move)>,
        shown: Shown,
    ) -> NodeId {
        let mut course = vec![(input, self.moves(before))];
        let mut at = instance;
        while at != 0 {
            let Node { input, before, instance, .. } = self.node(at);
            course.push((*input, self.moves(*before)));
            at = *instance;
        }
        course.reverse();
        let id = self.nodes.len() as NodeId + 1;
        let (waiting, end) = match self.replay(&course) {
            At::Calls(calls) => (calls, None),
            At::End { failed, remembers } => {
                let instance = *self.instances.entry(remembers).or_insert(id);
                (Vec::new(), Some(End { failed, instance }))
            }
        };
        self.nodes.push(Node { input, waiting, end, shown, before, instance });
        id
    }

    /// The moves of an invocation, with the last one.
    fn moves(&self, mut last: Option<(NodeId, Move)>) -> Vec<Move> {
        let mut moves = Vec::new();
        while let Some((id, step)) = last {
            moves.push(step);
            last = self.node(id).before;
        }
        moves.reverse();
        moves
    }

    /// Runs these invocations on an instance, the last until it waits after its moves.
    fn replay(&self, course: &[(Input, Vec<Move>)]) -> At {
        let inbox = Inbox::default();
        fastrand::seed(0);
        let sdk = sdk(&Aws::starting_at(time(0))).to_builder().http_client(inbox.http_client());
        let minute = Arc::new(AtomicU8::new(0));
        let clock = minute.clone();
        let clock = Arc::new(move || time(clock.load(Ordering::Relaxed)));
        let mut handler = Handler::new(self.config.clone(), &sdk.build(), clock);
        let mut course = course.iter();
        loop {
            let (input, moves) = course.next().expect("there is a last invocation");
            minute.store(input.minute(), Ordering::Relaxed);
            handler = handler.with_patience(match input {
                Input::Batch(Batch { settles_whole_group: true, .. }, _) => Patience::None,
                _ => Patience::default(),
            });
            let invocation = self.invoke(&handler, &inbox, *input, moves);
            let at = self.runtime.block_on(invocation);
            if course.len() == 0 {
                return at;
            }
        }
    }

    /// Runs an invocation until it waits after these moves.
    async fn invoke(&self, handler: &Handler, inbox: &Inbox, input: Input, moves: &[Move]) -> At {
        let context = lambda::context(time(input.minute()) + Duration::from_secs(30));
        let payload = payload(input, &self.bounds);
        let mut work = pin!(handler.handle(lambda::event(&payload, context)));
        for step in moves.iter().map(Some).chain([None]) {
            tokio::select! {
                biased;
                answer = &mut work => {
                    let failed = failed(input, answer.ok().as_ref());
                    let remembers = format!("{:?}", handler.memory().caught_up());
                    return At::End { failed, remembers };
                }
                () = sleep(INSTANT) => {}
            }
            match step {
                Some(Move::Answer(number, reply)) => inbox.answer(*number, *reply),
                Some(Move::Wait) => {
                    let waited = tokio::time::timeout(SLOW, &mut work).await;
                    assert!(waited.is_err(), "ends without an answer");
                }
                None => {}
            }
        }
        At::Calls(inbox.waiting())
    }
}

/// Where an invocation is.
enum At {
    /// At calls that wait.
    Calls(Vec<(usize, Call)>),
    /// At its end; its instance remembers this.
    End { failed: [bool; 2], remembers: String },
}

/// Which messages are to be received again, or whether a reconcile failed.
fn failed(input: Input, answer: Option<&Value>) -> [bool; 2] {
    match input {
        Input::Batch(..) => IDS.map(|id| lambda::returns(answer, id)),
        Input::Reconcile(_) => [answer.is_none(); 2],
    }
}

fn payload(input: Input, bounds: &Bounds) -> Value {
    let now = time(input.minute());
    let Input::Batch(Batch { messages, .. }, _) = input else { return events::scheduled(now) };
    let body = |message: &Message| {
        let at = now - Duration::from_secs(if message.is_old { 600 } else { 5 });
        let Some(place) = message.event.task() else { return deployment_event() };
        let task = message.event.stage().of(place);
        match bounds.has_addresses_in_events {
            true => task.address(&address(bounds.target_of(place))).event(at),
            false => task.without_address().event(at),
        }
    };
    let messages = messages.iter().flatten().zip(IDS);
    events::sqs_batch(messages.map(|(message, id)| (id, body(message).to_string())))
}

/// The ids of a batch's messages.
const IDS: [&str; 2] = ["first", "second"];

fn deployment_event() -> Value {
    json!({
        "source": "aws.ecs",
        "detail-type": "ECS Deployment State Change",
        "account": "123456789012",
        "region": "us-east-2",
        "resources": [SERVICE],
        "detail": {"eventName": Event::DEPLOYMENT},
    })
}
