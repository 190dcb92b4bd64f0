//! Getting the good items of a batch in when the bad ones make the whole call fail.

use std::collections::VecDeque;
use std::ops::Range;

/// What a refused call says about its items and about the calls to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Some item of the call is bad; the others may be good.
    SomeItem,
    /// There is no room for all items of the call, but perhaps for fewer.
    Quota,
    /// The call itself failed; its items were not judged. Another call may succeed.
    ThisCall,
    /// No call of this kind can succeed.
    EveryCall,
}

/// How many more refused calls are worth it. One is shared by all batches for the same place.
#[derive(Debug, Default)]
pub struct Patience {
    refused: usize,
    accepted: bool,
}

impl Patience {
    /// Refused calls, with none accepted, after which a place counts as bad throughout. One bad
    /// item among 200 costs 8.
    const WITHOUT_SUCCESS: usize = 24;

    /// Refused calls after which the rest is left for another time. All callers of an account
    /// share 4 writes a second (ELB docs, "Request throttling for the ELB API").
    const IN_ALL: usize = 64;

    fn is_over(&self) -> bool {
        let limit = if self.accepted { Self::IN_ALL } else { Self::WITHOUT_SUCCESS };
        self.refused >= limit
    }
}

/// Makes `call` for each chunk of `items`, and for halves of what is refused, until every item
/// is accepted or refused by itself. Returns each item's result, in order.
///
/// Large parts are tried before small ones, so that bad items keep no good part waiting. Parts
/// of an eighth and less, and those that a quota refuses, are halved down at once, so that some item
/// gets in while patience lasts. Bounded: once a single item is refused for the quota, an
/// error concerns every call, or patience is over, what is left fails with the last error and
/// without a call.
pub async fn in_halves<T, E: Clone>(
    items: &[T],
    chunk: usize,
    patience: &mut Patience,
    mut call: impl AsyncFnMut(&[T]) -> Result<(), E>,
    blame: impl Fn(&E) -> Blame,
) -> Vec<Result<(), E>> {
    let mut results: Vec<Option<Result<(), E>>> = vec![None; items.len()];
    let mut last = Ok(());
    let mut waiting: VecDeque<Range<usize>> = (0..items.len())
        .step_by(chunk)
        .map(|start| start..items.len().min(start + chunk))
        .collect();
    while let Some(range) = waiting.pop_front() {
        let Err(error) = call(&items[range.clone()]).await else {
            patience.accepted = true;
            results[range].fill(Some(Ok(())));
            continue;
        };
        patience.refused += 1;
        last = Err(error.clone());
        let alone = range.len() == 1;
        let (left, right) = halves(&range);
        match blame(&error) {
            Blame::EveryCall => break,
            Blame::ThisCall => results[range].fill(Some(Err(error))),
            Blame::Quota if alone => break,
            _ if patience.is_over() => break,
            Blame::SomeItem if alone => results[range].fill(Some(Err(error))),
            Blame::SomeItem if range.len() * 8 > items.len().min(chunk) => {
                waiting.extend([left, right]);
            }
            Blame::SomeItem | Blame::Quota => {
                waiting.push_front(right);
                waiting.push_front(left);
            }
        }
    }
    results.into_iter().map(|result| result.unwrap_or_else(|| last.clone())).collect()
}

