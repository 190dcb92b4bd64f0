//! A large rollout in an account with AWS's documented rates and without faults: how long target
//! groups are out of step, and how many calls that takes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sim::{Action, Aws, Call, Decision, Hook, Outcome, Rate, TargetGroup, Task};
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use crate::mapping::{self, Message};
use crate::timetable::{Rollout, STOP, address, task, timetable};
use harness::count::{Count, GoingOn};
use harness::dice::Dice;
use harness::function::{self, Instances};
use harness::lambda;
use harness::lambda::TRIES_AFTER;

const PORT: u16 = 8080;

/// How often the target groups are looked at.
pub const STEP: Duration = Duration::from_millis(500);

/// Lambda's timeout, as in the template.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How events are turned into calls.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// By this function behind a queue.
    Queue {
        /// The most invocations at once.
        concurrency: usize,
        /// How long a batch is gathered.
        window: Duration,
        /// The most messages of a batch.
        batch: usize,
    },
    /// One invocation and one call per RUNNING and per first stop event, with the SDK's own retries
    /// and Lambda's, as the sketches do that are to be found in public.
    CallPerEvent,
}

/// The queue of template.yaml.
pub const TEMPLATE: Way =
    Way::Queue { concurrency: 2, window: Duration::from_secs(2), batch: 1500 };

/// What became of a rollout.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The share of targets that were right (of those that should be or are registered), since the
    /// beginning, one value every half second.
    pub in_step: Vec<f64>,
    /// When the last task began to run or to stop.
    pub last_change: Duration,
    /// When the groups were right for good; none if they never were.
    pub settled: Option<Duration>,
    /// RegisterTargets and DeregisterTargets, every attempt counted.
    pub writes: usize,
    /// Those of them that were throttled.
    pub throttled: usize,
    /// The other calls.
    pub reads: usize,
    pub invocations: usize,
    /// Events that were given up.
    pub lost: usize,
    /// The longest that a stopping task's target stayed, from its first stop event on.
    pub slowest_stop: Duration,
}

pub fn run(seed: u64, rollout: Rollout, way: Way) -> Course {
    fastrand::seed(seed);
    tokio::task::LocalSet::new().block_on(&function::runtime(), roll_out(seed, rollout, way))
}

/// An account with its target groups, and the function.
pub(crate) struct World {
    pub(crate) aws: Aws,
    groups: Vec<String>,
    pub(crate) function: Instances,
    begin: Instant,
    pub(crate) queued: Notify,
    /// Messages in the queue or in an invocation, copies, and calls per event.
    pub(crate) under_way: Arc<Count>,
    state: Mutex<State>,
}

/// What changes in the course of a rollout.
pub(crate) struct State {
    pub(crate) dice: Dice,
    pub(crate) queue: VecDeque<Message>,
    /// When the queue last handed messages over.
    pub(crate) handed_over_at: Option<Instant>,
    /// What should be registered, by group.
    serving: Vec<BTreeSet<IpAddr>>,
    /// What should not, since when.
    leaving: BTreeMap<(usize, IpAddr), Instant>,
    pub(crate) numbers: usize,
    pub(crate) course: Course,
}

/// Every call takes 20 to 80 ms.
struct Latency(Mutex<Dice>);

impl Hook for Latency {
    fn decide(&self, _: &Call) -> Decision {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [latency, answer_latency] = [(); 2].map(|()| dice.seconds(0.01, 0.04));
        Decision { latency, answer_latency, ..Decision::default() }
    }

    fn settled(&self, _: &Call, _: &Decision) {}
}

async fn roll_out(seed: u64, rollout: Rollout, way: Way) -> Course {
    let world = set_up(seed, rollout);
    open(&world, way);
    tokio::task::spawn_local(watch(world.clone()));
    for (at, service, task) in timetable(seed, rollout) {
        sleep_until(world.begin + at).await;
        world.change(service, &task);
        if let Way::Queue { .. } = way {
            mapping::send(&world, &task);
        } else if matches!(task.last_status(), "RUNNING" | "DEACTIVATING") {
            let under_way = world.under_way.begin();
            tokio::task::spawn_local(call_per_event(world.clone(), service, task, under_way));
        }
    }
    world.under_way.calm().await;
    sleep(Duration::from_secs(5)).await;
    world.course()
}

/// Begins to take messages out of the queue, and to reconcile.
fn open(world: &Arc<World>, way: Way) {
    let Way::Queue { concurrency, window, batch } = way else { return };
    for _ in 0..concurrency {
        tokio::task::spawn_local(mapping::poll(world.clone(), window, batch));
    }
    tokio::task::spawn_local(reconcile(world.clone()));
}

/// One task stops, long after anything else happened: how long it takes until DeregisterTargets is
/// called for it.
pub fn stop_one(seed: u64, way: Way) -> Option<Duration> {
    fastrand::seed(seed);
    tokio::task::LocalSet::new().block_on(&function::runtime(), async {
        let world = set_up(seed, Rollout { tasks: 10, services: 1, over: Duration::ZERO });
        open(&world, way);
        let quiet = world.state().dice.seconds(300.0, 400.0);
        sleep(quiet).await;
        let since = world.aws.now();
        let mut leaving =
            task(0, Rollout { tasks: 10, services: 1, over: Duration::ZERO }).1.running();
        for step in STOP {
            leaving = step(leaving);
            world.change(0, &leaving);
            mapping::send(&world, &leaving);
            sleep(Duration::from_secs(1)).await;
        }
        world.under_way.calm().await;
        let target = format!("[{}]:{PORT}", address(&leaving));
        let calls = world.aws.calls();
        let is_it = |call: &&Call| {
            call.action == Action::DeregisterTargets && call.targets.contains(&target)
        };
        calls.iter().find(is_it)?.at.duration_since(since).ok()
    })
}

