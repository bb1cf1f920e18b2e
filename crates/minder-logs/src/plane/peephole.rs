//! Seeing what is in a pipe without taking it out.
//!
//! `tee(2)` copies from pipe to pipe and leaves the original where it is. So whoever wants to know
//! what a program says can be told without changing how its bytes are moved, or whether they
//! survive a kill.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};

/// What there is to see.
pub(super) enum Seen<'a> {
    /// These bytes come next.
    Bytes(&'a [u8]),
    /// Nothing at the moment.
    Nothing,
    /// The end; or it cannot be seen, and has to be taken out to find out.
    End,
}

/// A pipe of our own for the copies, and where they are read to.
#[derive(Default)]
pub(super) struct Peephole {
    pipe: Option<(OwnedFd, OwnedFd)>,
    bytes: Vec<u8>,
}

impl Peephole {
    /// Looks at no more than the next `at_most` bytes in `pipe`.
    pub(super) fn look(&mut self, pipe: impl AsFd, at_most: usize) -> Seen<'_> {
        match self.copy(pipe, at_most) {
            Ok(0) => Seen::End,
            Ok(_) => Seen::Bytes(&self.bytes),
            Err(Errno::AGAIN | Errno::INTR) => Seen::Nothing,
            Err(_) => Seen::End,
        }
    }

    fn copy(&mut self, pipe: impl AsFd, at_most: usize) -> Result<usize, Errno> {
        let (read, write) = match &self.pipe {
            Some(pipe) => pipe,
            None => self
                .pipe
                .insert(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?),
        };
        let copied = tee(pipe, write, at_most, SpliceFlags::NONBLOCK)?;
        self.bytes.resize(copied, 0);
        let mut done = 0;
        while let Some(rest) = self.bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            done += rustix::io::read(read, rest)?;
        }
        Ok(copied)
    }
}
