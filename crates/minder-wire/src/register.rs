//! The register: which children there are, in a file that outlives keeper and daemon.
//!
//! A head, then slots of one size. The head says in which world its pids mean something. A slot
//! is written by each new child itself before its program runs; it is used anew once that child
//! has ended, and is not cleared before. So a slot tells of a process that may be long gone, and
//! whose pid may be another's: whoever reads it has to find out, by the time in it.
//!
//! ```text
//!  0       8     16        24                 head: "MNDRREGS", pid namespace, boot
//!  ┌───────┬─────┬─────────┬────────┬──────────────────┐
//!  │ nanos │ pid │ 0 │ child │ length │ label …          │   slot: time since boot
//!  └───────┴─────┴───┴─────┴────────┴──────────────────┘
//!  0       8    12   16      24       26             256
//! ```
//!
//! Numbers are little-endian.

use crate::bytes::{Reader, Writer};
use crate::frame::DecodeError;

/// The name that it is held under.
pub const REGISTER: &[u8] = b"register";

/// The size of the head and of each slot.
pub const SLOT: usize = 256;

/// The most slots: more processes than a machine runs, and 16 MiB.
pub const MAX_SLOTS: u32 = 1 << 16;

/// What is longer is cut: it is for a person to read, and to find a program by.
pub const MAX_REGISTERED_LABEL: usize = SLOT - 26;

const MAGIC: u64 = u64::from_le_bytes(*b"MNDRREGS");

/// Where the pids of a register mean something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterHead {
    /// The inode of the namespace of pids.
    pub pid_namespace: u64,
    /// The number of the machine's boot.
    pub boot: [u8; 16],
}

impl RegisterHead {
    /// What the file begins with.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u64(MAGIC);
        w.u64(self.pid_namespace);
        let mut bytes = w.finish();
        bytes.extend_from_slice(&self.boot);
        bytes.resize(SLOT, 0);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote from the beginning of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.u64()? != MAGIC {
            return Err(DecodeError::NoFrame);
        }
        let pid_namespace = r.u64()?;
        let boot = bytes.get(16..32).and_then(|boot| boot.try_into().ok());
        Ok(Self {
            pid_namespace,
            boot: boot.ok_or(DecodeError::Cut)?,
        })
    }
}

/// What one slot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The daemon's name for the child.
    pub child: u64,
    /// The pid that it had …
    pub pid: u32,
    /// … at this time: nanoseconds since boot, shortly after its start.
    pub boot_nanos: u64,
    /// Whose run it was; cut if it was long.
    pub label: Vec<u8>,
}

impl Registered {
    /// What a slot holds behind the time and the pid, which the child writes itself.
    #[must_use]
    pub fn content(child: u64, label: &[u8]) -> Vec<u8> {
        let label = label.get(..MAX_REGISTERED_LABEL).unwrap_or(label);
        let mut w = Writer::default();
        w.u64(child);
        w.u16(u16::try_from(label.len()).unwrap_or(0));
        let mut bytes = w.finish();
        bytes.extend_from_slice(label);
        bytes.resize(SLOT - MARK, 0);
        bytes
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let mut r = Reader::new(slot);
        let boot_nanos = r.u64().ok()?;
        let pid = r.u32().ok().filter(|pid| *pid != 0)?;
        r.u32().ok()?;
        let child = r.u64().ok()?;
        let length = usize::from(r.u16().ok()?);
        let label = slot.get(26..)?.get(..length)?.to_vec();
        Some(Self {
            child,
            pid,
            boot_nanos,
            label,
        })
    }
}

/// Where a slot begins.
#[must_use]
pub fn slot_offset(slot: u32) -> u64 {
    (u64::from(slot) + 1) * SLOT as u64
}

/// What the slots of a file say: the number of each that was ever used, and its content. What
/// makes no sense is left out.
pub fn registered(file: &[u8]) -> impl Iterator<Item = (u32, Registered)> {
    let slots = file.get(SLOT..).unwrap_or_default().chunks(SLOT);
    (0..MAX_SLOTS)
        .zip(slots)
        .filter_map(|(number, slot)| Some((number, Registered::decode(slot)?)))
}

/// The time and the pid that a child writes itself.
const MARK: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slot(nanos: u64, pid: u32, child: u64, label: &[u8]) -> Vec<u8> {
        let mut slot = nanos.to_le_bytes().to_vec();
        slot.extend(pid.to_le_bytes());
        slot.extend([0; 4]);
        slot.extend(Registered::content(child, label));
        slot
    }

    #[test]
    fn what_was_written_is_read_back_and_empty_slots_are_left_out() {
        let head = RegisterHead {
            pid_namespace: 3,
            boot: *b"0123456789abcdef",
        };
        let mut file = head.encode();
        file.extend(slot(5, 100, 7, b"web:web_0"));
        file.extend([0; SLOT]);
        file.extend(slot(6, 101, 8, &[b'x'; 500]));
        assert_eq!(RegisterHead::decode(&file), Ok(head));
        let found: Vec<_> = registered(&file).collect();
        let first = Registered {
            child: 7,
            pid: 100,
            boot_nanos: 5,
            label: b"web:web_0".to_vec(),
        };
        assert_eq!(found[0], (0, first));
        let (number, second) = &found[1];
        assert_eq!((*number, second.child, second.pid), (2, 8, 101));
        assert_eq!(second.label, [b'x'; MAX_REGISTERED_LABEL]);
        assert_eq!(slot_offset(2), 3 * SLOT as u64);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = RegisterHead::decode(&bytes);
            for (_, found) in registered(&bytes) {
                prop_assert!(found.label.len() <= MAX_REGISTERED_LABEL);
            }
        }
    }
}
