//! The function's bootstrap. One thread is enough for a process that mostly waits for calls, and
//! the main thread is there already.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    ecs_ipv6_targets::run().await
}
