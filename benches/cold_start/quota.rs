//! Part of a CPU, by a control group of Linux.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

const NAME: &str = "ecs-ipv6-targets-cold-start";

/// 128 MB have 1/14 of a CPU: Lambda gives a whole one to 1,769 MB (Lambda developer guide,
/// "Configure Lambda function memory"). In µs.
const PERIOD: &str = "20000";
const PART: &str = "1446";

/// A group of processes that have all of a CPU or 1/14 of one. It is removed when this is dropped.
pub struct Quota {
    group: PathBuf,
    /// The group that this process came from.
    home: PathBuf,
    limit: PathBuf,
    /// What lifts the limit, and what imposes it.
    settings: [&'static str; 2],
}

impl Quota {
    /// Makes the group; an error says why this machine does not allow it.
    pub fn new() -> Result<Self, String> {
        let memberships = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let quota = Self::version_1(&memberships)
            .or_else(|| Self::version_2(&memberships))
            .ok_or("no control group for CPU is mounted under /sys/fs/cgroup")?;
        quota.prepare().map_err(|error| format!("{}: {error}", quota.group.display()))?;
        Ok(quota)
    }

    fn version_1(memberships: &str) -> Option<Self> {
        let (controllers, path) = memberships.lines().find_map(|line| {
            let (_, line) = line.split_once(':')?;
            let (controllers, path) = line.split_once(':')?;
            controllers
                .split(',')
                .any(|controller| controller == "cpu")
                .then_some((controllers, path))
        })?;
        let home = below(&Path::new("/sys/fs/cgroup").join(controllers), path);
        let group = home.join(NAME);
        let limit = group.join("cpu.cfs_quota_us");
        Some(Self { group, home, limit, settings: ["-1", PART] })
    }

    fn version_2(memberships: &str) -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let controllers = fs::read_to_string(root.join("cgroup.controllers")).ok()?;
        controllers.split_whitespace().find(|controller| *controller == "cpu")?;
        let path = memberships.lines().find_map(|line| line.strip_prefix("0::"))?;
        let group = root.join(NAME);
        let limit = group.join("cpu.max");
        // It may be on already, and else the first write to the limit fails.
        let _ = fs::write(root.join("cgroup.subtree_control"), "+cpu");
        Some(Self { group, home: below(root, path), limit, settings: ["max 20000", "1446 20000"] })
    }

    fn prepare(&self) -> io::Result<()> {
        match fs::create_dir(&self.group) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let period = self.group.join("cpu.cfs_period_us");
        if period.exists() {
            fs::write(period, PERIOD)?;
        }
        fs::write(&self.limit, self.settings[0])?;
        self.enter_group(&self.group)?;
        self.enter_group(&self.home)
    }

    /// Takes this process into the group, so that its children begin there.
    pub fn enter(&self) {
        self.enter_group(&self.group).expect("a group that this process was in before");
    }

    /// Takes this process, and not its children, to where it came from.
    pub fn leave(&self) {
        self.enter_group(&self.home).expect("the group that this process came from");
    }

    /// From now on the group has all of the CPU.
    pub fn lift(&self) {
        fs::write(&self.limit, self.settings[0]).expect("a limit that could be set before");
    }

    /// From now on the group has 1/14 of a CPU.
    pub fn impose(&self) {
        fs::write(&self.limit, self.settings[1]).expect("a limit that can be set");
    }

    fn enter_group(&self, group: &Path) -> io::Result<()> {
        fs::write(group.join("cgroup.procs"), std::process::id().to_string())
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _ = self.enter_group(&self.home);
        // The last processes may still be ending.
        for _ in 0..200 {
            if fs::remove_dir(&self.group).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        eprintln!("{} could not be removed", self.group.display());
    }
}

/// The folder of a group; in a container its path may be that of the host.
fn below(root: &Path, path: &str) -> PathBuf {
    let folder = root.join(path.trim_start_matches('/'));
    if folder.exists() { folder } else { root.to_owned() }
}
