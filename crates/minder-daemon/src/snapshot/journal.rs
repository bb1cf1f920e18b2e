//! The state as it was at some step, and what each step since has changed.
//!
//! ```text
//!  state, sealed │ length, checksum, entry │ length, checksum, entry │ …
//! ```
//!
//! A file in memory that the keeper holds too: what has been written to it outlives the daemon at
//! once, and costs one call. The daemon may be killed within that call; then the last entry is cut
//! short, and belongs to a step of which nothing was ever done. When the entries have become longer
//! than the state, the next one is not worth writing: a new journal begins.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use minder_os::memfd;

use crate::codec::{self, CodecError, MAX_SEALED, open, seal, split_entry, split_sealed};
use crate::mirror::SharedFd;

/// How long the entries may become at least, whatever the length of the state: 16 pages.
const LEAST_ROOM: u64 = 64 << 10;
/// The state, as much again in entries, and one entry more, which may be as long as a state.
const MAX_JOURNAL: usize = 3 * MAX_SEALED;

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    file: SharedFd,
    end: u64,
    full_at: u64,
}

/// A journal as it was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// The state, out of its envelope.
    pub(super) state: &'a [u8],
    /// The whole entries, in their order.
    pub(super) entries: Vec<&'a [u8]>,
}

impl Journal {
    /// Begins with a state.
    pub(super) fn begin(version: u32, state: &[u8]) -> io::Result<Self> {
        let state = seal(version, state);
        let file = Arc::new(memfd::open("minder-state")?);
        memfd::write(&file, &state, 0)?;
        let end = state.len() as u64;
        Ok(Self {
            file,
            end,
            full_at: end + end.max(LEAST_ROOM),
        })
    }

    /// For the keeper to hold.
    pub(super) fn file(&self) -> &SharedFd {
        &self.file
    }

    /// Whether one more entry is worth it.
    pub(super) fn has_room(&self) -> bool {
        self.end < self.full_at
    }

    /// Writes down what has changed. After an error the journal is of no use any more.
    pub(super) fn add(&mut self, entry: &[u8]) -> io::Result<()> {
        let bytes = codec::entry(entry);
        memfd::write(&self.file, &bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// All that a journal holds.
pub(super) fn load(file: &OwnedFd) -> io::Result<Vec<u8>> {
    memfd::read(file, MAX_JOURNAL)
}

/// Finds the parts of a journal. An entry that was cut short is left out; one that is whole and
/// damaged makes the rest unbelievable.
pub(super) fn parse(version: u32, bytes: &[u8]) -> Result<Found<'_>, CodecError> {
    let (state, mut rest) = split_sealed(bytes)?;
    let mut entries = Vec::new();
    while let Some((entry, behind)) = split_entry(rest)? {
        entries.push(entry);
        rest = behind;
    }
    Ok(Found {
        state: open(version, state)?,
        entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::entry;

    fn journal(entries: &[&[u8]]) -> Vec<u8> {
        let mut journal = Journal::begin(1, b"state").unwrap();
        for entry in entries {
            journal.add(entry).unwrap();
        }
        load(&journal.file).unwrap()
    }

    #[test]
    fn what_was_written_is_found_in_its_order() {
        let bytes = journal(&[b"one", b"", b"three"]);
        let found = parse(1, &bytes).unwrap();
        assert_eq!(found.state, b"state");
        assert_eq!(found.entries, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn an_entry_that_was_cut_short_was_never_written() {
        let (one, two) = (journal(&[b"one"]), journal(&[b"one", b"two"]));
        for length in one.len()..two.len() {
            let found = parse(1, &two[..length]).unwrap();
            assert_eq!(found.entries, [b"one"], "length {length}");
        }
    }

    #[test]
    fn a_damaged_entry_and_a_state_that_was_cut_short_are_noticed() {
        let bytes = journal(&[b"one", b"two"]);
        let state = seal(1, b"state").len();
        for length in 0..state {
            parse(1, &bytes[..length]).unwrap_err();
        }
        let mut damaged = bytes;
        damaged[state + entry(b"").len()] ^= 1;
        assert_eq!(parse(1, &damaged), Err(CodecError::Checksum));
    }

    #[test]
    fn a_journal_is_full_when_its_entries_are_as_long_as_its_state() {
        let mut journal = Journal::begin(1, &vec![7; 100_000]).unwrap();
        let entry = vec![7; 50_100];
        journal.add(&entry).unwrap();
        assert!(journal.has_room());
        journal.add(&entry).unwrap();
        assert!(!journal.has_room());
    }
}
