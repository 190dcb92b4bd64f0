//! A large rollout in an account with AWS's documented rates and without faults: how long target
//! groups are out of step, and how many calls that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_sim::{Action, Aws, Call, Outcome, Rate, TargetGroup, Task};
use harness::count::GoingOn;
use harness::delivery::{Delivery, Queue};
use harness::dice::Dice;
use harness::function::{self, Instances};
use harness::latency::Latency;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use crate::call_per_event::{Change, call_per_event};
use crate::timetable::{Rollout, STOP, address, task, timetable};

const PORT: u16 = 8080;

/// How often the target groups are looked at.
pub const STEP: Duration = Duration::from_millis(500);

/// The first reconcile comes some time into the rollout.
const PHASE: Duration = Duration::from_secs(40);

/// How events are turned into calls.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// By this function behind a queue.
    Queue(Queue),
    /// One invocation and one call per RUNNING and per first stop event, with the SDK's own retries
    /// and Lambda's, as the sketches do that are to be found in public.
    CallPerEvent,
}

/// This function behind the queue of template.yaml.
pub const TEMPLATE: Way = Way::Queue(Queue::TEMPLATE);

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
struct World {
    aws: Aws,
    groups: Vec<String>,
    delivery: Arc<Delivery>,
    begin: Instant,
    state: Mutex<State>,
}

/// What changes in the course of a rollout.
struct State {
    /// What should be registered, by group.
    serving: Vec<BTreeSet<IpAddr>>,
    /// What should not, since when.
    leaving: BTreeMap<(usize, IpAddr), Instant>,
    course: Course,
}

async fn roll_out(seed: u64, rollout: Rollout, way: Way) -> Course {
    let world = set_up(seed, rollout);
    open(&world, way);
    tokio::task::spawn_local(watch(world.clone()));
    for (at, service, task) in timetable(seed, rollout) {
        sleep_until(world.begin + at).await;
        world.change(service, &task);
        if let Way::Queue(_) = way {
            world.delivery.send(task.event(world.aws.now()));
        } else if matches!(task.last_status(), "RUNNING" | "DEACTIVATING") {
            let under_way = world.delivery.begin();
            tokio::task::spawn_local(call(world.clone(), service, task, under_way));
        }
    }
    world.delivery.calm().await;
    sleep(Duration::from_secs(5)).await;
    world.course()
}

/// Begins to take messages out of the queue, and to reconcile.
fn open(world: &World, way: Way) {
    if let Way::Queue(queue) = way {
        world.delivery.open(queue, PHASE);
    }
}

/// One task stops, long after anything else happened: how long it takes until DeregisterTargets is
/// called for it.
pub fn stop_one(seed: u64, way: Way) -> Option<Duration> {
    fastrand::seed(seed);
    tokio::task::LocalSet::new().block_on(&function::runtime(), async {
        let world = set_up(seed, Rollout { tasks: 10, services: 1, over: Duration::ZERO });
        open(&world, way);
        sleep(Dice::of(seed).seconds(300.0, 400.0)).await;
        let since = world.aws.now();
        let mut leaving =
            task(0, Rollout { tasks: 10, services: 1, over: Duration::ZERO }).1.running();
        for step in STOP {
            leaving = step(leaving);
            world.change(0, &leaving);
            world.delivery.send(leaving.event(world.aws.now()));
            sleep(Duration::from_secs(1)).await;
        }
        world.delivery.calm().await;
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
    aws.set_hook(Arc::new(Latency::of(seed)));
    let world = World {
        groups,
        delivery: Delivery::to(function, &aws, seed ^ 2),
        begin: Instant::now(),
        state: Mutex::new(State {
            serving: vec![BTreeSet::new(); rollout.services],
            leaving: BTreeMap::new(),
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
    fn state(&self) -> MutexGuard<'_, State> {
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
        course.invocations += self.delivery.invocations();
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

async fn call(world: Arc<World>, service: usize, task: Task, _under_way: GoingOn) {
    let is_running = task.desired_status() == "RUNNING";
    let change = if is_running { Change::Register } else { Change::Deregister };
    let target = (address(&task), PORT);
    let tried = call_per_event(&world.aws, &world.groups[service], target, change).await;
    let course = &mut world.state().course;
    course.invocations += tried.invocations;
    course.lost += usize::from(!tried.is_done);
}
