//! The function under load: `cargo load`, see [`load`].

mod faults;
mod fleet;
mod load;
mod memory;
mod queue;
mod versions;

use std::process::ExitCode;

use load::Load;

const USAGE: &str = "usage: cargo load [--events N] [--seed S] [--beside BINARY]
    N events (100000) from seed S (0); BINARY, another version of the function, shares the work";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (flags, arguments): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument == "--bench");
    if flags.is_empty() {
        return ExitCode::SUCCESS;
    }
    let Some(load) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match load.run().await {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the arguments; none if one is not understood.
fn parse(arguments: &[String]) -> Option<Load> {
    let mut load = Load { events: 100_000, seed: 0, beside: None };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--events" => load.events = value.parse().ok()?,
            [name, value] if name == "--seed" => load.seed = value.parse().ok()?,
            [name, value] if name == "--beside" => load.beside = Some(value.clone()),
            _ => return None,
        }
    }
    (load.events > 0).then_some(load)
}
