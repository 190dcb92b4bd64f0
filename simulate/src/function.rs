//! The real function: its handler and SDK clients over a simulated AWS.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_config::Region;
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use ecs_ipv6_targets::aws::sdk_config;
use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::handler::Handler;
use serde_json::Value;
use sim::Aws;

const REGION: &str = "us-east-2";

/// The real handler with the real SDK clients over this AWS.
pub async fn handler(bindings: &Value, prune: &str, aws: &Aws) -> Handler {
    let variable = |name: &str| match name {
        "BINDINGS" => Some(bindings.to_string()),
        "AWS_REGION" => Some(REGION.to_owned()),
        "PRUNE" => Some(prune.to_owned()),
        _ => None,
    };
    let config = Config::read(variable).expect("the scenario's settings are right");
    let clock = aws.clone();
    Handler::new(config, &sdk(aws).await, Arc::new(move || clock.now()))
}

/// The SDK's settings as in production; made once, because reading the environment takes long.
///
/// The SDK shares its budget of retries among all clients of a process and region, and its cache of
/// credentials jitters at random. So that no two have to do with each other, each has a region of its own
/// (only the endpoint's name and the signature show it, and nobody reads them) and no cache.
pub async fn sdk(aws: &Aws) -> SdkConfig {
    static SHARED: OnceLock<SdkConfig> = OnceLock::new();
    static REGIONS: AtomicU64 = AtomicU64::new(0);
    if SHARED.get().is_none() {
        let credentials = |name: &str| name.starts_with("AWS_").then(|| "test".to_owned());
        let shared = sdk_config(REGION, aws.http_client(), credentials).await;
        let _ = SHARED.set(shared);
    }
    let number = REGIONS.fetch_add(1, Ordering::Relaxed);
    let shared = SHARED.get().expect("it was just made").to_builder();
    shared
        .http_client(aws.http_client())
        .region(Region::new(format!("sim-{number}")))
        .identity_cache(IdentityCache::no_cache())
        .build()
}
