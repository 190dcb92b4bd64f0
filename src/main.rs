//! The function's bootstrap. One thread is enough for a process that waits for one call after the
//! other, and none has to be started.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    ecs_ipv6_targets::run().await
}
