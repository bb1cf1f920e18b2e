//! A sink in use: where the bytes of one or more streams end up.
//!
//! An [`Outlet`] owns the open file, its rotation, and what happens when it cannot be written to.
//! It knows nothing of children or of waiting: [`crate::plane`] says which pipe to take from and
//! when, and is told what became of it ([`Taken`]).
//!
//! Into a file of its own bytes are *spliced*: one system call moves them from the pipe to the
//! end of the file and takes them out of the pipe. A kill is acted on before or after that call,
//! never within, so whoever comes next finds each byte either in the pipe or in the file. The end
//! of the file is asked for each time, since others may truncate the file (`copytruncate`). What
//! cannot be spliced into is read and written, which is not exact: a kill may lose what was read.
//!
//! An outlet that cannot be written to does not block its program. What it would have said is
//! dropped and counted, each later write is a new attempt, and the first that works is preceded
//! by a line saying how much was lost and why.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::SendFlags;
use rustix::pipe::{PIPE_BUF, SpliceFlags};

use crate::plane::{Custody, Notice, StreamId};
use crate::sink::{FileId, Kind, Opened, Sink, SinkSpec, leads_to_descriptor};
use crate::spool::{Edit, Lost, Spool, Target};
use loss::Loss;

mod loss;
mod renewal;
#[cfg(test)]
mod tests;
/// How far a file may grow beyond its limit, because rotation follows a write: what Supervisor
/// reads at once.
const OVERSHOOT: u64 = 128 * 1024;

/// The most that is moved by one system call, so that nothing else waits longer for its turn
/// than a fraction of a millisecond.
pub(crate) const CHUNK: usize = 256 * 1024;

/// The most that waits in memory for a sink to take it. Of a stream that is one chunk, since no
/// more is taken from a pipe meanwhile; of lines that cannot wait in a pipe, some thousands.
const MAX_BACKLOG: usize = CHUNK;

/// The prefix of the names under which sinks are in custody.
const NAME: &[u8] = b"sink:";

/// What became of an attempt to take bytes from a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// So many bytes have left the pipe.
    Some(usize),
    /// There is nothing in it now.
    Nothing,
    /// There is nothing in it, and nobody can write to it any more.
    End,
    /// The bytes are still in it: the sink takes none at the moment.
    Blocked,
}

/// What is done to bytes on their way.
pub(crate) enum Treatment<'a> {
    /// Nothing.
    Raw,
    /// They are edited: exactly, if there is a spool.
    Edited(&'a mut Edit, Option<&'a mut Spool>),
}

/// Whether a sink can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// Not before it has taken what waits.
    Full,
    /// What would be written is lost.
    Broken,
}

/// Whom an outlet tells what it does.
pub(crate) struct Ties {
    pub(crate) custody: Box<dyn Custody>,
    pub(crate) notices: Box<dyn Fn(Notice) + Send>,
    /// Where bytes are read to that cannot be spliced.
    pub(crate) scratch: Box<[u8]>,
}

impl Ties {
    /// None: for what need not outlive the daemon, and whose troubles are nobody's business.
    pub(crate) fn none() -> Self {
        Self {
            custody: Box::new(NoCustody),
            notices: Box::new(drop),
            scratch: Box::default(),
        }
    }
}

struct NoCustody;

impl Custody for NoCustody {
    fn hold(&self, _: &[u8], _: &Arc<OwnedFd>) -> io::Result<()> {
        Ok(())
    }

    fn release(&self, _: &[u8]) {}
}

/// How bytes get into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Splice,
    Copy,
}

pub(crate) struct Outlet {
    spec: SinkSpec,
    file: Arc<OwnedFd>,
    id: FileId,
    kind: Kind,
    way: Way,
    /// Read but not yet written, because the sink took no more.
    backlog: Vec<u8>,
    loss: Option<Loss>,
    /// The last attempt to rotate failed. Nothing is lost by that.
    is_stuck: bool,
    /// The streams that end here.
    pub(crate) streams: Vec<StreamId>,
    /// The stream that wrote an unfinished line last, where several end here.
    pub(crate) cut_line: Option<StreamId>,
    /// Nothing is taken from the streams until the sink can be written to again.
    pub(crate) is_paused: bool,
}

