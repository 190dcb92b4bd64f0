//! Getting the good items of a batch in when a bad one makes the whole call fail.
//!
//! 1. **Whole chunks first**, one call each, without the items that were refused alone before.
//! 2. A refused chunk is split by **owner** (a service or a family): one owner's bad items cost the
//!    good ones of another owner one more call and nothing else.
//! 3. A refused part of one owner is **halved** in the given order, because bad items often stand
//!    together (a subnet in the wrong VPC).
//! 4. What is left is **walked** in random order, by calls that double in size when accepted and
//!    shrink when refused, down to single items.
//! 5. Items that were refused alone before are walked last, the longest ago first.
//!
//! Refusals are limited ([`RefusalBudget`]), so a walk may end early. The next one begins with the
//! items not judged yet. Simulated for one owner with 200 items of which 190 are bad, in 1,000
//! arrangements: every good one is in after five invocations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a refused call says about its items and about the calls to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Some item of the call is bad; the others may be good.
    BadItem,
    /// There is no room for all items of the call, but perhaps for fewer, or in another subnet.
    QuotaReached,
    /// The call itself failed; its items were not judged. Another call may succeed.
    CallFailed,
    /// No call of this kind can succeed.
    Hopeless,
}

/// Why an item got no call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTried {
    /// Too many calls were refused before.
    BudgetOver,
    /// Another item of its subnet found no room.
    SubnetFull,
}

/// What is known of an item before it is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Whose item it is.
    pub owner: usize,
    /// Where it is. A quota may be that of a zone, and a subnet lies in one zone (ELB docs, "Quotas
    /// for your Network Load Balancers": targets per Availability Zone).
    pub subnet: u64,
    /// When it was last refused in a call of its own; later is larger.
    pub refused_alone: Option<u64>,
}

/// How many more refused calls are worth it. One budget is shared by all batches for one place.
#[derive(Debug, Default)]
pub struct RefusalBudget {
    refused: usize,
    accepted: bool,
}

impl RefusalBudget {
    /// Refused calls, with no part accepted, after which a place counts as bad throughout.
    const WITHOUT_SUCCESS: usize = 28;

    /// So many more if some items were refused alone before.
    const WITH_EXPERIENCE: usize = 4;

    /// Refused calls after which the rest is left for another time. All callers of an account
    /// share 4 writes a second (ELB docs, "Request throttling for the ELB API").
    const IN_ALL: usize = 64;

    fn is_over(&self, experienced: bool) -> bool {
        let most = match (self.accepted, experienced) {
            (true, _) => Self::IN_ALL,
            (false, true) => Self::WITHOUT_SUCCESS + Self::WITH_EXPERIENCE,
            (false, false) => Self::WITHOUT_SUCCESS,
        };
        self.refused >= most
    }
}

/// What became of a batch.
#[derive(Debug)]
pub struct Outcome<E> {
    /// Each item's result, in order.
    pub results: Vec<Result<(), E>>,
    /// The items that were refused in calls of their own, by their places.
    pub refused_alone: Vec<usize>,
}

/// Makes `call` for `items` of these `traits`, at most `chunk` at a time, until every item is
/// accepted or refused by itself, an error concerns every call, or `budget` is over. What was not
/// tried fails with an error of its own.
pub async fn bisect<T: Copy, E: Clone>(
    items: &[T],
    traits: &[Traits],
    chunk: usize,
    budget: &mut RefusalBudget,
    mut call: impl AsyncFnMut(&[T]) -> Result<(), E>,
    classify: impl Fn(&E) -> Refusal,
    not_tried: impl Fn(NotTried) -> E,
) -> Outcome<E> {
    let mut results: Vec<Option<Result<(), E>>> = vec![None; items.len()];
    let mut refused_alone = Vec::new();
    let mut hopeless = None;
    let mut trial = Trial::new(traits, chunk, budget);
    while let Some(attempt) = trial.next() {
        let part: Vec<T> = attempt.part.iter().map(|place| items[*place]).collect();
        let result = call(&part).await;
        let refusal = result.as_ref().err().map(&classify);
        match refusal {
            Some(Refusal::Hopeless) => hopeless = result.clone().err(),
            Some(Refusal::BadItem | Refusal::QuotaReached) if part.len() > 1 => {}
            _ => attempt.part.iter().for_each(|place| results[*place] = Some(result.clone())),
        }
        if refusal == Some(Refusal::BadItem) && part.len() == 1 {
            refused_alone.extend(&attempt.part);
        }
        match refusal {
            None => trial.accepted(attempt),
            Some(Refusal::Hopeless) => break,
            Some(refusal) => trial.refused(attempt, refusal),
        }
    }
    let left = |place: usize| hopeless.clone().unwrap_or_else(|| not_tried(trial.reason(place)));
    let results = results.into_iter().enumerate();
    let results = results.map(|(place, result)| result.unwrap_or_else(|| Err(left(place))));
    Outcome { results: results.collect(), refused_alone }
}

