//! What readers see: an immutable picture of the core between two steps.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{GroupId, ProcessId};
use crate::spec::{GroupSpec, ProcessSpec};
use crate::state::{Mood, ProcessState};
use crate::time::{Mono, Wall};

/// Everything there is to see. Parts that a step did not touch are shared with the view before.
#[derive(Clone, Debug)]
pub struct View {
    /// What the daemon is up to.
    pub mood: Mood,
    /// The active groups, in (priority, insertion) order.
    pub groups: Vec<Arc<GroupView>>,
    /// The configuration as it was last read, active or not.
    pub candidate: Arc<[Arc<GroupSpec>]>,
}

/// An active group.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// Its identity.
    pub id: GroupId,
    /// What it asks for.
    pub spec: Arc<GroupSpec>,
    /// Its processes, in the order of the spec.
    pub processes: Vec<Arc<ProcessView>>,
}

/// A process of an active group.
#[derive(Clone, Debug)]
pub struct ProcessView {
    /// Its identity.
    pub id: ProcessId,
    /// What it asks for.
    pub spec: Arc<ProcessSpec>,
    /// Its state.
    pub state: ProcessState,
    /// The pid of its child, if it has one.
    pub pid: Option<u32>,
    /// When it was last started.
    pub started: Option<(Mono, Wall)>,
    /// When a child of it last ended; stays when it is started again.
    pub stopped: Option<Wall>,
    /// Why its last start failed or its last end was unexpected, for people; empty if neither.
    pub spawn_error: String,
    /// Supervisor's `exitstatus`: 0 until it has exited.
    pub exit_status: i32,
}
