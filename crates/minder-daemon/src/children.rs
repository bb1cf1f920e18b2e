//! The children that run, as far as the driver has to do with them: their standard input, and
//! the ends that are waiting for their last output.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use minder_core::{ChildId, ExitStatus, Now};
use rustix::io::Errno;

/// How much may wait for a program that does not read its standard input. Supervisor has no
/// limit; a client that sends more than this in one go to a deaf program is making a mistake.
const MAX_UNREAD: usize = 16 << 20;

/// The standard inputs of the children, and what waits to be written to them.
#[derive(Default)]
pub(crate) struct Inputs(BTreeMap<ChildId, Pipe>);

struct Pipe {
    end: OwnedFd,
    unread: VecDeque<u8>,
}

/// Why bytes cannot be sent to a standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// It has been closed, or there never was one.
    Closed,
    /// The program does not read, and too much is waiting already.
    Full,
}

impl Inputs {
    pub(crate) fn add(&mut self, child: ChildId, end: OwnedFd) {
        self.0.insert(
            child,
            Pipe {
                end,
                unread: VecDeque::new(),
            },
        );
    }

    pub(crate) fn remove(&mut self, child: ChildId) {
        self.0.remove(&child);
    }

    /// Writes as much as the pipe takes; the rest waits until the program has read.
    pub(crate) fn send(&mut self, child: ChildId, bytes: &[u8]) -> Result<(), SendError> {
        let pipe = self.0.get_mut(&child).ok_or(SendError::Closed)?;
        if pipe.unread.len() + bytes.len() > MAX_UNREAD {
            return Err(SendError::Full);
        }
        pipe.unread.extend(bytes);
        self.flush(child).map_err(|_| SendError::Closed)
    }

    /// The pipes that have something waiting: worth a look once they can be written to.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (ChildId, BorrowedFd<'_>)> {
        let waiting = self.0.iter().filter(|(_, pipe)| !pipe.unread.is_empty());
        waiting.map(|(child, pipe)| (*child, pipe.end.as_fd()))
    }

    /// Writes on where the pipe was full. A program that has closed its end gets nothing more.
    pub(crate) fn flush(&mut self, child: ChildId) -> io::Result<()> {
        let Some(pipe) = self.0.get_mut(&child) else {
            return Ok(());
        };
        while !pipe.unread.is_empty() {
            let (head, _) = pipe.unread.as_slices();
            match rustix::io::write(&pipe.end, head) {
                Ok(written) => drop(pipe.unread.drain(..written)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => {
                    self.0.remove(&child);
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }
}

/// Ends that the keeper has reported, and that the core is told of once all output is taken in:
/// whoever hears of an end must find the last line in the log.
#[derive(Default)]
pub(crate) struct Ends(BTreeMap<ChildId, (ExitStatus, Now)>);

impl Ends {
    /// Takes note of an end. A repeated report changes nothing.
    pub(crate) fn reported(&mut self, child: ChildId, status: ExitStatus, at: Now) {
        self.0.entry(child).or_insert((status, at));
    }

    /// The end whose output has now been taken in.
    pub(crate) fn drained(&mut self, child: ChildId) -> Option<(ExitStatus, Now)> {
        self.0.remove(&child)
    }
}

#[cfg(test)]
mod tests {
    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    const CHILD: ChildId = ChildId(1);

    fn input() -> (OwnedFd, Inputs) {
        let (read, write) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).unwrap();
        let mut inputs = Inputs::default();
        inputs.add(CHILD, write);
        (read, inputs)
    }

    fn read_all(end: &OwnedFd) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = rustix::io::read(end, &mut buffer) {
            all.extend_from_slice(&buffer[..count]);
        }
        all
    }

    #[test]
    fn what_a_full_pipe_does_not_take_follows_in_order() {
        let (read, mut inputs) = input();
        let sent: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        assert_eq!(inputs.send(CHILD, &sent), Ok(()));
        let mut received = Vec::new();
        while inputs.waiting().next().is_some() {
            received.extend(read_all(&read));
            inputs.flush(CHILD).unwrap();
        }
        received.extend(read_all(&read));
        assert!(received == sent);
    }

    #[test]
    fn a_program_that_closed_its_input_gets_nothing_more() {
        let (read, mut inputs) = input();
        drop(read);
        assert_eq!(inputs.send(CHILD, b"x"), Err(SendError::Closed));
        assert_eq!(inputs.send(CHILD, b"x"), Err(SendError::Closed));
    }

    #[test]
    fn a_deaf_program_is_sent_only_so_much() {
        let (_read, mut inputs) = input();
        assert_eq!(inputs.send(CHILD, &vec![0; MAX_UNREAD]), Ok(()));
        assert_eq!(
            inputs.send(CHILD, &vec![0; MAX_UNREAD]),
            Err(SendError::Full)
        );
    }
}
