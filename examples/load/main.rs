//! The function under load: `cargo run --profile simulate --example load -- --events 100000`.
//!
//! The real binary gets so many ECS events through the Runtime API, in SQS batches of up to 1,500,
//! over a simulated AWS on loopback that throttles, fails and loses answers. What it fails comes
//! back. At the end the target group has to hold exactly the serving tasks, and the process must
//! not have grown meanwhile. Exit code 1 if one of both is not so.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `fleet` | tasks and their events, from a seed |
//! | `queue` | what is to be delivered, also again |
//! | `trouble` | what befalls the calls |
//! | `memory` | the size of the function's process, and how much it may grow |

mod fleet;
mod memory;
mod queue;
mod trouble;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sim::{Answer, Aws, Function, TargetGroup};
use serde_json::{Value, json};

use fleet::Fleet;
use memory::Memory;
use queue::Queue;
use trouble::Trouble;

const USAGE: &str = "usage: cargo run --profile simulate --example load -- [--events N] [--seed S] [--function PATH]
    N events (100000) from seed S (0); PATH is the binary to run (this one, which has the function in it)";

/// The largest batch that template.yaml allows.
const BATCH: usize = 1500;

/// One invocation in so many meets an outage.
const OUTAGE: usize = 8;

const PORT: u16 = 8080;

/// Tells this program that it is the function's process.
const ROLE: (&str, &str) = ("LOAD_ROLE", "function");

struct Load {
    events: usize,
    seed: u64,
    function: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var(ROLE.0).is_ok_and(|role| role == ROLE.1) {
        return ecs_ipv6_targets::run().await;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(load) = Load::of(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match load.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            println!("wrong: {wrong}");
            ExitCode::FAILURE
        }
    }
}

impl Load {
    fn of(arguments: &[String]) -> Option<Self> {
        let function = std::env::current_exe().ok()?;
        let mut load = Self { events: 100_000, seed: 0, function };
        for pair in arguments.chunks(2) {
            match pair {
                [name, value] if name == "--events" => load.events = value.parse().ok()?,
                [name, value] if name == "--seed" => load.seed = value.parse().ok()?,
                [name, value] if name == "--function" => load.function = value.into(),
                _ => return None,
            }
        }
        (load.events > 0).then_some(load)
    }

    async fn run(&self) -> Result<(), String> {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let trouble = Arc::new(Trouble::new(self.seed));
        aws.set_hook(trouble.clone());
        let server = aws
            .serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .map_err(|e| e.to_string())?;
        let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": PORT}]);
        let environment = [("BINDINGS", bindings.to_string()), (ROLE.0, ROLE.1.to_owned())];
        let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
        let function = Function::start(&self.function, &server.url(), &environment).await;
        let function = function.map_err(|error| format!("{}: {error}", self.function.display()))?;

        let mut fleet = Fleet::new(self.seed, aws.clone());
        let mut memory = Memory::of(function.id());
        let begin = Instant::now();
        let queue = self.deliver(&function, &aws, &mut fleet, &mut memory, &trouble).await?;
        println!("{queue}; {:.0} s", begin.elapsed().as_secs_f64());
        println!("{trouble}\n{memory}");
        self.end_state(&aws, &group, &fleet)?;
        memory.is_flat()
    }

    /// Delivers all events, and again what failed, until nothing is left.
    async fn deliver(
        &self,
        function: &Function,
        aws: &Aws,
        fleet: &mut Fleet,
        memory: &mut Memory,
        trouble: &Trouble,
    ) -> Result<Queue, String> {
        let mut queue = Queue::new(self.seed);
        let mut size = BATCH;
        loop {
            while queue.waiting() < size && fleet.told() < self.events {
                fleet.live(&mut queue);
            }
            let batch = queue.take(size);
            if batch.is_empty() {
                return Ok(queue);
            }
            let outage = queue.batches() % OUTAGE == OUTAGE - 1;
            trouble.outage(outage);
            // In an outage there is no time to try until it works, so that messages come back.
            let time = if outage { Duration::from_millis(1200) } else { Duration::from_secs(30) };
            let answer = function.invoke_within(&batch.payload(), time).await;
            queue.settle(batch, failures(answer)?)?;
            aws.take_calls();
            memory.look(queue.done() * 100 / self.events.max(queue.done()));
            // The first batch is full, so that what a full one takes is not mistaken for growth.
            size = fleet.batch_size(BATCH);
        }
    }

    fn end_state(&self, aws: &Aws, group: &str, fleet: &Fleet) -> Result<(), String> {
        let registered: BTreeSet<_> = aws.registered(group).into_iter().collect();
        let serving: BTreeSet<_> = fleet.serving().map(|address| (address.into(), PORT)).collect();
        println!("{} targets for {} serving tasks", registered.len(), serving.len());
        if registered == serving {
            return Ok(());
        }
        let (missing, surplus) = (serving.difference(&registered), registered.difference(&serving));
        Err(format!("{} targets are missing, {} are too many", missing.count(), surplus.count()))
    }
}

/// The ids of the messages that failed; none if the invocation did as a whole.
fn failures(answer: Answer) -> Result<Option<BTreeSet<String>>, String> {
    match answer {
        Answer::Success(answer) => {
            let failures = answer["batchItemFailures"].as_array().ok_or("no answer to a batch")?;
            let id = |failure: &Value| failure["itemIdentifier"].as_str().map(str::to_owned);
            Ok(Some(failures.iter().filter_map(id).collect()))
        }
        Answer::Error { error_type, .. } if error_type == "Sandbox.Timedout" => Ok(None),
        Answer::Error { error_type, error_message } => {
            Err(format!("{error_type}: {error_message}"))
        }
    }
}
