//! The promise that the function makes no more calls than there is reason for;
//! [`crate::promises`] says it in words.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::broken::{Broken, broken};
use crate::invocation::Invocation;
use crate::scenario::Scenario;

/// This many refused calls find one bad target among 200.
const FEW: usize = 8;

/// Where many targets are bad, the search for good ones makes calls that double in size as long as
/// they are accepted: from 1 to 200.
const DOUBLINGS: usize = 8;

/// No more writes than there is reason for.
pub fn frugal(invocation: &Invocation, took: Duration, scenario: &Scenario) -> Result<(), Broken> {
    let tally = &invocation.tally;
    let refused: usize = tally.refused.values().sum();
    let tried_again = tally.calls - refused - tally.answered;
    let searched = tally.refused.values().filter(|refused| **refused > FEW).count();
    // For its messages, and then for whole groups, if it settles these.
    let times = if invocation.shown_before.is_some() { 2 } else { 1 };
    // VPC Lattice takes a hundred targets in a call, and a crowd has more.
    let is_halved = scenario.rare.crowd.is_some() && scenario.groups.iter().any(|g| g.is_lattice);
    let calls = if is_halved { 2 } else { 1 };
    let per_group = 3 * times * calls + 2 * took.as_secs().min(15) as usize;
    let groups = scenario.groups.len() + usize::from(scenario.sources.has_ghost);
    let most = per_group * groups + 2 * refused + searched * DOUBLINGS + tried_again;
    if tally.calls > most {
        return broken("frugal", format!("{} writes where {most} would do", tally.calls));
    }
    for (group, refused) in &tally.refused {
        // Where a read hangs or is made again, what waited for it is searched for itself.
        let searches = times + usize::from(scenario.fault_rates.affect_calls());
        let most = searches * most_refusals(scenario, *group, tally.accepted.contains(group));
        if *refused > most {
            let name = scenario.groups[*group].name;
            return broken("frugal", format!("{name} refused {refused} writes, not just {most}"));
        }
    }
    Ok(())
}

/// The most refused calls to a group in one invocation.
fn most_refusals(scenario: &Scenario, group: usize, accepted: bool) -> usize {
    let bound = scenario.bonds.iter().filter(|bond| bond.group == group);
    let owners: BTreeSet<usize> = bound.map(|bond| bond.service).collect();
    // One call with all targets; and two for each owner, one of them with targets refused before.
    let first = 1 + 2 * scenario.services.len();
    first
        + match (accepted, owners.len() > 1) {
            (true, true) => 96,
            (true, false) => 72,
            (false, true) => 92,
            (false, false) => 46,
        }
}
