//! A run that would be ended for its memory ends with a sentence before that, on Linux, where files tell how much is left.
//!
//! An allocation that fails aborts, and a control group that is full kills. A thread looks at both, often enough for what
//! grows bit by bit; one huge allocation it cannot foresee.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, process, thread};

/// How often to look.
const EVERY: Duration = Duration::from_millis(20);
/// What must be left.
const LEFT: u64 = 16 << 20;

/// How much memory there may be.
#[derive(PartialEq, Eq, Debug)]
enum Limit {
    /// Of the process: which line of `/proc/self/status` it is about.
    Process {
        name: &'static str,
        line: &'static str,
        most: u64,
    },
    /// Of a control group: its folder.
    Group { folder: PathBuf, most: u64 },
}

/// Watches from now on, where there is a limit; see proc(5), "/proc/pid/limits" and "/proc/pid/status".
pub(super) fn watch() {
    let own = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut limits = of_process(&own);
    limits.extend(of_group(Path::new("/sys/fs/cgroup"), &group));
    if limits.is_empty() {
        return;
    }
    // Without it a run ends as it always did.
    let _ = thread::Builder::new().name("memory".to_owned()).spawn(move || {
        loop {
            if let Some(sentence) = limits.iter().find_map(Limit::reached) {
                eprintln!("error: {sentence}");
                eprintln!(
                    "help: raise the limit, or read less at once: --since and --until, --account, fewer --threads; `collect` \
                     reads an archive month by month into a ledger"
                );
                process::exit(1);
            }
            thread::sleep(EVERY);
        }
    });
}

/// The limits in `/proc/self/limits` that allocations run into.
fn of_process(limits: &str) -> Vec<Limit> {
    let kinds = [
        ("Max address space", "address space (ulimit -v)", "VmSize"),
        ("Max data size", "data (ulimit -d)", "VmData"),
    ];
    let limit = |(title, name, line)| {
        let soft = limits.lines().find_map(|text| text.strip_prefix(title))?;
        let most = soft.split_whitespace().next()?.parse().ok()?;
        Some(Limit::Process { name, line, most })
    };
    kinds.into_iter().filter_map(limit).collect()
}

/// The smallest limit of the control groups that `/proc/self/cgroup` names (version 2: a line `0::PATH`), whose folders lie
/// below `root` (Linux kernel, "Control Group v2", `memory.max`).
fn of_group(root: &Path, groups: &str) -> Option<Limit> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let own = root.join(path);
    let folders = own.ancestors().take_while(|folder| folder.starts_with(root));
    let limits = folders.filter_map(|folder| {
        let most: u64 = fs::read_to_string(folder.join("memory.max"))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        Some((most, folder.to_owned()))
    });
    limits.min().map(|(most, folder)| Limit::Group { folder, most })
}

impl Limit {
    /// What to say once there is hardly anything left.
    fn reached(&self) -> Option<String> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let (used, most, what) = match self {
            Limit::Process { name, line, most } => (used_of_process(&status, line, *most)?, *most, *name),
            Limit::Group { folder, most } => {
                let stat = fs::read_to_string(folder.join("memory.stat")).ok()?;
                let used = used_of_group(&status, &stat, *most)?;
                (used, *most, "the control group (memory.max)")
            }
        };
        let [used, most] = [used, most].map(|bytes| bytes.div_ceil(1_000_000));
        Some(format!(
            "memory runs out: {used} MB are in use, and the limit of {what} is {most} MB"
        ))
    }
}

/// A line of `/proc/self/status`, in bytes.
fn line_of(status: &str, name: &str) -> Option<u64> {
    let value = status
        .lines()
        .find_map(|text| text.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}

/// The memory that a process uses, if it is about to reach a limit.
///
/// The allocator reserves room ahead, up to the limit: that is full only once most of it is in use.
fn used_of_process(status: &str, line: &str, most: u64) -> Option<u64> {
    let (reserved, data) = (line_of(status, line)?, line_of(status, "VmData")?);
    let used = line_of(status, "VmRSS")?;
    (reserved + LEFT >= most && used >= data / 4 * 3).then_some(used)
}

/// The memory that a process uses, if its control group is about to reach its limit with what cannot be given back, and if
/// that is this process's doing: beside others that take most of it, it may well come to its end.
fn used_of_group(status: &str, stat: &str, most: u64) -> Option<u64> {
    let anonymous = stat.lines().find_map(|line| line.strip_prefix("anon "))?;
    let all: u64 = anonymous.trim().parse().ok()?;
    let used = line_of(status, "VmRSS")?;
    (all + LEFT >= most && used >= most / 2).then_some(used)
}

#[cfg(test)]
mod tests;
