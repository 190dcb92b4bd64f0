//! Cold starts, compared: `cargo bench --bench cold_start`.
//!
//! This function, and what it is measured by, start and answer one event over HTTPS on loopback,
//! taking turns so that the machine's noise hits all alike: with a full CPU, and with the 1/14 of
//! one that Lambda gives 128 MB. The tables on standard output are Markdown.

mod arguments;
mod measure;
mod process;
mod quota;
mod rivals;
mod tables;
#[path = "../../tests/common/tls.rs"]
mod tls;
mod world;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use arguments::Arguments;
use measure::{Cpu, Measurements};
use quota::Quota;
use rivals::Rival;
use world::World;

const USAGE: &str =
    "usage: cargo bench --bench cold_start -- [--starts N] [--warm N] [--without-python]
    medians over N starts (15) and N further invocations (200) of each function
usage: cargo bench --bench cold_start -- --under TOOL
    one start and invocation of this function under a tool, for example 'strace -I2 -r -o target/start.txt'";

/// How long a tool may take to write down what it saw.
const TOOL_TIMEOUT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    if asked("--test") || !asked("--bench") {
        return ExitCode::SUCCESS;
    }
    let Some(arguments) = Arguments::of(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match compare(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cold_start");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if let Some(tool) = &arguments.under {
        let watched = rivals::this_function(&folder)?.under(tool);
        return runtime.block_on(watch(&folder, &watched));
    }
    let rivals = rivals::all(&folder, arguments.python)?;
    // Dropped last, when no process is left in it.
    let quota = Quota::new();
    runtime.block_on(report(arguments, &folder, &rivals, &quota))
}

/// One start and one invocation, after which the tool is to write down what it saw.
async fn watch(folder: &Path, watched: &Rival) -> Result<(), String> {
    let world = World::new(folder).await;
    let function = world.start(watched).await?;
    let wrong = |what: &str| format!("{what}: {:?}", function.logs());
    function.init_time().await.ok_or_else(|| wrong("the function ended"))?;
    world.invoke(watched, &function).await?;
    process::terminate(function.id().ok_or_else(|| wrong("the function ended"))?);
    let ended = tokio::time::timeout(TOOL_TIMEOUT, function.wait_exit()).await;
    ended.map_err(|_| wrong("the tool did not end when asked to (strace needs -I2)"))?;
    println!("One start and one invocation were watched. The function and the tool wrote:");
    function.logs().iter().for_each(|line| println!("    {line}"));
    Ok(())
}

async fn report(
    arguments: &Arguments,
    folder: &Path,
    rivals: &[Rival],
    quota: &Result<Quota, String>,
) -> Result<(), String> {
    let world = World::new(folder).await;
    println!("{}", tables::heading(arguments));
    let full = Measurements::of(&world, rivals, &Cpu::Full, arguments).await?;
    println!("## Full CPU\n\n{}", tables::starts(&full));
    println!("## Size\n\n{}", tables::sizes(rivals));
    match quota {
        Ok(quota) => report_part(quota, &world, rivals, arguments).await?,
        Err(why) => println!("## 1/14 of a CPU\n\nNot measured: {why}\n"),
    }
    println!("{}", tables::load());
    Ok(())
}

/// Prints the tables with part of a CPU.
async fn report_part(
    quota: &Quota,
    world: &World,
    rivals: &[Rival],
    arguments: &Arguments,
) -> Result<(), String> {
    let after_init = Cpu::PartAfterInit(quota);
    let after_init = Measurements::of(world, rivals, &after_init, arguments).await?;
    println!("## 1/14 of a CPU after init, as on Lambda\n\n{}", tables::starts(&after_init));
    let always = Cpu::PartAlways(quota);
    let always = Measurements::of_starts(world, rivals, &always, arguments).await?;
    println!("## 1/14 of a CPU from the start\n\n{}", tables::starts(&always));
    Ok(())
}
