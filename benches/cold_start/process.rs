//! What a process has used of the machine, as far as Linux shows it.

use std::time::Duration;

/// The CPU time of all its threads, those that have ended included.
#[cfg(target_os = "linux")]
pub fn cpu_time(process: u32) -> Duration {
    let clock = nix::time::clock_getcpuclockid(pid(process)).expect("a process that runs");
    clock.now().expect("a clock that can be read").into()
}

#[cfg(not(target_os = "linux"))]
pub fn cpu_time(_process: u32) -> Duration {
    Duration::ZERO
}

/// The most memory it ever held (`VmHWM`), in KiB; 0 elsewhere than on Linux.
pub fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let size = line.and_then(|line| line.split_whitespace().next());
    size.and_then(|size| size.parse().ok()).unwrap_or_default()
}

/// Whether the system still knows it.
pub fn exists(process: u32) -> bool {
    std::path::Path::new(&format!("/proc/{process}")).exists()
}

pub fn terminate(process: u32) {
    let signal = nix::sys::signal::Signal::SIGTERM;
    nix::sys::signal::kill(pid(process), signal).expect("a process of ours that runs");
}

fn pid(process: u32) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(process.try_into().expect("a process id"))
}

/// How many processes wanted to run of late: over 1, 5 and 15 minutes.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
