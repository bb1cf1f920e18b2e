//! The exact path for bytes that are edited on their way.
//!
//! Edited bytes pass through memory that a kill would wipe out, so they are first moved into the
//! *spool*, a file in memory that outlives the daemon. The steps of a chunk, and what a daemon
//! that takes over after a kill does about each:
//!
//! 1. The *journal*, another such file, says what is about to happen: which stream, which file,
//!    at which offset, and where in an escape sequence the stream is. (Nothing has happened.)
//! 2. The chunk is spliced from the pipe into the spool. That one system call also moves the
//!    spool's own file offset, which thereby says how much there is. (Go on from here.)
//! 3. The edited bytes are written to the file at the offset in the journal. (Write them again:
//!    the same bytes at the same place.)
//! 4. The journal says that nothing is about to happen. (All has happened.)
//!
//! The journal is written by `pwrite` rather than through a mapping, since a mapping of a file
//! that others may truncate cannot be had without `unsafe`. It is as good: a small write within
//! a page happens or does not happen, and a kill is only acted on afterwards.
//!
//! Whatever else edits or inspects output belongs in here, as a further kind of [`Edit`].

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use minder_core::ChildId;
use rustix::fs::{MemfdFlags, SeekFrom};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::outlet::{CHUNK, Taken};
use crate::plane::{Channel, Custody, StreamId};
use crate::sink::FileId;
use crate::strip::{self, Position};

/// The names under which the two files are in custody.
pub(crate) const SPOOL: &[u8] = b"spool";
pub(crate) const JOURNAL: &[u8] = b"journal";

/// What is done to a stream, and how far it has got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit {
    position: Position,
    /// Where the journal keeps the position between chunks; nowhere if there is no spool.
    slot: Option<u64>,
}

impl Edit {
    /// Begins to edit a stream whose edits cannot be exact.
    pub(crate) fn without_spool() -> Self {
        Self {
            position: Position::default(),
            slot: None,
        }
    }

    /// Appends to `out` what stays of `text`.
    pub(crate) fn apply(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.position = strip::strip(self.position, text, out);
    }

    /// What is held back because it depends on what follows.
    pub(crate) fn rest(self) -> Vec<u8> {
        let mut rest = Vec::new();
        strip::finish(self.position, &mut rest);
        rest
    }
}

pub(crate) struct Spool {
    chunk: OwnedFd,
    journal: Journal,
    /// The chunk before and after it is edited.
    raw: Box<[u8]>,
    edited: Vec<u8>,
}

/// Where a stream that is edited leads to.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) id: FileId,
    /// Where the file ends.
    pub(crate) end: u64,
}

/// Bytes that have left the pipe, but could not be written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) bytes: usize,
    pub(crate) why: Errno,
}

