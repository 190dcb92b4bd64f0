//! Getting the good items of a batch in when the bad ones make the whole call fail.

use std::ops::Range;

/// Calls refused one after the other after which a batch counts as bad throughout. One bad item
/// among 200 costs 8 refusals, and between them its good neighbours are accepted.
const REFUSED_IN_A_ROW: usize = 24;

/// Calls refused after which the rest of a batch is left for another time. All callers of an
/// account share 4 writes a second (ELB docs, "Request throttling for the ELB API").
const REFUSED_IN_ALL: usize = 64;

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

/// Makes `call` for each chunk of `items`, and for halves of what is refused, until every item
/// is accepted or refused by itself. Returns each item's result, in order.
///
/// Bounded: once a single item is refused for the quota, an error concerns every call, or too
/// many calls were refused, what is left fails with the last error and without a call.
pub async fn in_halves<T, E: Clone>(
    items: &[T],
    chunk: usize,
    call: impl AsyncFnMut(&[T]) -> Result<(), E>,
    blame: impl Fn(&E) -> Blame,
) -> Vec<Result<(), E>> {
    let mut search = Search {
        items,
        call,
        blame,
        results: vec![None; items.len()],
        refused: Vec::new(),
        in_a_row: 0,
        in_all: 0,
    };
    match search.run(chunk).await {
        Ok(()) => search.results.into_iter().flatten().collect(),
        Err(last) => {
            let open = search.results.into_iter();
            open.map(|result| result.unwrap_or_else(|| Err(last.clone()))).collect()
        }
    }
}

struct Search<'a, T, E, C, B> {
    items: &'a [T],
    call: C,
    blame: B,
    results: Vec<Option<Result<(), E>>>,
    /// Ranges that were refused as a whole and wait for being halved.
    refused: Vec<Range<usize>>,
    in_a_row: usize,
    in_all: usize,
}

impl<T, E: Clone, C, B> Search<'_, T, E, C, B>
where
    C: AsyncFnMut(&[T]) -> Result<(), E>,
    B: Fn(&E) -> Blame,
{
    /// `Err` is the error with which everything without a result fails.
    async fn run(&mut self, chunk: usize) -> Result<(), E> {
        for start in (0..self.items.len()).step_by(chunk) {
            self.attempt(start..self.items.len().min(start + chunk)).await?;
            // Both halves are tried before either is halved again: a run of bad items then keeps
            // no good half waiting.
            while let Some(range) = self.refused.pop() {
                let middle = range.start + range.len().div_ceil(2);
                let waiting = self.refused.len();
                self.attempt(range.start..middle).await?;
                self.attempt(middle..range.end).await?;
                self.refused[waiting..].reverse();
            }
        }
        Ok(())
    }

    async fn attempt(&mut self, range: Range<usize>) -> Result<(), E> {
        let Err(error) = (self.call)(&self.items[range.clone()]).await else {
            self.in_a_row = 0;
            self.results[range].fill(Some(Ok(())));
            return Ok(());
        };
        self.in_a_row += 1;
        self.in_all += 1;
        let blame = (self.blame)(&error);
        let alone = range.len() == 1;
        if blame == Blame::EveryCall || blame == Blame::Quota && alone || self.is_spent() {
            return Err(error);
        }
        if blame == Blame::ThisCall || alone {
            self.results[range].fill(Some(Err(error)));
        } else {
            self.refused.push(range);
        }
        Ok(())
    }

    fn is_spent(&self) -> bool {
        self.in_a_row >= REFUSED_IN_A_ROW || self.in_all >= REFUSED_IN_ALL
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

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
        let results = in_halves(&items, 200, call, |blame| *blame).await;
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
        let (good, _) = accepted(0..200, |items| some(items.iter().any(|i| i % 40 == 7))).await;
        assert_eq!(good.len(), 195);
        let (good, _) = accepted(0..200, |items| some(items.iter().any(|i| *i < 10))).await;
        assert_eq!(good.len(), 190);
    }

    #[tokio::test]
    async fn a_batch_that_is_bad_throughout_costs_few_calls() {
        let (good, calls) = accepted(0..600, |_| some(true)).await;
        assert_eq!((good.len(), calls), (0, REFUSED_IN_A_ROW));
    }

    #[tokio::test]
    async fn a_batch_that_is_half_bad_is_left_after_a_while() {
        let (good, calls) = accepted(0..200, |items| some(items.iter().any(|i| i % 2 == 0))).await;
        assert!(!good.is_empty() && calls <= 2 * REFUSED_IN_ALL, "{calls} calls");
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
