//! One listener: what it may be told, and what its answers mean.
//!
//! Holds the state of the protocol that a listener speaks on its standard output, and the event
//! that it was sent and has not answered. Knows no pipe, process or queue: [`crate::pool`] decides
//! who is sent what, and what becomes of an event that comes back.
//!
//! ```text
//!  Acknowledged ──"READY\n"──► Ready ──an event is sent──► Busy
//!      ▲      │                  │                          │ │
//!      │      └─anything else─►  └─────anything──► Unknown ◄┘ │ bad result line
//!      └───────────────────────────────a result───────────────┘
//! ```
//!
//! Nothing leads out of `Unknown` but a new child, nor out of `Forgotten`, where a listener is of
//! which no snapshot tells. How the bytes are cut into pieces makes no difference.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::child::ChildId;
use crate::pool::QueuedEvent;
use crate::python::{BytesRepr, natural};

/// A child that is told events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Which.
    pub child: ChildId,
    /// Where it is in its protocol.
    pub state: State,
    /// How many events it has been sent; the number of the latest delivery.
    pub deliveries: u64,
    /// Whether it has closed its standard input, so that nothing can be sent to it any more.
    pub deaf: bool,
}

/// Where a listener is in its protocol. An event is in flight exactly when it is `Busy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It has not said that it is ready.
    Acknowledged {
        /// What it has said instead so far: less than [`READY`].
        unread: Vec<u8>,
    },
    /// It may be sent an event.
    Ready,
    /// It was sent an event.
    Busy {
        /// Which.
        event: QueuedEvent,
        /// How much of its answer is there.
        answer: Answer,
    },
    /// It has broken the protocol.
    Unknown,
    /// The daemon that knew what it was told and has answered is gone and left nothing of it. It is
    /// to end, and another takes its place.
    Forgotten,
}

/// How much of an answer is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This much of its first line.
    Line(Vec<u8>),
    /// The first line, and part of the body. The body is compared as it comes in and not kept, so
    /// it may be of any length.
    Body {
        /// How many bytes are missing.
        missing: u64,
        /// Whether it can still become `OK`.
        ok: bool,
    },
}

/// The name of a state, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// `ACKNOWLEDGED`
    Acknowledged,
    /// `READY`
    Ready,
    /// `BUSY`
    Busy,
    /// `UNKNOWN`
    Unknown,
}

/// What follows from something that a listener said, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It went from one state to another.
    Moved {
        /// From here.
        from: Shown,
        /// To there.
        to: Shown,
    },
    /// The first line of its answer made no sense.
    BadLine(String),
    /// It has taken its event.
    Processed,
    /// It does not want its event.
    Rejected,
    /// Its event is to be told again.
    Returned(QueuedEvent),
}

/// What a listener says when it may be sent an event.
pub const READY: &[u8] = b"READY\n";

/// How long the first line of an answer may be. A word and a number take 30 bytes; what is longer
/// is no answer, and would be part of every snapshot.
pub const MAX_LINE: usize = 4096;

/// The body that says that an event was taken. Every other says that it was not.
const OK: [u8; 2] = *b"OK";

/// How much of the first line is not looked at: `RESULT `, but Supervisor takes anything.
const UNCHECKED: usize = 7;

impl Listener {
    /// A listener that was just started.
    #[must_use]
    pub fn new(child: ChildId) -> Self {
        Self {
            child,
            state: acknowledged(),
            deliveries: 0,
            deaf: false,
        }
    }

    /// A listener that runs, and of which nothing else is known.
    pub(crate) fn forgotten(child: ChildId) -> Self {
        Self {
            state: State::Forgotten,
            ..Self::new(child)
        }
    }

