//! How much has gone to the logs, counted by the log plane and read by whoever asks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use minder_core::ProcessId;
use minder_logs::plane::Channel;

/// The counts of every active process, since this daemon began or the process became active.
#[derive(Default)]
pub(crate) struct Written(Mutex<BTreeMap<(ProcessId, Channel), Arc<AtomicU64>>>);

impl Written {
    /// What counts the bytes of a stream, of all the children that a process has.
    pub(crate) fn counter(&self, process: ProcessId, channel: Channel) -> Arc<AtomicU64> {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry((process, channel)).or_default())
    }

    /// How many bytes that are so far.
    pub(crate) fn bytes(&self, process: ProcessId, channel: Channel) -> u64 {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters.get(&(process, channel));
        counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// Forgets a process that is no longer active.
    pub(crate) fn forget(&self, process: ProcessId) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for channel in Channel::ALL {
            counters.remove(&(process, channel));
        }
    }
}
