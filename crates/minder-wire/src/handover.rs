//! Everything that a keeper leaves to the keeper after it, as bytes for a memfd.
//!
//! ```text
//!  ┌──────────────┬────────┬────────┬──────────┬──────────────┐
//!  │ a frame head │ format │ oldest │ checksum │ one record … │
//!  └──────────────┴────────┴────────┴──────────┴──────────────┘
//! ```
//!
//! A *record* carries its length, and a reader skips what it does not know at a record's end. So
//! fields are only ever appended, and what a later release has appended does not keep an earlier
//! one from reading the rest: that is how a keeper goes back to the program that it came from.
//! `oldest` is the first format whose readers understand this; it changes only if that promise
//! must be broken.
//!
//! Descriptors are told by their numbers: whoever reads this has inherited them. Environment,
//! working directory, umask, user, ignored signals and signals that are held back and pending are
//! inherited as well, and not told again.

use crate::bytes::{Reader, Writer};
use crate::frame::{DecodeError, frame, unframe};
use crate::message::{ChildState, LastUpgrade, MAX_NAME, MAX_PATH, MAX_SIGNALS, STREAMS, Stream};
use crate::plan::MAX_NOTE;
use crate::to_keeper::MAX_LABEL;

/// The format that this release writes.
pub const FORMAT: u16 = 1;

/// The first format whose readers understand what this release writes.
const OLDEST: u16 = 1;

/// The longest handover: ten thousand children with the longest labels, or a quarter of a million
/// with ordinary ones.
pub const MAX_HANDOVER: usize = 64 << 20;

/// Everything that a keeper knows and that is not inherited by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handover {
    /// The limit of open files that children get: resource number, soft, hard.
    pub open_files: (i32, u64, u64),
    /// What the launcher left for the daemon.
    pub note: Vec<u8>,
    /// Where the program is installed; empty if that is not known.
    pub program: Vec<u8>,
    /// Where the daemon writes its log, if that is an ordinary file.
    pub log: Option<Vec<u8>>,
    /// Who waits for the outcome of the start.
    pub start: Start,
    /// How the daemons so far fared.
    pub daemons: Daemons,
    /// All children, by id.
    pub children: Vec<HandedChild>,
    /// All that is held.
    pub held: Vec<HandedDescriptor>,
    /// Signals that no daemon has acted upon, oldest first.
    pub signals: Vec<i32>,
    /// Ends of processes that are no children, and that no daemon was told of: pid and wait status,
    /// oldest first.
    pub orphans: Vec<(u32, i32)>,
    /// How the latest upgrade went, if there was one.
    pub upgrade: Option<LastUpgrade>,
    /// The file that is not to be tried again unasked.
    pub refused: Option<FileIdentity>,
    /// The `oom_score_adj` that others get, if the keeper has changed its own.
    pub oom_score_adj: Option<i32>,
}

/// Who waits for the outcome of the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Nobody: it is complete.
    #[default]
    Complete,
    /// The first start is not complete, and somebody may wait at the other end of this descriptor.
    First(Option<i32>),
    /// Everything begins anew after a restart.
    Again,
}

/// How the daemons so far fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Daemons {
    /// How many there were since the start or the last restart.
    pub generation: u32,
    /// How often one has left to begin anew.
    pub restarts: u32,
    /// How the last one ended (a wait status), if not on purpose.
    pub last_end: Option<i32>,
    /// How many in a row died young.
    pub died_young: u32,
}

/// A child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedChild {
    /// The daemon's name for it.
    pub child: u64,
    /// Its pid. While it runs it is the child of whoever hands over.
    pub pid: u32,
    /// As given at its start.
    pub label: Vec<u8>,
    /// Whether it runs, as far as whoever hands over has noticed.
    pub state: ChildState,
    /// Which signals it was sent: bit n stands for signal n.
    pub signals: u64,
    /// Whether a daemon has taken note of its end.
    pub forgotten: bool,
    /// Our ends of its pipes.
    pub ends: Vec<(Stream, i32)>,
    /// A pidfd of it, if it was started by a keeper that has died since: then it is nobody's child
    /// that could tell of its end.
    pub orphan: Option<i32>,
}

/// A descriptor that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedDescriptor {
    /// The name that it is held under.
    pub name: Vec<u8>,
    /// Its number.
    pub descriptor: i32,
}

/// Which file it is, and whether it has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileIdentity {
    /// The device that it lies on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
    /// When it was last written to: nanoseconds since 1970.
    pub modified_nanos: u64,
}

/// Why a handover cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// It is none, or its content makes no sense.
    #[error("the state that is handed over is damaged: {0}")]
    Damaged(#[from] DecodeError),
    /// Its content is not what was written.
    #[error("the state that is handed over is damaged: its checksum does not match")]
    Checksum,
    /// It was written by a release that this one does not understand.
    #[error(
        "the state that is handed over is of format {format}, for readers of format {oldest} or \
         later; this one reads format {FORMAT}"
    )]
    Format {
        /// The format that it has.
        format: u16,
        /// The first format whose readers understand it.
        oldest: u16,
    },
}

