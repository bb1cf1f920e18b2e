//! The standard inputs of children, and what is on its way to them.
//!
//! What is put here is sent once it is in the snapshot, and exactly once, whatever happens to the
//! daemon in between ([`Outbox`]). A program that does not read keeps nobody waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use minder_core::ChildId;
use minder_wire::ToKeeper;

use crate::link::{Link, LinkError};
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
    end: OwnedFd,
    /// Made when something is sent for the first time: few programs are sent anything.
    outbox: Option<Outbox>,
    /// The number of the last event that was put here.
    delivered: u64,
    /// Where that event ends in the outbox.
    event_end: u64,
}

/// A child that does not read its standard input any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deaf {
    pub(crate) child: ChildId,
    /// Whether a part of the last event is among what did not reach it. What users send to its
    /// standard input may be all that is lost, with the event long since read.
    pub(crate) missed_event: bool,
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
    pub(crate) fn add(&mut self, child: ChildId, end: OwnedFd, left: Option<(Outbox, u64)>) {
        let waits = left.as_ref().is_some_and(|(outbox, _)| is_waiting(outbox));
        let (outbox, delivered) = left.unzip();
        // Nobody has written down what of it was an event. An event that is told again is better
        // than one that is not told.
        let event_end = outbox.as_ref().map_or(0, Outbox::end);
        let pipe = Pipe {
            end,
            outbox,
            delivered: delivered.unwrap_or(0),
            event_end,
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
            link.send(&ToKeeper::Hold { name: name(child) }, &[outbox.file()])?;
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
        let put = self.put(child, bytes, link)?;
        if put.is_ok()
            && let Some(pipe) = self.pipes.get_mut(&child)
        {
            pipe.event_end = pipe.outbox.as_ref().map_or(0, Outbox::end);
        }
        Ok(put)
    }

    /// Sends what was put since the last time, and answers who does not read any more.
    pub(crate) fn send_fresh(&mut self) -> Vec<Deaf> {
        let fresh = std::mem::take(&mut self.fresh);
        fresh
            .into_iter()
            .filter_map(|child| self.send(child))
            .collect()
    }

    /// Sends on to `child` where its pipe was full. Answers if it does not read any more.
    pub(crate) fn send(&mut self, child: ChildId) -> Option<Deaf> {
        let Pipe {
            end,
            outbox: Some(outbox),
            event_end,
            ..
        } = self.pipes.get_mut(&child)?
        else {
            return None;
        };
        let sent = outbox.send(&*end);
        outbox.trim();
        match sent {
            Ok(Sent::All | Sent::Waiting) => None,
            // Whatever the error is, it will be the same next time.
            Ok(Sent::Deaf) | Err(_) => {
                // An outbox that cannot be asked has sent nothing, as far as anybody knows.
                let sent = outbox.waiting().map_or(0, |waiting| outbox.end() - waiting);
                let missed_event = sent < *event_end;
                // What cannot be skipped is tried once more when there is something new.
                let _ = outbox.skip();
                Some(Deaf {
                    child,
                    missed_event,
                })
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

#[cfg(test)]
mod tests {
    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;
    use crate::testing::Keeper;

    const CHILD: ChildId = ChildId(1);

    /// The standard input of a child, and its own end of it.
    fn input() -> (Inputs, OwnedFd, Link, Keeper) {
        let (link, keeper) = Keeper::new();
        let (reader, end) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let mut inputs = Inputs::default();
        inputs.add(CHILD, end, None);
        (inputs, reader, link, keeper)
    }

    fn deaf(missed_event: bool) -> [Deaf; 1] {
        [Deaf {
            child: CHILD,
            missed_event,
        }]
    }

    #[test]
    fn an_event_that_was_read_is_not_missed_with_what_came_behind_it() {
        let (mut inputs, reader, mut link, _keeper) = input();
        inputs
            .deliver(CHILD, 1, b"event", &mut link)
            .unwrap()
            .unwrap();
        assert_eq!(inputs.send_fresh(), []);
        drop(reader);
        inputs.put(CHILD, b"input", &mut link).unwrap().unwrap();
        assert_eq!(inputs.send_fresh(), deaf(false));
        inputs
            .deliver(CHILD, 2, b"event", &mut link)
            .unwrap()
            .unwrap();
        assert_eq!(inputs.send_fresh(), deaf(true));
    }

    #[test]
    fn an_event_behind_what_is_not_read_is_missed() {
        let (mut inputs, reader, mut link, _keeper) = input();
        inputs
            .put(CHILD, &[b'x'; 1 << 20], &mut link)
            .unwrap()
            .unwrap();
        assert_eq!(inputs.send_fresh(), []);
        inputs
            .deliver(CHILD, 1, b"event", &mut link)
            .unwrap()
            .unwrap();
        assert_eq!(inputs.send_fresh(), []);
        drop(reader);
        assert_eq!(inputs.send(CHILD), deaf(true).first().copied());
    }

    #[test]
    fn an_adopted_input_may_have_an_event_in_it() {
        let (mut inputs, reader, mut link, mut keeper) = input();
        inputs.put(CHILD, b"input", &mut link).unwrap().unwrap();
        keeper.obey();
        let held = keeper.held.remove(&name(CHILD)).unwrap();
        drop(reader);
        let (_, end) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        let mut next = Inputs::default();
        next.add(CHILD, end, Some((Outbox::adopt(held, 5), 0)));
        assert_eq!(next.send_fresh(), deaf(true));
    }
}
