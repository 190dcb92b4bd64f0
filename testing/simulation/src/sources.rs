//! Where bindings come from in runs of bindings, and what the seed decides about it: tags of target
//! groups, and roles of the accounts that own them.

use std::time::Duration;

use harness::dice::Dice;

/// By what the tasks of a target group are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `BINDINGS`; the group is in the function's own account.
    Setting,
    /// The group's tag.
    Tag,
    /// `BINDINGS`, with a role; the group is in an account of its own.
    Role,
}

/// What goes on with tags and roles in a run.
#[derive(Debug, Default)]
pub struct Sources {
    /// How often the owner of each tagged group changes the tag.
    pub tag_changes: usize,
    /// The longest time until the index shows a change, in seconds.
    pub lag: f64,
    /// How many resources a page of the index has.
    pub page: usize,
    /// The probability that an outage of the index begins with a call.
    pub outage: f64,
    /// Whether the index shows a group that was deleted, with a tag for the first service.
    pub has_ghost: bool,
    /// How often a role is taken away.
    pub lost_roles: usize,
    /// What the roles expect to be told.
    pub external_id: Option<&'static str>,
    /// How long nothing happens before the faults cease.
    pub idle: Duration,
    /// The trial at the end.
    pub trial: Option<Trial>,
}

/// A trial at the end of a run, when nothing else happens or goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Tags cannot be read any more, and so many minutes later a task starts.
    Unread(u64),
    /// A task stops without an event while its tag does not say what it should.
    Unproven(Flaw),
    /// A role cannot be assumed while a reconcile has work in every group.
    RoleLost,
    /// ELB throttles every call of the function's own account while tasks start.
    OwnAccountThrottled,
}

/// What is wrong with a tag, or with reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is gone.
    Gone,
    /// It has an entry that nobody can read.
    Spoilt,
    /// The pages of tags break off.
    BreaksOff,
}

impl By {
    /// The account that owns such a group, by the group's place in the scenario.
    pub fn account(self, group: usize) -> String {
        match self {
            Self::Setting | Self::Tag => "123456789012".to_owned(),
            Self::Role => (group + 1).to_string().repeat(12),
        }
    }

    /// The role by which such a group is reached.
    pub fn role(self, group: usize) -> Option<String> {
        let account = self.account(group);
        (self == Self::Role).then(|| format!("arn:aws:iam::{account}:role/targets"))
    }
}

impl Sources {
    /// Draws what goes on.
    pub fn draw(dice: &mut Dice) -> Self {
        Self {
            tag_changes: dice.pick(&[0, 1, 2, 4]),
            lag: dice.pick(&[0.0, 5.0, 240.0]),
            page: dice.pick(&[1, 1, 2, 100]),
            outage: dice.pick(&[0.0, 0.0, 0.1]),
            has_ghost: dice.chance(0.2),
            lost_roles: dice.pick(&[0, 0, 1, 2]),
            external_id: dice.pick(&[None, Some("of-the-simulation")]),
            idle: Duration::from_secs(dice.pick(&[0, 0, 0, 0, 3700])),
            trial: Trial::draw(dice),
        }
    }

    /// Whether reads of tags fail more often than other calls.
    pub fn fail(&self) -> bool {
        self.outage > 0.0
            || matches!(self.trial, Some(Trial::Unread(_) | Trial::Unproven(Flaw::BreaksOff)))
    }
}

impl Trial {
    fn draw(dice: &mut Dice) -> Option<Self> {
        match dice.number(0..=7) {
            0 | 1 => Some(Self::Unread(dice.pick(&[3, 14, 16, 40]))),
            2 => Some(Self::RoleLost),
            3 => Some(Self::OwnAccountThrottled),
            4 | 5 => Some(Self::Unproven(dice.pick(&[Flaw::Gone, Flaw::Spoilt, Flaw::BreaksOff]))),
            _ => None,
        }
    }
}
