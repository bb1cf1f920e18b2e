//! The standard inputs of children, and what is on its way to them.
//!
//! What is put here is sent once it is in the snapshot, and exactly once, whatever happens to the
//! daemon in between ([`Outbox`]). A program that does not read keeps nobody waiting.

use std::collections::btree_map::Entry;
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
    pipes: BTreeMap<ChildId, SharedFd>,
    /// Made when something is sent for the first time: few programs are sent anything.
    sendings: BTreeMap<ChildId, Sending>,
    /// Those that something has been put into, and that it has not been sent to yet.
    fresh: BTreeSet<ChildId>,
    /// Those of which the snapshot does not say yet what there is to say.
    changed: BTreeSet<ChildId>,
}

/// What is on its way to one child.
struct Sending {
    outbox: Outbox,
    /// The number of the last event that was put here.
    delivered: u64,
    /// Where that event ends in the outbox.
    event_end: u64,
    /// Whether what waits is an event that could not be sent. It is dropped only with the next
    /// that is put here: until the core's taking note of that is in the snapshot, a later daemon
    /// has to find it out again.
    missed: bool,
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
        self.pipes.insert(child, end);
        if let Some((outbox, delivered)) = left {
            if is_waiting(&outbox) {
                self.fresh.insert(child);
            }
            let sending = Sending {
                // Nobody has written down what of it was an event. An event that is told again is
                // better than one that is not told.
                event_end: outbox.end(),
                outbox,
                delivered,
                missed: false,
            };
            self.sendings.insert(child, sending);
            self.changed.insert(child);
        }
    }

    /// Closes a standard input; what is on its way to it is dropped.
    pub(crate) fn remove(&mut self, child: ChildId, link: &mut Link) -> Result<(), LinkError> {
        self.fresh.remove(&child);
        self.pipes.remove(&child);
        if self.sendings.remove(&child).is_some() {
            self.changed.insert(child);
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
        let Some(sending) = self.sending(child, link)? else {
            return Ok(Err(SendError::Closed));
        };
        if std::mem::take(&mut sending.missed) {
            sending.outbox.skip()?;
        }
        if sending.outbox.waiting()? + bytes.len() as u64 > MAX_WAITING {
            return Ok(Err(SendError::Full));
        }
        sending.outbox.put(bytes)?;
        self.fresh.insert(child);
        self.changed.insert(child);
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
        match self.sending(child, link)? {
            Some(sending) if sending.delivered >= delivery => return Ok(Ok(())),
            Some(_) => {}
            None => return Ok(Err(SendError::Closed)),
        }
        let put = self.put(child, bytes, link)?;
        // What did not fit is not on its way: a later daemon must not take it for delivered.
        if put.is_ok()
            && let Some(sending) = self.sendings.get_mut(&child)
        {
            sending.delivered = delivery;
            sending.event_end = sending.outbox.end();
        }
        Ok(put)
    }

    /// What is on its way to a child; `None` if it has no standard input.
    fn sending(
        &mut self,
        child: ChildId,
        link: &mut Link,
    ) -> Result<Option<&mut Sending>, LinkError> {
        if !self.pipes.contains_key(&child) {
            return Ok(None);
        }
        Ok(Some(match self.sendings.entry(child) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => {
                let outbox = Outbox::new()?;
                link.hold(name(child), outbox.file())?;
                place.insert(Sending {
                    outbox,
                    delivered: 0,
                    event_end: 0,
                    missed: false,
                })
            }
        }))
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
        let (end, sending) = (self.pipes.get(&child)?, self.sendings.get_mut(&child)?);
        let Sending {
            outbox,
            event_end,
            missed,
            ..
        } = sending;
        let sent = outbox.send(end);
        outbox.trim();
        match sent {
            Ok(Sent::All | Sent::Waiting) => None,
            // Whatever the error is, it will be the same next time.
            Ok(Sent::Deaf) | Err(_) => {
                // An outbox that cannot be asked has sent nothing, as far as anybody knows.
                let sent = outbox.waiting().map_or(0, |waiting| outbox.end() - waiting);
                let missed_event = sent < *event_end;
                if missed_event {
                    *missed = true;
                } else {
                    // What cannot be skipped is tried once more when there is something new.
                    let _ = outbox.skip();
                }
                Some(Deaf {
                    child,
                    missed_event,
                })
            }
        }
    }

    /// The pipes that are full: worth a look once they can be written to.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (ChildId, BorrowedFd<'_>)> {
        let waiting = self.sendings.iter().filter(|(child, sending)| {
            !self.fresh.contains(child) && !sending.missed && is_waiting(&sending.outbox)
        });
        waiting.filter_map(|(child, _)| Some((*child, self.pipes.get(child)?.as_fd())))
    }

    /// What the snapshot must say.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (ChildId, InputNote)> {
        let sendings = self.sendings.iter();
        sendings.map(|(child, sending)| (*child, sending.note()))
    }

    /// What of that it does not say yet; `None` of what it must not say any more.
    pub(crate) fn changes(&mut self) -> Vec<(ChildId, Option<InputNote>)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let note = |child| self.sendings.get(&child).map(Sending::note);
        changed.map(|child| (child, note(child))).collect()
    }
}

