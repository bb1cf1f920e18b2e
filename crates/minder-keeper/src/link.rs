//! The socket to one daemon, and how far its inventory has come.
//!
//! Each request has at most one answer, and the next request is not read before that answer is
//! sent: so one place for an answer is all the memory that a daemon can make the keeper spend,
//! and answers keep the order of the requests.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use minder_os::frames::{self, Received};
use minder_wire::ToDaemon;
use rustix::io::Errno;

use crate::inventory::Cursor;

/// The keeper's end of the socket.
#[derive(Debug)]
pub(crate) struct Link {
    socket: OwnedFd,
    pub(crate) stage: Stage,
    answer: Option<Frame>,
    outward: Outward,
}

/// What a daemon knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not said that it is there.
    Silent,
    /// It takes the inventory, and is to be told of this next.
    Inventory(Cursor),
    /// It has the inventory, and is told what is new.
    Attached,
}

/// Whether frames can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outward {
    Open,
    /// The socket is full.
    Full,
    /// Too many descriptors are on their way, to whomever: no event tells when that is over.
    Crowded,
    /// Nobody receives any more.
    Shut,
}

/// What was sent by one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All of it.
    Gone,
    /// None of it, for now.
    NotYet,
    /// None of it, and never will be.
    Never,
}

/// What came in.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// A frame.
    Frame(Received<'a>),
    /// Nothing, for now.
    Nothing,
    /// Only the note that the other end has closed with frames of ours unread. Its own last frames
    /// are still to come.
    Reset,
    /// Nothing, and never will.
    End,
}

/// One frame with what rides beside.
#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    beside: Vec<Rc<OwnedFd>>,
}

impl Link {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self {
            socket,
            stage: Stage::Silent,
            answer: None,
            outward: Outward::Open,
        }
    }

    /// Answers a request. To be called once at most for each.
    pub(crate) fn answer(&mut self, message: &ToDaemon, beside: Vec<Rc<OwnedFd>>) {
        self.answer = Some(Frame {
            bytes: message.encode(),
            beside,
        });
        self.send_answer();
    }

    /// Sends the answer that waits, if one does.
    pub(crate) fn send_answer(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let beside: Vec<_> = answer.beside.iter().map(AsFd::as_fd).collect();
        match self.send(&answer.bytes, &beside) {
            Sent::Gone | Sent::Never => {}
            Sent::NotYet => self.answer = Some(answer),
        }
    }

    /// Tells something that was not asked for.
    pub(crate) fn tell(&mut self, message: &ToDaemon) -> Sent {
        match self.answer {
            None => self.send(&message.encode(), &[]),
            Some(_) => Sent::NotYet,
        }
    }

    fn send(&mut self, frame: &[u8], beside: &[BorrowedFd<'_>]) -> Sent {
        if self.outward == Outward::Shut {
            return Sent::Never;
        }
        let Err(error) = frames::send(&self.socket, frame, beside) else {
            self.outward = Outward::Open;
            return Sent::Gone;
        };
        self.outward = match Errno::from_io_error(&error) {
            Some(Errno::AGAIN) => Outward::Full,
            Some(Errno::TOOMANYREFS | Errno::NOMEM | Errno::NOBUFS) => Outward::Crowded,
            _ => Outward::Shut,
        };
        match self.outward {
            Outward::Open | Outward::Full | Outward::Crowded => Sent::NotYet,
            Outward::Shut => Sent::Never,
        }
    }

    /// Nobody receives any more: what would be sent from here on is dropped.
    pub(crate) fn shut(&mut self) {
        self.answer = None;
        self.outward = Outward::Shut;
    }

    /// Whether nobody receives any more.
    pub(crate) fn is_shut(&self) -> bool {
        self.outward == Outward::Shut
    }

    /// There may be room again: what waits is worth another try.
    pub(crate) fn reopen(&mut self) {
        match self.outward {
            Outward::Full | Outward::Crowded => self.outward = Outward::Open,
            Outward::Open | Outward::Shut => {}
        }
    }

    /// Whether a further request may be read.
    pub(crate) fn takes_requests(&self) -> bool {
        self.answer.is_none()
    }

    /// Whether it is worth to wait until the socket takes frames again.
    pub(crate) fn is_full(&self) -> bool {
        self.outward == Outward::Full
    }

    /// Whether sending must be tried again without an event to wait for.
    pub(crate) fn is_crowded(&self) -> bool {
        self.outward == Outward::Crowded
    }

    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8]) -> Incoming<'a> {
        match frames::receive(&self.socket, buffer) {
            Ok(Some(received)) => Incoming::Frame(received),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Incoming::Nothing,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Incoming::Reset,
            Ok(None) | Err(_) => Incoming::End,
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use minder_os::frames::pair;

    use super::*;

    const NEWS: ToDaemon = ToDaemon::Signalled { signal: 15 };

    /// A link whose socket takes no more, and the other end of it.
    fn full_link() -> (Link, OwnedFd) {
        let (ours, theirs) = pair().unwrap();
        let mut link = Link::new(ours);
        while link.tell(&NEWS) == Sent::Gone {}
        assert!(link.is_full());
        (link, theirs)
    }

    fn read_all(socket: &OwnedFd) -> Vec<ToDaemon> {
        let mut buffer = [0; 64];
        std::iter::from_fn(|| {
            let received = frames::receive(socket, &mut buffer).ok()??;
            ToDaemon::decode(received.frame).ok()
        })
        .collect()
    }

    #[test]
    fn no_request_is_taken_while_an_answer_waits() {
        let (mut link, theirs) = full_link();
        assert!(link.takes_requests());
        link.answer(&ToDaemon::InventoryEnd, Vec::new());
        assert!(!link.takes_requests());
        read_all(&theirs);
        link.send_answer();
        assert!(link.takes_requests());
        assert_eq!(read_all(&theirs), [ToDaemon::InventoryEnd]);
    }

    #[test]
    fn news_wait_behind_an_answer() {
        let (mut link, theirs) = full_link();
        link.answer(&ToDaemon::InventoryEnd, Vec::new());
        read_all(&theirs);
        assert_eq!(link.tell(&NEWS), Sent::NotYet);
    }

    #[test]
    fn room_is_not_waited_for_once_there_is_nothing_to_send() {
        let (mut link, _theirs) = full_link();
        link.reopen();
        assert!(!link.is_full());
    }

    #[test]
    fn when_nobody_receives_nothing_waits() {
        let (mut link, theirs) = full_link();
        link.answer(&ToDaemon::InventoryEnd, Vec::new());
        drop(theirs);
        link.send_answer();
        assert!(link.takes_requests());
        assert_eq!(link.tell(&NEWS), Sent::Never);
        link.reopen();
        assert!(!link.is_full());
    }

    #[test]
    fn last_requests_are_read_although_answers_were_left_unread() {
        let (mut link, theirs) = full_link();
        frames::send(&theirs, b"last", &[]).unwrap();
        drop(theirs);
        link.shut();
        let mut buffer = [0; 64];
        assert!(matches!(link.receive(&mut buffer), Incoming::Reset));
        let Incoming::Frame(received) = link.receive(&mut buffer) else {
            panic!("nothing");
        };
        assert_eq!(received.frame, b"last");
        assert!(matches!(link.receive(&mut buffer), Incoming::End));
    }
}
