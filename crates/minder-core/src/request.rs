//! What users ask for, and what they are answered.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::ProcessId;
use crate::input::CommandError;
use crate::spec::{GroupSpec, ProcessSpec};

/// Names a request until it is answered. The driver counts them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What a user asks for. What only reads is answered from the [`View`](crate::View) instead.
#[derive(Clone, Debug)]
pub enum Request {
    /// Start processes.
    Start {
        /// Which.
        target: Target,
        /// Whether to answer only when the outcome is known.
        wait: bool,
        /// Those of the target whose command the driver found that it cannot run. Supervisor
        /// refuses these before it looks at their state, and starts nothing.
        unrunnable: Vec<(ProcessId, CommandError)>,
    },
    /// Stop processes.
    Stop {
        /// Which.
        target: Target,
        /// Whether to answer only when they have ended.
        wait: bool,
    },
    /// Send a signal to processes.
    Signal {
        /// Which.
        target: Target,
        /// The signal as the user wrote it.
        signal: String,
    },
    /// Make `groups` the candidate configuration and say what it would change.
    Reread {
        /// Every group of the configuration as it is now on disk.
        groups: Vec<Arc<GroupSpec>>,
    },
    /// Make a group of the candidate configuration active.
    AddGroup {
        /// Its name.
        name: String,
    },
    /// Forget an active group, all of whose processes are stopped.
    RemoveGroup {
        /// Its name.
        name: String,
    },
    /// Add processes to an active group, behind those that it has.
    AddProcesses {
        /// The group's name.
        group: String,
        /// What they ask for.
        processes: Vec<Arc<ProcessSpec>>,
    },
    /// Forget one process of an active group, which is stopped.
    RemoveProcess {
        /// The group's name.
        group: String,
        /// The process's name within it.
        process: String,
    },
    /// Stop everything, then end.
    Shutdown,
    /// Stop everything, then begin anew with the configuration as it is then.
    Restart,
}

/// Which processes a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every process of every group.
    All,
    /// Every process of the group of this name.
    Group(String),
    /// As given by a user: `group:name`, `name`, `group:*` or `group:`.
    Named(String),
}

/// The answer to a request; each is answered exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done, or (without `wait`) begun.
    Done,
    /// What became of each process of a group or of all. Those already as wished are left out.
    Each(Vec<Outcome>),
    /// What `reread` found.
    Changes(Changes),
    /// Not done.
    Refused(Refusal),
}

/// What became of one process of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Whether it was done.
    pub result: Result<(), Refusal>,
}

/// How the candidate configuration differs from the active groups, by group names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Not active yet, in (priority, name) order.
    pub added: Vec<String>,
    /// Active, but different, in (priority, name) order.
    pub changed: Vec<String>,
    /// Active, but no longer configured, in the order in which they are active.
    pub removed: Vec<String>,
}

/// Why something was not done. Each corresponds to one of Supervisor's faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No process or group of this name (as given).
    BadName(String),
    /// No signal of this name (as given).
    BadSignal(String),
    /// The command cannot be run; nothing was started.
    Command(CommandError),
    /// It runs already, or is on its way there.
    AlreadyStarted(String),
    /// It does not run.
    NotRunning(String),
    /// Its first try failed. Further ones may follow.
    SpawnError(String),
    /// It ended, or was stopped, while its start was waited for.
    AbnormalTermination(String),
    /// It is in the UNKNOWN state, a signal to it failed, or it cannot be had there: the whole
    /// text.
    Failed(String),
    /// A group of this name is active already.
    AlreadyAdded(String),
    /// The process of this name, or one of the group of this name, is not stopped.
    StillRunning(String),
    /// The daemon is shutting down or restarting.
    ShuttingDown,
}
