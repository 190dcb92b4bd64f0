//! In which states of tasks their targets were as they should be, when an invocation that settled
//! whole groups read them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::evidence::{Shown, Sighting};
use crate::scenario::Target;
use crate::tracked_task::{Phase, phase};

/// How long messages that report such a state, in an earlier version too, may be taken for done.
const KEPT: Duration = Duration::from_secs(120);

/// For each task, by its place, and target: the states, and when the target was read. Each instance
/// remembers for itself, so that none replaces another.
#[derive(Debug, Default)]
pub struct SeenRight(BTreeMap<(usize, Target), Vec<(Shown, SystemTime)>>);

impl SeenRight {
    /// An invocation to which this was shown of a task reads whether the target is there.
    pub fn note(
        &mut self,
        place: usize,
        target: Target,
        shown: Shown,
        is_there: bool,
        now: SystemTime,
    ) {
        let is_right = match shown.phase {
            Phase::Starting => false,
            Phase::Serving => is_there,
            Phase::Leaving => !is_there,
        };
        if is_right {
            self.0.entry((place, target)).or_default().push((shown, now));
        }
    }

    /// Whether these sightings of a task report no more than what was known when its target was
    /// right, for an invocation that begins `now`.
    pub fn knew(
        &self,
        sightings: &[Sighting],
        place: usize,
        target: &Target,
        now: SystemTime,
    ) -> bool {
        let of_task = sightings.iter().filter(|sighting| sighting.place == place);
        let newest = of_task.map(|sighting| &sighting.task).max_by_key(|task| task.version());
        let Some(newest) = newest else { return false };
        let is_it = |(shown, at): &(Shown, SystemTime)| {
            let is_known = newest.version() <= shown.version && phase(newest) == shown.phase;
            is_known && now.duration_since(*at).unwrap_or_default() <= KEPT
        };
        self.0.get(&(place, *target)).is_some_and(|states| states.iter().any(is_it))
    }
}
