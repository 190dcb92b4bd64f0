//! Gets the good items of a batch accepted when a bad one makes the whole call fail.
//!
//! First the calls that are made in any case ([`Bisection::first_calls`]):
//!
//! 1. **Whole chunks**, without the items that were refused alone before.
//! 2. A refused chunk is split by **owner** (a service or a family): one owner's bad items cost the
//!    good ones of another owner one more call and nothing else.
//! 3. Items that were refused alone before, together: perhaps the cause is gone.
//!
//! Then the search ([`Bisection::search`]), as long as the [`RefusalBudget`] lasts:
//!
//! 4. A refused part of one owner is **halved** in the given order, because bad items often stand
//!    together (a subnet in the wrong VPC).
//! 5. What is left is **walked** in random order, by calls that double in size when accepted and
//!    shrink when refused, down to single items. Those refused alone before have one turn in 32.
//!
//! A search may end early; the next one begins with the items not judged yet. Simulated for one
//! owner with 200 items, 190 or 199 of them bad, in 1,000 arrangements each: every good one was
//! accepted within five invocations of one instance.

mod trial;

use std::collections::BTreeMap;

use trial::{Attempt, Trial};

/// What a refused call says about its items and about later calls.
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
    /// There was no room for another item of its subnet.
    SubnetFull,
}

/// What is known of an item before it is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// The number of the item's owner.
    pub owner: usize,
    /// The item's subnet. A quota may apply to a zone, and a subnet lies in one zone (ELB docs,
    /// "Quotas for your Network Load Balancers": targets per Availability Zone).
    pub subnet: u64,
    /// When it was last refused in a call of its own; later is larger.
    pub refused_alone: Option<u64>,
}

/// How many refused calls a search is worth. One budget is shared by all searches in one place,
/// with a part for each owner.
#[derive(Debug, Default)]
pub struct RefusalBudget {
    owners: BTreeMap<usize, Spent>,
    refused: usize,
    /// Whether only half of it may be used, because another search follows.
    pub halved: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    refused: usize,
    accepted: bool,
}

impl RefusalBudget {
    /// Refused calls, with no part accepted, after which an owner counts as bad throughout.
    const WITHOUT_SUCCESS: usize = 28;

    /// Refused calls after which the rest of an owner is left to a later search.
    const OF_ONE_OWNER: usize = 72;

    /// Refused calls after which all owners are left to a later search. All callers of an account
    /// share 4 writes a second, with 20 at once (ELB docs, "Request throttling for the ELB API").
    const IN_ALL: usize = 96;

    /// Whether an owner's budget is used up; `without` is the number of refused calls that an owner
    /// gets without any success.
    fn is_over(&self, owner: usize, without: usize) -> bool {
        let spent = self.owners.get(&owner).copied().unwrap_or_default();
        let of_owner = if spent.accepted { Self::OF_ONE_OWNER } else { without };
        // Many owners that are bad throughout cost twice as much as one.
        let found_any = self.owners.values().any(|spent| spent.accepted);
        let in_all = if found_any { Self::IN_ALL } else { 2 * without };
        let part = if self.halved { 2 } else { 1 };
        spent.refused >= of_owner / part || self.refused >= in_all / part
    }

    fn refused(&mut self, owner: usize) {
        self.owners.entry(owner).or_default().refused += 1;
        self.refused += 1;
    }

    fn accepted(&mut self, owner: usize) {
        self.owners.entry(owner).or_default().accepted = true;
    }
}

/// The outcome of a batch.
#[derive(Debug)]
pub struct Outcome<E> {
    /// Each item's result, in order.
    pub results: Vec<Result<(), E>>,
    /// The places of the items that were refused in calls of their own.
    pub refused_alone: Vec<usize>,
}

