//! Lines from standard input, without a thread that waits for them.
//!
//! What is read ahead stays here, so that the shell, a question and `fg` may take turns.

use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::failure::Failure;

/// The longest line that is taken for one, in bytes: what `fg` may pass on at once. A longer
/// one is cut.
const MAX_LINE_BYTES: usize = 1 << 20;

/// How much is asked of the system at once, in bytes.
const CHUNK_BYTES: usize = 4096;

/// The lines of standard input.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    source: Option<Source>,
    read_ahead: Vec<u8>,
}

/// Standard input, as bytes.
#[derive(Debug)]
pub(crate) enum Source {
    /// A pipe, a terminal, a socket.
    Waits(AsyncFd<OwnedFd>),
    /// A regular file or device: never makes anyone wait, and cannot be waited for.
    Ready(OwnedFd),
}

impl Lines {
    /// The next line, without its end, or `None` at the end of the input.
    ///
    /// To drop the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        self.next_bytes()
            .await
            .map_err(Failure::Input)
            .map(|line| line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn next_bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.read_ahead.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.read_ahead.drain(..=end).collect();
                line.pop();
                return Ok(Some(line));
            }
            if self.read_ahead.len() >= MAX_LINE_BYTES {
                return Ok(Some(std::mem::take(&mut self.read_ahead)));
            }
            let source = match &mut self.source {
                Some(source) => source,
                None => self.source.insert(Source::stdin()?),
            };
            let mut chunk = [0; CHUNK_BYTES];
            let count = source.read(&mut chunk).await?;
            if count == 0 {
                let rest = std::mem::take(&mut self.read_ahead);
                return Ok((!rest.is_empty()).then_some(rest));
            }
            self.read_ahead.extend_from_slice(&chunk[..count]);
        }
    }
}

impl Source {
    #[allow(
        deprecated,
        reason = "the successor is unsafe for the sake of types that lie about their \
                  descriptor, and OwnedFd does not"
    )]
    pub(crate) fn stdin() -> io::Result<Self> {
        let fd = io::stdin().as_fd().try_clone_to_owned()?;
        match AsyncFd::try_with_interest(fd, Interest::READABLE) {
            Ok(fd) => Ok(Self::Waits(fd)),
            Err(error) => {
                let (fd, cause) = error.into_parts();
                match Errno::from_io_error(&cause) {
                    Some(Errno::PERM) => Ok(Self::Ready(fd)),
                    _ => Err(cause),
                }
            }
        }
    }

    /// Waits for bytes, and reads as many as there are, at most as fit; 0 at the end of the input.
    ///
    /// To drop the future loses nothing.
    pub(crate) async fn read(&self, chunk: &mut [u8]) -> io::Result<usize> {
        let fd = match self {
            Self::Ready(fd) => return Ok(retry_on_intr(|| rustix::io::read(fd, &mut *chunk))?),
            Self::Waits(fd) => fd,
        };
        loop {
            let mut readiness = fd.readable().await?;
            // The descriptor is shared with whoever started us, so it stays blocking, and
            // the readiness of the last read may be stale.
            if has_input(fd.get_ref())? {
                return Ok(retry_on_intr(|| {
                    rustix::io::read(fd.get_ref(), &mut *chunk)
                })?);
            }
            readiness.clear_ready();
        }
    }
}

fn has_input(fd: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Ok(retry_on_intr(|| poll(&mut fds, Some(&at_once)))? > 0)
}

/// Whether a person sits at both ends.
pub(crate) fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
