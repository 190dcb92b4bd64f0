//! One call per event, as the sketches do that are to be found in public.

use std::net::IpAddr;

use aws_config::retry::RetryConfig;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;
use aws_sim::Aws;
use harness::function;
use harness::lambda::TRIES_AFTER;
use tokio::time::sleep;

/// What an event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Register,
    Deregister,
}

/// What became of an event.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    pub invocations: usize,
    pub is_done: bool,
}

/// An invocation for one event: one call, tried three times by the SDK and three times by Lambda.
pub async fn call_per_event(
    aws: &Aws,
    group: &str,
    (id, port): (IpAddr, u16),
    change: Change,
) -> Tried {
    let config = function::sdk(aws).to_builder();
    let client = Client::new(&config.retry_config(RetryConfig::standard()).build());
    let target = TargetDescription::builder().id(id.to_string()).port(port.into()).build();
    let mut tried = Tried { invocations: 0, is_done: false };
    for wait in TRIES_AFTER.iter().map(Some).chain([None]) {
        tried.invocations += 1;
        tried.is_done = if change == Change::Register {
            let call = client.register_targets().target_group_arn(group).targets(target.clone());
            call.send().await.is_ok()
        } else {
            let call = client.deregister_targets().target_group_arn(group).targets(target.clone());
            call.send().await.is_ok()
        };
        match wait {
            _ if tried.is_done => break,
            Some(wait) => sleep(*wait).await,
            None => {}
        }
    }
    tried
}
