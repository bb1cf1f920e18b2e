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
//! Whatever else edits or inspects output belongs in here, as a further kind of [`Edit`].

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SeekFrom};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::outlet::{CHUNK, Taken};
use crate::plane::{Custody, StreamId};
use crate::sink::FileId;
use crate::strip::{self, Position};
use journal::{Journal, Step};

mod journal;

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
    chunk: Arc<OwnedFd>,
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
        let chunk = Arc::new(rustix::fs::memfd_create("minder-spool", flags)?);
        let journal = Arc::new(rustix::fs::memfd_create("minder-journal", flags)?);
        custody.hold(JOURNAL, &journal)?;
        custody.hold(SPOOL, &chunk)?;
        Ok(Self::of(chunk, Journal::new(journal)))
    }

    /// Takes over from an earlier daemon, and completes what it was killed in.
    ///
    /// `file` finds the open file that a chunk was to be written to. What is lost, and of which
    /// file, is what could not be completed; the spool is usable all the same.
    pub(crate) fn adopt<'a>(
        chunk: Arc<OwnedFd>,
        journal: Arc<OwnedFd>,
        file: impl FnOnce(FileId) -> Option<BorrowedFd<'a>>,
    ) -> (Self, Option<(FileId, Lost)>) {
        let mut spool = Self::of(chunk, Journal::adopt(journal));
        let Some(step) = spool.journal.pending() else {
            return (spool, None);
        };
        let result = spool.complete_after_kill(step, file(step.file));
        (spool, result.err().map(|lost| (step.file, lost)))
    }

    fn of(chunk: Arc<OwnedFd>, journal: Journal) -> Self {
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
