//! Output that the daemon has to read itself, so that no byte of it is lost or read twice.
//!
//! A `read` takes bytes out of a pipe and puts them into a memory that dies with the daemon. So
//! there is none: the pipe is spliced to the end of a file in memory that the keeper holds as
//! well, and the file is read from a position. What has been done with the bytes counts once the
//! position behind them is in the snapshot; until then they are read again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, fstat, memfd_create};
use rustix::io::{Errno, pread, retry_on_intr};
use rustix::pipe::{SpliceFlags, splice};

use crate::mirror::SharedFd;

/// The most that is taken in or read at once, so that nothing else waits long for its turn.
const CHUNK: usize = 64 << 10;
/// How much of what has been read may stay in memory.
const SLACK: u64 = 1 << 20;
/// What memory is given back in.
const PAGE: u64 = 4096;

/// A pipe, and the file beside it.
#[derive(Debug)]
pub(crate) struct Inbox {
    pipe: SharedFd,
    file: SharedFd,
    /// Everything before this has been read.
    position: u64,
    /// Everything before this has been given back.
    trimmed: u64,
}

/// What became of an attempt to take something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Something has come in.
    Some,
    /// There is nothing at the moment.
    Nothing,
    /// There will be nothing any more.
    End,
}

impl Inbox {
    /// A new file beside `pipe`, which must not block. The file has yet to be given to the keeper.
    pub(crate) fn new(pipe: SharedFd) -> io::Result<Self> {
        let file = Arc::new(memfd_create("minder-inbox", MemfdFlags::CLOEXEC)?);
        Ok(Self::adopt(pipe, file, 0))
    }

    /// Goes on after a daemon that had read up to `position`.
    pub(crate) fn adopt(pipe: SharedFd, file: SharedFd, position: u64) -> Self {
        Self {
            pipe,
            file,
            position,
            trimmed: 0,
        }
    }

    /// What the keeper is to hold.
    pub(crate) fn file(&self) -> &SharedFd {
        &self.file
    }

    /// Up to where it has been read: what the snapshot must say.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Takes in what the pipe holds, at most one chunk.
    pub(crate) fn take(&mut self) -> io::Result<Taken> {
        let mut end = self.end()?;
        let flags = SpliceFlags::NONBLOCK;
        match splice(&self.pipe, None, &self.file, Some(&mut end), CHUNK, flags) {
            Ok(0) => Ok(Taken::End),
            Ok(_) => Ok(Taken::Some),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Taken::Nothing),
            Err(error) => Err(error.into()),
        }
    }

    /// How many bytes have been taken in and not been read.
    pub(crate) fn unread(&self) -> io::Result<usize> {
        let left = self.end()?.saturating_sub(self.position);
        Ok(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// The next bytes that have not been read, at most one chunk. From here on they count as read.
    pub(crate) fn read(&mut self) -> io::Result<Vec<u8>> {
        let length = self.unread()?.min(CHUNK);
        let mut bytes = vec![0; length];
        let read = retry_on_intr(|| pread(&self.file, &mut bytes[..], self.position))?;
        bytes.truncate(read);
        self.position += read as u64;
        Ok(bytes)
    }

    /// Gives back the memory of what has been read. To be called when that is in the snapshot.
    pub(crate) fn trim(&mut self) {
        give_back(&self.file, &mut self.trimmed, self.position);
    }

    fn end(&self) -> io::Result<u64> {
        let size = fstat(&self.file)?.st_size;
        Ok(u64::try_from(size).unwrap_or(0))
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Gives back the memory of what lies before `until` in a file, if that is worth a call.
pub(crate) fn give_back(file: &SharedFd, trimmed: &mut u64, until: u64) {
    // Whole pages only: others may refer to the rest of a page.
    let until = until / PAGE * PAGE;
    if until < *trimmed + SLACK {
        return;
    }
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    // If it is refused, more memory is used than need be.
    if fallocate(file, flags, *trimmed, until - *trimmed).is_ok() {
        *trimmed = until;
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    fn pipe() -> (SharedFd, OwnedFd) {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
        (Arc::new(read), write)
    }

    #[test]
    fn what_was_taken_in_and_not_noted_is_read_again_by_the_next_daemon() {
        let (read, write) = pipe();
        let mut inbox = Inbox::new(Arc::clone(&read)).unwrap();
        rustix::io::write(&write, b"noted").unwrap();
        assert_eq!(inbox.take().unwrap(), Taken::Some);
        assert_eq!(inbox.read().unwrap(), b"noted");
        let noted = inbox.position();
        rustix::io::write(&write, b", not noted").unwrap();
        assert_eq!(inbox.take().unwrap(), Taken::Some);
        assert_eq!(inbox.read().unwrap(), b", not noted");
        rustix::io::write(&write, b", not taken").unwrap();

        let file = inbox.file().clone();
        let mut next = Inbox::adopt(read, file, noted);
        drop((inbox, write));
        assert_eq!(next.read().unwrap(), b", not noted");
        assert_eq!(next.take().unwrap(), Taken::Some);
        assert_eq!(next.take().unwrap(), Taken::End);
        assert_eq!(next.read().unwrap(), b", not taken");
        assert_eq!(next.read().unwrap(), b"");
    }

    #[test]
    fn memory_is_given_back_and_reading_goes_on() {
        let (read, write) = pipe();
        let mut inbox = Inbox::new(read).unwrap();
        let mut expected = Vec::new();
        let mut found = Vec::new();
        for number in 0..2000_u32 {
            let text = number.to_le_bytes().repeat(256);
            rustix::io::write(&write, &text).unwrap();
            expected.extend(text);
            inbox.take().unwrap();
            found.extend(inbox.read().unwrap());
            inbox.trim();
        }
        assert!(found == expected);
        let used = fstat(&inbox.file).unwrap().st_blocks * 512;
        assert!(used <= 2 << 20, "{used} bytes are kept");
        assert_eq!(inbox.take().unwrap(), Taken::Nothing);
    }
}
