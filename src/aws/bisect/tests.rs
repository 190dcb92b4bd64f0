use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Range;

use super::*;

/// A group that is told what is wrong with a call, and remembers what was refused alone.
#[derive(Default)]
struct Group {
    owners: BTreeMap<u32, usize>,
    subnets: BTreeMap<u32, u64>,
    refused_alone: BTreeMap<u32, u64>,
    budget: RefusalBudget,
    /// Whether it is of VPC Lattice, where a call takes a hundred targets.
    is_lattice: bool,
    calls: usize,
    not_tried: Vec<(u32, NotTried)>,
}

impl Group {
    /// Which of the items get in.
    async fn accepts(
        &mut self,
        items: &[u32],
        refuse: impl Fn(&[u32]) -> Option<Refusal>,
    ) -> Vec<u32> {
        let traits = |item| Traits {
            owner: self.owners.get(item).copied().unwrap_or_default(),
            subnet: self.subnets.get(item).copied().unwrap_or_default(),
            refused_alone: self.refused_alone.get(item).copied(),
        };
        let traits: Vec<Traits> = items.iter().map(traits).collect();
        let calls = Cell::new(0);
        let chunk = if self.is_lattice { 100 } else { 200 };
        let call = async |items: &[u32]| {
            assert!(!items.is_empty() && items.len() <= chunk, "{} items", items.len());
            calls.set(calls.get() + 1);
            refuse(items).map_or(Ok(()), |refusal| Err((Some(refusal), None)))
        };
        let classify = |error: &(Option<Refusal>, Option<NotTried>)| error.0.unwrap();
        let not_tried = |reason| (None, Some(reason));
        let budget = &mut self.budget;
        let outcome = bisect(items, &traits, chunk, budget, call, classify, not_tried).await;
        self.calls = calls.get();
        let tick = self.refused_alone.len() as u64;
        for (n, place) in outcome.refused_alone.iter().enumerate() {
            self.refused_alone.insert(items[*place], tick + n as u64);
        }
        let results = || items.iter().zip(&outcome.results);
        let left = results().filter_map(|(item, result)| Some((*item, result.err()?.1?)));
        self.not_tried = left.collect();
        results().filter(|(_, result)| result.is_ok()).map(|(item, _)| *item).collect()
    }

    /// The most invocations that it takes until all good items are in, and the most refusals
    /// in one of them.
    async fn tries(&mut self, items: Range<u32>, is_bad: impl Fn(u32) -> bool) -> usize {
        let mut left: Vec<u32> = items.collect();
        for tries in 0.. {
            if left.iter().all(|item| is_bad(*item)) {
                return tries;
            }
            self.budget = RefusalBudget::default();
            let refuse = |items: &[u32]| bad(items.iter().any(|item| is_bad(*item)));
            let accepted: BTreeSet<u32> = self.accepts(&left, refuse).await.into_iter().collect();
            assert!(self.budget.refused <= RefusalBudget::IN_ALL);
            left.retain(|item| !accepted.contains(item));
        }
        unreachable!()
    }
}

async fn accepted(
    items: Range<u32>,
    refuse: impl Fn(&[u32]) -> Option<Refusal>,
) -> (Vec<u32>, usize) {
    let mut group = Group::default();
    let items: Vec<u32> = items.collect();
    (group.accepts(&items, refuse).await, group.calls)
}

fn bad(is_bad: bool) -> Option<Refusal> {
    is_bad.then_some(Refusal::BadItem)
}

#[tokio::test]
async fn good_batches_cost_one_call_per_chunk() {
    assert_eq!(accepted(0..401, |_| None).await, ((0..401).collect(), 3));
    assert_eq!(accepted(0..0, |_| None).await, (vec![], 0));
}

#[tokio::test]
async fn one_bad_item_costs_few_calls_wherever_it_stands() {
    for bad_one in [0, 1, 77, 100, 198, 199] {
        let (good, calls) = accepted(0..200, |items| bad(items.contains(&bad_one))).await;
        assert_eq!(good, (0..200).filter(|item| *item != bad_one).collect::<Vec<_>>());
        assert!(calls <= 20, "{calls} calls for one bad item");
    }
}

/// How many calls it takes in the mean to judge all of 200 items, so many of them bad.
async fn mean_calls(bad_ones: usize) -> f64 {
    let orders = 200;
    let mut calls = 0;
    for seed in 0..orders {
        fastrand::seed(seed);
        let bad_ones = fastrand::choose_multiple(0..200, bad_ones);
        let refuse = |items: &[u32]| bad(items.iter().any(|item| bad_ones.contains(item)));
        let (good, made) = accepted(0..200, refuse).await;
        assert_eq!(good.len(), 200 - bad_ones.len());
        calls += made;
    }
    calls as f64 / orders as f64
}

