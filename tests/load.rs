//! The load run, small; `cargo load` is the full one.

#[path = "../benches/load/faults.rs"]
mod faults;
#[path = "../benches/load/fleet.rs"]
mod fleet;
#[path = "../benches/load/load.rs"]
mod load;
#[path = "../benches/load/memory.rs"]
mod memory;
#[path = "../benches/load/queue.rs"]
mod queue;

use load::Load;

#[tokio::test]
async fn thousands_of_events_under_faults_end_in_the_right_targets() {
    let run = Load { events: 5000, seed: 1 }.run().await;
    let text = run.unwrap_or_else(|text| panic!("{text}"));
    for absent in [" 0 faults", " 0 came back"] {
        assert!(!text.contains(absent), "nothing went wrong: {text}");
    }
    // Elsewhere the size of a process cannot be seen.
    assert!(!cfg!(target_os = "linux") || text.contains("at 100 %:"), "{text}");
}
