//! The standard inputs of children, and what is on its way to them.
//!
//! What is put here is sent once it is in the snapshot, and exactly once, whatever happens to the
//! daemon in between ([`Outbox`]). A program that does not read keeps nobody waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd};

use minder_core::ChildId;
use minder_wire::ToKeeper;

use crate::link::{Link, LinkError};
use crate::mirror::SharedFd;
use crate::outbox::{Outbox, Sent};

/// How much may wait for a program that does not read its standard input. Supervisor has no
/// limit; a client that sends more than this to a deaf program is making a mistake.
const MAX_WAITING: u64 = 16 << 20;

/// The standard inputs.
#[derive(Default)]
pub(crate) struct Inputs {
    pipes: BTreeMap<ChildId, Pipe>,
    /// Those that something has been put into, and that it has not been sent to yet.
    fresh: BTreeSet<ChildId>,
}

struct Pipe {
    end: SharedFd,
    /// Made when something is sent for the first time: few programs are sent anything.
    outbox: Option<Outbox>,
    /// The number of the last event that was put here.
    delivered: u64,
}

/// What the snapshot says of what is on its way to one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InputNote {
    pub(crate) child: ChildId,
    /// Up to where bytes count.
    pub(crate) end: u64,
    /// The number of the last event among them; 0 if there was none.
    pub(crate) delivered: u64,
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
    /// Takes over our end of a child's standard input, with what an earlier daemon had on its way.
    pub(crate) fn add(&mut self, child: ChildId, end: SharedFd, left: Option<(Outbox, u64)>) {
        let waits = left.as_ref().is_some_and(|(outbox, _)| is_waiting(outbox));
        let (outbox, delivered) = left.unzip();
        let pipe = Pipe {
            end,
            outbox,
            delivered: delivered.unwrap_or(0),
        };
        self.pipes.insert(child, pipe);
        if waits {
            self.fresh.insert(child);
        }
    }

    /// Closes a standard input; what is on its way to it is dropped.
    pub(crate) fn remove(&mut self, child: ChildId, link: &mut Link) -> Result<(), LinkError> {
        self.fresh.remove(&child);
        let held = self.pipes.remove(&child).and_then(|pipe| pipe.outbox);
        if held.is_some() {
            link.send(&ToKeeper::Release { name: name(child) }, &[])?;
        }
        Ok(())
    }

    /// Adds bytes for a child, to be [sent](Self::send_fresh) once they are in the snapshot.
    pub(crate) fn put(
        &mut self,
        child: ChildId,
        bytes: &[u8],
        link: &mut Link,
    ) -> Result<Result<(), SendError>, LinkError> {
        let Some(pipe) = self.pipes.get_mut(&child) else {
            return Ok(Err(SendError::Closed));
        };
        if pipe.outbox.is_none() {
            let outbox = Outbox::new()?;
            link.hold(name(child), outbox.file())?;
            pipe.outbox = Some(outbox);
        }
        if let Some(outbox) = &mut pipe.outbox {
            if outbox.waiting()? + bytes.len() as u64 > MAX_WAITING {
                return Ok(Err(SendError::Full));
            }
            outbox.put(bytes)?;
        }
        self.fresh.insert(child);
        Ok(Ok(()))
    }

    /// Adds an event for a listener, unless an earlier daemon has done that.
    pub(crate) fn deliver(
        &mut self,
        child: ChildId,
        delivery: u64,
        bytes: &[u8],
        link: &mut Link,
    ) -> Result<Result<(), SendError>, LinkError> {
        match self.pipes.get_mut(&child) {
            Some(pipe) if pipe.delivered >= delivery => return Ok(Ok(())),
            Some(pipe) => pipe.delivered = delivery,
            None => {}
        }
        self.put(child, bytes, link)
    }

    /// Sends what was put since the last time, and answers who does not read any more.
    pub(crate) fn send_fresh(&mut self) -> Vec<ChildId> {
        let fresh = std::mem::take(&mut self.fresh);
        fresh
            .into_iter()
            .filter(|child| !self.send(*child))
            .collect()
    }

    /// Sends on to `child` where its pipe was full. Answers false if it does not read any more.
    pub(crate) fn send(&mut self, child: ChildId) -> bool {
        let Some(Pipe {
            end,
            outbox: Some(outbox),
            ..
        }) = self.pipes.get_mut(&child)
        else {
            return true;
        };
        let sent = outbox.send(&*end);
        outbox.trim();
        match sent {
            Ok(Sent::All | Sent::Waiting) => true,
            // Whatever the error is, it will be the same next time.
            Ok(Sent::Deaf) | Err(_) => {
                // What cannot be skipped is tried once more when there is something new.
                let _ = outbox.skip();
                false
            }
        }
    }

    /// The pipes that are full: worth a look once they can be written to.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (ChildId, BorrowedFd<'_>)> {
        let waiting = self.pipes.iter().filter(|(child, pipe)| {
            !self.fresh.contains(child) && pipe.outbox.as_ref().is_some_and(is_waiting)
        });
        waiting.map(|(child, pipe)| (*child, pipe.end.as_fd()))
    }

    /// What the snapshot must say.
    pub(crate) fn notes(&self) -> impl Iterator<Item = InputNote> {
        self.pipes.iter().filter_map(|(child, pipe)| {
            Some(InputNote {
                child: *child,
                end: pipe.outbox.as_ref()?.end(),
                delivered: pipe.delivered,
            })
        })
    }
}

/// The name that an outbox is held under.
pub(crate) fn name(child: ChildId) -> Vec<u8> {
    format!("stdin:{}", child.0).into_bytes()
}

fn is_waiting(outbox: &Outbox) -> bool {
    // One that cannot be asked cannot be sent from either.
    outbox.waiting().is_ok_and(|waiting| waiting > 0)
}
