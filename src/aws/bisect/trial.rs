//! Which items go into the next call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{NotTried, Refusal, RefusalBudget, Traits};

/// The items of a call, by their places in the batch.
pub type Part = Vec<usize>;

/// The next call to make.
#[derive(Debug)]
pub struct Attempt {
    /// The items of the call.
    pub part: Part,
    kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    /// As many items as a call takes.
    Chunk,
    /// All items of one owner in a refused chunk.
    Owner,
    /// One owner's items that were refused alone before.
    Again,
    /// Half of one owner's items in a chunk.
    Half,
    /// A part of the items that a quota refused.
    Room,
    /// The first items of a walk.
    Walk(Walk),
}

/// One owner's items, to be tried in calls of varying size.
#[derive(Debug)]
pub struct Walk {
    items: VecDeque<usize>,
    /// How many items the next call takes; 0 if that is still to be decided.
    size: usize,
    /// This many of the first items were refused together, so at least one of them is bad.
    suspects: usize,
    /// The items were refused alone before, so that a refusal is no surprise.
    again: bool,
    /// How many items were accepted, and how many were refused alone.
    good: usize,
    bad: usize,
}

/// Decides which items go into the next call, from the results of the calls before. Pure except for
/// the order of owners and walks, which is random.
#[derive(Debug)]
pub struct Trial<'a> {
    traits: &'a [Traits],
    /// The calls that are made in any case.
    first: VecDeque<Attempt>,
    /// Parts of the items that those calls refused.
    parts: VecDeque<Attempt>,
    /// Parts of the items that a quota refused, which are halved right away.
    rooms: VecDeque<Attempt>,
    walks: VecDeque<Walk>,
    /// Walks of items that were refused alone before.
    retries: VecDeque<Walk>,
    full: BTreeSet<u64>,
    /// Whether some items were refused alone before.
    experienced: bool,
    /// Refused calls that an owner is worth as long as none of its parts was accepted.
    without_success: usize,
    turns: usize,
}

impl<'a> Trial<'a> {
    /// One turn in this many goes to items that were refused alone before.
    const TURNS: usize = 32;

    /// Of so many items five searches judge every one, if all are of one owner.
    const JUDGED: usize = 200;

    /// A batch of items with these traits, at most `chunk` in a call.
    pub fn new(traits: &'a [Traits], chunk: usize) -> Self {
        let (mut known, new): (Part, Part) =
            (0..traits.len()).partition(|place| traits[*place].refused_alone.is_some());
        known.sort_by_key(|place| traits[*place].refused_alone);
        // After a first search, the next four judge everything it left, of so many items.
        let experienced = !known.is_empty();
        let is_under_way = experienced && !new.is_empty();
        let fifth = if is_under_way { traits.len().min(Self::JUDGED).div_ceil(5) + 6 } else { 0 };
        let chunks = new.chunks(chunk);
        let chunks = chunks.map(|part| Attempt { part: part.to_vec(), kind: Kind::Chunk });
        let owners = by(known, |place| traits[place].owner);
        let again = owners.iter().flat_map(|part| part.chunks(chunk));
        let again = again.map(|part| Attempt { part: part.to_vec(), kind: Kind::Again });
        Self {
            traits,
            first: chunks.chain(again).collect(),
            parts: VecDeque::new(),
            rooms: VecDeque::new(),
            walks: VecDeque::new(),
            retries: VecDeque::new(),
            full: BTreeSet::new(),
            experienced,
            without_success: RefusalBudget::WITHOUT_SUCCESS.max(fifth),
            turns: 0,
        }
    }

