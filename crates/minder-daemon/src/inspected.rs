//! Output that the daemon looks into: that of listeners, and what becomes events.
//!
//! Such a stream does not go to the log plane by itself. It is taken in through an [`Inbox`], looked
//! at, and what belongs into the log is sent on through an [`Outbox`] to a pipe, which is the stream
//! that the log plane sees. Both boxes count by position, so that a daemon that goes on after
//! another neither skips nor repeats anything.
//!
//! ```text
//!  pipe ──splice──► inbox ──read──► listener, capture ──► outbox ──splice──► pipe ──► log plane
//!                                        └──► core
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use minder_core::ChildId;
use minder_core::spec::{GroupKind, StreamSpec};
use minder_core::{GroupSpec, ProcessSpec};
use minder_logs::capture::{Capture, Piece};
use minder_logs::plane::{Channel, StreamId};
use minder_logs::strip::stripped;
use minder_wire::ToKeeper;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::ioctl_fionread;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::inbox::{Inbox, Taken};
use crate::link::{Link, LinkError};
use crate::mirror::SharedFd;
use crate::outbox::{Outbox, Sent};

/// How much may wait for the log plane before no more is taken in: then the program waits.
const MAX_BACKLOG: u64 = 1 << 20;

/// What is looked for in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// It is a listener's side of the protocol.
    Listener,
    /// Its text.
    Text {
        /// Whether each piece becomes an event.
        events: bool,
        /// How much text between capture tokens is kept; `None` if there is no capturing.
        capture: Option<usize>,
        /// Whether escape sequences are left out of what is heard. The log plane leaves them out of logs.
        strip_ansi: bool,
    },
}

impl Interest {
    /// What is looked for in the output of a process of `group`; `None` if nothing.
    pub(crate) fn of(
        group: &GroupSpec,
        spec: &ProcessSpec,
        channel: Channel,
        strip_ansi: bool,
    ) -> Option<Self> {
        let is_listener = matches!(group.kind, GroupKind::Listeners { .. });
        let stream: &StreamSpec = match channel {
            Channel::Stdout if is_listener => return Some(Self::Listener),
            Channel::Stdout => &spec.stdout,
            Channel::Stderr => &spec.stderr,
        };
        let capture = usize::try_from(stream.capture_max_bytes).unwrap_or(0);
        let capture = Some(capture).filter(|limit| *limit > 0);
        let events = stream.events_enabled;
        (events || capture.is_some()).then_some(Self::Text {
            events,
            capture,
            strip_ansi,
        })
    }
}

/// Something that was found in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A listener said this.
    Listener(Vec<u8>),
    /// A program said this.
    Text {
        /// What it said.
        data: Vec<u8>,
        /// Whether it is to become an event.
        is_event: bool,
    },
    /// A program said this between capture tokens.
    Communication(Vec<u8>),
}

/// The streams that are looked into.
#[derive(Default)]
pub(crate) struct Inspected {
    readers: BTreeMap<StreamId, Reader>,
    /// Those of which the snapshot does not say yet what there is to say.
    changed: BTreeSet<StreamId>,
}

struct Reader {
    inbox: Inbox,
    interest: Interest,
    capture: Option<Capture>,
    log: Outbox,
    /// Where the log plane's pipe begins; closed once all has been sent.
    to_plane: Option<SharedFd>,
    /// Nobody can write to the stream any more, and all of it has been looked at.
    ended: bool,
    /// How much of it has to be looked at before the end of its child is told.
    due: usize,
}

/// What the snapshot says of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InspectedNote {
    /// Up to where it has been looked at.
    pub(crate) position: u64,
    /// Up to where bytes for the log count.
    pub(crate) log_end: u64,
    pub(crate) capture: Option<Capture>,
    pub(crate) ended: bool,
}

/// What is held for one stream.
#[derive(Clone, Copy)]
enum Part {
    Inbox,
    Log,
    /// Where the log plane's pipe begins.
    PipeIn,
    /// Where it ends.
    PipeOut,
}

const PARTS: [Part; 4] = [Part::Inbox, Part::Log, Part::PipeIn, Part::PipeOut];

impl Inspected {
    /// Begins to look into `pipe`. Answers the pipe that the log plane is to read instead.
    pub(crate) fn begin(
        &mut self,
        id: StreamId,
        pipe: SharedFd,
        interest: Interest,
        link: &mut Link,
    ) -> Result<SharedFd, LinkError> {
        let (plane_end, our_end) =
            pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(io::Error::from)?;
        let (plane_end, our_end) = (Arc::new(plane_end), Arc::new(our_end));
        let reader = Reader {
            inbox: Inbox::new(unblocked(pipe)?)?,
            interest,
            capture: interest.new_capture(),
            log: Outbox::new()?,
            to_plane: None,
            ended: false,
            due: 0,
        };
        for (part, fd) in [
            (Part::Inbox, reader.inbox.file()),
            (Part::Log, reader.log.file()),
            (Part::PipeIn, &our_end),
            (Part::PipeOut, &plane_end),
        ] {
            let name = name(part, id);
            link.hold(name, fd)?;
        }
        let to_plane = Some(our_end);
        self.readers.insert(id, Reader { to_plane, ..reader });
        self.changed.insert(id);
        Ok(plane_end)
    }

