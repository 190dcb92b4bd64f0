//! The size of the function's process, and how much it may grow.

use std::fmt;

/// How much the process may grow between 50 % and 100 %, in KiB. Looks differ by up to 10 MiB, by
/// how much of a batch is under way. An event has some 3 KiB: of 15,000 events a leak of all shows,
/// of 100,000 one of 250 bytes each.
const SLACK: u64 = 12 * 1024;

/// When it is looked at, in percent of the events.
const MOMENTS: [usize; 3] = [1, 50, 100];

/// The size of a process, at some moments.
pub struct Memory {
    process: Option<u32>,
    looks: Vec<Look>,
}

struct Look {
    moment: usize,
    resident: u64,
    peak: u64,
}

impl Memory {
    pub fn of(process: Option<u32>) -> Self {
        Self { process, looks: Vec::new() }
    }

    /// Looks, if a moment has come that was not yet. Elsewhere than on Linux there is nothing to
    /// see.
    pub fn look(&mut self, percent: usize) {
        let Some(moment) = MOMENTS.get(self.looks.len()).copied().filter(|m| *m <= percent) else {
            return;
        };
        let path = self.process.map(|process| format!("/proc/{process}/status"));
        let status = path.and_then(|path| std::fs::read_to_string(path).ok());
        let field = |name: &str| {
            let line = status.as_deref()?.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        if let (Some(resident), Some(peak)) = (field("VmRSS:"), field("VmHWM:")) {
            self.looks.push(Look { moment, resident, peak });
        }
    }

    /// Whether the process has not grown, as far as could be seen.
    pub fn is_flat(&self) -> Result<(), String> {
        let [.., half, last] = &self.looks[..] else { return Ok(()) };
        let resident = last.resident.saturating_sub(half.resident);
        let peak = last.peak.saturating_sub(half.peak);
        if resident.max(peak) > SLACK {
            return Err(format!(
                "the function grew by {resident} KiB (its peak by {peak}) in the second half, \
                 {SLACK} are allowed"
            ));
        }
        Ok(())
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looks = self.looks.iter().map(|Look { moment, resident, peak }| {
            format!("at {moment:>3} %: {resident} KiB resident, {peak} KiB at most")
        });
        f.write_str(&looks.collect::<Vec<_>>().join("\n"))
    }
}
