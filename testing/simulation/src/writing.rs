//! What the owner of a target group writes into its tag.

use crate::scenario::{Bond, Scenario};
use crate::tag_history::Tag;

/// What an owner writes into a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// An entry for each service that belongs in the group.
    Right,
    /// There is no tag.
    Absent,
    /// The right entries, and one that nobody can read.
    Spoilt,
    /// The right entries but the first, in whose place is one that nobody can read.
    Broken,
    /// A service that does not exist.
    Mistyped,
}

impl Writing {
    /// The value of the tag of a group; none if there is no tag.
    pub fn value(self, scenario: &Scenario, group: usize) -> Option<String> {
        let bonds = scenario.bonds.iter().filter(|bond| bond.group == group);
        let mut entries: Vec<String> = bonds.map(|bond| entry(scenario, bond)).collect();
        match self {
            Self::Right => {}
            Self::Absent => return None,
            Self::Spoilt => entries.push("demo-cluster:web".to_owned()),
            Self::Broken => entries[0] = "demo-cluster:web".to_owned(),
            Self::Mistyped => entries = vec!["demo-cluster/wbe:8080".to_owned()],
        }
        Some(entries.join(" "))
    }

    /// What the tag of a group says.
    pub fn tag(self, scenario: &Scenario, group: usize) -> Tag {
        let bonds = scenario.bonds.iter().enumerate().filter(|(_, bond)| bond.group == group);
        let bonds: Vec<usize> = bonds.map(|(place, _)| place).collect();
        let shown: &[usize] = match self {
            Self::Right | Self::Spoilt => &bonds,
            Self::Broken => &bonds[1..],
            Self::Absent | Self::Mistyped => &[],
        };
        let is_malformed = matches!(self, Self::Spoilt | Self::Broken);
        Tag { bonds: shown.iter().copied().collect(), is_malformed }
    }
}

/// The entry of a tag that says what a bond says.
fn entry(scenario: &Scenario, bond: &Bond) -> String {
    let service = &scenario.services[bond.service];
    let family = if service.standalone { "family:" } else { "" };
    let port = bond.port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{family}{}/{}{port}", service.cluster, service.name)
}