    /// Goes on looking into a stream as `note` says, with what was held for it. Answers the log
    /// plane's pipe, or gives the pipe back if something is missing.
    pub(crate) fn adopt(
        &mut self,
        id: StreamId,
        pipe: SharedFd,
        interest: Interest,
        note: &InspectedNote,
        held: &mut BTreeMap<Vec<u8>, SharedFd>,
    ) -> Result<SharedFd, SharedFd> {
        let [inbox, log, to_plane, plane_end] = PARTS.map(|part| held.remove(&name(part, id)));
        let (Some(inbox), Some(log), Some(plane_end)) = (inbox, log, plane_end) else {
            return Err(pipe);
        };
        let capture = match (interest.new_capture(), &note.capture) {
            (Some(new), Some(left)) => Some(Capture {
                limit: new.limit,
                ..left.clone()
            }),
            (new, _) => new,
        };
        let reader = Reader {
            inbox: Inbox::adopt(pipe, inbox, note.position),
            interest,
            capture,
            log: Outbox::adopt(log, note.log_end),
            to_plane,
            ended: note.ended,
            due: 0,
        };
        // No pipe will tell of what has been taken in already.
        let due = reader.unread();
        self.readers.insert(id, Reader { due, ..reader });
        self.changed.insert(id);
        Ok(plane_end)
    }

    /// Takes what was held for a stream out of `held`: nobody knows how far it had come, and it gives
    /// way to what is [begun](Self::begin) anew.
    pub(crate) fn give_up(id: StreamId, held: &mut BTreeMap<Vec<u8>, SharedFd>) {
        for part in PARTS {
            held.remove(&name(part, id));
        }
    }

    /// The streams that can be read from, and the log plane's pipes that are full.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (StreamId, Side, BorrowedFd<'_>)> {
        self.readers.iter().flat_map(|(id, reader)| {
            let backlog = reader.log.waiting().unwrap_or(0);
            let readable = !reader.ended && backlog < MAX_BACKLOG;
            let from = readable.then(|| (*id, Side::Program, reader.inbox.as_fd()));
            let to = reader.to_plane.as_ref().filter(|_| backlog > 0);
            let to = to.map(|pipe| (*id, Side::Plane, pipe.as_fd()));
            [from, to].into_iter().flatten()
        })
    }

    /// Looks at what has come, at most one chunk.
    pub(crate) fn read(&mut self, id: StreamId) -> io::Result<Vec<Heard>> {
        self.changed.insert(id);
        let reader = self.readers.get_mut(&id);
        reader.map_or(Ok(Vec::new()), Reader::read)
    }

    /// A child has ended: what it has written must be looked at before that is told.
    pub(crate) fn finish(&mut self, child: ChildId) {
        for reader in Channel::ALL.map(|channel| StreamId { child, channel }) {
            if let Some(reader) = self.readers.get_mut(&reader) {
                let left = ioctl_fionread(reader.inbox.as_fd()).unwrap_or(0);
                reader.due = reader.unread() + usize::try_from(left).unwrap_or(0);
            }
        }
    }

    /// The streams that have something that must be looked at without waiting for more.
    pub(crate) fn due(&self) -> Vec<StreamId> {
        let due = self.readers.iter().filter(|(_, reader)| reader.due > 0);
        due.map(|(id, _)| *id).collect()
    }

    /// Whether nothing of `child` is due, and all that was looked at has reached the log plane.
    pub(crate) fn is_finished(&self, child: ChildId) -> bool {
        let streams = Channel::ALL.map(|channel| StreamId { child, channel });
        let mut readers = streams.iter().filter_map(|id| self.readers.get(id));
        readers.all(|reader| reader.due == 0 && reader.log.waiting().unwrap_or(0) == 0)
    }

    /// Sends what belongs into the logs, once it is in the snapshot; and closes what has ended.
    pub(crate) fn send(&mut self, link: &mut Link) -> Result<(), LinkError> {
        for (id, reader) in &mut self.readers {
            reader.inbox.trim();
            let Some(pipe) = &reader.to_plane else {
                continue;
            };
            // The log plane reads as long as there is one.
            let all = !matches!(reader.log.send(pipe), Ok(Sent::Waiting));
            reader.log.trim();
            if all && reader.ended {
                reader.to_plane = None;
                let name = name(Part::PipeIn, *id);
                link.send(&ToKeeper::Release { name }, &[])?;
            }
        }
        Ok(())
    }

    /// The log plane has closed its end of a stream: nothing of it is needed any more.
    pub(crate) fn remove(&mut self, id: StreamId, link: &mut Link) -> Result<(), LinkError> {
        if self.readers.remove(&id).is_some() {
            self.changed.insert(id);
            for name in PARTS.map(|part| name(part, id)) {
                link.send(&ToKeeper::Release { name }, &[])?;
            }
        }
        Ok(())
    }

    /// What the snapshot must say.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (StreamId, InspectedNote)> {
        let readers = self.readers.iter();
        readers.map(|(id, reader)| (*id, reader.note()))
    }

    /// What of that it does not say yet; `None` of what it must not say any more.
    pub(crate) fn changes(&mut self) -> Vec<(StreamId, Option<InspectedNote>)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let note = |id| self.readers.get(&id).map(Reader::note);
        changed.map(|id| (id, note(id))).collect()
    }
}

