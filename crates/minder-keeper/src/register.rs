//! Which slots of the register are in use.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

use minder_wire::{MAX_SLOTS, SLOT, registered, slot_offset};
use rustix::io::{pread, retry_on_intr};

/// The slots, by number.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// Every slot from here on has never been used.
    next: u32,
    /// Those before that are free.
    free: Vec<u32>,
}

impl Slots {
    /// A slot for a new child; `None` if there are too many.
    pub(crate) fn take(&mut self) -> Option<u32> {
        if let Some(free) = self.free.pop() {
            return Some(free);
        }
        let next = self.next;
        if next == MAX_SLOTS {
            return None;
        }
        self.next += 1;
        Some(next)
    }

    /// Whoever stands in this slot stays there.
    pub(crate) fn claim(&mut self, slot: u32) {
        self.free.extend(self.next..slot);
        self.free.retain(|free| *free != slot);
        self.next = self.next.max(slot.saturating_add(1));
    }

    /// The child of a slot has ended, or has never come to be.
    pub(crate) fn give_back(&mut self, slot: Option<u32>) {
        self.free.extend(slot);
    }

    /// These slots, and only these, are in use.
    pub(crate) fn in_use(slots: &BTreeSet<u32>) -> Self {
        let next = slots.last().map_or(0, |last| last + 1);
        let free = (0..next).filter(|slot| !slots.contains(slot)).collect();
        Self { next, free }
    }
}

/// Where each child stands that the register tells of. Of two in one slot only the later is there.
pub(crate) fn slots(file: &OwnedFd) -> BTreeMap<u64, u32> {
    let mut content = vec![0; SLOT];
    for slot in 0..MAX_SLOTS {
        let mut entry = [0; SLOT];
        // The last slot may have been cut.
        match retry_on_intr(|| pread(file, &mut entry, slot_offset(slot))) {
            Ok(some) if some > 0 => content.extend_from_slice(&entry),
            Ok(_) | Err(_) => break,
        }
    }
    let entries = registered(&content);
    entries.map(|(slot, entry)| (entry.child, slot)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_used_anew_once_it_was_given_back() {
        let mut slots = Slots::default();
        assert_eq!([slots.take(), slots.take()], [Some(0), Some(1)]);
        slots.give_back(Some(0));
        slots.give_back(None);
        assert_eq!([slots.take(), slots.take()], [Some(0), Some(2)]);
    }

    #[test]
    fn what_an_earlier_keeper_used_stays_in_use() {
        let mut slots = Slots::in_use(&BTreeSet::from([3, 1]));
        let mut taken: Vec<_> = (0..3).filter_map(|_| slots.take()).collect();
        taken.sort_unstable();
        assert_eq!(taken, [0, 2, 4]);
    }

    #[test]
    fn a_slot_that_was_claimed_is_given_to_nobody() {
        let mut slots = Slots::default();
        for claimed in [2, 0] {
            slots.claim(claimed);
        }
        assert_eq!([slots.take(), slots.take()], [Some(1), Some(3)]);
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut slots = Slots::in_use(&BTreeSet::from([MAX_SLOTS - 1]));
        slots.free.clear();
        assert_eq!(slots.take(), None);
    }
}
