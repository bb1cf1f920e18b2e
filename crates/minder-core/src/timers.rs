//! What is due when: an ordered index of deadlines.
//!
//! Holds one deadline for each [`Timer`], and finds the earliest without a scan. Whose it is and
//! what follows is its owner's business.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::child::{ChildId, ProcessId};
use crate::time::Mono;

/// Something that can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A process is to be looked at again, or tried again.
    Process(ProcessId),
    /// It is time to say again that somebody waits for a process to stop.
    StopReport(ProcessId),
    /// It is time to say again what a shutdown waits for.
    ShutdownReport,
    /// Listeners have had time enough to answer before they are stopped.
    LastWord,
    /// A child that belongs to no process has not ended in time.
    Stray(ChildId),
    /// A slice of time begins that somebody wants to hear of.
    Tick,
    /// The processes of a batch have been held back long enough.
    Batch,
}

/// The deadlines.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(Mono, Timer)>,
    when: BTreeMap<Timer, Mono>,
}

impl Timers {
    /// Sets, moves or (with `None`) forgets the deadline of `timer`.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Mono>) {
        let before = match at {
            Some(at) => self.when.insert(timer, at),
            None => self.when.remove(&timer),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.due.remove(&(before, timer));
        }
        if let Some(at) = at {
            self.due.insert((at, timer));
        }
    }

    /// Whether `timer` has a deadline.
    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.when.contains_key(&timer)
    }

    /// The earliest deadline.
    pub(crate) fn first(&self) -> Option<Mono> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest of those that are due.
    pub(crate) fn take_due(&mut self, now: Mono) -> Option<Timer> {
        let (_, timer) = *self.due.first().filter(|(at, _)| *at <= now)?;
        self.set(timer, None);
        Some(timer)
    }
}
