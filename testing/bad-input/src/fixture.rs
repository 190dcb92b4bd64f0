//! The simulated AWS and the real handler over it, for many cases one after the other.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sim::{Aws, Call, TargetGroup};
use ecs_ipv6_targets::error::Error;
use ecs_ipv6_targets::handler::Handler;
use harness::function;
use harness::lambda;
use lambda_runtime::Context;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::documents::Documents;
use crate::oracle::{self, Claim, Sight};

/// The time of every case, in seconds since 1970: within a minute of all samples of running tasks.
pub const NOW: i64 = 1_683_037_220;

/// A binding of the fixture, in the oracle's own terms.
pub struct Bound {
    /// The `group` of the tasks.
    pub owner: &'static str,
    /// The name of its cluster.
    pub cluster: &'static str,
    pub group: String,
    pub port: u16,
}

/// What ECS knows of the tasks in the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecs {
    Serving,
    /// The first task stops, and ECS does not know the others.
    Leaving,
    Empty,
}

/// A simulated AWS with two functions over it.
pub struct Fixture {
    aws: Aws,
    /// The tasks that ECS knows, as the oracle reads them.
    pub tasks: Vec<Sight>,
    pub bound: Vec<Bound>,
    bindings: Value,
    wet: Handler,
    dry: Handler,
}

const CLUSTER: &str = "arn:aws:ecs:us-east-2:123456789012:cluster/demo-cluster";

fn own() -> TargetGroup {
    TargetGroup::ipv6("demo-own").port(9090)
}

fn demo() -> TargetGroup {
    TargetGroup::ipv6("demo-ipv6").port(80)
}

impl Fixture {
    /// A fixture in which ECS knows this.
    pub async fn new(ecs: Ecs, documents: &Documents) -> Self {
        let aws = Aws::starting_at(now());
        let (demo, own) = (aws.add_target_group(demo()), aws.add_target_group(own()));
        let bound = |owner, cluster, group: &String, port| Bound {
            owner,
            cluster,
            group: group.clone(),
            port,
        };
        let bound = vec![
            bound("service:demo-service", "demo-cluster", &demo, 8080),
            bound("service:demo-service", "demo-cluster", &own, 9090),
            bound("family:batch", "demo-cluster", &demo, 9000),
        ];
        let bindings = json!([
            {"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": demo, "port": 8080},
            {"cluster": "demo-cluster", "service": "demo-service", "targetGroupArn": own},
            {"cluster": CLUSTER, "family": "batch", "targetGroupArn": demo, "port": 9000}
        ]);
        let tasks = known_to(ecs, documents).into_iter().filter_map(|event| {
            aws.observe(&event).expect("the samples are valid");
            match oracle::read(&event).claims.pop() {
                Some(Claim::Event(event)) => event.sight,
                _ => None,
            }
        });
        let tasks = tasks.collect();
        let handler = |dry_run: &str| {
            let settings = [("DRY_RUN", dry_run)];
            let handler = function::handler(&bindings, &settings, &aws, Arc::new(now));
            handler.with_metrics(Box::new(metrics))
        };
        let (wet, dry) = (handler("false"), handler("true"));
        let fixture = Self { tasks, bound, bindings, wet, dry, aws };
        fixture.clean();
        // A plan makes both handlers look up the ports that they then remember, so that the first
        // case makes the same calls as the others.
        for handler in [&fixture.wet, &fixture.dry] {
            let plan = handler.handle(lambda::event(&json!({"action": "plan"}), context())).await;
            plan.expect("a plan only reads");
        }
        fixture.aws.take_calls();
        fixture
    }

    /// Invokes the function with this text, which is this input. It has half a minute. Returns the
    /// answer and the calls made.
    pub fn invoke(
        &self,
        runtime: &Runtime,
        text: &[u8],
        input: &Value,
        dry: bool,
    ) -> (Result<Value, Error>, Vec<Call>) {
        let event = lambda::event_of_text(text, context());
        let answer = runtime.block_on(async {
            if input.get("copy").is_none() {
                let handler = if dry { &self.dry } else { &self.wet };
                return handler.handle(event).await;
            }
            // An instance acts on a limited number of copies, so each gets a new one.
            let settings = [("DRY_RUN", if dry { "true" } else { "false" })];
            let fresh = function::handler(&self.bindings, &settings, &self.aws, Arc::new(now));
            fresh.with_metrics(Box::new(metrics)).handle(event).await
        });
        let calls = self.aws.take_calls();
        if calls.iter().any(|call| call.action.is_write()) {
            self.clean();
        }
        (answer, calls)
    }

    /// Restores the target groups, so that no case depends on the one before.
    fn clean(&self) {
        for group in [demo(), own()] {
            self.aws.delete_target_group(&group.arn());
            let arn = self.aws.add_target_group(group);
            self.aws.put_target(&arn, "2001:db8::9:9", 8080);
        }
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW as u64)
}

/// An invocation with half a minute left.
fn context() -> Context {
    lambda::context(now() + Duration::from_secs(30))
}

fn known_to(ecs: Ecs, documents: &Documents) -> Vec<Value> {
    let sample = |task: &str, last_status: &str| documents.event(task, last_status).clone();
    let first = "c50e321c974248dbaf4ae2cfa1662986";
    match ecs {
        Ecs::Serving => vec![
            sample(first, "RUNNING"),
            sample("8f1d7a4be0c94a5f9f5d6a3c2b1e0f97", "RUNNING"),
            sample("1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f", "RUNNING"),
        ],
        Ecs::Leaving => vec![sample(first, "DEACTIVATING")],
        Ecs::Empty => Vec::new(),
    }
}

/// Checks a line of metrics, which CloudWatch reads as one JSON object.
fn metrics(line: &str) {
    let object = serde_json::from_str::<Value>(line).is_ok_and(|read| read.is_object());
    assert!(object && !line.contains('\n'), "not one JSON object in one line: {line}");
}
