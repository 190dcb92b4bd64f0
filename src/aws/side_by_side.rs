//! Works that go on at the same time, a few at once.

use std::pin::pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};

/// Works under way at the same time; all callers of an account share 10 ELB calls a second (ELB
/// docs, "Request throttling for the ELB API"), and each new connection costs CPU.
const AT_ONCE: usize = 4;

/// Of more works than this, the time may not suffice for all: they are begun in random order, so
/// that in the long run each has its turn.
const MANY: usize = 20;

/// A work that takes longer probably hangs. It goes on, and gives its place to another.
const LONG: Duration = Duration::from_secs(1);

/// Does the works, a few at once, and returns what came of each, in the order in which they ended.
/// However many of them hang, the others are begun.
pub async fn side_by_side<W: Future>(works: impl IntoIterator<Item = W>) -> Vec<W::Output> {
    let places = Semaphore::new(AT_ONCE);
    let mut works: Vec<W> = works.into_iter().collect();
    if works.len() > MANY {
        fastrand::shuffle(&mut works);
    }
    let works = works.into_iter().map(|work| in_a_place(&places, work));
    works.collect::<FuturesUnordered<_>>().collect().await
}

async fn in_a_place<W: Future>(places: &Semaphore, work: W) -> W::Output {
    // The semaphore is never closed; were it, the work would only not be held back.
    let place = places.acquire().await.ok();
    let mut work = pin!(work);
    if let Ok(done) = timeout(LONG, &mut work).await {
        return done;
    }
    drop(place);
    work.await
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn four_are_under_way_at_once_and_those_that_hang_make_room() {
        let begin = Instant::now();
        let work = async |seconds: f64| {
            let begun = begin.elapsed().as_secs_f64();
            sleep(Duration::from_secs_f64(seconds)).await;
            begun
        };
        let begun = side_by_side([0.5; 9].map(work)).await;
        assert_eq!(begun, [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, 1.0]);
        let mut works = vec![60.0; 19];
        works.push(0.5);
        let before = begin.elapsed().as_secs_f64();
        let first = side_by_side(works.into_iter().map(work)).await[0];
        assert_eq!(first - before, 4.0);
    }
}
