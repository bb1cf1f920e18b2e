//! What has changed since a [`Snapshot`]: what a daemon writes down after a step, so that the cost
//! of a step is that of what it changed, and not of everything there is.
//!
//! A delta is only to be had while the same groups have the same processes, and the configuration
//! was not read again; after that it takes a whole snapshot. [`Snapshot::apply`] is how a later
//! daemon reads deltas: a snapshot and every delta since make the snapshot of now.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::child::{GroupId, ProcessId};
use crate::listener::Listener;
use crate::pool::{PoolSnapshot, QueuedEvent};
use crate::snapshot::{GroupSnapshot, NextIds, ProcessSnapshot, Snapshot};
use crate::state::Mood;

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// What is true of the whole, if any of it has changed.
    pub head: Option<Head>,
    /// The processes that may be others than they were, and their groups.
    pub processes: Vec<(GroupId, ProcessSnapshot)>,
    /// The pools that are.
    pub pools: Vec<PoolDelta>,
}

/// The fields of a [`Snapshot`] that are not of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// See [`Snapshot::mood`].
    pub mood: Mood,
    /// See [`Snapshot::next`].
    pub next: NextIds,
    /// See [`Snapshot::serial`].
    pub serial: u64,
    /// See [`Snapshot::tick`].
    pub tick: u64,
}

/// How a pool has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolDelta {
    /// Which.
    pub group: GroupId,
    /// See [`PoolSnapshot::serial`].
    pub serial: u64,
    /// How many of the events that waited do not any more, from the head on.
    pub dropped: usize,
    /// The events that wait before those that are left.
    pub front: Vec<QueuedEvent>,
    /// The events that wait behind those that are left.
    pub back: Vec<QueuedEvent>,
    /// The listeners that are others than they were, by their places.
    pub listeners: Vec<(usize, Option<Listener>)>,
}

/// A delta is not one of the snapshot that it was applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch;

impl Delta {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_none() && self.processes.is_empty() && self.pools.is_empty()
    }
}

impl Snapshot {
    /// Brings the snapshot up to date. After an error it is of no use any more.
    pub fn apply(&mut self, delta: Delta) -> Result<(), Mismatch> {
        if let Some(head) = delta.head {
            self.mood = head.mood;
            self.next = head.next;
            self.serial = head.serial;
            self.tick = head.tick;
        }
        for (group, process) in delta.processes {
            let processes = &mut self.group(group)?.processes;
            let place = processes.binary_search_by_key(&process.id, |known| known.id);
            processes[place.map_err(|_| Mismatch)?] = process;
        }
        for pool in delta.pools {
            let left = self.group(pool.group)?.pool.as_mut().ok_or(Mismatch)?;
            left.apply(pool)?;
        }
        Ok(())
    }

    /// Identities count up, so groups are in their order, as are the processes of each.
    fn group(&mut self, id: GroupId) -> Result<&mut GroupSnapshot, Mismatch> {
        let place = self.groups.binary_search_by_key(&id, |group| group.id);
        self.groups
            .get_mut(place.map_err(|_| Mismatch)?)
            .ok_or(Mismatch)
    }
}

impl PoolSnapshot {
    fn apply(&mut self, delta: PoolDelta) -> Result<(), Mismatch> {
        self.serial = delta.serial;
        if delta.dropped > self.queue.len() {
            return Err(Mismatch);
        }
        self.queue.splice(..delta.dropped, delta.front);
        self.queue.extend(delta.back);
        for (place, listener) in delta.listeners {
            *self.listeners.get_mut(place).ok_or(Mismatch)? = listener;
        }
        Ok(())
    }
}

/// What was not asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    // What was told of the whole; `None` if a whole snapshot is needed.
    told: Option<Head>,
    processes: BTreeSet<ProcessId>,
}

impl Unwritten {
    /// A process may be another than it was.
    pub(crate) fn process_changed(&mut self, process: ProcessId) {
        self.processes.insert(process);
    }

    /// What there is cannot be told as a difference.
    pub(crate) fn everything_changed(&mut self) {
        self.told = None;
    }

    /// Takes the head, if it is another than was told, and the processes that may have changed;
    /// `None` if a whole snapshot is needed.
    pub(crate) fn take(&mut self, head: Head) -> Option<(Option<Head>, BTreeSet<ProcessId>)> {
        let processes = core::mem::take(&mut self.processes);
        let told = self.told.replace(head)?;
        Some(((told != head).then_some(head), processes))
    }
}
