//! Every promise holds in every state within the small bounds.

use std::sync::Mutex;
use std::thread;

use exhaustive::search::visit;
use exhaustive::situations::{Size, all};

#[test]
fn every_promise_holds_in_every_state_within_the_small_bounds() {
    let situations = Mutex::new(all(Size::Small).into_iter());
    // On a line of its own, so that the lock is free while a situation is visited.
    let next = || situations.lock().unwrap().next();
    let work = || {
        while let Some(bounds) = next() {
            match visit(bounds) {
                Ok(visited) => assert!(visited.rests > 5, "{}: {visited}", bounds.name),
                Err(found) => panic!("{}:\n{found}", bounds.name),
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| worker.join().expect("a promise is broken"));
    });
}
