//! The events that the queue holds, and the inputs made of them.

use crate::stage::Stage;

/// What an event reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A task runs.
    Runs(u8),
    /// A task is asked to stop. The events after this one are left out: they say the same.
    Stops(u8),
    /// The service's deployment begins.
    Deploys,
}

/// A message as it is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Message {
    pub event: Event,
    /// Whether its event is older than the function believes without asking.
    pub is_old: bool,
}

impl Event {
    /// All events, each at its place in the queue.
    pub const ALL: [Self; 5] =
        [Self::Runs(0), Self::Stops(0), Self::Runs(1), Self::Stops(1), Self::Deploys];

    /// The name of a deployment's event.
    pub const DEPLOYMENT: &str = "SERVICE_DEPLOYMENT_IN_PROGRESS";

    /// Its place in the queue.
    pub fn place(self) -> usize {
        match self {
            Self::Runs(task) => 2 * usize::from(task),
            Self::Stops(task) => 2 * usize::from(task) + 1,
            Self::Deploys => 4,
        }
    }

    /// The task that it is about.
    pub fn task(self) -> Option<usize> {
        match self {
            Self::Runs(task) | Self::Stops(task) => Some(task.into()),
            Self::Deploys => None,
        }
    }

    /// The stage that it reports.
    pub fn stage(self) -> Stage {
        match self {
            Self::Runs(_) => Stage::Serving,
            Self::Stops(_) => Stage::Leaving,
            Self::Deploys => Stage::Unborn,
        }
    }
}

/// The messages of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Batch {
    pub messages: [Option<Message>; 2],
    /// Whether it settles the whole group if it writes, as one whose writes have to wait.
    pub settles_whole_group: bool,
}

/// The input of an invocation, and the minute in which it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    Batch(Batch, u8),
    Reconcile(u8),
}

impl Input {
    /// The minute in which it begins.
    pub fn minute(self) -> u8 {
        let (Self::Batch(_, minute) | Self::Reconcile(minute)) = self;
        minute
    }

    /// The messages of a batch.
    pub fn messages(self) -> [Option<Message>; 2] {
        match self {
            Self::Batch(batch, _) => batch.messages,
            Self::Reconcile(_) => [None; 2],
        }
    }
}