impl Sending {
    fn note(&self) -> InputNote {
        InputNote {
            end: self.outbox.end(),
            delivered: self.delivered,
        }
    }
}

/// The name that an outbox is held under.
pub(crate) fn name(child: ChildId) -> Vec<u8> {
    format!("{PREFIX}{}", child.0).into_bytes()
}

/// Whether an outbox is held under this name.
pub(crate) fn is_name(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes())
}

const PREFIX: &str = "stdin:";

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

    fn pipe() -> (SharedFd, SharedFd) {
        let (reader, end) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        (reader.into(), end.into())
    }

    /// The standard input of a child, and its own end of it.
    fn input() -> (Inputs, SharedFd, Link, Keeper) {
        let (link, keeper) = Keeper::new();
        let (reader, end) = pipe();
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
            .put(CHILD, &vec![b'x'; 1 << 20], &mut link)
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
    fn an_event_that_was_missed_is_missed_again_by_a_daemon_that_comes_before_that_is_recorded() {
        let (mut inputs, reader, mut link, mut keeper) = input();
        inputs
            .deliver(CHILD, 1, b"event", &mut link)
            .unwrap()
            .unwrap();
        keeper.obey();
        let held = keeper.held.remove(&name(CHILD)).unwrap();
        drop(reader);
        assert_eq!(inputs.send_fresh(), deaf(true));
        assert_eq!(inputs.waiting().count(), 0);
        let (_, end) = pipe();
        let mut next = Inputs::default();
        next.add(CHILD, end, Some((Outbox::adopt(held, 5), 1)));
        assert_eq!(next.send_fresh(), deaf(true));

        // What is put there later is all that is tried then.
        inputs.put(CHILD, b"input", &mut link).unwrap().unwrap();
        assert_eq!(inputs.send_fresh(), deaf(false));
    }

    #[test]
    fn an_event_that_did_not_fit_does_not_count_as_delivered() {
        let (mut inputs, _reader, mut link, _keeper) = input();
        let much = vec![b'x'; usize::try_from(MAX_WAITING).unwrap()];
        inputs.put(CHILD, &much, &mut link).unwrap().unwrap();
        let delivered = inputs.deliver(CHILD, 1, b"event", &mut link).unwrap();
        assert_eq!(delivered, Err(SendError::Full));
        let notes: Vec<_> = inputs.notes().collect();
        assert_eq!(notes[0].1.delivered, 0);
    }

    #[test]
    fn an_adopted_input_may_have_an_event_in_it() {
        let (mut inputs, reader, mut link, mut keeper) = input();
        inputs.put(CHILD, b"input", &mut link).unwrap().unwrap();
        keeper.obey();
        let held = keeper.held.remove(&name(CHILD)).unwrap();
        drop(reader);
        let (_, end) = pipe();
        let mut next = Inputs::default();
        next.add(CHILD, end, Some((Outbox::adopt(held, 5), 0)));
        assert_eq!(next.send_fresh(), deaf(true));
    }
}
