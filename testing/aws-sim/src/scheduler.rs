//! What ECS's service scheduler does next: pure decisions.

/// A task of the service whose desiredStatus is RUNNING, as the scheduler sees it. botocore: only
/// tasks "in the RUNNING or PENDING state" count toward `maximumPercent`, so stopping ones do not.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) arn: String,
    /// Whether it is of the PRIMARY deployment.
    pub(crate) is_new: bool,
    pub(crate) is_healthy: bool,
    pub(crate) is_protected: bool,
}

/// The bounds of the moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) desired: usize,
    pub(crate) least_healthy: usize,
    pub(crate) most_tasks: usize,
    /// How many old tasks died and wait for a replacement.
    pub(crate) lost: usize,
    /// ECS docs (deployment-circuit-breaker): "A deployment in a FAILED state doesn't launch any
    /// new tasks."
    pub(crate) may_launch: bool,
}

/// What the scheduler does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    pub(crate) stop: Vec<String>,
    pub(crate) launch_new: usize,
    pub(crate) launch_old: usize,
    /// Whether only its protection keeps some task from being stopped.
    pub(crate) held_back: bool,
}

/// ECS docs (deployment-type-ecs): tasks are started up to the upper limit, and stopped as long as
/// the lower limit of healthy ones holds. Those that are not healthy go first.
pub(crate) fn decide(limits: Limits, tasks: &[Seen]) -> Moves {
    let (mut left, held_back) = (Standing::of(tasks), Vec::new());
    let mut moves = Moves::default();
    let mut held_back: Vec<&Seen> = held_back;
    for task in candidates(limits, tasks) {
        if !left.can_do_without(task, limits) {
            continue;
        }
        if task.is_protected {
            held_back.push(task);
        } else {
            left.remove(task);
            moves.stop.push(task.arn.clone());
        }
    }
    moves.held_back = held_back.into_iter().any(|task| left.can_do_without(task, limits));
    let room = limits.most_tasks.saturating_sub(left.alive);
    let missing = limits.least_healthy.saturating_sub(left.standing());
    moves.launch_old = limits.lost.min(missing).min(room);
    if limits.may_launch {
        let wanted = limits.desired.saturating_sub(left.new);
        moves.launch_new = wanted.min(room - moves.launch_old);
    }
    moves
}

/// What may be stopped, in this order: all old tasks, and new ones beyond the desired count.
fn candidates(limits: Limits, tasks: &[Seen]) -> Vec<&Seen> {
    let (new, mut candidates): (Vec<&Seen>, Vec<&Seen>) =
        tasks.iter().partition(|task| task.is_new);
    let surplus = new.len().saturating_sub(limits.desired);
    let mut new: Vec<&Seen> = new;
    new.sort_by_key(|task| (task.is_protected, task.is_healthy));
    candidates.extend(new.into_iter().take(surplus));
    candidates.sort_by_key(|task| task.is_healthy);
    candidates
}

/// The tasks that are left after the stops so far.
#[derive(Clone, Copy, Debug)]
struct Standing {
    alive: usize,
    healthy: usize,
    new: usize,
    new_healthy: usize,
}

impl Standing {
    fn of(tasks: &[Seen]) -> Self {
        let count = |counts: fn(&Seen) -> bool| tasks.iter().filter(|task| counts(task)).count();
        Self {
            alive: tasks.len(),
            healthy: count(|task| task.is_healthy),
            new: count(|task| task.is_new),
            new_healthy: count(|task| task.is_new && task.is_healthy),
        }
    }

    /// The old tasks, healthy or on their way, and the new ones that are healthy.
    fn standing(&self) -> usize {
        self.alive - self.new + self.new_healthy
    }

    fn can_do_without(&self, task: &Seen, limits: Limits) -> bool {
        match task.is_healthy {
            true => self.healthy > limits.least_healthy,
            false if task.is_new => true,
            false => self.standing() > limits.least_healthy,
        }
    }

    fn remove(&mut self, task: &Seen) {
        self.alive -= 1;
        self.healthy -= usize::from(task.is_healthy);
        self.new -= usize::from(task.is_new);
        self.new_healthy -= usize::from(task.is_new && task.is_healthy);
    }
}