fn halves(range: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = range.start + range.len().div_ceil(2);
    (range.start..middle, middle..range.end)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Which of `items` get in where `refuse` says what is wrong with a call, and in how many calls.
    async fn accepted(
        items: Range<u32>,
        refuse: impl Fn(&[u32]) -> Option<Blame>,
    ) -> (Vec<u32>, usize) {
        let calls = Cell::new(0);
        let call = async |items: &[u32]| {
            calls.set(calls.get() + 1);
            refuse(items).map_or(Ok(()), Err)
        };
        let items: Vec<u32> = items.collect();
        let mut patience = Patience::default();
        let results = in_halves(&items, 200, &mut patience, call, |blame| *blame).await;
        assert_eq!(results.len(), items.len());
        let good = items.iter().zip(results).filter(|(_, result)| result.is_ok());
        (good.map(|(item, _)| *item).collect(), calls.get())
    }

    fn some(bad: bool) -> Option<Blame> {
        bad.then_some(Blame::SomeItem)
    }

    #[tokio::test]
    async fn good_batches_cost_one_call_per_chunk() {
        assert_eq!(accepted(0..401, |_| None).await, ((0..401).collect(), 3));
        assert_eq!(accepted(0..0, |_| None).await, (vec![], 0));
    }

    #[tokio::test]
    async fn only_the_bad_ones_are_left_out() {
        for bad in [0, 1, 77, 100, 198, 199] {
            let (good, calls) = accepted(0..200, |items| some(items.contains(&bad))).await;
            assert_eq!(good, (0..200).filter(|item| *item != bad).collect::<Vec<_>>());
            assert!(calls <= 17, "{calls} calls for one bad item");
        }
    }

    #[tokio::test]
    async fn large_parts_are_tried_before_small_ones_down_to_an_eighth() {
        let sizes = RefCell::new(Vec::new());
        let refuse = |items: &[u32]| {
            sizes.borrow_mut().push(items.len());
            some(items.contains(&0))
        };
        accepted(0..200, refuse).await;
        let expected = [200, 100, 100, 50, 50, 25, 13, 7, 4, 2, 1, 1, 2, 3, 6, 12, 25];
        assert_eq!(*sizes.borrow(), expected);
    }

    #[tokio::test]
    async fn a_few_bad_ones_keep_no_good_one_out_wherever_they_stand() {
        let spread: fn(u32) -> bool = |item| item % 40 == 7;
        let cluster: fn(u32) -> bool = |item| item < 10;
        let both: fn(u32) -> bool = |item| item < 10 || [20, 40, 75, 150].contains(&item);
        for is_bad in [spread, cluster, both] {
            let (good, _) = accepted(0..200, |items| some(items.iter().any(|i| is_bad(*i)))).await;
            assert_eq!(good, (0..200).filter(|item| !is_bad(*item)).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn in_a_small_batch_every_item_is_judged() {
        for bad in 1..12 {
            let (good, calls) = accepted(0..12, |items| some(items.iter().any(|i| *i < bad))).await;
            assert_eq!(good, (bad..12).collect::<Vec<_>>());
            assert!(calls <= 23, "{calls} calls");
        }
    }

    #[tokio::test]
    async fn a_bad_chunk_keeps_no_good_chunk_out() {
        let (good, _) = accepted(0..400, |items| some(items.iter().any(|i| *i < 200))).await;
        assert_eq!(good, (200..400).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_batch_that_is_bad_throughout_costs_few_calls() {
        let (good, calls) = accepted(0..600, |_| some(true)).await;
        assert_eq!((good.len(), calls), (0, Patience::WITHOUT_SUCCESS));
    }

    #[tokio::test]
    async fn a_place_that_was_bad_throughout_gets_one_call_for_its_next_batch() {
        let mut patience = Patience::default();
        let calls = Cell::new(0);
        for _ in 0..2 {
            let call = async |_: &[u32]| {
                calls.set(calls.get() + 1);
                Err(Blame::SomeItem)
            };
            in_halves(&[0; 100], 200, &mut patience, call, |blame| *blame).await;
        }
        assert_eq!(calls.get(), Patience::WITHOUT_SUCCESS + 1);
    }

    #[tokio::test]
    async fn a_batch_with_very_many_bad_ones_is_left_after_a_while() {
        let (good, calls) = accepted(0..200, |items| some(items.iter().any(|i| i % 7 == 0))).await;
        assert!(good.len() > 50 && calls <= 2 * Patience::IN_ALL, "{} {calls}", good.len());
    }

    #[tokio::test]
    async fn a_quota_is_filled_up_and_then_nothing_more_is_tried() {
        for room in [0_usize, 1, 60, 199] {
            let taken = Cell::new(0);
            let (good, calls) = accepted(0..200, |items| {
                if taken.get() + items.len() > room {
                    return Some(Blame::Quota);
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
    async fn a_failed_call_costs_its_own_items_only_and_a_hopeless_one_all() {
        let (good, calls) =
            accepted(0..400, |items| items.contains(&0).then_some(Blame::ThisCall)).await;
        assert_eq!((good, calls), ((200..400).collect(), 2));
        let (good, calls) = accepted(0..400, |_| Some(Blame::EveryCall)).await;
        assert_eq!((good.len(), calls), (0, 1));
    }
}
