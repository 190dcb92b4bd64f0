//! Starts and invocations with their times. All functions take turns.

use std::time::Duration;

use aws_sim::Function;

use crate::arguments::Arguments;
use crate::process;
use crate::quota::Quota;
use crate::rivals::{Kind, Rival};
use crate::world::World;

/// Longer than the period of a quota, so that what one function has used up is not missing to the
/// next.
const PAUSE: Duration = Duration::from_millis(30);

/// How much of a CPU a function has.
pub enum Cpu<'a> {
    Full,
    /// All of it until it asks for its first event, then 1/14: so does Lambda.
    PartAfterInit(&'a Quota),
    /// 1/14 from the moment the process is there.
    PartAlways(&'a Quota),
}

/// What was measured of each function.
pub struct Measurements(Vec<Measured>);

/// Medians over all starts of one function.
pub struct Measured {
    pub kind: Kind,
    pub name: &'static str,
    /// From the start of the process until it asks for its first event.
    pub init: Duration,
    /// From the first event until its answer.
    pub first: Duration,
    pub both: Duration,
    /// The CPU time used until then.
    pub cpu: Duration,
    /// None if only starts were measured.
    pub warm: Option<Warm>,
}

/// What was measured of one process that answers many events.
#[derive(Clone, Copy)]
pub struct Warm {
    pub median: Duration,
    pub p99: Duration,
    /// The most memory it ever held, in KiB.
    pub peak: u64,
}

/// What was measured of one start.
struct Start {
    init: Duration,
    first: Duration,
    cpu: Duration,
}

impl Measurements {
    /// Measures starts, and then invocations of one process of each.
    pub async fn of(
        world: &World,
        rivals: &[Rival],
        cpu: &Cpu<'_>,
        arguments: &Arguments,
    ) -> Result<Self, String> {
        let mut measurements = Self::of_starts(world, rivals, cpu, arguments).await?;
        let warm = warm(world, rivals, cpu, arguments.warm).await?;
        for (measured, warm) in measurements.0.iter_mut().zip(warm) {
            measured.warm = Some(warm);
        }
        Ok(measurements)
    }

    pub async fn of_starts(
        world: &World,
        rivals: &[Rival],
        cpu: &Cpu<'_>,
        arguments: &Arguments,
    ) -> Result<Self, String> {
        let mut starts: Vec<Vec<Start>> = rivals.iter().map(|_| Vec::new()).collect();
        for _ in 0..arguments.starts {
            for (rival, starts) in rivals.iter().zip(&mut starts) {
                let (function, start) = start(world, rival, cpu).await?;
                starts.push(start);
                cpu.lift();
                end(function).await;
            }
        }
        let measured = rivals.iter().zip(&starts);
        Ok(Self(measured.map(|(rival, starts)| Measured::of(rival, starts)).collect()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Measured> {
        self.0.iter()
    }

    /// What was measured of one function, if it took part.
    pub fn get(&self, kind: Kind) -> Option<&Measured> {
        self.iter().find(|measured| measured.kind == kind)
    }
}

impl Measured {
    fn of(rival: &Rival, starts: &[Start]) -> Self {
        let median = |time: fn(&Start) -> Duration| part(starts.iter().map(time).collect(), 50);
        Self {
            kind: rival.kind,
            name: rival.name(),
            init: median(|start| start.init),
            first: median(|start| start.first),
            both: median(|start| start.init + start.first),
            cpu: median(|start| start.cpu),
            warm: None,
        }
    }
}

impl Cpu<'_> {
    /// The process that is started next begins with the right part.
    fn before_start(&self) {
        if let Cpu::PartAfterInit(quota) | Cpu::PartAlways(quota) = self {
            quota.lift();
            quota.enter();
        }
    }

    /// Some 0.2 ms after the process has begun, which is how long this process takes to get out of
    /// its way.
    fn after_start(&self) {
        if let Cpu::PartAfterInit(quota) | Cpu::PartAlways(quota) = self {
            quota.leave();
        }
        if let Cpu::PartAlways(quota) = self {
            quota.impose();
        }
    }

    fn after_init(&self) {
        if let Cpu::PartAfterInit(quota) = self {
            quota.impose();
        }
    }

    fn lift(&self) {
        if let Cpu::PartAfterInit(quota) | Cpu::PartAlways(quota) = self {
            quota.lift();
        }
    }
}

/// Starts a function and has it answer its first event.
async fn start(world: &World, rival: &Rival, cpu: &Cpu<'_>) -> Result<(Function, Start), String> {
    cpu.before_start();
    let function = world.start(rival).await;
    cpu.after_start();
    let function = function?;
    let init = function.init_time().await;
    let init = init.ok_or_else(|| format!("{} ended: {:?}", rival.name(), function.logs()))?;
    cpu.after_init();
    let first = world.invoke(rival, &function).await?;
    let cpu = function.id().map(process::cpu_time).unwrap_or_default();
    Ok((function, Start { init, first, cpu }))
}

/// Ends a process, and waits until it is gone and in nobody's way.
async fn end(function: Function) {
    let process = function.id();
    drop(function);
    for _ in 0..200 {
        if !process.is_some_and(process::exists) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(PAUSE).await;
}

/// So many invocations of one process of each function, taking turns.
async fn warm(
    world: &World,
    rivals: &[Rival],
    cpu: &Cpu<'_>,
    count: usize,
) -> Result<Vec<Warm>, String> {
    let mut functions = Vec::new();
    for rival in rivals {
        let (function, _) = start(world, rival, cpu).await?;
        functions.push((rival, function, Vec::new()));
    }
    for _ in 0..count {
        for (rival, function, times) in &mut functions {
            tokio::time::sleep(PAUSE).await;
            times.push(world.invoke(rival, function).await?);
        }
    }
    cpu.lift();
    let mut warm = Vec::new();
    for (_, function, times) in functions {
        let peak = function.id().map(process::peak_memory).unwrap_or_default();
        warm.push(Warm { median: part(times.clone(), 50), p99: part(times, 99), peak });
        end(function).await;
    }
    Ok(warm)
}

/// The time that so many percent of the times do not exceed.
fn part(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() * percent).div_ceil(100) - 1]
}
