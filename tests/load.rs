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
#[path = "../benches/load/versions.rs"]
mod versions;

use load::Load;

#[tokio::test]
async fn thousands_of_events_under_faults_end_in_the_right_targets() {
    let text = run(Load { events: 15_000, seed: 1, beside: None }).await;
    for absent in [" 0 faults", " 0 came back"] {
        assert!(!text.contains(absent), "nothing went wrong: {text}");
    }
    // Elsewhere the size of a process cannot be seen.
    assert!(!cfg!(target_os = "linux") || text.contains("at 100 %:"), "{text}");
}

#[tokio::test]
async fn two_instances_that_share_the_queue_do_no_harm() {
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets").to_owned();
    let text = run(Load { events: 5000, seed: 2, beside: Some(binary) }).await;
    assert!(!text.contains(" 0 rounds with both"), "{text}");
}

async fn run(load: Load) -> String {
    load.run().await.unwrap_or_else(|text| panic!("{text}"))
}
