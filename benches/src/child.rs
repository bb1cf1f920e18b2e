//! The program that is started and killed, and what it tells about its birth.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

/// The first argument that makes this program a child.
pub(crate) const MODE: &str = "child";
/// One report: pid, then the moment in nanoseconds. Far below the size up to which writes to a
/// pipe are whole.
const REPORT: usize = 16;
/// How long a birth is waited for: long after the slowest subject's.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

/// A point on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    pub(crate) fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        let secs = u64::try_from(now.tv_sec).unwrap_or(0);
        Self(Duration::new(secs, u32::try_from(now.tv_nsec).unwrap_or(0)))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a child does: report that it runs, then wait to be ended.
pub(crate) fn run(fifo: &Path) -> Result<()> {
    let born = Moment::now();
    let mut report = [0; REPORT];
    report[..8].copy_from_slice(&u64::from(std::process::id()).to_le_bytes());
    let nanos = u64::try_from(born.0.as_nanos()).unwrap_or(u64::MAX);
    report[8..].copy_from_slice(&nanos.to_le_bytes());
    let mut fifo = File::options().write(true).open(fifo)?;
    fifo.write_all(&report)?;
    drop(fifo);
    loop {
        std::thread::park();
    }
}

/// Births that have been reported.
pub(crate) struct Births(Vec<(u32, Moment)>);

impl Births {
    /// Waits for this many reports.
    pub(crate) fn wait(fifo: &mut File, count: usize) -> Result<Self> {
        let mut births = Vec::with_capacity(count);
        while births.len() < count {
            let mut ready = [PollFd::new(fifo, PollFlags::IN)];
            let due = poll(&mut ready, Some(&PATIENCE)).context("cannot wait for a birth")?;
            anyhow::ensure!(
                due > 0,
                "only {} of {count} programs were started",
                births.len()
            );
            let mut report = [0; REPORT];
            fifo.read_exact(&mut report)?;
            let word = |at: usize| {
                let mut word = [0; 8];
                word.copy_from_slice(&report[at..at + 8]);
                u64::from_le_bytes(word)
            };
            let pid = u32::try_from(word(0)).context("a pid is not a pid")?;
            births.push((pid, Moment(Duration::from_nanos(word(8)))));
        }
        Ok(Self(births))
    }

    pub(crate) fn last_after(&self, start: Moment) -> Duration {
        self.0
            .iter()
            .map(|(_, born)| born.since(start))
            .max()
            .unwrap_or_default()
    }

    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(pid, _)| *pid)
    }
}
