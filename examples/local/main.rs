//! The function on this machine: `cargo run --example local`. No account, no network, no Docker.
//!
//! The function is the real one, in a process of its own under a Lambda Runtime API; only AWS
//! around it is simulated (the `aws-sim` crate, over loopback). Without arguments it plays a story
//! made of the files in `events/` and checks how each step ends, so that it is a smoke test too;
//! with `--deployment` it plays a deployment with and without a hold, with `--lattice` a target
//! group of VPC Lattice; with event files it plays those; with `--serve` it is the simulated AWS
//! for a function that somebody else runs, such as `cargo lambda watch`, and shows the status page
//! in a browser.

mod arguments;
mod deployment;
mod error;
mod files;
mod input;
mod lattice;
mod page;
mod play;
mod scenes;
mod screen;
mod serve;
mod story;
mod words;
mod world;

use std::process::ExitCode;

use arguments::Command;
use error::Error;
use screen::Screen;

/// One thread is enough, and on one thread no call arrives while the state is being shown.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if world::is_the_function() {
        return ecs_ipv6_targets::run().await;
    }
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

async fn run() -> Result<(), Error> {
    let screen = Screen::of_stdout();
    match arguments::parse(std::env::args_os().skip(1))? {
        Command::Help => Ok(screen.text(arguments::HELP)?),
        Command::Story { logs } => story::play(&screen, logs).await,
        Command::Deployment => deployment::play(&screen).await,
        Command::Lattice => lattice::play(&screen).await,
        Command::Files { files, fresh, logs } => files::play(&screen, &files, fresh, logs).await,
        Command::Serve { address, files } => serve::serve(&screen, address, &files).await,
        Command::Play { address } => serve::play(&screen, address).await,
    }
}