#[tokio::test]
async fn few_bad_items_anywhere_cost_few_calls_in_the_mean() {
    for (bad_ones, most) in [(1, 13.5), (3, 31.7), (5, 45.2), (10, 73.8)] {
        let calls = mean_calls(bad_ones).await;
        assert!(calls <= most, "{calls} calls for {bad_ones} bad items");
    }
}

#[tokio::test]
async fn halves_are_tried_in_order_and_the_rest_in_calls_that_shrink() {
    let sizes = RefCell::new(Vec::new());
    let refuse = |items: &[u32]| {
        sizes.borrow_mut().push(items.len());
        bad(items.iter().any(|item| *item < 100))
    };
    let (good, _) = accepted(0..200, refuse).await;
    assert_eq!(good, (100..200).collect::<Vec<_>>());
    assert_eq!(sizes.borrow()[..9], [200, 100, 100, 50, 25, 12, 6, 3, 1]);
}

#[tokio::test]
async fn a_few_bad_ones_keep_no_good_one_out_wherever_they_stand() {
    let spread: fn(u32) -> bool = |item| item % 40 == 7;
    let cluster: fn(u32) -> bool = |item| item < 10;
    let half: fn(u32) -> bool = |item| item >= 100;
    for is_bad in [spread, cluster, half] {
        let (good, _) = accepted(0..200, |items| bad(items.iter().any(|i| is_bad(*i)))).await;
        assert_eq!(good, (0..200).filter(|item| !is_bad(*item)).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn in_a_small_batch_every_item_is_judged() {
    for bad_ones in 1..12 {
        let refuse = |items: &[u32]| bad(items.iter().any(|item| *item < bad_ones));
        let (good, calls) = accepted(0..12, refuse).await;
        assert_eq!(good, (bad_ones..12).collect::<Vec<_>>());
        assert!(calls <= 23, "{calls} calls");
    }
}

#[tokio::test]
async fn good_items_beside_many_bad_ones_of_one_owner_are_in_within_five_tries() {
    for seed in 0..250 {
        fastrand::seed(seed);
        for (bad_ones, good) in
            [(30, 5), (100, 5), (190, 10), (199, 1), (198, 1), (193, 1), (150, 50), (10, 190)]
        {
            let all = bad_ones + good;
            let mut mixed: Vec<bool> = (0..all).map(|item| item < bad_ones).collect();
            fastrand::shuffle(&mut mixed);
            let patterns: [&dyn Fn(u32) -> bool; 4] = [
                &|item| item < bad_ones,
                &|item| item >= good,
                &|item| item % (all / good) != 1 || item / (all / good) >= good,
                &|item| mixed[item as usize],
            ];
            for (pattern, is_bad) in patterns.into_iter().enumerate() {
                for is_lattice in [false, true] {
                    let mut group = Group { is_lattice, ..Group::default() };
                    let tries = group.tries(0..all, is_bad).await;
                    let what = format!("{bad_ones}+{good}, pattern {pattern}, seed {seed}");
                    assert!(tries <= 5, "{what}, lattice {is_lattice}: {tries}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_bad_items_of_many_owners_keep_no_other_owners_items_out() {
    let mut group = Group::default();
    let items: Vec<u32> = (0..300).collect();
    // Nineteen of twenty owners have nothing but bad items.
    group.owners = items.iter().map(|item| (*item, (*item % 20) as usize)).collect();
    let refuse = |items: &[u32]| bad(items.iter().any(|item| item % 20 != 7));
    let good = group.accepts(&items, refuse).await;
    assert_eq!(good, items.into_iter().filter(|item| item % 20 == 7).collect::<Vec<_>>());
}

/// So many owners with a hundred items each, all but the last with bad ones only, and the last with
/// one: after how many tries the good ones are in.
async fn tries_beside(owners: u32) -> usize {
    let is_bad = |item: u32| item / 100 < owners - 1 || item % 100 == 42;
    let owners = (0..owners * 100).map(|item| (item, (item / 100) as usize)).collect();
    let mut group = Group { owners, ..Group::default() };
    group.tries(0..group.owners.len() as u32, is_bad).await
}

#[tokio::test]
async fn owners_with_bad_items_only_hold_up_few_tries_of_one_with_a_bad_item() {
    for seed in 0..20 {
        fastrand::seed(seed);
        assert_eq!(tries_beside(2).await, 1, "seed {seed}");
        assert!(tries_beside(8).await <= 5, "seed {seed}");
    }
}

#[tokio::test]
async fn what_was_refused_once_gets_in_beside_ever_new_bad_items() {
    for seed in 0..20 {
        fastrand::seed(seed);
        let mut group = Group { refused_alone: BTreeMap::from([(0, 0)]), ..Group::default() };
        group.owners = (1..10_000).map(|item| (item, 1)).collect();
        let items: Vec<u32> = std::iter::once(0).chain(100..400).collect();
        let good = group.accepts(&items, |items| bad(items.iter().any(|item| *item > 0))).await;
        assert_eq!(good, [0]);
    }
}

#[tokio::test]
async fn a_bad_chunk_keeps_no_good_chunk_out() {
    let refuse = |items: &[u32]| bad(items.iter().any(|item| *item < 200));
    assert_eq!(accepted(0..400, refuse).await.0, (200..400).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_bad_throughout_costs_few_calls_however_often_it_is_tried() {
    let mut group = Group::default();
    for _ in 0..20 {
        group.budget = RefusalBudget::default();
        let items: Vec<u32> = (0..200).collect();
        assert!(group.accepts(&items, |_| bad(true)).await.is_empty());
        assert!(group.calls <= 48, "{} calls", group.calls);
        assert!(group.not_tried.iter().all(|(_, why)| *why == NotTried::BudgetOver));
    }
    // All were judged meanwhile; once the cause is gone, two calls do.
    group.budget = RefusalBudget::default();
    let items: Vec<u32> = (0..200).collect();
    assert_eq!(group.accepts(&items, |_| None).await, items);
    assert!(group.calls <= 2, "{} calls", group.calls);
}

#[tokio::test]
async fn many_owners_that_are_bad_throughout_cost_as_much_as_two() {
    let items: Vec<u32> = (0..200).collect();
    for (owners, halved, refused) in
        [(1, false, 28), (1, true, 14), (20, false, 56), (20, true, 28)]
    {
        let owners = items.iter().map(|item| (*item, (*item % owners) as usize)).collect();
        let budget = RefusalBudget { halved, ..RefusalBudget::default() };
        let mut group = Group { owners, budget, ..Group::default() };
        group.accepts(&items, |_| bad(true)).await;
        assert_eq!(group.budget.refused, refused, "halved: {halved}");
    }
}

#[tokio::test]
async fn a_place_that_was_bad_throughout_gets_one_call_for_its_next_batch() {
    let mut group = Group::default();
    let items: Vec<u32> = (0..100).collect();
    group.accepts(&items, |_| bad(true)).await;
    assert_eq!(group.calls, 1 + RefusalBudget::WITHOUT_SUCCESS);
    let items: Vec<u32> = (100..200).collect();
    group.accepts(&items, |_| bad(true)).await;
    assert_eq!((group.calls, group.not_tried.len()), (1, 100));
}

#[tokio::test]
async fn a_quota_is_filled_up_and_then_nothing_more_is_tried() {
    for room in [0_usize, 1, 60, 199] {
        let taken = Cell::new(0);
        let (good, calls) = accepted(0..200, |items| {
            if taken.get() + items.len() > room {
                return Some(Refusal::QuotaReached);
            }
            taken.set(taken.get() + items.len());
            None
        })
        .await;
        assert_eq!(good.len(), room);
        assert!(calls <= 25, "{calls} calls for room {room}");
    }
}

#[tokio::test]
async fn a_full_subnet_stops_no_other_subnet() {
    let mut group = Group::default();
    let items: Vec<u32> = (0..90).collect();
    group.subnets = items.iter().map(|item| (*item, u64::from(item / 30))).collect();
    let refuse = |items: &[u32]| {
        let in_the_first = items.iter().any(|item| *item < 30);
        in_the_first.then_some(Refusal::QuotaReached)
    };
    assert_eq!(group.accepts(&items, refuse).await, (30..90).collect::<Vec<_>>());
    assert!(group.calls <= 9, "{} calls", group.calls);
    group.budget = RefusalBudget::default();
    let full: Vec<(u32, NotTried)> = (1..30).map(|item| (item, NotTried::SubnetFull)).collect();
    assert_eq!(group.not_tried, full);
}

#[tokio::test]
async fn a_failed_call_costs_its_own_items_only_and_a_hopeless_one_all() {
    let refuse = |items: &[u32]| items.contains(&0).then_some(Refusal::CallFailed);
    assert_eq!(accepted(0..400, refuse).await, ((200..400).collect(), 2));
    let (good, calls) = accepted(0..400, |_| Some(Refusal::Hopeless)).await;
    assert_eq!((good.len(), calls), (0, 1));
}