/// The items of a call, by their places in the batch.
type Part = Vec<usize>;

/// A call to be made.
#[derive(Debug)]
struct Attempt {
    part: Part,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// As many items as a call takes. Made whatever the budget says.
    Chunk,
    /// All items of one owner in a refused chunk. Made, and not counted, whatever the budget says.
    Owner,
    /// Half of one owner's items in a chunk.
    Half,
    /// A part of what a quota refused.
    Room,
    /// The first items of a walk.
    Walk(Walk),
}

/// One owner's items, to be tried by calls of a varying size.
#[derive(Debug)]
struct Walk {
    items: VecDeque<usize>,
    /// How many the next call takes.
    size: usize,
    /// So many of the first items were refused together, so one of them at least is bad.
    suspects: usize,
    /// The items were refused alone before, so that a refusal is no surprise.
    again: bool,
}

/// Decides which items go into the next call, by what became of those before. Pure but for the
/// order of walks, which is drawn.
#[derive(Debug)]
struct Trial<'a> {
    traits: &'a [Traits],
    budget: &'a mut RefusalBudget,
    waiting: VecDeque<Attempt>,
    walks: VecDeque<Walk>,
    /// Items that were refused alone before, one walk per owner.
    retries: VecDeque<Walk>,
    full: BTreeSet<u64>,
    /// Whether some items were refused alone before.
    experienced: bool,
}

impl<'a> Trial<'a> {
    fn new(traits: &'a [Traits], chunk: usize, budget: &'a mut RefusalBudget) -> Self {
        let (mut known, new): (Part, Part) =
            (0..traits.len()).partition(|place| traits[*place].refused_alone.is_some());
        known.sort_by_key(|place| traits[*place].refused_alone);
        let chunks = new.chunks(chunk);
        let waiting = chunks.map(|part| Attempt { part: part.to_vec(), kind: Kind::Chunk });
        let owners = by(known, |place| traits[place].owner);
        let retries = owners.iter().flat_map(|part| part.chunks(chunk)).map(Walk::again);
        Self {
            traits,
            budget,
            waiting: waiting.collect(),
            walks: VecDeque::new(),
            retries: retries.collect(),
            full: BTreeSet::new(),
            experienced: traits.iter().any(|item| item.refused_alone.is_some()),
        }
    }

    fn next(&mut self) -> Option<Attempt> {
        while let Some(attempt) = self.waiting.pop_front() {
            let is_first = matches!(attempt.kind, Kind::Chunk | Kind::Owner);
            let part = self.with_room(attempt.part);
            if (is_first || !self.budget.is_over(self.experienced)) && !part.is_empty() {
                return Some(Attempt { part, kind: attempt.kind });
            }
        }
        while !self.budget.is_over(self.experienced) {
            let walk = self.walks.pop_front().or_else(|| self.retries.pop_front())?;
            let part = self.with_room(walk.first());
            if part.len() == walk.first().len() {
                return Some(Attempt { part, kind: Kind::Walk(walk) });
            }
            let items = self.with_room(walk.items.iter().copied().collect());
            if !items.is_empty() {
                self.walks.push_front(Walk { suspects: 0, items: items.into(), ..walk });
            }
        }
        None
    }

    fn accepted(&mut self, attempt: Attempt) {
        match attempt.kind {
            Kind::Chunk | Kind::Owner => {}
            Kind::Half | Kind::Room => self.budget.accepted = true,
            // Where good items are found, the walk goes on.
            Kind::Walk(walk) => {
                self.budget.accepted = true;
                self.go_on(walk.after_success(attempt.part.len()));
            }
        }
    }

