//! Bytes that the daemon sends, so that none is lost or sent twice.
//!
//! They are put into a file in memory that the keeper holds as well, at a position that the
//! snapshot holds: a daemon that dies in between puts nothing there that counts. From the file they
//! are spliced into the pipe, and the file's own offset, which the keeper's copy shares, says how
//! far that has come.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{MemfdFlags, SeekFrom, memfd_create, seek, tell};
use rustix::io::{Errno, pwrite, retry_on_intr};
use rustix::pipe::{SpliceFlags, splice};

use crate::inbox::give_back;
use crate::mirror::SharedFd;

/// The most that is spliced by one call.
const CHUNK: u64 = 1 << 20;

/// A file of bytes on their way.
#[derive(Debug)]
pub(crate) struct Outbox {
    file: SharedFd,
    /// Everything before this counts.
    end: u64,
    /// Everything before this has been given back.
    trimmed: u64,
}

/// What became of an attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The pipe has taken everything.
    All,
    /// The pipe is full.
    Waiting,
    /// Nobody reads from the pipe any more.
    Deaf,
}

impl Outbox {
    /// An empty one. Its file has yet to be given to the keeper.
    pub(crate) fn new() -> io::Result<Self> {
        let file = Arc::new(memfd_create("minder-outbox", MemfdFlags::CLOEXEC)?);
        Ok(Self::adopt(file, 0))
    }

    /// Goes on after a daemon whose bytes counted up to `end`.
    pub(crate) fn adopt(file: SharedFd, end: u64) -> Self {
        Self {
            file,
            end,
            trimmed: 0,
        }
    }

    /// What the keeper is to hold.
    pub(crate) fn file(&self) -> &SharedFd {
        &self.file
    }

    /// Up to where bytes count: what the snapshot must say.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// How many bytes have not been sent.
    pub(crate) fn waiting(&self) -> io::Result<u64> {
        Ok(self.end.saturating_sub(tell(&self.file)?))
    }

    /// Adds bytes, to be sent once they count.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = retry_on_intr(|| pwrite(&self.file, bytes, self.end))?;
            self.end += written as u64;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// Sends what `pipe`, which must not block, takes. To be called when all of it is in the
    /// snapshot.
    pub(crate) fn send(&mut self, pipe: impl AsFd) -> io::Result<Sent> {
        loop {
            let waiting = self.waiting()?;
            if waiting == 0 {
                return Ok(Sent::All);
            }
            let length = usize::try_from(waiting.min(CHUNK)).unwrap_or(usize::MAX);
            match splice(&self.file, None, &pipe, None, length, SpliceFlags::NONBLOCK) {
                // A file that ends before it should: what is missing cannot be had.
                Ok(0) => self.skip()?,
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Sent::Waiting),
                Err(Errno::PIPE) => return Ok(Sent::Deaf),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Drops what has not been sent.
    pub(crate) fn skip(&mut self) -> io::Result<()> {
        seek(&self.file, SeekFrom::Start(self.end))?;
        Ok(())
    }

    /// Gives back the memory of what has been sent.
    pub(crate) fn trim(&mut self) {
        // If it cannot be asked, more memory is used than need be.
        let sent = tell(&self.file).unwrap_or(0);
        give_back(&self.file, &mut self.trimmed, sent);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    fn pipe() -> (OwnedFd, OwnedFd) {
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap()
    }

    fn read_all(pipe: &OwnedFd) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = rustix::io::read(pipe, &mut buffer) {
            all.extend_from_slice(&buffer[..count]);
        }
        all
    }

    #[test]
    fn the_next_daemon_sends_what_counts_and_was_not_sent() {
        let (read, write) = pipe();
        let mut outbox = Outbox::new().unwrap();
        let sent: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        outbox.put(&sent).unwrap();
        let noted = outbox.end();
        assert_eq!(outbox.send(&write).unwrap(), Sent::Waiting);
        outbox.put(b"does not count").unwrap();

        let mut next = Outbox::adopt(outbox.file().clone(), noted);
        drop(outbox);
        let mut received = read_all(&read);
        assert!(received.len() < sent.len());
        next.put(b"counts").unwrap();
        while next.send(&write).unwrap() == Sent::Waiting {
            received.extend(read_all(&read));
        }
        received.extend(read_all(&read));
        assert!(received == [&sent[..], b"counts"].concat());
    }

    #[test]
    fn what_is_in_the_pipe_stays_when_memory_is_given_back() {
        let (read, write) = pipe();
        let mut outbox = Outbox::new().unwrap();
        let mut expected = Vec::new();
        let mut received = Vec::new();
        for number in 0..2000_u32 {
            let text = number.to_le_bytes().repeat(500);
            outbox.put(&text).unwrap();
            expected.extend(text);
            assert_eq!(outbox.send(&write).unwrap(), Sent::All);
            outbox.trim();
            received.extend(read_all(&read));
        }
        assert!(received == expected);
    }

    #[test]
    fn a_reader_that_has_gone_is_told() {
        let (read, write) = pipe();
        let mut outbox = Outbox::new().unwrap();
        outbox.put(b"x").unwrap();
        drop(read);
        assert_eq!(outbox.send(&write).unwrap(), Sent::Deaf);
        outbox.skip().unwrap();
        assert_eq!(outbox.waiting().unwrap(), 0);
    }
}
