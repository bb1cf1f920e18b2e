//! Telling whoever started us how the start went.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

/// Who waits to be told how a start goes.
#[derive(Debug)]
pub(crate) enum Startup {
    /// This is the first, and somebody may wait at the other end of this.
    First(Option<OwnedFd>),
    /// Everything begins anew after a restart: nobody waits, but failures are still shown.
    Again,
    /// Nobody: it is complete.
    Complete,
}

impl Startup {
    /// Start-up is complete.
    pub(crate) fn complete(&mut self) {
        if let Self::First(Some(report)) = std::mem::replace(self, Self::Complete) {
            write(&report, &[0]);
        }
    }

    /// All is over, with this code. Says so if start-up was not complete.
    pub(crate) fn over(&mut self, code: u8, text: &[u8]) {
        match std::mem::replace(self, Self::Complete) {
            Self::First(Some(report)) => {
                write(&report, &[code]);
                write(&report, text);
            }
            Self::First(None) | Self::Again => write(rustix::stdio::stderr(), text),
            Self::Complete => {}
        }
    }

    /// Everything begins anew.
    pub(crate) fn again(&mut self) {
        match self {
            Self::First(_) | Self::Again => {}
            Self::Complete => *self = Self::Again,
        }
    }

    /// Whether no start was ever complete.
    pub(crate) fn is_first(&self) -> bool {
        matches!(self, Self::First(_))
    }
}

/// Tells the operator something that there is no daemon to log, unless nobody reads: the keeper
/// must not wait for a full pipe.
pub(crate) fn complain(text: &str) {
    let stderr = rustix::stdio::stderr();
    let mut waited_for = [PollFd::new(&stderr, PollFlags::OUT)];
    // A pipe that is ready takes a page.
    let ready = poll(&mut waited_for, Some(&Timespec::default()));
    if ready.is_ok_and(|ready| ready == 1) {
        write(stderr, text.as_bytes());
    }
}

/// Writes all of it, unless nobody reads: then there is nobody else to tell.
fn write(to: impl AsFd, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        match retry_on_intr(|| rustix::io::write(&to, rest)) {
            Ok(some) if some > 0 => rest = rest.get(some..).unwrap_or_default(),
            Ok(_) | Err(_) => return,
        }
    }
}

/// The exit code for a failure of our own (`EX_SOFTWARE`).
pub(crate) const EX_SOFTWARE: u8 = 70;
