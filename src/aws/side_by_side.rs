//! Runs several jobs at the same time, up to a limit.

use std::cell::RefCell;
use std::pin::Pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Semaphore;
use tokio::time::{Duration, timeout};

/// How many jobs run at the same time: all callers of an account share 10 ELB calls a second (ELB
/// docs, "Request throttling for the ELB API"), and each new connection costs CPU.
const AT_ONCE: usize = 4;

/// With more jobs than this, there may not be time for all: they start in random order, so that
/// each gets its turn in the long run.
const MANY: usize = 20;

/// A job that takes longer probably hangs. It goes on, but gives its place to another.
const LONG: Duration = Duration::from_secs(1);

/// A job that puts its result where its caller finds it.
type Job<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Runs the jobs, a few at a time, and returns their results in the order in which they ended.
/// However many of them hang, the others are started.
pub async fn side_by_side<W: Future>(jobs: impl IntoIterator<Item = W>) -> Vec<W::Output> {
    let results = RefCell::new(Vec::new());
    let results_of = &results;
    let jobs = jobs.into_iter().map(|job| -> Job<'_> {
        Box::pin(async move {
            let result = job.await;
            results_of.borrow_mut().push(result);
        })
    });
    run(jobs.collect()).await;
    results.into_inner()
}

/// The same for all jobs, whatever they are: this is not compiled anew for each kind.
async fn run(mut jobs: Vec<Job<'_>>) {
    let places = Semaphore::new(AT_ONCE);
    if jobs.len() > MANY {
        fastrand::shuffle(&mut jobs);
    }
    let jobs = jobs.into_iter().map(|job| in_a_place(&places, job));
    jobs.collect::<FuturesUnordered<_>>().for_each(async |()| {}).await;
}

async fn in_a_place(places: &Semaphore, mut job: Job<'_>) {
    // The semaphore is never closed; if it were, the job would only start at once.
    let place = places.acquire().await.ok();
    if timeout(LONG, &mut job).await.is_err() {
        drop(place);
        job.await;
    }
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
