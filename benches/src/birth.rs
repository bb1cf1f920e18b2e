//! How a program tells that it runs: its pid and the moment, written into a FIFO.

use std::fs::File;
use std::io::{Read, Result, Write};
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A point on the monotonic clock, which all processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        let secs = u64::try_from(now.tv_sec).unwrap_or(0);
        Self(Duration::new(secs, u32::try_from(now.tv_nsec).unwrap_or(0)))
    }

    /// How long after `earlier` it is; nothing if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Nanoseconds on that clock.
    #[must_use]
    pub fn as_nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The moment that [`Moment::as_nanos`] gave.
    #[must_use]
    pub fn from_nanos(nanos: u64) -> Self {
        Self(Duration::from_nanos(nanos))
    }
}

/// What a program tells, once when it was born and, if it has a task, once when that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// Who tells.
    pub pid: u32,
    /// When it was.
    pub at: Moment,
}

/// Far below the size up to which writes to a pipe are whole.
const BYTES: usize = 16;

impl Birth {
    /// Of this process.
    #[must_use]
    pub fn of_this_process(at: Moment) -> Self {
        let pid = std::process::id();
        Self { pid, at }
    }

    /// Writes it into the FIFO.
    pub fn tell(self, fifo: &Path) -> Result<()> {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&u64::from(self.pid).to_le_bytes());
        bytes[8..].copy_from_slice(&self.at.as_nanos().to_le_bytes());
        File::options().write(true).open(fifo)?.write_all(&bytes)
    }

    /// Reads the next one.
    pub fn read(fifo: &mut File) -> Result<Self> {
        let mut bytes = [0; BYTES];
        fifo.read_exact(&mut bytes)?;
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Ok(Self {
            pid: u32::try_from(word(0)).unwrap_or(0),
            at: Moment::from_nanos(word(8)),
        })
    }
}