    /// Whether an event may be sent to it, as far as it is concerned.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready && !self.deaf
    }

    /// Takes note that it is sent `event`, and gives the number of the delivery.
    pub(crate) fn send(&mut self, event: QueuedEvent) -> u64 {
        self.state = State::Busy {
            event,
            answer: Answer::Line(Vec::new()),
        };
        self.deliveries += 1;
        self.deliveries
    }

    /// The event that it has not answered.
    pub(crate) fn in_flight(&self) -> Option<&QueuedEvent> {
        match &self.state {
            State::Busy { event, .. } => Some(event),
            State::Acknowledged { .. } | State::Ready | State::Unknown | State::Forgotten => None,
        }
    }

    /// It has ended: gives the event that it has not answered.
    pub(crate) fn end(self) -> Option<QueuedEvent> {
        event_of(self.state)
    }

    /// It can be sent nothing any more: gives the event that did not reach it. It is as ready as
    /// it was before, but is not asked again.
    pub(crate) fn deafen(&mut self) -> Option<QueuedEvent> {
        self.deaf = true;
        if self.in_flight().is_some() {
            event_of(core::mem::replace(&mut self.state, State::Ready))
        } else {
            None
        }
    }

    /// Takes in what it says.
    pub fn said(&mut self, bytes: &[u8]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut rest = bytes;
        // An answer with an empty body is only seen to be complete when something follows it, as
        // in Supervisor. It delays nothing: before the next event there has to be `READY`.
        while !rest.is_empty() {
            rest = self.take(rest, &mut outcomes);
        }
        outcomes
    }

    /// Takes what the present state can make use of, and gives what is left.
    fn take<'a>(&mut self, bytes: &'a [u8], outcomes: &mut Vec<Outcome>) -> &'a [u8] {
        match &mut self.state {
            State::Unknown | State::Forgotten => &[],
            State::Ready => self.break_off(outcomes),
            State::Acknowledged { unread } => {
                let missing = READY.len().saturating_sub(unread.len()).min(bytes.len());
                let (taken, rest) = bytes.split_at(missing);
                unread.extend_from_slice(taken);
                if unread.len() < READY.len() {
                    rest
                } else if unread == READY {
                    self.enter(State::Ready, outcomes);
                    rest
                } else {
                    self.break_off(outcomes)
                }
            }
            State::Busy { answer, .. } => match answer {
                Answer::Line(line) => {
                    let Some((line, rest)) = complete(line, bytes) else {
                        return &[];
                    };
                    let Some(length) = length(&line) else {
                        outcomes.push(Outcome::BadLine(shown(&line)));
                        return self.break_off(outcomes);
                    };
                    *answer = Answer::Body {
                        missing: length,
                        ok: length == OK.len() as u64,
                    };
                    rest
                }
                Answer::Body { missing, ok } => {
                    let rest = compare(missing, ok, bytes);
                    if *missing == 0 {
                        let ok = *ok;
                        self.judge(ok, outcomes);
                    }
                    rest
                }
            },
        }
    }

    fn judge(&mut self, ok: bool, outcomes: &mut Vec<Outcome>) {
        let verdict = if ok {
            Outcome::Processed
        } else {
            Outcome::Rejected
        };
        outcomes.push(verdict);
        let event = self.enter(acknowledged(), outcomes);
        outcomes.extend(event.filter(|_| !ok).map(Outcome::Returned));
    }

    /// It has broken the protocol; what else it says is not listened to.
    fn break_off<'a>(&mut self, outcomes: &mut Vec<Outcome>) -> &'a [u8] {
        let event = self.enter(State::Unknown, outcomes);
        outcomes.extend(event.map(Outcome::Returned));
        &[]
    }

    /// Moves on, and gives the event that was in flight.
    fn enter(&mut self, next: State, outcomes: &mut Vec<Outcome>) -> Option<QueuedEvent> {
        let to = next.shown();
        let last = core::mem::replace(&mut self.state, next);
        let from = last.shown();
        outcomes.push(Outcome::Moved { from, to });
        event_of(last)
    }
}

impl State {
    fn shown(&self) -> Shown {
        match self {
            Self::Acknowledged { .. } => Shown::Acknowledged,
            Self::Ready => Shown::Ready,
            Self::Busy { .. } => Shown::Busy,
            Self::Unknown | Self::Forgotten => Shown::Unknown,
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Ready => "READY",
            Self::Busy => "BUSY",
            Self::Unknown => "UNKNOWN",
        })
    }
}

fn acknowledged() -> State {
    State::Acknowledged { unread: Vec::new() }
}

fn event_of(state: State) -> Option<QueuedEvent> {
    match state {
        State::Busy { event, .. } => Some(event),
        State::Acknowledged { .. } | State::Ready | State::Unknown | State::Forgotten => None,
    }
}

/// The first line, without its end, and what follows it; `None` if it is not complete. One that
/// is too long is given up, and counts as complete.
fn complete<'a>(line: &mut Vec<u8>, bytes: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (more, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    // One byte more than may be, by which it is known that there was more.
    let room = (MAX_LINE + 1).saturating_sub(line.len());
    line.extend_from_slice(&more[..more.len().min(room)]);
    let is_complete = end.is_some() || line.len() > MAX_LINE;
    is_complete.then(|| (core::mem::take(line), rest.get(1..).unwrap_or(&[])))
}

/// How long the body is, by the first line.
fn length(line: &[u8]) -> Option<u64> {
    if line.len() > MAX_LINE {
        return None;
    }
    line.get(UNCHECKED..).and_then(natural)
}

fn shown(line: &[u8]) -> String {
    let line = &line[..line.len().min(MAX_LINE)];
    match core::str::from_utf8(line) {
        Ok(line) => line.to_string(),
        Err(_) => alloc::format!("Undecodable: {}", BytesRepr(line)),
    }
}

/// Takes as much of `bytes` as is missing of a body, and gives what is left.
fn compare<'a>(missing: &mut u64, ok: &mut bool, bytes: &'a [u8]) -> &'a [u8] {
    let count = usize::try_from(*missing).map_or(bytes.len(), |left| left.min(bytes.len()));
    let (taken, rest) = bytes.split_at(count);
    if *ok {
        // Only a body as long as `OK` gets here.
        let place = OK.len() - usize::try_from(*missing).unwrap_or(0);
        *ok = OK[place..].starts_with(taken);
    }
    *missing -= count as u64;
    rest
}

#[cfg(test)]
mod tests;
