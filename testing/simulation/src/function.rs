//! The real function over a simulated AWS: its instances with their SDK clients, the time they live
//! in, how Lambda invokes them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_sim::Aws;
use ecs_ipv6_targets::aws::endpoints::Endpoints;
use ecs_ipv6_targets::aws::sdk_config;
use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::error::Error;
use ecs_ipv6_targets::handler::{Clock, Handler};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

const REGION: &str = "us-east-2";

/// A runtime in which time passes as fast as it can.
pub fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without I/O needs nothing of the system")
}

/// The real handler with the real SDK clients over this AWS, with these settings beside the
/// bindings.
pub fn handler(bindings: &Value, settings: &[(&str, &str)], aws: &Aws, clock: Clock) -> Handler {
    Handler::new(config(bindings, settings), &sdk(aws), clock)
}

fn config(bindings: &Value, settings: &[(&str, &str)]) -> Config {
    let variable = |name: &str| match name {
        "BINDINGS" => Some(bindings.to_string()),
        "AWS_REGION" => Some(REGION.to_owned()),
        _ => settings.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()),
    };
    Config::read(variable).expect("the settings are right")
}

/// The instances of the function, as Lambda keeps them: an invocation gets one that waits for work,
/// or else a new one. All are of one AWS.
pub struct Instances {
    config: Config,
    sdk: SdkConfig,
    clock: Clock,
    waiting: Mutex<Vec<Handler>>,
    made: AtomicUsize,
}

impl Instances {
    /// None yet, with these settings beside the bindings.
    pub fn none(bindings: &Value, settings: &[(&str, &str)], aws: &Aws) -> Self {
        let config = config(bindings, settings);
        Self {
            config,
            sdk: sdk(aws),
            clock: clock_of(aws),
            waiting: Mutex::default(),
            made: AtomicUsize::new(0),
        }
    }

    /// One invocation. If it is given up before it answers, its instance is gone, as after a kill.
    pub async fn invoke(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let waiting = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let last = waiting().pop();
        let instance = last.unwrap_or_else(|| self.make());
        let answer = instance.handle(event).await;
        waiting().push(instance);
        answer
    }

    /// How many there have been.
    pub fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// Lambda ends the instances that wait for work.
    pub fn cool(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn make(&self) -> Handler {
        self.made.fetch_add(1, Ordering::Relaxed);
        Handler::new(self.config.clone(), &self.sdk, self.clock.clone())
    }
}

/// The time of a simulated AWS.
fn clock_of(aws: &Aws) -> Clock {
    let aws = aws.clone();
    Arc::new(move || aws.now())
}

/// What Lambda says of an invocation that it will end at that moment.
pub fn context(deadline: SystemTime) -> Context {
    let mut context = Context::default();
    context.deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    context
}

/// Whether a batch's answer returns this message; without an answer, all are.
pub fn returns(answer: Option<&Value>, id: &str) -> bool {
    let failures = answer.and_then(|answer| answer["batchItemFailures"].as_array());
    failures.is_none_or(|failures| failures.iter().any(|f| f["itemIdentifier"] == id))
}

/// The SDK's settings as in production; made once, because every run needs them.
///
/// The SDK shares its budget of retries among all clients of a process and region, and its cache of
/// credentials jitters at random. So that no two have to do with each other, each has a region of
/// its own (only the endpoint's name and the signature show it, and nobody reads them) and no
/// cache.
pub fn sdk(aws: &Aws) -> SdkConfig {
    static SHARED: OnceLock<SdkConfig> = OnceLock::new();
    static REGIONS: AtomicU64 = AtomicU64::new(0);
    let shared = SHARED.get_or_init(|| {
        let credentials = |name: &str| name.starts_with("AWS_").then(|| "test".to_owned());
        let shared = sdk_config(REGION, aws.http_client(), &Endpoints::default(), credentials);
        shared.expect("credentials are set")
    });
    let number = REGIONS.fetch_add(1, Ordering::Relaxed);
    shared
        .to_builder()
        .http_client(aws.http_client())
        .region(Region::new(format!("sim-{number}")))
        .identity_cache(IdentityCache::no_cache())
        .build()
}