impl Spool {
    /// Makes the two files, and gives them into custody.
    pub(crate) fn new(custody: &dyn Custody) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC;
        let chunk = rustix::fs::memfd_create("minder-spool", flags)?;
        let journal = rustix::fs::memfd_create("minder-journal", flags)?;
        custody.hold(JOURNAL, journal.as_fd())?;
        custody.hold(SPOOL, chunk.as_fd())?;
        Ok(Self::of(chunk, Journal::new(journal)))
    }

    /// Takes over from an earlier daemon, and completes what it was killed in.
    ///
    /// `file` finds the open file that a chunk was to be written to. What is lost, and of which
    /// file, is what could not be completed; the spool is usable all the same.
    pub(crate) fn adopt<'a>(
        chunk: OwnedFd,
        journal: OwnedFd,
        file: impl FnOnce(FileId) -> Option<BorrowedFd<'a>>,
    ) -> (Self, Option<(FileId, Lost)>) {
        let mut spool = Self::of(chunk, Journal::adopt(journal));
        let Some(step) = spool.journal.pending() else {
            return (spool, None);
        };
        let result = spool.complete_after_kill(step, file(step.file));
        (spool, result.err().map(|lost| (step.file, lost)))
    }

    fn of(chunk: OwnedFd, journal: Journal) -> Self {
        Self {
            chunk,
            journal,
            raw: vec![0; CHUNK].into(),
            edited: Vec::with_capacity(CHUNK),
        }
    }

    fn complete_after_kill(
        &mut self,
        step: Step,
        file: Option<BorrowedFd<'_>>,
    ) -> Result<(), Lost> {
        let held = rustix::fs::tell(&self.chunk).unwrap_or(0);
        let bytes = usize::try_from(held).map_or(CHUNK, |held| held.min(CHUNK));
        if let Some(file) = file {
            return self.complete(step, bytes, file).map(drop);
        }
        let why = self.journal.end().err().unwrap_or(Errno::NOENT);
        Err(Lost { bytes, why })
    }

    /// Begins to edit a stream, or goes on where an earlier daemon stopped.
    pub(crate) fn begin(&mut self, stream: StreamId) -> Edit {
        self.journal.claim(stream)
    }

    /// Forgets where streams are that nobody has gone on with.
    pub(crate) fn forget_unclaimed(&mut self) {
        self.journal.release_unclaimed();
    }

    /// Takes at most `at_most` bytes from `pipe` and writes what stays of them.
    pub(crate) fn carry(
        &mut self,
        pipe: BorrowedFd<'_>,
        at_most: usize,
        edit: &mut Edit,
        to: Target<'_>,
    ) -> Result<Taken, Lost> {
        let step = Step::new(*edit, to, false);
        match self.splice(pipe, at_most, step) {
            Ok(0) => Ok(Taken::End),
            Ok(bytes) => {
                edit.position = self.complete(step, bytes, to.file)?;
                Ok(Taken::Some(bytes))
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(Taken::Nothing),
            Err(why) => Err(Lost { bytes: 0, why }),
        }
    }

    /// Forgets where a stream was.
    pub(crate) fn forget(&mut self, edit: Edit) {
        if let Some(slot) = edit.slot {
            self.journal.release(slot);
        }
    }

    /// Writes what was held back of a stream that has ended.
    pub(crate) fn finish(&mut self, edit: Edit, to: Target<'_>) -> Result<(), Lost> {
        let bytes = edit.rest().len();
        if bytes == 0 {
            return Ok(());
        }
        let step = Step::new(edit, to, true);
        self.announce(step).map_err(|why| Lost { bytes, why })?;
        self.complete(step, 0, to.file).map(drop)
    }

    fn splice(&mut self, pipe: BorrowedFd<'_>, room: usize, step: Step) -> Result<usize, Errno> {
        self.announce(step)?;
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        let spliced = rustix::pipe::splice(pipe, None, &self.chunk, None, room.min(CHUNK), flags);
        if !matches!(spliced, Ok(1..)) {
            self.journal.end()?;
        }
        spliced
    }

    /// Empties the spool, and says in the journal what is about to happen.
    fn announce(&mut self, step: Step) -> Result<(), Errno> {
        rustix::fs::seek(&self.chunk, SeekFrom::Start(0))?;
        self.journal.announce(step)
    }

    /// Steps 3 and 4, for a spool that holds `bytes`.
    fn complete(
        &mut self,
        step: Step,
        bytes: usize,
        file: BorrowedFd<'_>,
    ) -> Result<Position, Lost> {
        self.edited.clear();
        let read = read_all(&self.chunk, &mut self.raw[..bytes]);
        let after = strip::strip(step.position, &self.raw[..bytes], &mut self.edited);
        if step.is_last {
            strip::finish(after, &mut self.edited);
        }
        let written = match read {
            Ok(()) => write_all(file, &self.edited, step.offset),
            Err(why) => Err(Lost { bytes, why }),
        };
        // Even what could not be written is done with: it will be counted as lost.
        let noted = self.journal.keep_position(step, after);
        let ended = self.journal.end();
        written?;
        noted
            .and(ended)
            .map(|()| after)
            .map_err(|why| Lost { bytes: 0, why })
    }
}

fn read_all(file: &OwnedFd, into: &mut [u8]) -> Result<(), Errno> {
    let mut done = 0;
    while done < into.len() {
        match rustix::io::pread(file, &mut into[done..], done as u64)? {
            0 => return Err(Errno::IO),
            bytes => done += bytes,
        }
    }
    Ok(())
}

fn write_all(file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<(), Lost> {
    let mut done = 0;
    while done < bytes.len() {
        match rustix::io::pwrite(file, &bytes[done..], offset + done as u64) {
            Ok(written) => done += written,
            Err(Errno::INTR) => {}
            Err(why) => {
                let bytes = bytes.len() - done;
                return Err(Lost { bytes, why });
            }
        }
    }
    Ok(())
}

/// What is about to happen to one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    slot: Option<u64>,
    position: Position,
    /// Nothing follows in this stream.
    is_last: bool,
    file: FileId,
    offset: u64,
}

impl Step {
    const BYTES: usize = 40;
    const NOTHING: [u8; Self::BYTES] = [0; Self::BYTES];
    const NO_SLOT: u64 = u64::MAX;

