//! Two versions of the function that share the work, as during an upgrade or a rollback.

use std::fmt;

use aws_sim::Function;

/// In so many rounds on end the same version has the batches, or both have.
const PHASE: usize = 5;

/// The function, and perhaps another version of it.
pub struct Versions {
    pub new: Function,
    pub old: Option<Function>,
    dice: fastrand::Rng,
    phase: Phase,
    rounds: usize,
    counts: Counts,
}

/// What was done by each version, and by both at the same time.
#[derive(Default)]
struct Counts {
    batches: [usize; 2],
    reconciles: [usize; 2],
    together: usize,
}

/// Which version takes batches.
#[derive(Clone, Copy)]
enum Phase {
    New,
    Old,
    Both,
}

/// What each version does in a round.
#[derive(Clone, Copy)]
pub struct Turn {
    pub new: Work,
    pub old: Work,
}

/// What one version does in a round. An instance has one invocation at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Nothing,
    Batch,
    Reconcile,
}

impl Versions {
    pub fn new(seed: u64, new: Function, old: Option<Function>) -> Self {
        let dice = fastrand::Rng::with_seed(seed.rotate_left(16) ^ 2);
        Self { new, old, dice, phase: Phase::New, rounds: 0, counts: Counts::default() }
    }

    /// What the next round is.
    pub fn draw(&mut self) -> Turn {
        if self.old.is_none() {
            return Turn { new: Work::Batch, old: Work::Nothing };
        }
        if self.rounds.is_multiple_of(PHASE) {
            let phases = [Phase::New, Phase::Old, Phase::Both, Phase::Both];
            self.phase = phases[self.dice.usize(0..phases.len())];
        }
        self.rounds += 1;
        // The one that has no batch may reconcile.
        let mut aside = || if self.dice.bool() { Work::Reconcile } else { Work::Nothing };
        let turn = match self.phase {
            Phase::New => Turn { new: Work::Batch, old: aside() },
            Phase::Old => Turn { new: aside(), old: Work::Batch },
            Phase::Both => Turn { new: Work::Batch, old: Work::Batch },
        };
        self.counts.add(turn);
        turn
    }
}

impl Counts {
    fn add(&mut self, turn: Turn) {
        for (version, work) in [turn.new, turn.old].into_iter().enumerate() {
            self.batches[version] += usize::from(work == Work::Batch);
            self.reconciles[version] += usize::from(work == Work::Reconcile);
        }
        self.together += usize::from(turn.new != Work::Nothing && turn.old != Work::Nothing);
    }
}

impl Turn {
    /// How many batches are handed over.
    pub fn batches(self) -> usize {
        usize::from(self.new.has_batch()) + usize::from(self.old.has_batch())
    }
}

impl Work {
    pub fn has_batch(self) -> bool {
        self == Self::Batch
    }

    pub fn reconciles(self) -> bool {
        self == Self::Reconcile
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.old.is_none() {
            return Ok(());
        }
        let Counts { batches, reconciles, together } = self.counts;
        writeln!(
            f,
            "this version: {} batches, {} reconciles; the other: {}, {}; {together} rounds with both at work",
            batches[0], reconciles[0], batches[1], reconciles[1]
        )
    }
}
