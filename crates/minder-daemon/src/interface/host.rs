//! What is known of the machine.

use std::fs;
use std::time::Duration;

use minder_core::Mono;

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
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let began = started(&stat, rustix::param::clock_ticks_per_second())?;
    Some(now.0.saturating_sub(began))
}

/// When a process began, since the machine did. Its name may hold anything, blanks and brackets
/// included, so that what follows it begins at the last bracket.
fn started(stat: &str, ticks_per_second: u64) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: u64 = fields.split(' ').nth(19)?.parse().ok()?;
    let millis = ticks.checked_mul(1000)?.checked_div(ticks_per_second)?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_tells_is_understood() {
        let text = "MemTotal:        8000 kB\nMemFree: 1 kB\nMemAvailable:    3000 kB\n";
        assert_eq!(memory_of(text), Some((5000 << 10, 8000 << 10)));
        assert_eq!(memory_of("MemTotal: 8000 kB\n"), None);
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 250 20 21";
        assert_eq!(started(stat, 100), Some(Duration::from_millis(2500)));
        assert_eq!(started("7 (a", 100), None);
    }
}