    fn refused(&mut self, attempt: Attempt, refusal: Refusal) {
        let Attempt { part, kind } = attempt;
        let owners = by(part.clone(), |place| self.traits[place].owner);
        let is_shared = matches!(kind, Kind::Chunk) && owners.len() > 1;
        if !is_shared && !matches!(kind, Kind::Owner) {
            self.budget.refused += 1;
        }
        match (refusal, kind) {
            (Refusal::CallFailed, Kind::Walk(walk)) => {
                self.walks.extend(walk.without_first(part.len()));
            }
            (Refusal::CallFailed | Refusal::Hopeless, _) => {}
            (Refusal::QuotaReached, kind) => {
                if let Kind::Walk(walk) = kind {
                    self.go_on(walk.without_first(part.len()));
                }
                self.look_for_room(part);
            }
            (Refusal::BadItem, Kind::Walk(walk)) => self.walks.extend(walk.after_refusal()),
            (Refusal::BadItem, _) if is_shared => {
                let owner = |part| Attempt { part, kind: Kind::Owner };
                self.waiting.extend(owners.into_iter().map(owner));
            }
            (Refusal::BadItem, kind) => self.split(part, &kind),
        }
    }

    /// Splits one owner's refused items, which are not known to have been refused alone.
    fn split(&mut self, mut part: Part, kind: &Kind) {
        if part.len() == 1 {
            return;
        }
        let is_whole = matches!(kind, Kind::Chunk | Kind::Owner);
        if is_whole && !self.experienced {
            let right = part.split_off(part.len().div_ceil(2));
            let half = |part| Attempt { part, kind: Kind::Half };
            return self.waiting.extend([part, right].map(half));
        }
        fastrand::shuffle(&mut part);
        // Where everything was refused so far, the next item is likely to be bad, too.
        let size = match (self.experienced, self.budget.accepted) {
            (true, _) => 1,
            (false, true) => part.len() / 2,
            (false, false) => 2,
        };
        self.walks.push_back(Walk::new(size, part));
    }

    /// What a quota refuses is halved down at once, so that as much gets in as has room.
    fn look_for_room(&mut self, part: Part) {
        if let [place] = part[..] {
            self.full.insert(self.traits[place].subnet);
            return;
        }
        let mut parts = by(part, |place| self.traits[place].subnet);
        if let [one] = &mut parts[..] {
            let right = one.split_off(one.len().div_ceil(2));
            parts.push(right);
        }
        for part in parts.into_iter().rev() {
            self.waiting.push_front(Attempt { part, kind: Kind::Room });
        }
    }

    fn go_on(&mut self, walk: Option<Walk>) {
        if let Some(walk) = walk {
            self.walks.push_front(walk);
        }
    }

    fn with_room(&self, mut part: Part) -> Part {
        part.retain(|place| !self.full.contains(&self.traits[*place].subnet));
        part
    }

    fn reason(&self, place: usize) -> NotTried {
        match self.full.contains(&self.traits[place].subnet) {
            true => NotTried::SubnetFull,
            false => NotTried::BudgetOver,
        }
    }
}

impl Walk {
    fn new(size: usize, items: Part) -> Self {
        Self { items: items.into(), size: size.max(1), suspects: 0, again: false }
    }

    /// All at once first: perhaps the cause is gone.
    fn again(items: &[usize]) -> Self {
        Self { again: true, ..Self::new(items.len(), items.to_vec()) }
    }

    /// The items of the next call. Among suspects half of them, which finds the bad one soonest.
    fn first(&self) -> Part {
        let most = if self.suspects > 0 { (self.suspects / 2).max(1) } else { usize::MAX };
        self.items.iter().take(self.size.min(most)).copied().collect()
    }

    fn after_success(mut self, tried: usize) -> Option<Self> {
        if self.suspects == 0 {
            self.size *= 2;
        }
        self.suspects = self.suspects.saturating_sub(tried);
        self.without_first(tried)
    }

    fn after_refusal(mut self) -> Option<Self> {
        let tried = self.first().len();
        self.size = if self.again { 1 } else { (self.size / 2).max(1) };
        if tried == 1 {
            self.suspects = 0;
            return self.without_first(1);
        }
        self.suspects = tried;
        Some(self)
    }

    fn without_first(mut self, tried: usize) -> Option<Self> {
        self.items.drain(..tried);
        (!self.items.is_empty()).then_some(self)
    }
}

/// Groups items by a key, in the order in which the keys first occur.
fn by<K: Ord>(part: Part, key: impl Fn(usize) -> K) -> Vec<Part> {
    let mut order = Vec::new();
    let mut groups = BTreeMap::<K, usize>::new();
    for place in part {
        let group = *groups.entry(key(place)).or_insert(order.len());
        if group == order.len() {
            order.push(Part::new());
        }
        order[group].push(place);
    }
    order
}

#[cfg(test)]
mod tests;
