//! The real function over a simulated AWS: its instances with their SDK clients, and the time they
//! live in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_sim::Aws;
use ecs_ipv6_targets::aws::endpoints::Endpoints;
use ecs_ipv6_targets::aws::{https_client, sdk_config};
use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::error::Error;
use ecs_ipv6_targets::flow::catch_up::Patience;
use ecs_ipv6_targets::handler::{Clock, Handler};
use ecs_ipv6_targets::input::Payload;
use lambda_runtime::LambdaEvent;
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

/// The same, with everything about the SDK as these settings have it: regions and kinds of
/// endpoints.
pub fn handler_as_set(
    bindings: &Value,
    settings: &[(&str, &str)],
    aws: &Aws,
    clock: Clock,
) -> Handler {
    let variable = environment(bindings, settings);
    let config = config(bindings, settings);
    let endpoints = Endpoints::read(&variable).expect("the settings are right");
    let sdk = sdk_config(&config.region, aws.http_client(), &endpoints, &variable);
    Handler::new(config, &sdk.expect("credentials are set"), clock)
}

/// The handler with clients that call an AWS at this URL over the network.
pub fn over_network(bindings: &Value, url: &str, clock: Clock) -> Handler {
    Handler::new(config(bindings, &[]), &sdk_over_network(url), clock)
}

/// The SDK's settings for an AWS at this URL.
pub fn sdk_over_network(url: &str) -> SdkConfig {
    let settings = [("AWS_ENDPOINT_URL", url)];
    let variable = environment(&Value::Null, &settings);
    let sdk = || {
        let endpoints = Endpoints::read(&variable)?;
        let http = https_client(REGION, &endpoints, &variable)?;
        sdk_config(REGION, http, &endpoints, &variable)
    };
    sdk().expect("the settings are right")
}

fn config(bindings: &Value, settings: &[(&str, &str)]) -> Config {
    Config::read(environment(bindings, settings)).expect("the settings are right")
}

/// The environment with these settings beside the bindings, a region and credentials.
fn environment(bindings: &Value, settings: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let usual = [
        ("BINDINGS", bindings.to_string()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ];
    let set = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let all: BTreeMap<String, String> =
        usual.into_iter().chain(set).map(|(name, value)| (name.to_owned(), value)).collect();
    move |name| all.get(name).cloned()
}

/// The instances of the function, as Lambda keeps them: an invocation gets one that waits for work,
/// or else a new one. All are of one AWS.
pub struct Instances {
    config: Config,
    sdk: SdkConfig,
    clock: Clock,
    patience: Patience,
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
            patience: Patience::default(),
            waiting: Mutex::default(),
            made: AtomicUsize::new(0),
        }
    }

    /// The same, whose batches have this patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// One invocation. If it is given up before it answers, its instance is gone, as after a kill.
    pub async fn invoke(&self, event: LambdaEvent<Payload>) -> Result<Value, Error> {
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
        let handler = Handler::new(self.config.clone(), &self.sdk, self.clock.clone());
        handler.with_patience(self.patience)
    }
}

/// The time of a simulated AWS.
fn clock_of(aws: &Aws) -> Clock {
    let aws = aws.clone();
    Arc::new(move || aws.now())
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
