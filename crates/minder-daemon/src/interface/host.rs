//! What is known of the machine.

use std::fs;
use std::time::Duration;

use minder_core::Mono;
use minder_os::stat;

/// The name of this machine.
pub(super) fn name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The load of the last minute, where the system tells it.
pub(super) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

/// How much memory is used and how much there is, in bytes, where the system tells it.
pub(super) fn memory() -> Option<(u64, u64)> {
    memory_of(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn memory_of(text: &str) -> Option<(u64, u64)> {
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes << 10)
    };
    let (all, available) = (of("MemTotal:")?, of("MemAvailable:")?);
    Some((all.saturating_sub(available), all))
}

/// For how long a process has run, where the system tells it.
pub(super) fn age(pid: u32, now: Mono) -> Option<Duration> {
    Some(now.0.saturating_sub(stat::started(pid)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_understood() {
        let text = "MemTotal:        8000 kB\nMemFree: 1 kB\nMemAvailable:    3000 kB\n";
        assert_eq!(memory_of(text), Some((5000 << 10, 8000 << 10)));
        assert_eq!(memory_of("MemTotal: 8000 kB\n"), None);
    }
}
