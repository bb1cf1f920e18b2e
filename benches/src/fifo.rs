//! The end of the FIFO at which births are told of.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use minder_bench::birth::{Birth, Moment};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::pipe::fcntl_setpipe_size;

/// How long the next birth is waited for: long after the slowest subject's.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};
/// So that thousands can tell while nobody reads.
const SIZE: usize = 1 << 20;

/// A FIFO that is open.
pub(crate) struct Fifo(File);

impl Fifo {
    /// Makes it.
    pub(crate) fn make(path: &Path) -> Result<Self> {
        mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Opened for writing too, so that it neither waits for a writer nor ever ends.
        let file = File::options().read(true).write(true).open(path)?;
        // A smaller one does, only slower.
        let _ = fcntl_setpipe_size(&file, SIZE);
        Ok(Self(file))
    }

    /// Waits for this many births, or until there is none for a minute.
    pub(crate) fn wait(&mut self, count: usize) -> Result<Births> {
        let mut births = Vec::with_capacity(count);
        while births.len() < count {
            let mut ready = [PollFd::new(&self.0, PollFlags::IN)];
            let due = poll(&mut ready, Some(&PATIENCE)).context("cannot wait for a birth")?;
            anyhow::ensure!(
                due > 0,
                "only {} of {count} programs were started",
                births.len()
            );
            births.push(Birth::read(&mut self.0)?);
        }
        Ok(Births(births))
    }
}

/// Births that programs have told of.
pub(crate) struct Births(Vec<Birth>);

impl Births {
    /// How long after `start` the last of them was.
    pub(crate) fn last_after(&self, start: Moment) -> Duration {
        self.last().since(start)
    }

    pub(crate) fn last(&self) -> Moment {
        let last = self.0.iter().map(|birth| birth.at).max();
        last.unwrap_or_else(Moment::now)
    }

    pub(crate) fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|birth| birth.pid)
    }
}
