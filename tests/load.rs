//! The load run, small: `cargo run --profile simulate --example load -- --events 100000` is the
//! full one.
//!
//! `cargo test --test load` takes the example that was built last.

use std::path::Path;
use std::process::Command;

#[test]
fn thousands_of_events_under_faults_leave_the_right_targets_and_a_process_that_has_not_grown() {
    let binary = env!("CARGO_BIN_EXE_ecs-ipv6-targets");
    let example = Path::new(binary).with_file_name("examples").join("load");
    let mut run = Command::new(&example);
    run.args(["--events", "5000", "--seed", "1", "--function", binary]);
    let output = run.output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}; cargo build --examples", example.display());
    });
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for absent in [" 0 faults", " 0 came back"] {
        assert!(!told.contains(absent), "nothing went wrong: {told}");
    }
    // Elsewhere the size of a process cannot be seen.
    assert!(!cfg!(target_os = "linux") || told.contains("at 100 %:"), "{told}");
}