    /// The next call of the search.
    pub fn next(&mut self, budget: &RefusalBudget) -> Option<Attempt> {
        loop {
            if let Some(attempt) = self.next_first() {
                return Some(attempt);
            }
            if let Some(attempt) = self.parts.pop_front().or_else(|| self.rooms.pop_front()) {
                let part = self.with_room(attempt.part);
                if !part.is_empty() && !self.is_over(&part, budget) {
                    return Some(Attempt { part, kind: attempt.kind });
                }
                continue;
            }
            let mut walk = self.next_walk()?;
            if walk.size == 0 {
                walk.size = self.first_size(&walk.items, budget);
            }
            let first = walk.first();
            if self.is_over(&first, budget) {
                continue;
            }
            let part = self.with_room(first.clone());
            if part.len() == first.len() {
                return Some(Attempt { part, kind: Kind::Walk(walk) });
            }
            let items = self.with_room(walk.items.iter().copied().collect());
            if !items.is_empty() {
                self.walks.push_front(Walk { suspects: 0, items: items.into(), ..walk });
            }
        }
    }

    /// The next call that is made in any case.
    pub fn next_first(&mut self) -> Option<Attempt> {
        loop {
            let Attempt { part, kind } = self.first.pop_front()?;
            let part = self.with_room(part);
            if !part.is_empty() {
                return Some(Attempt { part, kind });
            }
        }
    }

    fn next_walk(&mut self) -> Option<Walk> {
        self.turns += 1;
        let (one, other) = match self.turns.is_multiple_of(Self::TURNS) {
            true => (&mut self.retries, &mut self.walks),
            false => (&mut self.walks, &mut self.retries),
        };
        one.pop_front().or_else(|| other.pop_front())
    }

    fn is_over(&self, part: &[usize], budget: &RefusalBudget) -> bool {
        part.iter().all(|place| budget.is_over(self.traits[*place].owner, self.without_success))
    }

    /// Notes that a call was accepted.
    pub fn accepted(&mut self, attempt: Attempt, budget: &mut RefusalBudget) {
        let owner = self.owner(&attempt.part);
        match attempt.kind {
            Kind::Chunk | Kind::Owner | Kind::Again => {}
            Kind::Half | Kind::Room => budget.accepted(owner),
            Kind::Walk(walk) => {
                budget.accepted(owner);
                self.go_on(walk.after_success(attempt.part.len()));
            }
        }
    }

    /// Notes that a call was refused.
    pub fn refused(&mut self, attempt: Attempt, refusal: Refusal, budget: &mut RefusalBudget) {
        let Attempt { part, kind } = attempt;
        let is_first = matches!(kind, Kind::Chunk | Kind::Owner | Kind::Again);
        if !is_first {
            budget.refused(self.owner(&part));
        }
        match (refusal, kind) {
            (Refusal::CallFailed, Kind::Walk(walk)) => self.put(walk.without_first(part.len())),
            (Refusal::CallFailed | Refusal::Hopeless, _) => {}
            (Refusal::QuotaReached, kind) => {
                if let Kind::Walk(walk) = kind {
                    self.go_on(walk.without_first(part.len()));
                }
                self.look_for_room(part);
            }
            (Refusal::BadItem, Kind::Walk(walk)) => self.put(walk.after_refusal()),
            (Refusal::BadItem, Kind::Again) if part.len() > 1 => {
                self.retries.push_back(Walk { again: true, ..Walk::new(1, part) });
            }
            (Refusal::BadItem, Kind::Chunk | Kind::Room) => self.split_by_owner(part),
            (Refusal::BadItem, kind) => self.split(part, matches!(kind, Kind::Owner)),
        }
    }

    /// Every owner's part of a refused call gets a call of its own. If there is only one owner, it
    /// had that call.
    fn split_by_owner(&mut self, part: Part) {
        let mut owners = by(part, |place| self.traits[place].owner);
        if let [one] = &mut owners[..] {
            return self.split(std::mem::take(one), true);
        }
        fastrand::shuffle(&mut owners);
        let owner = |part| Attempt { part, kind: Kind::Owner };
        self.first.extend(owners.into_iter().map(owner));
    }

    /// Splits one owner's refused items, which are not known to have been refused alone.
    fn split(&mut self, mut part: Part, is_whole: bool) {
        if part.len() == 1 {
            return;
        }
        if is_whole && !self.experienced {
            let right = part.split_off(part.len().div_ceil(2));
            let half = |part| Attempt { part, kind: Kind::Half };
            return self.parts.extend([part, right].map(half));
        }
        fastrand::shuffle(&mut part);
        self.walks.push_back(Walk::new(0, part));
    }

