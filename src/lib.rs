//! Keeps IPv6 target groups of Network Load Balancers in step with dual-stack Amazon ECS tasks.
//!
//! ECS registers only the IPv4 address of a dual-stack task. This Lambda function is told of every
//! ECS Task State Change, takes the task's IPv6 address and registers or deregisters it.
//!
//! Imports run one way, from the top of this list to its end:
//!
//! - wiring: [`run`], [`aws`], [`log`]
//! - the handler: [`handler`], [`error`]
//! - flows: [`events`], [`reconcile`], [`settle`], [`doctor`], [`report`], [`metrics`],
//!   [`warm_up`]
//! - adapters: [`ecs`], [`targets`], [`load_balancers`], [`services`], [`call`], [`side_by_side`],
//!   [`bisect`], [`limits`], [`deadline`], [`traffic`], [`event`], [`emf`], [`config`], [`endpoints`],
//!   [`object`]
//! - the core, without clock, network or SDK: [`drift`], [`plan`], [`knowledge`], [`binding`],
//!   [`task`], [`arn`], and of the doctor all but its reading

pub mod arn;
pub mod aws;
pub mod binding;
pub mod bisect;
pub mod call;
pub mod config;
pub mod deadline;
pub mod doctor;
pub mod drift;
pub mod ecs;
pub mod emf;
pub mod endpoints;
pub mod error;
pub mod event;
pub mod events;
pub mod handler;
pub mod knowledge;
pub mod limits;
pub mod load_balancers;
pub mod log;
pub mod metrics;
pub mod object;
pub mod plan;
pub mod reconcile;
pub mod report;
pub mod services;
pub mod settle;
pub mod side_by_side;
pub mod targets;
pub mod task;
pub mod traffic;
pub mod warm_up;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::{LambdaEvent, service_fn};

use config::{Config, Mistake};
use endpoints::Endpoints;
use handler::Handler;

/// Runs the function under the Lambda Runtime API until the environment ends it. A mistake in its
/// settings is told in one line on standard error.
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
    // Lambda tells so in its runtimes' environment (Lambda developer guide, "Defined runtime environment variables").
    // Elsewhere a start has no more CPU than what follows.
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

fn handler(variable: impl Fn(&str) -> Option<String>) -> Result<Handler, Mistake> {
    let config = Config::read(&variable)?;
    let endpoints = Endpoints::read(&variable)?;
    let http = aws::https_client(&config.region, &endpoints, &variable)?;
    let sdk = aws::sdk_config(&config.region, http, &endpoints, &variable)?;
    let handler = Handler::new(config, &sdk, Arc::new(SystemTime::now));
    Ok(handler.telling_metrics(Box::new(log::write)))
}
