//! `cargo exhaust`: all situations within the large bounds, or those whose name has a word in it.

use std::process::ExitCode;

use exhaustive::search::visit;
use exhaustive::situations::{Size, all};

const USAGE: &str = "\
usage: cargo exhaust [--small] [WORD]    the situations with this word in their names, or all";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let small = arguments.next_if(|argument| argument == "--small");
    let size = if small.is_some() { Size::Small } else { Size::Large };
    let word = arguments.next().unwrap_or_default();
    if word.starts_with('-') || arguments.next().is_some() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let mut code = ExitCode::SUCCESS;
    for bounds in all(size).into_iter().filter(|bounds| bounds.name.contains(&word)) {
        match visit(bounds) {
            Ok(visited) => println!("{}: {visited}", bounds.name),
            Err(found) => {
                println!("{}, broken after {} steps:\n{found}", bounds.name, found.story.len());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
