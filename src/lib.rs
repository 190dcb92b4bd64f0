//! Keeps IPv6 target groups of Network Load Balancers (and of VPC Lattice) in step with dual-stack
//! Amazon ECS tasks.
//!
//! ECS registers only the IPv4 address of a dual-stack task. This Lambda function receives every
//! ECS Task State Change, takes the task's IPv6 address and registers or deregisters it.
//!
//! A room imports only rooms below it, and [`core`] imports nothing but [`json`]
//! (`tests/architecture.rs` checks it):
//!
//! | floor | rooms | what they are for |
//! | --- | --- | --- |
//! | 5 | [`run`], [`handler`], [`error`] | the edge: one invocation, from its input to its answer |
//! | 4 | [`flow`], [`doctor`] | what an invocation does |
//! | 3 | [`aws`] | everything that names the SDK or waits for AWS |
//! | 2 | [`config`], [`input`], [`report`] | in and out, without calls |
//! | 1 | [`core`] | decisions and nouns |
//! | 0 | [`json`] | JSON objects that are not read from arrays, and values of any type |

pub mod aws;
pub mod config;
pub mod core;
pub mod doctor;
pub mod error;
pub mod flow;
pub mod handler;
pub mod input;
pub mod json;
pub mod report;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::{LambdaEvent, service_fn};

use aws::endpoints::Endpoints;
use config::Config;
use config::error::ConfigError;
use handler::Handler;
use report::log;

/// Runs the function under the Lambda Runtime API until the environment ends it. A mistake in its
/// settings is reported in one line on standard error.
pub async fn run() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    log::start(variable);
    let handler = match handler(variable) {
        Ok(handler) => handler,
        Err(mistake) => {
            eprintln!("{mistake}");
            return ExitCode::FAILURE;
        }
    };
    // Lambda sets this in its runtimes' environment (Lambda developer guide, "Defined runtime
    // environment variables"). Elsewhere init has no more CPU than the invocations after it.
    if variable("AWS_LAMBDA_INITIALIZATION_TYPE").is_some() {
        handler.warm_up().await;
    }
    let serve = service_fn(|invocation: LambdaEvent<_>| handler.handle(invocation));
    match lambda_runtime::run(serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the Lambda Runtime API failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn handler(variable: impl Fn(&str) -> Option<String>) -> Result<Handler, ConfigError> {
    let config = Config::read(&variable)?;
    let endpoints = Endpoints::read(&variable)?;
    let http = aws::https_client(&config.region, &endpoints, &variable)?;
    let sdk = aws::sdk_config(&config.region, http, &endpoints, &variable)?;
    let handler = Handler::new(config, &sdk, Arc::new(SystemTime::now));
    Ok(handler.with_metrics(Box::new(log::write)))
}
