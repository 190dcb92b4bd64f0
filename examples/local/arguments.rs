//! The command line.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::error::Error;

pub const HELP: &str = "\
The function on this machine: the real one, under a simulated AWS. No account, no network.

Usage: cargo run --example local [-- [OPTIONS] [FILE...]]

Without files it plays a story made of the samples in events/ and checks how each step ends.

Arguments:
  FILE...         Deliver these JSON files instead, one after the other: ECS Task State Change
                  events, SQS batches of them, or anything else (the function says what it
                  accepts). The simulated ECS learns the tasks' states from a file before the
                  function gets it; of several states of a task the highest version stays.

Options:
  --fresh         Set the time of the files' events to now. Otherwise they are delivered as they
                  are, and the function asks ECS before it believes a RUNNING older than 60 s.
  --logs          Show the function's own log lines. It is handed AWS_LAMBDA_LOG_FORMAT (text,
                  json) and AWS_LAMBDA_LOG_LEVEL (info, debug...) if they are set.
  --deployment    Play a deployment instead, without a hold and with one.
  --lattice       Play a target group of VPC Lattice instead.
  --serve [ADDR]  Run no function, only serve the simulated AWS for one, on 127.0.0.1:9001
                  unless told otherwise: prints how to use it with cargo lambda, then every call.
                  ECS knows the tasks of FILE..., or of events/task-running{,-second}.json. The
                  status page is at the next port, and reloads itself in a browser.
  --play          With --serve: a function runs as well, and a service is deployed again and
                  again. Watch the page while targets become healthy, drain and leave.
  -h, --help      Print this.

Examples:
  cargo run --example local
  cargo run --example local -- events/task-running.json events/task-stopped.json
  cargo run --example local -- --fresh --logs events/sqs-batch.json
  cargo run --example local -- --deployment
  cargo run --example local -- --serve --play

The exit code is 0 if all went as it must (an error is a fair answer to a FILE), 1 if not, and 2
if the command line or a file cannot be used. NO_COLOR=1 turns colours off.
";

const SERVE_ON: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9001);

pub enum Command {
    Help,
    Deployment,
    Lattice,
    Story { logs: bool },
    Files { files: Vec<PathBuf>, fresh: bool, logs: bool },
    Serve { address: SocketAddr, files: Vec<PathBuf> },
    Play { address: SocketAddr },
}

/// Reads the command line, without the program's name.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, Error> {
    let (mut fresh, mut logs, mut serve, mut files) = (false, false, None, Vec::new());
    let (mut story, mut play) = (None, false);
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("-h" | "--help") => return Ok(Command::Help),
            Some(option @ ("--deployment" | "--lattice")) => {
                let earlier = story.replace(option.to_owned());
                if earlier.is_some_and(|earlier| earlier != option) {
                    return Err(usage(format!("{option} goes with nothing else")));
                }
            }
            Some("--play") => play = true,
            Some("--fresh") => fresh = true,
            Some("--logs") => logs = true,
            Some("--serve") => {
                let address = arguments.peek().and_then(|next| next.to_str()?.parse().ok());
                if address.is_some() {
                    arguments.next();
                }
                serve = Some(address.unwrap_or(SERVE_ON));
            }
            Some(option) if option.starts_with('-') => {
                return Err(usage(format!("unknown option {option}")));
            }
            _ => files.push(PathBuf::from(argument)),
        }
    }
    if let Some(story) = story {
        let is_alone = !fresh && !logs && !play && serve.is_none() && files.is_empty();
        return match story.as_str() {
            _ if !is_alone => Err(usage(format!("{story} goes with nothing else"))),
            "--lattice" => Ok(Command::Lattice),
            _ => Ok(Command::Deployment),
        };
    }
    match serve {
        Some(_) if fresh => Err(usage("--fresh does not go with --serve, which delivers nothing")),
        Some(_) if logs => Err(usage("--logs does not go with --serve, which runs no function")),
        Some(_) if play && !files.is_empty() => Err(usage("--play takes no files")),
        Some(address) if play => Ok(Command::Play { address }),
        None if play => Err(usage("--play goes with --serve")),
        Some(address) => Ok(Command::Serve { address, files }),
        None if files.is_empty() && fresh => Err(usage("--fresh needs files to deliver")),
        None if files.is_empty() => Ok(Command::Story { logs }),
        None => Ok(Command::Files { files, fresh, logs }),
    }
}

fn usage(problem: impl Into<String>) -> Error {
    Error::Usage(format!("{}; try --help", problem.into()))
}