impl Outlet {
    /// Puts `sink` to use: gives it into custody first.
    pub(crate) fn new(sink: Sink, ties: &Ties) -> Self {
        let outlet = Self::of(sink);
        outlet.give_into_custody(&outlet.file, ties);
        outlet
    }

    /// Takes over what an earlier daemon gave into custody under `name`, if that is a sink.
    pub(crate) fn adopt(name: &[u8], file: Arc<OwnedFd>) -> Option<Self> {
        let path = Path::new(OsStr::from_bytes(name.strip_prefix(NAME)?));
        let regular = if leads_to_descriptor(path) {
            Kind::Borrowed
        } else {
            Kind::File
        };
        let opened = Opened::examine(file, regular).ok()?;
        // The limits come with the first stream, and nothing is written before.
        let spec = SinkSpec {
            path: path.into(),
            max_bytes: 0,
            backups: 0,
            mode: 0,
            strip_ansi: false,
        };
        Some(Self::of(Sink { spec, opened }))
    }

    fn of(Sink { spec, opened }: Sink) -> Self {
        Self {
            spec,
            file: opened.file,
            id: opened.id,
            kind: opened.kind,
            way: Way::of(opened.kind),
            backlog: Vec::new(),
            loss: None,
            is_stuck: false,
            streams: Vec::new(),
            cut_line: None,
            is_paused: false,
        }
    }

    pub(crate) fn path(&self) -> &Arc<Path> {
        &self.spec.path
    }

    pub(crate) fn id(&self) -> FileId {
        self.id
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The limits are those of the stream that came last.
    pub(crate) fn set_limits(&mut self, spec: &SinkSpec) {
        self.spec.max_bytes = spec.max_bytes;
        self.spec.backups = spec.backups;
    }

    /// Continues in another file of the same name, which somebody has put there meanwhile.
    pub(crate) fn continue_in(&mut self, sink: Sink, ties: &Ties) {
        self.switch_to(sink.opened, ties);
    }

    /// Takes at most `at_most` bytes from `pipe` and writes what `treatment` makes of them.
    pub(crate) fn take(
        &mut self,
        pipe: BorrowedFd<'_>,
        at_most: usize,
        treatment: Treatment<'_>,
        ties: &mut Ties,
    ) -> Taken {
        match self.prepare(ties) {
            Readiness::Full => Taken::Blocked,
            Readiness::Broken => self.discard(pipe, at_most, ties),
            Readiness::Ready => match treatment {
                Treatment::Raw if self.way == Way::Splice => self.splice(pipe, at_most, ties),
                Treatment::Raw => self.copy(pipe, at_most, ties),
                Treatment::Edited(edit, Some(spool)) if self.kind == Kind::File => {
                    self.spool(pipe, at_most, edit, spool, ties)
                }
                Treatment::Edited(edit, _) => self.copy_edited(pipe, at_most, edit, ties),
            },
        }
    }

    /// Brings what went before in order.
    fn prepare(&mut self, ties: &Ties) -> Readiness {
        if !self.flush(ties) {
            Readiness::Full
        } else if !self.heal(ties) {
            Readiness::Broken
        } else if self.backlog.is_empty() {
            Readiness::Ready
        } else {
            Readiness::Full
        }
    }

    fn splice(&mut self, pipe: BorrowedFd<'_>, at_most: usize, ties: &mut Ties) -> Taken {
        match self.splice_some(pipe, at_most) {
            Ok((0, _)) => Taken::End,
            Ok((bytes, end)) => {
                self.rotate_if_full(end, ties);
                Taken::Some(bytes)
            }
            Err(Errno::AGAIN) if self.kind == Kind::Device && has_bytes(pipe) => Taken::Blocked,
            Err(Errno::AGAIN | Errno::INTR) => Taken::Nothing,
            // The file's kind does not know splicing; nothing has been taken.
            Err(Errno::INVAL) => {
                self.way = Way::Copy;
                self.copy(pipe, at_most, ties)
            }
            Err(why) => {
                self.fail(why, 0, ties);
                self.discard(pipe, at_most, ties)
            }
        }
    }

    /// Says how many bytes were moved, and where the file ends after that.
    fn splice_some(&self, pipe: BorrowedFd<'_>, at_most: usize) -> Result<(usize, u64), Errno> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        if self.kind != Kind::File {
            let moved = rustix::pipe::splice(pipe, None, &self.file, None, at_most, flags)?;
            return Ok((moved, 0));
        }
        let mut end = self.end()?;
        let room = self.room(end).min(at_most);
        let moved = rustix::pipe::splice(pipe, None, &self.file, Some(&mut end), room, flags)?;
        Ok((moved, end))
    }