fn set_up(seed: u64, rollout: Rollout) -> Arc<World> {
    let aws = Aws::starting_at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let name = |service| format!("service-{service}");
    let groups: Vec<String> = (0..rollout.services)
        .map(|service| TargetGroup::ipv6(&name(service)).port(PORT).quota(2 * rollout.tasks))
        .map(|group| aws.add_target_group(group))
        .collect();
    let binding = |(service, group): (usize, &String)| json!({"cluster": "demo-cluster", "service": name(service), "targetGroupArn": group, "port": PORT});
    let bindings: Value = groups.iter().enumerate().map(binding).collect();
    let function = Instances::none(&bindings, &[], &aws);
    aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
    aws.set_hook(Arc::new(Latency(Mutex::new(Dice::of(seed)))));
    let world = World {
        groups,
        function,
        begin: Instant::now(),
        queued: Notify::new(),
        under_way: Arc::default(),
        state: Mutex::new(State {
            dice: Dice::of(seed ^ 2),
            queue: VecDeque::new(),
            handed_over_at: None,
            serving: vec![BTreeSet::new(); rollout.services],
            leaving: BTreeMap::new(),
            numbers: 0,
            course: Course::default(),
        }),
        aws,
    };
    for number in 0..rollout.tasks {
        let (service, task) = task(number, rollout);
        let task = task.running();
        world.aws.put_target(&world.groups[service], &address(&task).to_string(), PORT);
        world.change(service, &task);
    }
    Arc::new(world)
}

impl World {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// ECS comes to know a task's new state.
    fn change(&self, service: usize, task: &Task) {
        self.aws.put_task(task);
        let state = &mut *self.state();
        if task.desired_status() == "RUNNING" {
            state.serving[service].insert(address(task));
        } else if state.serving[service].remove(&address(task)) {
            state.leaving.insert((service, address(task)), Instant::now());
        } else {
            return;
        }
        state.course.last_change = self.begin.elapsed();
    }

    fn look(&self) {
        let registered = |group: &String| self.aws.registered(group).into_iter();
        let held: Vec<BTreeSet<IpAddr>> =
            self.groups.iter().map(|group| registered(group).map(|(id, _)| id).collect()).collect();
        let State { serving, leaving, course, .. } = &mut *self.state();
        let pairs = || serving.iter().zip(&held);
        let right: usize = pairs().map(|(serving, held)| serving.intersection(held).count()).sum();
        let all: usize = pairs().map(|(serving, held)| serving.union(held).count()).sum();
        course.in_step.push(right as f64 / all.max(1) as f64);
        leaving.retain(|(service, id), since| {
            course.slowest_stop = course.slowest_stop.max(since.elapsed());
            held[*service].contains(id)
        });
    }

    fn course(&self) -> Course {
        let mut course = self.state().course.clone();
        let calls = self.aws.calls();
        let writes: Vec<&Call> = calls.iter().filter(|call| call.action.is_write()).collect();
        course.writes = writes.len();
        course.reads = calls.len() - writes.len();
        course.throttled = writes.iter().filter(|call| is_throttled(call)).count();
        let wrong = course.in_step.iter().rposition(|share| *share < 1.0).map_or(0, |at| at + 1);
        course.settled = (wrong < course.in_step.len()).then(|| STEP * wrong as u32);
        course
    }
}

fn is_throttled(call: &Call) -> bool {
    matches!(&call.outcome, Outcome::Error(code) if code == "ThrottlingException")
}

/// Looks at the target groups every half second.
async fn watch(world: Arc<World>) {
    loop {
        world.look();
        sleep(STEP).await;
    }
}

/// The schedule of the template: a reconcile every minute, the first one some time into the
/// rollout.
async fn reconcile(world: Arc<World>) {
    sleep(Duration::from_secs(40)).await;
    loop {
        let next = Instant::now() + Duration::from_secs(60);
        let context = lambda::context(world.aws.now() + TIMEOUT);
        world.state().course.invocations += 1;
        // What it could not do, the next one will.
        let _ =
            world.function.invoke(LambdaEvent::new(json!({"action": "reconcile"}), context)).await;
        sleep_until(next).await;
    }
}

/// An invocation for one event: one call, tried three times by the SDK and three times by Lambda.
async fn call_per_event(world: Arc<World>, service: usize, task: Task, _under_way: GoingOn) {
    let config = function::sdk(&world.aws).to_builder();
    let client = Client::new(&config.retry_config(RetryConfig::standard()).build());
    let (group, id) = (&world.groups[service], address(&task).to_string());
    let target = TargetDescription::builder().id(id).port(PORT.into()).build();
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        world.state().course.invocations += 1;
        let done = if task.desired_status() == "RUNNING" {
            let call = client.register_targets().target_group_arn(group).targets(target.clone());
            call.send().await.is_ok()
        } else {
            let call = client.deregister_targets().target_group_arn(group).targets(target.clone());
            call.send().await.is_ok()
        };
        match wait {
            _ if done => return,
            Some(wait) => sleep(*wait).await,
            None => world.state().course.lost += 1,
        }
    }
}
