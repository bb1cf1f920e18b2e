//! Processes that were started together without being asked for.
//!
//! Supervisor starts all of them before it looks whether the first is up: in its log every
//! `spawned` line of such a batch comes before the first `success` line. Here a spawn is answered
//! later, so those that are up are held back until every answer is in. A batch only remembers
//! who is in it; how long it may wait for an answer is bounded by [`PATIENCE`].

use alloc::collections::BTreeSet;
use core::time::Duration;

use crate::child::ProcessId;
use crate::time::Mono;

/// How long the next answer may take before nobody is held back any more. An answer takes a
/// millisecond; Supervisor itself lets a second pass before it looks.
const PATIENCE: Duration = Duration::from_secs(1);

/// One batch, or several that overlap.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    // Identities count up, so each set is in the order of the starts.
    members: BTreeSet<ProcessId>,
    unanswered: BTreeSet<ProcessId>,
    patient_until: Mono,
}

impl Batch {
    /// One more was started.
    pub(crate) fn join(&mut self, now: Mono, process: ProcessId) {
        self.members.insert(process);
        self.unanswered.insert(process);
        self.patient_until = now + PATIENCE;
    }

    /// It is known whether this one runs.
    pub(crate) fn answered(&mut self, now: Mono, process: ProcessId) {
        if self.unanswered.remove(&process) {
            self.patient_until = now + PATIENCE;
        }
    }

    /// Whether this one is held back.
    pub(crate) fn holds(&self, process: ProcessId) -> bool {
        self.members.contains(&process)
    }

    /// When those held back are released even without the missing answers.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        (!self.unanswered.is_empty()).then_some(self.patient_until)
    }

    /// Dissolves the batch if every answer is in, or patience is at its end; gives its members in
    /// the order of their starts.
    pub(crate) fn release(&mut self, now: Mono) -> BTreeSet<ProcessId> {
        if self.deadline().is_some_and(|deadline| now < deadline) {
            return BTreeSet::new();
        }
        self.unanswered.clear();
        core::mem::take(&mut self.members)
    }
}
