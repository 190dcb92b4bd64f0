//! The function's handler on the AWS SDK's defaults: TLS by aws-lc-rs with the
//! system's roots, and the whole chain of credentials. Everything else is as in the function's
//! `run`.

use std::sync::Arc;
use std::time::SystemTime;

use aws_config::BehaviorVersion;
use ecs_ipv6_targets::config::Config;
use ecs_ipv6_targets::handler::Handler;
use ecs_ipv6_targets::report::log;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let variable = |name: &str| std::env::var(name).ok();
    log::start(variable);
    let config = Config::read(variable)?;
    let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let handler = Handler::new(config, &sdk, Arc::new(SystemTime::now));
    let handler = handler.with_metrics(Box::new(log::write));
    let serve = service_fn(|invocation: LambdaEvent<Value>| handler.handle(invocation));
    lambda_runtime::run(serve).await
}
