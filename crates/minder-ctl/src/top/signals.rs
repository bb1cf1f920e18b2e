//! Signals while `top` runs: they are read like anything else, so that the terminal is as it was
//! before they do what they are meant to.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use minder_os::signals::{SignalFd, SignalSet};
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What is read instead of being obeyed.
const HELD: [i32; 7] = [
    Signal::HUP.as_raw(),
    Signal::INT.as_raw(),
    Signal::QUIT.as_raw(),
    Signal::TERM.as_raw(),
    Signal::TSTP.as_raw(),
    Signal::CONT.as_raw(),
    Signal::WINCH.as_raw(),
];

/// Holds signals back for as long as it lives.
pub(super) struct Signals {
    fd: SignalFd,
    /// The same, to be waited for.
    readiness: AsyncFd<OwnedFd>,
    before: SignalSet,
}

/// Who is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    /// This process.
    This,
    /// All that the terminal would have stopped.
    Group,
}

impl Signals {
    pub(super) fn hold() -> io::Result<Self> {
        let before = SignalSet::blocked();
        let held = SignalSet::of(&HELD);
        held.block();
        let waited_for = || {
            let fd = SignalFd::new(&held)?;
            let same = fd.as_fd().try_clone_to_owned()?;
            Ok((fd, readable(same)?))
        };
        match waited_for() {
            Ok((fd, readiness)) => Ok(Self {
                fd,
                readiness,
                before,
            }),
            Err(error) => {
                before.block();
                Err(error)
            }
        }
    }

    /// The next signal.
    pub(super) async fn next(&self) -> io::Result<i32> {
        loop {
            let mut readiness = self.readiness.readable().await?;
            match self.fd.next()? {
                Some(signal) => return Ok(signal),
                None => readiness.clear_ready(),
            }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.before.block();
    }
}

#[allow(
    deprecated,
    reason = "the successor is unsafe for the sake of types that lie about their descriptor, and \
              OwnedFd does not"
)]
fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, Interest::READABLE)
}

/// Stops as a key of the terminal would have it, and returns once somebody lets us go on. Where
/// nobody could, nothing happens: the system sees to that.
pub(super) fn stop(whom: Whom) -> io::Result<()> {
    let held = SignalSet::blocked();
    held.without(&[Signal::TSTP.as_raw()]).block();
    let stopped = match whom {
        Whom::This => kill_process(getpid(), Signal::TSTP),
        Whom::Group => kill_current_process_group(Signal::TSTP),
    };
    held.block();
    Ok(stopped?)
}
