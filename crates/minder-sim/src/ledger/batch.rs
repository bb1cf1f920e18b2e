//! The processes that were started with their groups, until all of them have been seen to start.

use std::collections::BTreeSet;
use std::time::Duration;

use minder_core::{Mono, ProcessId};

/// Those that wait for each other.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    members: BTreeSet<ProcessId>,
    unanswered: BTreeSet<ProcessId>,
    patient_until: Mono,
}

impl Batch {
    /// Whether a process must not come up yet, so that it does not before others were started.
    #[must_use]
    pub fn holds(&self, now: Mono, process: ProcessId) -> bool {
        let waits = !self.unanswered.is_empty() && now < self.patient_until;
        waits && self.members.contains(&process)
    }

    /// One more is started.
    pub(super) fn join(&mut self, now: Mono, process: ProcessId) {
        self.dissolve_if_late(now);
        self.members.insert(process);
        self.unanswered.insert(process);
        self.patient_until = now + PATIENCE;
    }

    /// It is known whether one could be made.
    pub(super) fn answered(&mut self, now: Mono, process: ProcessId) {
        self.dissolve_if_late(now);
        if self.unanswered.remove(&process) {
            self.patient_until = now + PATIENCE;
        }
        if self.unanswered.is_empty() {
            self.members.clear();
        }
    }

    fn dissolve_if_late(&mut self, now: Mono) {
        if now >= self.patient_until {
            *self = Self::default();
        }
    }
}

/// An answer that takes longer than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
