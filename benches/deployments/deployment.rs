//! One deployment in an account with AWS's documented rates and without faults: how many IPv6
//! targets serve meanwhile, how long it takes, and how many calls it costs.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use aws_sim::{Action, Aws, Call, Health, HookCall, Outcome, Rate, Sent, TargetGroup, Task};
use harness::delivery::{Delivery, Queue};
use harness::dice::Dice;
use harness::function::{self, Instances};
use harness::latency::Latency;
use serde_json::{Value, json};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{Instant, sleep, sleep_until};

use crate::call_per_event::{Change, call_per_event};
use crate::setting::{Setting, Way};

const PORT: u16 = 8080;
const SERVICE: &str = "demo-service";

/// How often the targets are looked at.
pub const STEP: Duration = Duration::from_millis(500);

/// The range of registration lags: [`Aws::draw_registration_lags`] has the sources.
const LAGS: (Duration, Duration) = (Duration::from_secs(90), Duration::from_secs(180));

/// Before the deployment, so that the old targets are healthy and the queue is quiet.
const BEFORE: Duration = Duration::from_secs(200);

/// After the end of the deployment as many targets as desired have to serve for so long.
const AFTER: Duration = Duration::from_secs(60);

/// Nobody looks longer than this, however many targets are missing.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// From EventBridge or ECS to the function; that of the deployment's event is drawn.
const ON_THE_WAY: Duration = Duration::from_millis(200);

/// What became of a deployment.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// How many tasks are desired.
    pub desired: usize,
    /// How many targets serve: healthy, with a task that was not sent SIGTERM. One value a
    /// [`STEP`], from the deployment's begin until all is settled, for half an hour at most.
    pub serving: Vec<usize>,
    /// Seconds of healthy targets whose task was sent SIGTERM, summed over the targets.
    pub dead: f64,
    /// From the deployment's begin until ECS reports it as completed; none if it was not within
    /// half an hour.
    pub took: Option<Duration>,
    pub calls: Calls,
}

/// The calls of a deployment, every attempt counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// UpdateTaskProtection.
    pub updates: usize,
    /// DescribeServices: one for each look at the service.
    pub looks: usize,
    /// GetTaskProtection.
    pub protections: usize,
    /// All, those of reconciles among them.
    pub all: usize,
    /// Those of them that were throttled.
    pub throttled: usize,
}

impl Course {
    /// Seconds of desired targets that did not serve, summed over the targets.
    pub fn missing(&self) -> f64 {
        let missing: usize = self.shortfalls().sum();
        missing as f64 * STEP.as_secs_f64()
    }

    /// The most desired targets that did not serve at a moment.
    pub fn worst_shortfall(&self) -> usize {
        self.shortfalls().max().unwrap_or(0)
    }

    fn shortfalls(&self) -> impl Iterator<Item = usize> {
        self.serving.iter().map(|serving| self.desired.saturating_sub(*serving))
    }
}

/// One deployment of this seed. The same seed draws the same times for each task, whoever looks
/// after them.
pub fn run(seed: u64, setting: Setting) -> Course {
    fastrand::seed(seed);
    LocalSet::new().block_on(&function::runtime(), deploy(seed, setting))
}

/// An account with its service, and the function.
struct World {
    aws: Aws,
    way: Way,
    service: String,
    group: String,
    delivery: Arc<Delivery>,
    dice: Mutex<Dice>,
}

async fn deploy(seed: u64, setting: Setting) -> Course {
    let world = World::of(seed, setting);
    let phase = world.dice().seconds(0.0, 60.0);
    if setting.way != Way::CallPerEvent {
        world.delivery.open(Queue::TEMPLATE, phase);
    }
    let before = BEFORE + world.dice().seconds(0.0, 1.0);
    sleep(before).await;
    world.aws.take_calls();
    world.aws.deploy(&world.service);
    if let Way::HoldWithLooks(every) = setting.way {
        spawn_local(world.clone().look_every(every));
    }
    world.clone().watch(setting.tasks).await
}

impl World {
    /// A service in a steady state, with its targets registered.
    fn of(seed: u64, setting: Setting) -> Arc<Self> {
        let aws = Aws::starting_at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        aws.draw_registration_lags(seed, LAGS.0, LAGS.1);
        let ipv6 = TargetGroup::ipv6("demo-ipv6").port(PORT).quota(2 * setting.tasks);
        let group = aws.add_target_group(ipv6);
        let native = (setting.way == Way::NativeGroup).then(|| {
            aws.add_target_group(TargetGroup::ipv4("demo-ipv4").port(PORT).quota(2 * setting.tasks))
        });
        let service = aws.run_service(setting.service(SERVICE, native.as_deref()), seed);
        let deployment = aws.deployments(&service).swap_remove(0).id;
        for task in aws.tasks_of(&service, &deployment) {
            aws.put_target(&group, &address(&task).to_string(), PORT);
        }
        aws.limit_rates(Rate::ELB_WRITES, Rate::ELB_CALLS);
        aws.set_hook(Arc::new(Latency::of(seed)));
        let bindings = json!([{"cluster": "demo-cluster", "service": SERVICE, "targetGroupArn": group, "port": PORT}]);
        let function = Instances::none(&bindings, setting.environment(), &aws);
        let delivery = Delivery::to(function, &aws, seed ^ 2);
        let dice = Mutex::new(Dice::of(seed ^ 1));
        Arc::new(Self { way: setting.way, service, group, delivery, dice, aws })
    }