/// Which end of a stream is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Something to be read from the program.
    Program,
    /// Room in the log plane's pipe.
    Plane,
}

impl Reader {
    fn note(&self) -> InspectedNote {
        InspectedNote {
            position: self.inbox.position(),
            log_end: self.log.end(),
            capture: self.capture.clone(),
            ended: self.ended,
        }
    }

    fn unread(&self) -> usize {
        self.inbox.unread().unwrap_or(0)
    }

    fn read(&mut self) -> io::Result<Vec<Heard>> {
        let mut heard = Vec::new();
        // An earlier daemon may have taken in what it could not look at any more.
        if self.inbox.unread()? == 0 {
            match self.inbox.take()? {
                Taken::Some => {}
                Taken::Nothing => self.due = 0,
                Taken::End => {
                    self.due = 0;
                    self.end(&mut heard)?;
                }
            }
        }
        let bytes = self.inbox.read()?;
        self.due = self.due.saturating_sub(bytes.len());
        if !bytes.is_empty() {
            self.look_at(bytes, &mut heard)?;
        }
        Ok(heard)
    }

    fn look_at(&mut self, bytes: Vec<u8>, heard: &mut Vec<Heard>) -> io::Result<()> {
        match (self.interest, &mut self.capture) {
            (Interest::Listener, _) => {
                self.log.put(&bytes)?;
                heard.push(Heard::Listener(bytes));
            }
            (Interest::Text { .. }, None) => self.pass(Piece::Outside(bytes), heard)?,
            (Interest::Text { .. }, Some(capture)) => {
                let mut pieces = Vec::new();
                capture.take(&bytes, &mut pieces);
                for piece in pieces {
                    self.pass(piece, heard)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, heard: &mut Vec<Heard>) -> io::Result<()> {
        self.ended = true;
        let mut pieces = Vec::new();
        if let Some(capture) = &mut self.capture {
            capture.finish(&mut pieces);
        }
        pieces
            .into_iter()
            .try_for_each(|piece| self.pass(piece, heard))
    }

    fn pass(&mut self, piece: Piece, heard: &mut Vec<Heard>) -> io::Result<()> {
        let Interest::Text {
            events, strip_ansi, ..
        } = self.interest
        else {
            return Ok(());
        };
        if let Piece::Outside(text) = &piece {
            self.log.put(text)?;
        }
        let told = |text: Vec<u8>| if strip_ansi { stripped(&text) } else { text };
        heard.push(match piece {
            Piece::Outside(text) | Piece::Inside(text) => Heard::Text {
                data: told(text),
                is_event: events,
            },
            Piece::Whole(text) => Heard::Communication(told(text)),
        });
        Ok(())
    }
}

impl Interest {
    fn new_capture(self) -> Option<Capture> {
        match self {
            Self::Listener => None,
            Self::Text { capture, .. } => capture.map(Capture::new),
        }
    }
}

/// The name that a part of a stream is held under.
fn name(part: Part, StreamId { child, channel }: StreamId) -> Vec<u8> {
    let prefix = part.prefix();
    format!("{prefix}{}:{channel}", child.0).into_bytes()
}

/// Whether a part of a stream is held under this name.
pub(crate) fn is_name(name: &[u8]) -> bool {
    PARTS
        .iter()
        .any(|part| name.starts_with(part.prefix().as_bytes()))
}

impl Part {
    /// What the names begin with that it is held under.
    fn prefix(self) -> &'static str {
        match self {
            Self::Inbox => "inbox:",
            Self::Log => "outbox:",
            Self::PipeIn => "pipe-in:",
            Self::PipeOut => "pipe-out:",
        }
    }
}

fn unblocked(pipe: SharedFd) -> io::Result<SharedFd> {
    fcntl_setfl(&pipe, fcntl_getfl(&pipe)? | OFlags::NONBLOCK)?;
    Ok(pipe)
}

#[cfg(test)]
mod tests;