    /// How many items the first call of a walk takes. If everything was refused so far, the next
    /// item is likely to be bad too.
    fn first_size(&self, items: &VecDeque<usize>, budget: &RefusalBudget) -> usize {
        let owner = items.front().map_or(0, |place| self.traits[*place].owner);
        let found_good = budget.owners.get(&owner).is_some_and(|spent| spent.accepted);
        match (self.experienced, found_good) {
            (true, _) => 1,
            (false, true) => items.len().div_ceil(2),
            (false, false) => 2,
        }
    }

    /// Items that a quota refuses are tried by subnet and then halved right away, so that as many
    /// as fit are accepted.
    fn look_for_room(&mut self, mut part: Part) {
        if let [place] = part[..] {
            self.full.insert(self.traits[place].subnet);
            return;
        }
        let room = |part| Attempt { part, kind: Kind::Room };
        let subnets = by(part.clone(), |place| self.traits[place].subnet);
        // If addresses are spread over many /64, these are not subnets.
        if subnets.len() > 1 && subnets.len() * 2 <= part.len() {
            return self.parts.extend(subnets.into_iter().map(room));
        }
        let right = part.split_off(part.len().div_ceil(2));
        self.rooms.push_front(room(right));
        self.rooms.push_front(room(part));
    }

    fn owner(&self, part: &[usize]) -> usize {
        part.first().map_or(0, |place| self.traits[*place].owner)
    }

    /// A walk that found good items goes on.
    fn go_on(&mut self, walk: Option<Walk>) {
        if let Some(walk) = walk {
            self.walks_like(&walk).push_front(walk);
        }
    }

    /// A walk whose call was refused lets others have their turn.
    fn put(&mut self, walk: Option<Walk>) {
        if let Some(walk) = walk {
            self.walks_like(&walk).push_back(walk);
        }
    }

    fn walks_like(&mut self, walk: &Walk) -> &mut VecDeque<Walk> {
        if walk.again { &mut self.retries } else { &mut self.walks }
    }

    fn with_room(&self, mut part: Part) -> Part {
        part.retain(|place| !self.full.contains(&self.traits[*place].subnet));
        part
    }

    /// Why an item was not tried.
    pub fn reason(&self, place: usize) -> NotTried {
        match self.full.contains(&self.traits[place].subnet) {
            true => NotTried::SubnetFull,
            false => NotTried::BudgetOver,
        }
    }
}

impl Walk {
    fn new(size: usize, items: Part) -> Self {
        Self { items: items.into(), size, suspects: 0, again: false, good: 0, bad: 0 }
    }

    /// The items of the next call. Among suspects, half of them: this finds the bad one soonest.
    fn first(&self) -> Part {
        let most = if self.suspects > 0 { (self.suspects / 2).max(1) } else { usize::MAX };
        self.items.iter().take(self.size.min(most)).copied().collect()
    }

    fn after_success(mut self, tried: usize) -> Option<Self> {
        if self.suspects == 0 {
            self.size *= 2;
        }
        self.suspects = self.suspects.saturating_sub(tried);
        self.good += tried;
        self.drop_first(tried)
    }

    fn after_refusal(mut self) -> Option<Self> {
        let tried = self.first().len();
        self.size = if self.again { 1 } else { (self.size / 2).max(1) };
        if tried == 1 {
            self.bad += 1;
            // A few bad items are likely to be far apart.
            if self.good > 8 * self.bad {
                self.size = self.size.max((self.good / self.bad).min(self.items.len()) / 2);
            }
            return self.without_first(1);
        }
        self.suspects = tried;
        Some(self)
    }

    /// The walk without its first items, and with nothing known about the rest.
    fn without_first(mut self, tried: usize) -> Option<Self> {
        self.suspects = 0;
        self.drop_first(tried)
    }

    fn drop_first(mut self, tried: usize) -> Option<Self> {
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
