//! The rule of the house: a room imports only rooms below it, and `core` imports nothing but
//! `json`. In the crates that simulate and damage, no modules import each other in a circle. Also
//! the width of code and prose, and the length of tests' names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms by floor, the lowest first. Rooms of one floor do not import one another.
const FLOORS: [&[&str]; 8] = [
    &["json"],
    &["core"],
    &["config", "input", "report"],
    &["aws"],
    &["flow", "doctor"],
    &["error"],
    &["handler"],
    &["lib", "main"],
];

/// What only `aws` and `doctor` may name, beside the edge, which hands the SDK's settings through.
const SDK: [&str; 4] = ["aws_sdk_", "aws_smithy_", "aws_types", "aws_config"];

/// What the core may not name.
const NOT_PURE: [&str; 6] =
    ["tokio", "tracing", "lambda_runtime", "async ", "SystemTime::now", "std::env"];

/// The crates whose modules import each other in one direction only.
const WITHOUT_CIRCLES: [&str; 4] = [
    "testing/simulation/src",
    "testing/exhaustive/src",
    "testing/bad-input/src",
    "testing/aws-sim/src",
];

const WIDTH: usize = 100;

/// The longest name that a test may have.
const TEST_NAME: usize = 70;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files with this ending below a folder, without what is built or installed there.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let is_ours = !name.starts_with('.') && !name.starts_with("target");
            if is_ours && name != "node_modules" && name != "mutants.out" {
                found.extend(files(&path, ending));
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The room of a file below this `src`: its first folder, or its own name.
fn room(src: &Path, file: &Path) -> String {
    let within = file.strip_prefix(src).unwrap();
    let first = within.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn floor(room: &str) -> usize {
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room));
    floor.unwrap_or_else(|| panic!("`{room}` is on no floor: give it one in FLOORS"))
}

/// The rooms that a text imports or names by path, comments left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let name = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let paths = code.split("crate::").skip(1);
    let is_module = |name: &String| !name.is_empty() && !name.chars().any(char::is_uppercase);
    paths.map(name).filter(is_module).collect()
}

/// What is wrong with a file's imports.
fn violations(room: &str, text: &str) -> Vec<String> {
    let forbidden = |imported: &String| imported != room && floor(imported) >= floor(room);
    let imports = imports(text).into_iter().filter(forbidden);
    let mut wrong: Vec<String> = imports.map(|other| format!("imports {other}")).collect();
    let mut named = |names: &[&str]| {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let code: Vec<&str> = code.take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
        let found = names.iter().filter(|name| code.iter().any(|line| line.contains(**name)));
        wrong.extend(found.map(|name| format!("names {name}")));
    };
    if floor(room) < floor("aws") {
        named(&SDK);
    }
    if floor(room) <= floor("core") {
        named(&NOT_PURE);
    }
    if room == "flow" {
        named(&["aws_sdk_", "aws_smithy_", "aws_types"]);
    }
    wrong
}