    fn copy(&mut self, pipe: BorrowedFd<'_>, at_most: usize, ties: &mut Ties) -> Taken {
        let mut scratch = std::mem::take(&mut ties.scratch);
        let taken = read(pipe, &mut scratch, at_most);
        if let Taken::Some(bytes) = taken {
            self.write(&scratch[..bytes], ties);
        }
        ties.scratch = scratch;
        taken
    }

    fn spool(
        &mut self,
        pipe: BorrowedFd<'_>,
        at_most: usize,
        edit: &mut Edit,
        spool: &mut Spool,
        ties: &mut Ties,
    ) -> Taken {
        let carried = self.target().and_then(|target| {
            let room = self.room(target.end).min(at_most);
            spool.carry(pipe, room, edit, target)
        });
        match carried {
            Ok(Taken::Some(bytes)) => {
                self.rotate_if_found_full(ties);
                Taken::Some(bytes)
            }
            Ok(other) => other,
            Err(Lost { bytes: 0, why }) => {
                self.fail(why, 0, ties);
                self.discard(pipe, at_most, ties)
            }
            Err(Lost { bytes, why }) => {
                self.fail(why, bytes, ties);
                Taken::Some(bytes)
            }
        }
    }

    fn copy_edited(
        &mut self,
        pipe: BorrowedFd<'_>,
        at_most: usize,
        edit: &mut Edit,
        ties: &mut Ties,
    ) -> Taken {
        let taken = read(pipe, &mut ties.scratch, at_most);
        if let Taken::Some(bytes) = taken {
            let mut edited = Vec::with_capacity(bytes);
            edit.apply(&ties.scratch[..bytes], &mut edited);
            self.write(&edited, ties);
        }
        taken
    }

    /// Writes what was held back of a stream that has ended.
    pub(crate) fn finish(&mut self, edit: Edit, spool: Option<&mut Spool>, ties: &Ties) {
        let Some(spool) = spool.filter(|_| self.kind == Kind::File) else {
            return self.write(&edit.rest(), ties);
        };
        let finished = self.target().and_then(|target| spool.finish(edit, target));
        if let Err(Lost { bytes, why }) = finished {
            self.fail(why, bytes, ties);
        }
    }