    fn new(edit: Edit, to: Target<'_>, is_last: bool) -> Self {
        Self {
            slot: edit.slot,
            position: edit.position,
            is_last,
            file: to.id,
            offset: to.end,
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = Self::NOTHING;
        bytes[0] = 1;
        bytes[1] = self.position.to_byte();
        bytes[2] = u8::from(self.is_last);
        let slot = self.slot.unwrap_or(Self::NO_SLOT);
        bytes[8..16].copy_from_slice(&slot.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.file.device.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.file.inode.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.offset.to_le_bytes());
        bytes
    }

    /// What `bytes` say, if they say that anything is about to happen.
    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        (bytes[0] == 1).then(|| Self {
            position: Position::from_byte(bytes[1]),
            is_last: bytes[2] != 0,
            slot: Some(number(8)).filter(|&slot| slot != Self::NO_SLOT),
            file: FileId {
                device: number(16),
                inode: number(24),
            },
            offset: number(32),
        })
    }
}

/// What is about to happen, and below that a table of where each stream is between chunks.
struct Journal {
    file: OwnedFd,
    /// Streams of an earlier daemon that have not been gone on with yet.
    unclaimed: BTreeMap<StreamId, Edit>,
    free: BTreeSet<u64>,
    /// How many slots there are.
    slots: u64,
}

/// Where the table begins: nothing in it shares a page with what is above.
const TABLE: u64 = 4096;

/// The size of a slot: child, channel, position. Slots do not cross pages.
const SLOT: usize = 16;

impl Journal {
    fn new(file: OwnedFd) -> Self {
        Self {
            file,
            unclaimed: BTreeMap::new(),
            free: BTreeSet::new(),
            slots: 0,
        }
    }

    fn adopt(file: OwnedFd) -> Self {
        let mut journal = Self::new(file);
        let mut bytes = [0; SLOT];
        while let Ok(SLOT) = rustix::io::pread(&journal.file, &mut bytes, at(journal.slots)) {
            let slot = journal.slots;
            journal.slots += 1;
            match read_slot(&bytes) {
                Some((stream, position)) => {
                    let slot = Some(slot);
                    journal.unclaimed.insert(stream, Edit { position, slot });
                }
                None => {
                    journal.free.insert(slot);
                }
            }
        }
        journal
    }

    fn pending(&self) -> Option<Step> {
        let mut bytes = Step::NOTHING;
        let read = rustix::io::pread(&self.file, &mut bytes, 0);
        matches!(read, Ok(Step::BYTES))
            .then(|| Step::from_bytes(&bytes))
            .flatten()
    }

    fn announce(&self, step: Step) -> Result<(), Errno> {
        self.write(&step.to_bytes(), 0)
    }

    fn end(&self) -> Result<(), Errno> {
        self.write(&Step::NOTHING, 0)
    }

    fn claim(&mut self, stream: StreamId) -> Edit {
        if let Some(edit) = self.unclaimed.remove(&stream) {
            return edit;
        }
        let slot = self.free.pop_first().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        let position = Position::default();
        // Without a slot, only a sequence that a kill cuts in two would show.
        let _ = self.write(&slot_bytes(stream, position), at(slot));
        let slot = Some(slot);
        Edit { position, slot }
    }

    fn keep_position(&mut self, step: Step, position: Position) -> Result<(), Errno> {
        let Some(slot) = step.slot.filter(|_| position != step.position) else {
            return Ok(());
        };
        for edit in self.unclaimed.values_mut() {
            if edit.slot == Some(slot) {
                edit.position = position;
            }
        }
        self.write(&[position.to_byte()], at(slot) + POSITION)
    }

    fn release(&mut self, slot: u64) {
        // At worst the next daemon finds a stream that nobody claims.
        let _ = self.write(&[0; SLOT], at(slot));
        self.free.insert(slot);
    }

    fn release_unclaimed(&mut self) {
        let unclaimed = std::mem::take(&mut self.unclaimed);
        for slot in unclaimed.into_values().filter_map(|edit| edit.slot) {
            self.release(slot);
        }
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        rustix::io::pwrite(&self.file, bytes, offset).map(drop)
    }
}

/// The offset of the position within a slot.
const POSITION: u64 = 9;

fn at(slot: u64) -> u64 {
    TABLE + slot * SLOT as u64
}

fn slot_bytes(stream: StreamId, position: Position) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..8].copy_from_slice(&stream.child.0.to_le_bytes());
    bytes[8] = match stream.channel {
        Channel::Stdout => 1,
        Channel::Stderr => 2,
    };
    bytes[9] = position.to_byte();
    bytes
}

fn read_slot(bytes: &[u8; SLOT]) -> Option<(StreamId, Position)> {
    let channel = match bytes[8] {
        1 => Channel::Stdout,
        2 => Channel::Stderr,
        _ => return None,
    };
    let mut child = [0; 8];
    child.copy_from_slice(&bytes[..8]);
    let child = ChildId(u64::from_le_bytes(child));
    let stream = StreamId { child, channel };
    Some((stream, Position::from_byte(bytes[9])))
}
