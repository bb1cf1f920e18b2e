//! What a daemon leaves to the one after it.
//!
//! Plain data: everything that the core knows and that neither the keeper nor the configuration
//! file can tell. Encoding is the driver's business. Requests that wait for an outcome are not in
//! it, because they end with the connections of their clients; neither is what can be worked out
//! from the rest, such as how far a shutdown has come.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{ChildId, ExitStatus, GroupId, ProcessId};
use crate::pool::PoolSnapshot;
use crate::process::State;
use crate::signal::Signals;
use crate::spec::GroupSpec;
use crate::state::Mood;
use crate::time::{Now, Wall};

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What the daemon was up to.
    pub mood: Mood,
    /// The active groups, in the order of their being added.
    pub groups: Vec<GroupSnapshot>,
    /// The configuration as it was last read.
    pub candidate: Vec<Arc<GroupSpec>>,
    /// The identities that were not given out yet.
    pub next: NextIds,
    /// The number that the next event gets.
    pub serial: u64,
    /// When the five seconds began that the daemon was in, in seconds since 1970: what was told
    /// of time passing.
    pub tick: u64,
}

/// The next identity of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextIds {
    /// Of a child.
    pub child: u64,
    /// Of a process.
    pub process: u64,
    /// Of a group.
    pub group: u64,
}

/// An active group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSnapshot {
    /// Its identity.
    pub id: GroupId,
    /// What it asks for.
    pub spec: Arc<GroupSpec>,
    /// Its processes, as many as in the spec and in the same order.
    pub processes: Vec<ProcessSnapshot>,
    /// What its listeners have been told and are to be told, if it is a pool of them.
    pub pool: Option<PoolSnapshot>,
}

/// A process of an active group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessSnapshot {
    /// Its identity.
    pub id: ProcessId,
    /// Where it was in its life, with child, tries and deadline.
    pub state: State,
    /// When it was last started.
    pub started: Option<Now>,
    /// When a child of it last ended.
    pub stopped: Option<Wall>,
    /// Why its last start failed or its last end was unexpected; empty if neither.
    pub spawn_error: String,
    /// Supervisor's `exitstatus`.
    pub exit_status: i32,
}

/// A child that is there already when everything is started: it was left by an earlier `supervisord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub child: ChildId,
    /// Its pid.
    pub pid: u32,
    /// When it was started.
    pub started: Now,
}

/// A child that the keeper has, as a new daemon finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// Which.
    pub child: ChildId,
    /// Its pid.
    pub pid: u32,
    /// The signals that it was sent.
    pub signals: Signals,
    /// The process whose name it bears, if there is one: it is stopped like that if it turns out to be
    /// nobody's.
    pub namesake: Option<ProcessId>,
    /// How and when it ended, if it has.
    pub exited: Option<(ExitStatus, Now)>,
}