#[test]
fn a_room_imports_only_rooms_below_it() {
    let mut wrong = Vec::new();
    for file in files(&root().join("src"), ".rs") {
        let text = fs::read_to_string(&file).unwrap();
        let found = violations(&room(&root().join("src"), &file), &text);
        wrong.extend(found.into_iter().map(|what| format!("{}: {what}", file.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_upwards_and_sideways_are_found() {
    for (room, text, expected) in [
        ("core", "use crate::core::task::Task;\nuse crate::json::JsonObject;", vec![]),
        ("core", "use crate::report::Report;", vec!["imports report"]),
        ("input", "fn f() { crate::report::log::write(1) }", vec!["imports report"]),
        ("aws", "use crate::{\n    flow::Settler,\n};", vec![]),
        ("aws", "use crate::flow::Settler;", vec!["imports flow"]),
        ("flow", "use crate::doctor::Doctor;\nuse crate::aws::ecs::Ecs;", vec!["imports doctor"]),
        ("report", "//! See [`crate::handler`].", vec![]),
        ("report", "use aws_sdk_ecs::Client;", vec!["names aws_sdk_"]),
        ("core", "use tokio::time::Instant;", vec!["names tokio"]),
        ("flow", "use aws_sdk_ecs::Client;", vec!["names aws_sdk_"]),
    ] {
        assert_eq!(violations(room, text), expected, "{room}: {text}");
    }
}

#[test]
fn no_import_of_several_rooms_hides_one() {
    for src in ["src"].iter().chain(&WITHOUT_CIRCLES) {
        for file in files(&root().join(src), ".rs") {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("use crate::{"), "{}: one line per room", file.display());
        }
    }
}

/// What each module of a crate imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules of which each imports the next, and the last one the first; empty without a circle.
/// What imports nothing is left out until nothing changes: what then remains is in a circle or
/// imports one.
fn circle(mut imports: Imports) -> Vec<String> {
    loop {
        let before = imports.len();
        let left: BTreeSet<String> = imports.keys().cloned().collect();
        imports.values_mut().for_each(|imported| imported.retain(|name| left.contains(name)));
        imports.retain(|_, imported| !imported.is_empty());
        if imports.len() == before {
            break;
        }
    }
    let mut path: Vec<String> = imports.keys().next().cloned().into_iter().collect();
    while let Some(next) = path.last().and_then(|last| imports[last].first()) {
        if let Some(start) = path.iter().position(|name| name == next) {
            return path.split_off(start);
        }
        path.push(next.clone());
    }
    path
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    for src in WITHOUT_CIRCLES.map(|folder| root().join(folder)) {
        let mut all = Imports::new();
        for file in files(&src, ".rs") {
            let (module, text) = (room(&src, &file), fs::read_to_string(&file).unwrap());
            let imported = imports(&text).into_iter().filter(|other| *other != module);
            all.entry(module.clone()).or_default().extend(imported);
        }
        assert!(all.len() > 5, "{} holds no modules", src.display());
        let circle = circle(all);
        assert!(circle.is_empty(), "{}: {} → …", src.display(), circle.join(" → "));
    }
}

#[test]
fn a_circle_of_any_length_is_found() {
    let circle_of = |all: &[(&str, &[&str])]| {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        circle(all.iter().map(|(name, imported)| ((*name).to_owned(), named(imported))).collect())
    };
    let none: [&str; 0] = [];
    assert_eq!(circle_of(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]), none);
    assert_eq!(circle_of(&[("a", &["b"]), ("b", &["a"])]), ["a", "b"]);
    let longer: [(&str, &[&str]); 4] =
        [("a", &["b"]), ("b", &["c", "d"]), ("c", &["d"]), ("d", &["b"])];
    assert_eq!(circle_of(&longer), ["b", "c", "d"]);
}

#[test]
fn every_room_says_what_it_is_for() {
    for file in files(&root().join("src"), ".rs") {
        let text = fs::read_to_string(&file).unwrap();
        let exempt = file.ends_with("tests.rs") || file.ends_with("main.rs");
        assert!(exempt || text.starts_with("//! "), "{} has no `//!`", file.display());
    }
}

/// Whether a line of a document may be wider: a table, a link that cannot be broken, code.
fn may_be_wide(line: &str, in_code: bool) -> bool {
    let unbroken = line.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0);
    in_code || line.trim_start().starts_with('|') || unbroken > WIDTH / 2
}

fn too_wide(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let mut wide = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if line.chars().count() > WIDTH && !may_be_wide(line, in_code) {
            wide.push(number + 1);
        }
    }
    wide
}

#[test]
fn code_and_prose_are_at_most_a_hundred_wide() {
    let mut wrong = Vec::new();
    for ending in [".rs", ".md"] {
        for file in files(&root(), ending) {
            let text = fs::read_to_string(&file).unwrap();
            // Code holds paths and literals that cannot be broken; rustfmt holds the rest.
            let is_prose = |number: &usize| {
                let line = text.lines().nth(number - 1).unwrap().trim_start().to_owned();
                let is_table = line.starts_with("//! |") || line.starts_with("/// |");
                ending == ".md" || line.starts_with("//") && !is_table
            };
            let lines: Vec<usize> = too_wide(&text).into_iter().filter(is_prose).collect();
            wrong.extend(lines.iter().map(|line| format!("{}:{line}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{} lines too wide:\n{}", wrong.len(), wrong.join("\n"));
}

/// The names of the tests in a file that are too long.
fn long_test_names(text: &str) -> Vec<&str> {
    let is_attribute =
        |line: &str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    let mut lines = text.lines().map(str::trim_start);
    let mut long = Vec::new();
    while lines.any(is_attribute) {
        let name = lines.find_map(|line| line.split_once("fn ")).map(|(_, rest)| rest);
        let name = name.and_then(|rest| rest.split('(').next()).unwrap_or_default();
        long.extend((name.len() > TEST_NAME).then_some(name));
    }
    long
}

#[test]
fn names_of_tests_have_at_most_seventy_characters() {
    let elsewhere = root().join("testing");
    let mut wrong = Vec::new();
    for file in files(&root(), ".rs").into_iter().filter(|file| !file.starts_with(&elsewhere)) {
        let text = fs::read_to_string(&file).unwrap();
        let long = long_test_names(&text).into_iter();
        wrong.extend(long.map(|name| format!("{}: {name}", file.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
