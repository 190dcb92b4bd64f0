//! The real binary under load, and what it leaves behind.
//!
//! It gets many ECS events through the Runtime API, in SQS batches of up to 1,500, over a simulated
//! AWS on loopback that throttles, fails and loses answers. What it fails comes back. At the end
//! the target group has to hold exactly the serving tasks, no target may have been deregistered
//! while its task served, and the process must not have grown.
//!
//! If another version of the function shares the work, each round one of the two has a batch, or
//! both have one at the same time, and now and then one of them reconciles meanwhile.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_sim::events::scheduled;
use aws_sim::{Answer, Aws, Function, TargetGroup};
use serde_json::{Value, json};

use crate::faults::FaultInjector;
use crate::fleet::Fleet;
use crate::memory::Memory;
use crate::queue::{Batch, Queue};
use crate::versions::{Turn, Versions};

const FUNCTION: &str = env!("CARGO_BIN_EXE_ecs-ipv6-targets");

/// The largest batch that template.yaml allows.
const BATCH: usize = 1500;

/// One round in so many meets an outage.
const OUTAGE: usize = 8;

/// The time of an invocation.
const LONG: Duration = Duration::from_secs(30);

/// Its time in an outage: there is none to try until it works, so that messages come back.
const SHORT: Duration = Duration::from_millis(1200);

const PORT: u16 = 8080;

/// What is delivered: at least so many events, drawn from a seed.
pub struct Load {
    pub events: usize,
    pub seed: u64,
    /// The path of another version's binary, which shares the work.
    pub beside: Option<String>,
}

/// What a load run works on.
struct Run {
    aws: Aws,
    versions: Versions,
    fleet: Fleet,
    queue: Queue,
    memory: Memory,
    faults: Arc<FaultInjector>,
}

impl Load {
    /// Delivers the events and reports what became of them. The error is the same report with what
    /// is wrong at its end.
    pub async fn run(&self) -> Result<String, String> {
        let aws = Aws::new();
        let group = aws.add_target_group(TargetGroup::ipv6("demo-ipv6").port(PORT));
        let faults = Arc::new(FaultInjector::new(self.seed));
        aws.set_hook(faults.clone());
        let server = aws.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let server = server.map_err(|error| error.to_string())?;
        let bindings = json!([{"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": group, "port": PORT}]);
        let bindings = bindings.to_string();
        let start = async |binary: &str| {
            let function = Function::start(binary, &server.url(), &[("BINDINGS", &bindings)]).await;
            function.map_err(|error| format!("{binary}: {error}"))
        };
        let new = start(FUNCTION).await?;
        let old = match &self.beside {
            Some(binary) => Some(start(binary).await?),
            None => None,
        };
        let mut run = Run {
            memory: Memory::of(new.id()),
            versions: Versions::new(self.seed, new, old),
            fleet: Fleet::new(self.seed, aws.clone(), faults.clone()),
            queue: Queue::new(self.seed),
            aws,
            faults,
        };
        let begin = Instant::now();
        run.deliver(self.events).await?;
        run.report(&group, begin.elapsed())
    }
}

impl Run {
    /// Delivers so many events, and again what failed, until nothing is left.
    async fn deliver(&mut self, events: usize) -> Result<(), String> {
        let mut size = BATCH;
        for round in 1.. {
            let turn = self.versions.draw();
            let batches = turn.batches() * size;
            while self.queue.waiting() < batches && self.fleet.events() < events {
                self.fleet.live(&mut self.queue);
            }
            if self.queue.waiting() == 0 {
                return Ok(());
            }
            let outage = round % OUTAGE == 0;
            self.faults.outage(outage);
            self.carry_out(turn, size, if outage { SHORT } else { LONG }).await?;
            self.aws.take_calls();
            self.memory.look(self.queue.done() * 100 / events.max(self.queue.done()));
            // The first batch is full, so that what a full one takes is not mistaken for growth.
            size = self.fleet.batch_size(BATCH);
        }
        Ok(())
    }

    async fn carry_out(&mut self, turn: Turn, size: usize, time: Duration) -> Result<(), String> {
        let (new, old) = (&self.versions.new, self.versions.old.as_ref());
        let mut batch = |has_one: bool| has_one.then(|| self.queue.take(size));
        let (of_new, of_old) = (batch(turn.new.has_batch()), batch(turn.old.has_batch()));
        let ((), (), of_new, of_old) = tokio::join!(
            reconcile(turn.new.reconciles().then_some(new), time),
            reconcile(old.filter(|_| turn.old.reconciles()), time),
            hand_over(Some(new), of_new, time),
            hand_over(old, of_old, time),
        );
        for (batch, failed) in [of_new?, of_old?].into_iter().flatten() {
            self.queue.settle(batch, failed)?;
        }
        Ok(())
    }

    fn report(&self, group: &str, took: Duration) -> Result<String, String> {
        let (registered, serving) = targets(&self.aws, group, &self.fleet);
        let Self { queue, faults, memory, versions, .. } = self;
        let text = format!(
            "{queue}; {:.0} s\n{versions}{faults}\n{memory}\n{} targets for {} serving tasks",
            took.as_secs_f64(),
            registered.len(),
            serving.len()
        );
        // Two versions take turns with full batches, so that either may grow at any time.
        let is_flat = || if versions.old.is_none() { memory.is_flat() } else { Ok(()) };
        let wrong = compare(&registered, &serving)
            .and_then(|()| faults.no_harm())
            .and_then(|()| is_flat())
            .err();
        wrong.map_or(Ok(text.clone()), |wrong| Err(format!("{text}\nwrong: {wrong}")))
    }
}

/// Hands over a batch, if there is one, and returns it with what failed.
async fn hand_over(
    function: Option<&Function>,
    batch: Option<Batch>,
    time: Duration,
) -> Result<Option<(Batch, Option<BTreeSet<String>>)>, String> {
    let (Some(function), Some(batch)) = (function, batch.filter(|batch| !batch.is_empty())) else {
        return Ok(None);
    };
    let answer = function.invoke_within(&batch.payload(), time).await;
    Ok(Some((batch, failures(answer)?)))
}

/// A reconcile of the schedule. If it fails, the next one does its work.
async fn reconcile(function: Option<&Function>, time: Duration) {
    if let Some(function) = function {
        function.invoke_within(&scheduled(SystemTime::now()), time).await;
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