    fn target(&self) -> Result<Target<'_>, Lost> {
        let end = self.end().map_err(|why| Lost { bytes: 0, why })?;
        Ok(Target {
            file: self.file.as_fd(),
            id: self.id,
            end,
        })
    }

    /// Takes bytes from `pipe` that cannot be written.
    fn discard(&mut self, pipe: BorrowedFd<'_>, at_most: usize, ties: &mut Ties) -> Taken {
        let taken = read(pipe, &mut ties.scratch, at_most);
        if let (Taken::Some(bytes), Some(loss)) = (taken, &mut self.loss) {
            loss.bytes += bytes as u64;
        }
        taken
    }

    /// Writes bytes that have left the pipe already, now or when the sink takes them, or counts
    /// them as lost.
    pub(crate) fn write(&mut self, bytes: &[u8], ties: &Ties) {
        match self.prepare(ties) {
            Readiness::Full => return self.put_off(bytes, ties),
            Readiness::Broken => return self.lose(bytes.len()),
            Readiness::Ready => {}
        }
        match self.append(bytes) {
            Ok((written, end)) if written == bytes.len() => self.rotate_if_full(end, ties),
            Ok((written, _)) => self.put_off(&bytes[written..], ties),
            Err((written, why)) => self.fail(why, bytes.len() - written, ties),
        }
    }

    /// Keeps what the sink does not take at the moment.
    fn put_off(&mut self, bytes: &[u8], ties: &Ties) {
        if self.backlog.len() + bytes.len() > MAX_BACKLOG {
            return self.fail(Errno::AGAIN, bytes.len(), ties);
        }
        self.backlog.extend_from_slice(bytes);
    }

    /// Writes what waits. False if the sink still takes no more.
    pub(crate) fn flush(&mut self, ties: &Ties) -> bool {
        if self.backlog.is_empty() {
            return true;
        }
        let mut backlog = std::mem::take(&mut self.backlog);
        match self.append(&backlog) {
            Ok((written, _)) => {
                backlog.drain(..written);
                self.backlog = backlog;
            }
            Err((written, why)) => self.fail(why, backlog.len() - written, ties),
        }
        self.backlog.is_empty()
    }

    /// Writes until nothing is left or the sink takes no more. Says how much that was, and where a
    /// file ends after that.
    fn append(&self, bytes: &[u8]) -> Result<(usize, u64), (usize, Errno)> {
        let (mut written, mut end) = (0, 0);
        while written < bytes.len() {
            match self.append_some(&bytes[written..]) {
                Ok((some, at)) => (written, end) = (written + some, at),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(why) => return Err((written, why)),
            }
        }
        Ok((written, end))
    }

    fn append_some(&self, bytes: &[u8]) -> Result<(usize, u64), Errno> {
        let written = match self.kind {
            Kind::File => {
                let end = self.end()?;
                let written = rustix::io::pwrite(&self.file, bytes, end)?;
                return Ok((written, end + written as u64));
            }
            Kind::Borrowed | Kind::Device => rustix::io::write(&self.file, bytes)?,
            Kind::Socket => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                rustix::net::send(&self.file, bytes, flags)?
            }
            Kind::Shared => {
                let mut fds = [PollFd::new(&*self.file, PollFlags::OUT)];
                rustix::event::poll(&mut fds, Some(&Timespec::default()))?;
                if fds[0].revents().is_empty() {
                    return Err(Errno::AGAIN);
                }
                // A pipe that is ready takes that much in one go.
                rustix::io::write(&self.file, &bytes[..bytes.len().min(PIPE_BUF)])?
            }
        };
        Ok((written, 0))
    }

    /// Where the file ends at the moment.
    fn end(&self) -> Result<u64, Errno> {
        let size = rustix::fs::fstat(&self.file)?.st_size;
        Ok(u64::try_from(size).unwrap_or(0))
    }

    /// How much may be written in one go to a file that ends at `end`.
    fn room(&self, end: u64) -> usize {
        if self.spec.max_bytes == 0 {
            return CHUNK;
        }
        let below = self.spec.max_bytes.saturating_sub(end);
        usize::try_from(below.max(OVERSHOOT)).map_or(CHUNK, |room| room.min(CHUNK))
    }

    /// Whether the last line is complete, as far as can be told.
    pub(crate) fn ends_with_newline(&self) -> bool {
        let mut last = [b'\n'];
        if self.kind == Kind::File
            && let Ok(end @ 1..) = self.end()
        {
            // A file that cannot be read is taken to be in order.
            let _ = rustix::io::pread(&self.file, &mut last, end - 1);
        }
        last == [b'\n']
    }
}

impl Way {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::File | Kind::Device => Self::Splice,
            Kind::Borrowed | Kind::Socket | Kind::Shared => Self::Copy,
        }
    }
}

/// Reads at most `at_most` bytes into `into`.
pub(crate) fn read(pipe: BorrowedFd<'_>, into: &mut [u8], at_most: usize) -> Taken {
    let room = into.len().min(at_most);
    match rustix::io::read(pipe, &mut into[..room]) {
        Ok(0) => Taken::End,
        Ok(bytes) => Taken::Some(bytes),
        // A pipe that cannot be read any more has ended for us.
        Err(Errno::AGAIN | Errno::INTR) => Taken::Nothing,
        Err(_) => Taken::End,
    }
}

fn has_bytes(pipe: BorrowedFd<'_>) -> bool {
    rustix::io::ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0)
}
