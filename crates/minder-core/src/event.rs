//! What listeners can be told. Envelope and delivery are the driver's business.

use alloc::string::String;
use alloc::sync::Arc;

use crate::child::ProcessId;
use crate::state::ProcessState;

/// Something that happened, with what a listener is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process went from one state to another.
    ProcessState {
        /// Which process.
        process: ProcessId,
        /// Its name.
        name: Arc<str>,
        /// Its group's name.
        group: Arc<str>,
        /// The state it left.
        from: ProcessState,
        /// The state it entered, and what is told with it.
        to: Entered,
    },
    /// A group has become active.
    GroupAdded(String),
    /// A group is no longer active.
    GroupRemoved(String),
    /// The daemon runs.
    SupervisorRunning,
    /// The daemon has begun to stop everything.
    SupervisorStopping,
}

/// The state that a process entered, with what is told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// STARTING.
    Starting {
        /// How many tries have failed before this one.
        tries: u32,
    },
    /// BACKOFF.
    Backoff {
        /// How many tries have failed, this one included.
        tries: u32,
    },
    /// RUNNING.
    Running {
        /// Of the child.
        pid: u32,
    },
    /// STOPPING.
    Stopping {
        /// Of the child.
        pid: u32,
    },
    /// STOPPED.
    Stopped {
        /// Of the child that was stopped; 0 if there was none.
        pid: u32,
    },
    /// EXITED.
    Exited {
        /// Of the child that ended.
        pid: u32,
        /// Whether its exit code was one of the expected ones.
        expected: bool,
    },
    /// FATAL.
    Fatal,
    /// UNKNOWN.
    Unknown,
}

impl Entered {
    /// The state itself.
    #[must_use]
    pub fn state(self) -> ProcessState {
        match self {
            Self::Starting { .. } => ProcessState::Starting,
            Self::Backoff { .. } => ProcessState::Backoff,
            Self::Running { .. } => ProcessState::Running,
            Self::Stopping { .. } => ProcessState::Stopping,
            Self::Stopped { .. } => ProcessState::Stopped,
            Self::Exited { .. } => ProcessState::Exited,
            Self::Fatal => ProcessState::Fatal,
            Self::Unknown => ProcessState::Unknown,
        }
    }
}
