//! What is visited: the situations, and how much goes wrong in each.

/// The longest hold of a deployment, in minutes.
pub const HOLD_MINUTES: u8 = 2;

/// How often each thing may still happen in a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// An event is lost.
    pub lost: u8,
    /// An event is sent twice.
    pub doubled: u8,
    /// The function is killed between two calls; its messages are received again.
    pub kills: u8,
    /// A call fails for good, before or after its effect.
    pub failures: u8,
    /// A read of ECS shows a task in the stage before.
    pub stale: u8,
    /// All calls of an invocation take longer than a second.
    pub slow: u8,
    /// Somebody registers or deregisters a target by hand.
    pub edits: u8,
    /// A reconcile begins.
    pub reconciles: u8,
    /// A minute of a deployment passes.
    pub minutes: u8,
}

/// A situation, and how much goes wrong in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    pub name: &'static str,
    /// Both tasks have one address, the second after the first.
    pub reuses_address: bool,
    /// The target group refuses the second task's address.
    pub has_bad_target: bool,
    /// The second task replaces the first in a deployment, with a hold.
    pub deploys: bool,
    /// `PRUNE=all`.
    pub prunes_all: bool,
    /// Events carry the task's address.
    pub has_addresses_in_events: bool,
    /// ECS shows the address of a task that starts.
    pub has_early_address: bool,
    /// ECS forgets stopped tasks.
    pub forgets: bool,
    /// A batch that writes may settle the whole group, as one of a large rollout does, and its
    /// instance remembers that until the messages come back of which a try failed.
    pub settles_whole_groups: bool,
    /// The second task does not start.
    pub has_one_task: bool,
    /// How many invocations of messages run at the same time.
    pub instances: usize,
    /// The most messages of an invocation.
    pub batch: usize,
    pub budget: Budget,
}

impl Bounds {
    /// The target of a task.
    pub fn target_of(&self, place: usize) -> usize {
        if self.reuses_address { 0 } else { place }
    }

    /// Whether the target group refuses a target.
    pub fn is_bad(&self, target: usize) -> bool {
        self.has_bad_target && target == 1
    }
}