    fn dice(&self) -> MutexGuard<'_, Dice> {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers what ECS sends and looks at the targets, until the deployment is over and as many
    /// targets as desired have served for a while.
    async fn watch(self: Arc<Self>, desired: usize) -> Course {
        let begin = Instant::now();
        let mut course = Course { desired, ..Course::default() };
        let mut settled_at = begin;
        while begin.elapsed() < LONGEST {
            self.aws.step().into_iter().for_each(|sent| self.deliver(sent));
            let serving = self.aws.serving(&self.group);
            let targets = self.aws.targets(&self.group);
            let healthy = targets.iter().filter(|row| row.health == Health::Healthy).count();
            course.serving.push(serving);
            course.dead += (healthy - serving) as f64 * STEP.as_secs_f64();
            let is_over = !self.aws.is_deploying(&self.service);
            if is_over && course.took.is_none() {
                course.took = Some(begin.elapsed());
            }
            if !is_over || serving < desired {
                settled_at = Instant::now();
            } else if settled_at.elapsed() >= AFTER {
                break;
            }
            sleep_until(begin + STEP * course.serving.len() as u32).await;
        }
        course.calls = self.calls();
        course
    }

    fn deliver(self: &Arc<Self>, sent: Sent) {
        match sent {
            Sent::Hook(call) => drop(spawn_local(self.clone().answer(call))),
            Sent::Event(event) if event["detail-type"] == "ECS Task State Change" => {
                if self.way == Way::CallPerEvent {
                    spawn_local(self.clone().call(event));
                } else {
                    self.delivery.send(event);
                }
            }
            Sent::Event(event) => {
                let begins = event["detail"]["eventName"] == "SERVICE_DEPLOYMENT_IN_PROGRESS";
                if begins && self.way.is_hold() {
                    spawn_local(self.clone().begin(event));
                }
            }
        }
    }

    /// The deployment's event goes straight to the function.
    async fn begin(self: Arc<Self>, event: Value) {
        let delay = self.dice().seconds(0.5, 3.0);
        sleep(delay).await;
        // What it could not do, the next reconcile will.
        let _ = self.delivery.invoke(event).await;
    }

    /// Looks at the service as at the begin of its deployment, as a message that the function
    /// sends itself would let it.
    async fn look_every(self: Arc<Self>, every: Duration) {
        let event = json!({
            "source": "aws.ecs",
            "detail-type": "ECS Deployment State Change",
            "resources": [self.service],
            "detail": {"eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS"},
        });
        let mut next = Instant::now() + every;
        while self.aws.is_deploying(&self.service) {
            sleep_until(next).await;
            next += every;
            let _ = self.delivery.invoke(event.clone()).await;
        }
    }

    /// ECS asks the function by the hook.
    async fn answer(self: Arc<Self>, call: HookCall) {
        sleep(ON_THE_WAY).await;
        let answer = self.delivery.invoke(call.payload.clone()).await.ok();
        self.aws.answer_hook(&call, answer.as_ref());
    }

    /// A call for the event alone.
    async fn call(self: Arc<Self>, event: Value) {
        let detail = &event["detail"];
        let change = match detail["lastStatus"].as_str() {
            Some("RUNNING") => Change::Register,
            Some("DEACTIVATING") => Change::Deregister,
            _ => return,
        };
        sleep(ON_THE_WAY).await;
        let task = detail["taskArn"].as_str().and_then(|arn| self.aws.task(arn));
        if let Some(task) = task {
            call_per_event(&self.aws, &self.group, (address(&task), PORT), change).await;
        }
    }

    fn calls(&self) -> Calls {
        let calls = self.aws.calls();
        let count = |action| calls.iter().filter(|call| call.action == action).count();
        Calls {
            updates: count(Action::UpdateTaskProtection),
            looks: count(Action::DescribeServices),
            protections: count(Action::GetTaskProtection),
            all: calls.len(),
            throttled: calls.iter().filter(|call| is_throttled(call)).count(),
        }
    }
}

fn is_throttled(call: &Call) -> bool {
    matches!(&call.outcome, Outcome::Error(code) if code == "ThrottlingException")
}

fn address(task: &Task) -> IpAddr {
    task.ipv6().expect("every task here has an address").into()
}