impl Handover {
    /// As the content of a memfd.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encode_as(FORMAT, OLDEST)
    }

    pub(crate) fn encode_as(&self, format: u16, oldest: u16) -> Vec<u8> {
        let mut content = Writer::default();
        content.record(|w| self.write(w));
        let content = content.finish();
        frame(KIND_HANDOVER, |w| {
            w.u16(format);
            w.u16(oldest);
            w.u64(checksum(&content));
            w.raw(&content);
        })
    }

    /// Reads what [`encode`](Self::encode) wrote, in this release or another.
    pub fn decode(bytes: &[u8]) -> Result<Self, HandoverError> {
        let (format, oldest, expected, content) = unframe(bytes, |kind, r| match kind {
            KIND_HANDOVER => Ok((r.u16()?, r.u16()?, r.u64()?, r.rest())),
            kind => Err(DecodeError::UnknownKind { kind }),
        })?;
        if oldest > FORMAT {
            return Err(HandoverError::Format { format, oldest });
        }
        if checksum(content) != expected {
            return Err(HandoverError::Checksum);
        }
        Ok(Reader::new(content).record(Self::read)?)
    }

    fn write(&self, w: &mut Writer) {
        let (resource, soft, hard) = self.open_files;
        w.i32(resource);
        w.u64(soft);
        w.u64(hard);
        w.bytes(&self.note);
        w.bytes(&self.program);
        w.option(self.log.as_ref(), |w, path| w.bytes(path));
        self.start.write(w);
        w.record(|w| {
            w.u32(self.daemons.generation);
            w.u32(self.daemons.restarts);
            w.option(self.daemons.last_end, Writer::i32);
            w.u32(self.daemons.died_young);
        });
        w.list(&self.children, |w, child| w.record(|w| child.write(w)));
        w.list(&self.held, |w, held| {
            w.record(|w| {
                w.bytes(&held.name);
                w.i32(held.descriptor);
            });
        });
        w.list(&self.signals, |w, signal| w.i32(*signal));
        w.list(&self.orphans, |w, (pid, status)| {
            w.u32(*pid);
            w.i32(*status);
        });
        w.option(self.upgrade.as_ref(), |w, upgrade| {
            w.record(|w| upgrade.write(w));
        });
        w.option(self.refused, |w, file| {
            w.u64(file.device);
            w.u64(file.inode);
            w.u64(file.length);
            w.u64(file.modified_nanos);
        });
        w.option(self.oom_score_adj, Writer::i32);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            open_files: (r.i32()?, r.u64()?, r.u64()?),
            note: r.bytes("note", MAX_NOTE)?,
            program: r.bytes("program", MAX_PATH)?,
            log: r.option("log", |r| r.bytes("log", MAX_PATH))?,
            start: Start::read(r)?,
            daemons: r.record(|r| {
                Ok(Daemons {
                    generation: r.u32()?,
                    restarts: r.u32()?,
                    last_end: r.option("last_end", Reader::i32)?,
                    died_young: r.u32()?,
                })
            })?,
            children: r.list("children", MAX_ITEMS, |r| r.record(HandedChild::read))?,
            held: r.list("held", MAX_ITEMS, |r| {
                r.record(|r| {
                    Ok(HandedDescriptor {
                        name: r.bytes("name", MAX_NAME)?,
                        descriptor: r.i32()?,
                    })
                })
            })?,
            signals: r.list("signals", MAX_SIGNALS, Reader::i32)?,
            orphans: r.list("orphans", MAX_ITEMS, |r| Ok((r.u32()?, r.i32()?)))?,
            upgrade: r.option("upgrade", |r| r.record(LastUpgrade::read))?,
            refused: r.option("refused", |r| {
                Ok(FileIdentity {
                    device: r.u64()?,
                    inode: r.u64()?,
                    length: r.u64()?,
                    modified_nanos: r.u64()?,
                })
            })?,
            oom_score_adj: r.appended("oom_score_adj", Reader::i32)?,
        })
    }
}

impl Start {
    fn write(self, w: &mut Writer) {
        match self {
            Self::Complete => w.u8(START_COMPLETE),
            Self::First(report) => {
                w.u8(START_FIRST);
                w.option(report, Writer::i32);
            }
            Self::Again => w.u8(START_AGAIN),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            START_COMPLETE => Ok(Self::Complete),
            START_FIRST => Ok(Self::First(r.option("report", Reader::i32)?)),
            START_AGAIN => Ok(Self::Again),
            value => Err(DecodeError::Choice {
                what: "start",
                value,
            }),
        }
    }
}

impl HandedChild {
    fn write(&self, w: &mut Writer) {
        w.u64(self.child);
        w.u32(self.pid);
        w.bytes(&self.label);
        self.state.write(w);
        w.u64(self.signals);
        w.u8(self.forgotten.into());
        w.list(&self.ends, |w, (stream, descriptor)| {
            stream.write(w);
            w.i32(*descriptor);
        });
        w.option(self.orphan, Writer::i32);
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            child: r.u64()?,
            pid: r.u32()?,
            label: r.bytes("label", MAX_LABEL)?,
            state: ChildState::read(r)?,
            signals: r.u64()?,
            forgotten: r.bool("forgotten")?,
            ends: r.list("ends", STREAMS, |r| Ok((Stream::read(r)?, r.i32()?)))?,
            orphan: r.appended("orphan", Reader::i32)?,
        })
    }
}

/// FNV-1a of 64 bits: it finds what was cut, mixed up or overwritten, and is not meant against
/// anybody who wants to deceive, who would have to be us.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// More children, descriptors or orphans than a machine has pids.
const MAX_ITEMS: usize = 4 << 20;

const KIND_HANDOVER: u16 = 0x0203;

const START_COMPLETE: u8 = 0;
const START_FIRST: u8 = 1;
const START_AGAIN: u8 = 2;

#[cfg(test)]
mod tests;
