//! The local run, README's first command, as a newcomer meets it. The story checks itself what the
//! target group holds after each step; here is what it says and how it exits.
//!
//! `cargo test` builds the examples before it runs a test. `cargo test --test local` does not: it
//! takes the one that was built last.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the example, which lies beside the binary, from a folder that is not the project's.
fn local(arguments: &[&str]) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_ecs-ipv6-targets"));
    let example = binary.with_file_name("examples").join("local");
    let run = Command::new(&example).args(arguments).current_dir(std::env::temp_dir()).output();
    run.unwrap_or_else(|error| panic!("{}: {error}; cargo build --examples", example.display()))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What the example prints when it succeeds, in which all of this must stand.
fn shows(arguments: &[&str], expected: &[&str]) -> String {
    let output = local(arguments);
    let shown = text(&output.stdout).to_owned();
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    for part in expected {
        assert!(shown.contains(part), "{part:?} is missing in {shown}");
    }
    shown
}

/// The path of a file of the project.
fn file(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_deployment_with_a_hold_has_no_gap_and_one_without_has() {
    shows(
        &["--deployment"],
        &[
            "4 old tasks held",
            "never fewer than 4 targets served",
            "0 serve",
            "fewer than 4 served for ",
            "The hold made the deployment",
        ],
    );
}

#[test]
fn a_group_of_lattice_is_played_as_well() {
    shows(
        &["--lattice"],
        &[
            "RegisterTargets  tg-0",
            "back to the queue: message 33333333",
            "DeregisterTargets  tg-0",
            "ListTargets        tg-0",
            "draining",
            "ValidationError: The IP address '2001:db8:ffff::3' is not within the VPC",
        ],
    );
}

#[test]
fn the_story_ends_well_and_shows_each_step() {
    let shown = shows(
        &[],
        &[
            "1  A task is being started",
            "2  The task runs",
            "3  The same event comes again",
            "4  A second task runs",
            "5  The first task begins to stop",
            "6  The first task has stopped",
            "7  The first task's start, delivered five minutes late",
            "8  An SQS batch",
            "c50e321c → STOPPED",
            "back to the queue: message e5c7f8a1",
            "would be deregistered [2001:db8:",
            "10  The schedule fires",
            "unowned [2001:db8:1234:1a00:b0b::1]:8080",
        ],
    );
    assert!(!shown.contains('\x1b'), "colours, though nobody watches");
}

#[test]
fn files_are_delivered_instead_whatever_they_hold() {
    let unknown = format!("{}/unknown.json", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&unknown, r#"{"some": "JSON"}"#).unwrap();
    shows(
        &[&file("events/task-running.json"), &unknown],
        &["c50e321c → RUNNING", "registered [2001:db8:", "initial", "UnknownInput"],
    );
}

#[test]
fn the_copy_of_a_stop_is_played_as_the_stop_that_it_is() {
    let files = ["task-running", "copy-of-stop"].map(|name| file(&format!("events/{name}.json")));
    shows(
        &files.each_ref().map(String::as_str),
        &[
            "a copy: task c50e321c, DEACTIVATING (desired: STOPPED), version 4",
            "deregistered [2001:db8:1234:1a00:9691:9503:25ad:1761]:8080 for task c50e321c",
        ],
    );
}

#[test]
fn operators_inputs_are_played_in_a_drifted_world() {
    let files = ["plan", "doctor", "reconcile"].map(|name| file(&format!("events/{name}.json")));
    shows(
        &files.each_ref().map(String::as_str),
        &[
            "would be registered [2001:db8:1234:1a00:9691:9503:25ad:1761]:8080 for task c50e321c",
            "fail  not-attached",
            "fix: aws ecs update-service",
            "registered [2001:db8:1234:1a00:9691:9503:25ad:1761]:8080 for task c50e321c",
        ],
    );
}

#[test]
fn help_says_how_to_use_it() {
    shows(&["--help"], &["--fresh", "--logs", "--serve", "--play", "FILE"]);
}

#[test]
fn what_cannot_be_used_is_one_line_that_names_it_and_exit_code_2() {
    let no_json = file("Cargo.toml");
    for (arguments, named) in [
        (
            &[no_json.as_str()] as &[&str],
            "Cargo.toml is not JSON: expected value at line 1 column 2",
        ),
        (&["no-such-file.json"], "no-such-file.json cannot be read: No such file or directory"),
        (&["--nonsense"], "unknown option --nonsense; try --help"),
        (&["--fresh"], "--fresh needs files"),
        (&["--lattice", "--deployment"], "--deployment goes with nothing else"),
        (&["--lattice", "--logs"], "--lattice goes with nothing else"),
        (&["--serve", "--fresh"], "--fresh does not go with --serve"),
        (&["--serve", "--logs"], "--logs does not go with --serve"),
        (&["--play"], "--play goes with --serve"),
        (&["--serve", "--play", "events.json"], "--play takes no files"),
    ] {
        let output = local(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named) && said.lines().count() == 1, "{arguments:?}: {said}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}: nothing is begun");
    }
}
