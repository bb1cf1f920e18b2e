//! The journal: what is about to happen to a chunk, and where each stream is between chunks.
//!
//! It is written by `pwrite` rather than through a mapping, since a mapping of a file that others
//! may truncate cannot be had without `unsafe`. It is as good: a small write within a page
//! happens or does not happen, and a kill is only acted on afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use minder_core::ChildId;
use rustix::io::Errno;

use super::{Edit, Target};
use crate::plane::{Channel, StreamId};
use crate::sink::FileId;
use crate::strip::Position;

/// Where the table begins: nothing in it shares a page with what is above.
const TABLE: u64 = 4096;

/// The size of a slot: child, channel, position. Slots do not cross pages.
const SLOT: usize = 16;

/// The offset of the position within a slot.
const POSITION: u64 = 9;

/// What is about to happen to one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) slot: Option<u64>,
    pub(super) position: Position,
    /// Nothing follows in this stream.
    pub(super) is_last: bool,
    pub(super) file: FileId,
    pub(super) offset: u64,
}

impl Step {
    /// Version 1: version, position, whether it is the last, five unused, then four numbers.
    const BYTES: usize = 40;
    const VERSION: u8 = 1;
    const NOTHING: [u8; Self::BYTES] = [0; Self::BYTES];
    const NO_SLOT: u64 = u64::MAX;

    pub(super) fn new(edit: Edit, to: Target<'_>, is_last: bool) -> Self {
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
        bytes[0] = Self::VERSION;
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
        (bytes[0] == Self::VERSION).then(|| Self {
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
pub(super) struct Journal {
    file: Arc<OwnedFd>,
    /// Streams of an earlier daemon that have not been gone on with yet.
    unclaimed: BTreeMap<StreamId, Edit>,
    free: BTreeSet<u64>,
    /// How many slots there are.
    slots: u64,
}

impl Journal {
    pub(super) fn new(file: Arc<OwnedFd>) -> Self {
        Self {
            file,
            unclaimed: BTreeMap::new(),
            free: BTreeSet::new(),
            slots: 0,
        }
    }

    pub(super) fn adopt(file: Arc<OwnedFd>) -> Self {
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

    pub(super) fn pending(&self) -> Option<Step> {
        let mut bytes = Step::NOTHING;
        let read = rustix::io::pread(&self.file, &mut bytes, 0);
        matches!(read, Ok(Step::BYTES))
            .then(|| Step::from_bytes(&bytes))
            .flatten()
    }

    pub(super) fn announce(&self, step: Step) -> Result<(), Errno> {
        self.write(&step.to_bytes(), 0)
    }

    pub(super) fn end(&self) -> Result<(), Errno> {
        self.write(&Step::NOTHING, 0)
    }

    pub(super) fn claim(&mut self, stream: StreamId) -> Edit {
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

    pub(super) fn keep_position(&mut self, step: Step, position: Position) -> Result<(), Errno> {
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

    pub(super) fn release(&mut self, slot: u64) {
        // At worst the next daemon finds a stream that nobody claims.
        let _ = self.write(&[0; SLOT], at(slot));
        self.free.insert(slot);
    }

    pub(super) fn release_unclaimed(&mut self) {
        let unclaimed = std::mem::take(&mut self.unclaimed);
        for slot in unclaimed.into_values().filter_map(|edit| edit.slot) {
            self.release(slot);
        }
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Errno> {
        rustix::io::pwrite(&self.file, bytes, offset).map(drop)
    }
}

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
