//! Low numbers of descriptors, set aside for what new processes find open.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{DupFlags, dup3, fcntl_dupfd_cloexec};

use super::MAX_DESCRIPTORS;

/// The places. Between two starts each holds the same thing, which nobody uses.
#[derive(Debug)]
pub(super) struct Slots {
    places: Vec<OwnedFd>,
    nothing: OwnedFd,
}

/// What a new process needs to know of the places.
#[derive(Debug)]
pub(super) struct Filled {
    /// Where each descriptor lies.
    pub(super) sources: [RawFd; MAX_DESCRIPTORS],
    /// How many there are.
    pub(super) count: usize,
    /// The first number that a new process has no use for, nor for any above it.
    pub(super) end: RawFd,
}

impl Slots {
    /// Sets the lowest numbers aside that are free.
    pub(super) fn new() -> io::Result<Self> {
        let nothing = eventfd(0, EventfdFlags::CLOEXEC)?;
        // The standard streams belong to whoever looks for them, even where they are closed.
        let place = |_| fcntl_dupfd_cloexec(&nothing, LOWEST);
        let places = (0..MAX_DESCRIPTORS).map(place).collect::<Result<_, _>>()?;
        Ok(Self { places, nothing })
    }

    /// Puts these into the places, at most as many as there are.
    pub(super) fn fill(&mut self, descriptors: &[BorrowedFd<'_>]) -> io::Result<Filled> {
        let mut sources = [-1; MAX_DESCRIPTORS];
        let mut end = LOWEST;
        let places = self.places.iter_mut().zip(&mut sources);
        for ((place, source), descriptor) in places.zip(descriptors) {
            *source = place.as_raw_fd();
            end = end.max(*source + 1);
            if let Err(errno) = dup3(descriptor, place, DupFlags::CLOEXEC) {
                self.clear(descriptors.len());
                return Err(errno.into());
            }
        }
        Ok(Filled {
            sources,
            count: descriptors.len().min(MAX_DESCRIPTORS),
            end,
        })
    }

    /// Lets go of what is in the first so many places: an end of a pipe that stayed open here
    /// would be one that is never seen to close.
    pub(super) fn clear(&mut self, count: usize) {
        for place in self.places.iter_mut().take(count) {
            // Both are open, and a number that is taken needs no new one: it cannot fail.
            let emptied = dup3(&self.nothing, place, DupFlags::CLOEXEC);
            debug_assert!(emptied.is_ok(), "the places are as they were made");
        }
    }
}

/// The first number behind the standard streams.
const LOWEST: RawFd = 3;
