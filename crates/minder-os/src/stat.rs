//! What the kernel tells of a process in `/proc/PID/stat`.

use std::fs;
use std::io;
use std::time::Duration;

/// The place of the time of a process's start behind the name.
pub(crate) const STARTED: usize = 19;

/// The place of the kernel's flags.
const FLAGS: usize = 6;

/// `PF_EXITING`.
const EXITING: u64 = 4;

/// What stands there behind the name, beginning with the state.
#[derive(Debug)]
pub(crate) struct Stat(String);

impl Stat {
    /// Of a process.
    pub(crate) fn of(pid: u32) -> io::Result<Self> {
        let line = fs::read(format!("/proc/{pid}/stat"))?;
        Self::parse(&line).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// The name stands in brackets and may hold anything, brackets included.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let (_, fields) = line.rsplit_once(')')?;
        Some(Self(fields.to_owned()))
    }

    /// The fields.
    pub(crate) fn fields(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split_ascii_whitespace()
    }

    /// A number among the fields, by its place.
    pub(crate) fn number(&self, place: usize) -> Option<u64> {
        self.fields().nth(place)?.parse().ok()
    }
}

/// How many of the units there are in a second that the kernel counts a process's times in.
pub(crate) fn ticks_per_second() -> u64 {
    // SAFETY: the call only answers a number.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks)
        .ok()
        .filter(|it| *it > 0)
        .unwrap_or(100)
}

/// When a process began, since the machine did. `None` if the kernel does not tell.
#[must_use]
pub fn started(pid: u32) -> Option<Duration> {
    let ticks = Stat::of(pid).ok()?.number(STARTED)?;
    Some(time_of(ticks, ticks_per_second()))
}

/// Whether a process has begun to end, or has ended. It closes its descriptors on the way, and on a busy
/// machine that may take a while. False if there is no such process.
#[must_use]
pub fn is_exiting(pid: u32) -> bool {
    let Ok(stat) = Stat::of(pid) else {
        return false;
    };
    let has_ended = matches!(stat.fields().next(), Some("Z" | "X"));
    has_ended || stat.number(FLAGS).is_some_and(|flags| flags & EXITING != 0)
}

/// The time that so many ticks take.
pub(crate) fn time_of(ticks: u64, per_second: u64) -> Duration {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(per_second);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_process_calls_itself() {
        for name in ["cat", "a b", "a) b", ") S 1 (", "\u{e9}"] {
            let line = format!("42 ({name}) S 41 9 250\n");
            let stat = Stat::parse(line.as_bytes()).unwrap();
            assert_eq!(stat.fields().next(), Some("S"), "{name}");
            assert_eq!(
                [1, 3, 4].map(|it| stat.number(it)),
                [Some(41), Some(250), None]
            );
        }
        assert!(Stat::parse(b"42 (cat").is_none());
    }

    #[test]
    fn who_has_ended_is_exiting_and_who_runs_is_not() {
        assert!(!is_exiting(std::process::id()));
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let foreign = crate::foreign::Foreign::open(child.id()).unwrap();
        assert!(foreign.wait(Duration::from_secs(30)).unwrap());
        assert!(is_exiting(child.id()));
        child.wait().unwrap();
    }

    #[test]
    fn ticks_take_their_time() {
        assert_eq!(time_of(250, 100), Duration::from_millis(2500));
        assert!(started(std::process::id()).unwrap() > Duration::ZERO);
    }
}