/// Makes `call` for `items` of these `traits`, at most `chunk` at a time, until every item is
/// accepted or refused by itself, an error concerns every call, or `budget` is used up.
pub async fn bisect<T: Copy, E: Clone>(
    items: &[T],
    traits: &[Traits],
    chunk: usize,
    budget: &mut RefusalBudget,
    mut call: impl AsyncFnMut(&[T]) -> Result<(), E>,
    classify: impl Fn(&E) -> Refusal,
    not_tried: impl Fn(NotTried) -> E,
) -> Outcome<E> {
    let mut bisection = Bisection::new(items, traits, chunk);
    bisection.first_calls(&mut call, &classify).await;
    bisection.search(budget, &mut call, &classify).await;
    bisection.finish(not_tried)
}

/// A batch in progress: which items are accepted, which are refused, and which calls remain.
#[derive(Debug)]
pub struct Bisection<'a, T, E> {
    items: &'a [T],
    trial: Trial<'a>,
    results: Vec<Option<Result<(), E>>>,
    refused_alone: Vec<usize>,
    hopeless: Option<E>,
}

impl<'a, T: Copy, E: Clone> Bisection<'a, T, E> {
    /// Items of these traits, at most `chunk` in a call.
    pub fn new(items: &'a [T], traits: &'a [Traits], chunk: usize) -> Self {
        Self {
            items,
            trial: Trial::new(traits, chunk),
            results: vec![None; items.len()],
            refused_alone: Vec::new(),
            hopeless: None,
        }
    }

    /// Makes the calls that are made in any case, without a search among the items they refuse.
    pub async fn first_calls(
        &mut self,
        call: &mut impl AsyncFnMut(&[T]) -> Result<(), E>,
        classify: impl Fn(&E) -> Refusal,
    ) {
        let mut unused = RefusalBudget::default();
        while let Some(attempt) = self.trial.next_first() {
            self.make(attempt, &mut unused, call, &classify).await;
        }
    }

    /// Searches for the good items among those refused, as long as `budget` lasts.
    pub async fn search(
        &mut self,
        budget: &mut RefusalBudget,
        call: &mut impl AsyncFnMut(&[T]) -> Result<(), E>,
        classify: impl Fn(&E) -> Refusal,
    ) {
        while let Some(attempt) = self.trial.next(budget) {
            self.make(attempt, budget, call, &classify).await;
        }
    }

    async fn make(
        &mut self,
        attempt: Attempt,
        budget: &mut RefusalBudget,
        call: &mut impl AsyncFnMut(&[T]) -> Result<(), E>,
        classify: &impl Fn(&E) -> Refusal,
    ) {
        if self.hopeless.is_some() {
            return;
        }
        let part: Vec<T> = attempt.part.iter().map(|place| self.items[*place]).collect();
        let result = call(&part).await;
        let refusal = result.as_ref().err().map(classify);
        match refusal {
            Some(Refusal::Hopeless) => self.hopeless = result.clone().err(),
            Some(Refusal::BadItem | Refusal::QuotaReached) if part.len() > 1 => {}
            _ => attempt.part.iter().for_each(|place| self.results[*place] = Some(result.clone())),
        }
        if refusal == Some(Refusal::BadItem) && part.len() == 1 {
            self.refused_alone.extend(&attempt.part);
        }
        match refusal {
            None => self.trial.accepted(attempt, budget),
            Some(refusal) => self.trial.refused(attempt, refusal, budget),
        }
    }

    /// The results of all items. An item that was not tried fails with an error of its own.
    pub fn finish(self, not_tried: impl Fn(NotTried) -> E) -> Outcome<E> {
        let Self { trial, results, refused_alone, hopeless, .. } = self;
        let left =
            |place: usize| hopeless.clone().unwrap_or_else(|| not_tried(trial.reason(place)));
        let results = results.into_iter().enumerate();
        let results = results.map(|(place, result)| result.unwrap_or_else(|| Err(left(place))));
        Outcome { results: results.collect(), refused_alone }
    }
}

#[cfg(test)]
mod tests;
