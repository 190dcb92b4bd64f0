//! The real binary under load, and what it leaves behind.
//!
//! It gets many ECS events through the Runtime API, in SQS batches of up to 1,500, over a simulated
//! AWS on loopback that throttles, fails and loses answers. What it fails comes back. At the end
//! the target group has to hold exactly the serving tasks, and the process must not have grown.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sim::{Answer, Aws, Function, TargetGroup};
use serde_json::{Value, json};

use crate::faults::FaultInjector;
use crate::fleet::Fleet;
use crate::memory::Memory;
use crate::queue::Queue;

const FUNCTION: &str = env!("CARGO_BIN_EXE_ecs-ipv6-targets");

/// The largest batch that template.yaml allows.
const BATCH: usize = 1500;

/// One invocation in so many meets an outage.
const OUTAGE: usize = 8;

const PORT: u16 = 8080;

/// What is delivered: at least so many events, drawn from a seed.
pub struct Load {
    pub events: usize,
    pub seed: u64,
}

impl Load {
    /// Delivers the events and reports what became of them. The error is the same report with what
    /// is wrong at its end: the targets are not those of the serving tasks, or the process grew.
    pub async fn run(&self) -> Result<String, String> {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let faults = Arc::new(FaultInjector::new(self.seed));
        aws.set_hook(faults.clone());
        let server = aws.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let server = server.map_err(|error| error.to_string())?;
        let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": PORT}]);
        let environment = [("BINDINGS", &*bindings.to_string())];
        let function = Function::start(FUNCTION, &server.url(), &environment).await;
        let function = function.map_err(|error| format!("{FUNCTION}: {error}"))?;

        let mut fleet = Fleet::new(self.seed, aws.clone());
        let mut memory = Memory::of(function.id());
        let begin = Instant::now();
        let queue = self.deliver(&function, &aws, &mut fleet, &mut memory, &faults).await?;
        let took = begin.elapsed().as_secs_f64();
        let (registered, serving) = targets(&aws, &group, &fleet);
        let text = format!(
            "{queue}; {took:.0} s\n{faults}\n{memory}\n{} targets for {} serving tasks",
            registered.len(),
            serving.len()
        );
        let wrong = compare(&registered, &serving).and_then(|()| memory.is_flat()).err();
        wrong.map_or(Ok(text.clone()), |wrong| Err(format!("{text}\nwrong: {wrong}")))
    }

    /// Delivers all events, and again what failed, until nothing is left.
    async fn deliver(
        &self,
        function: &Function,
        aws: &Aws,
        fleet: &mut Fleet,
        memory: &mut Memory,
        faults: &FaultInjector,
    ) -> Result<Queue, String> {
        let mut queue = Queue::new(self.seed);
        let mut size = BATCH;
        loop {
            while queue.waiting() < size && fleet.events() < self.events {
                fleet.live(&mut queue);
            }
            let batch = queue.take(size);
            if batch.is_empty() {
                return Ok(queue);
            }
            let outage = queue.batches() % OUTAGE == OUTAGE - 1;
            faults.outage(outage);
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
}

type Targets = BTreeSet<(IpAddr, u16)>;

/// The registered targets, and those that the serving tasks should have.
fn targets(aws: &Aws, group: &str, fleet: &Fleet) -> (Targets, Targets) {
    let serving = fleet.serving().map(|address| (address.into(), PORT));
    (aws.registered(group).into_iter().collect(), serving.collect())
}

fn compare(registered: &Targets, serving: &Targets) -> Result<(), String> {
    if registered == serving {
        return Ok(());
    }
    let (missing, surplus) = (serving.difference(registered), registered.difference(serving));
    Err(format!("{} targets are missing, {} are too many", missing.count(), surplus.count()))
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
