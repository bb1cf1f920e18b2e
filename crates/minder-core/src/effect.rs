//! What the core asks for.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{ChildId, GroupId, ProcessId};
use crate::event::Event;
use crate::message::Message;
use crate::request::{Reply, RequestId};
use crate::signal::Signal;
use crate::spec::{GroupSpec, ProcessSpec};

/// Something for the driver to do. Effects are done in the order in which they were asked for:
/// listeners and readers of the log see that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start a child, and answer with [`ChildSpawned`](crate::Input::ChildSpawned) or
    /// [`SpawnFailed`](crate::Input::SpawnFailed).
    Spawn {
        /// Its identity from now on.
        child: ChildId,
        /// The process it is a run of.
        process: ProcessId,
        /// What to start.
        spec: Arc<ProcessSpec>,
        /// The group it belongs to.
        group: Arc<GroupSpec>,
    },
    /// Send a signal to a child.
    Signal {
        /// Which child.
        child: ChildId,
        /// Which signal.
        signal: Signal,
        /// To the child alone, or to all of its process group.
        whom: Whom,
    },
    /// Write an event to the standard input of a listener.
    ///
    /// The deliveries to one child are numbered from 1 on. After a crash a delivery may be asked
    /// for again, with the same number and the same bytes: what was written before is not to be
    /// written again.
    Deliver {
        /// To which child.
        child: ChildId,
        /// Which delivery to that child it is.
        delivery: u64,
        /// The envelope and the event.
        bytes: Arc<[u8]>,
    },
    /// Something was decided that observers may want to know. Listeners are none of them: they
    /// are told by [`Deliver`](Self::Deliver).
    Announce(Event),
    /// Write a line to the daemon's own log.
    Log(Message),
    /// Answer a request.
    Reply {
        /// Which request.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// A group has become active: make its automatic log files, say.
    GroupAdded {
        /// Its identity.
        id: GroupId,
        /// What it asks for.
        spec: Arc<GroupSpec>,
        /// The identities of its processes, in the order of the spec.
        processes: Vec<ProcessId>,
    },
    /// A group is no longer active.
    GroupRemoved {
        /// Which.
        id: GroupId,
    },
    /// Processes have joined an active group: make their automatic log files, say.
    ProcessesAdded {
        /// The group.
        group: GroupId,
        /// Who they are, and what they ask for.
        processes: Vec<(ProcessId, Arc<ProcessSpec>)>,
    },
    /// A process of an active group is no longer there.
    ProcessRemoved {
        /// The group.
        group: GroupId,
        /// Which.
        process: ProcessId,
    },
    /// A child runs that the core knows nothing of: it was found in the keeper's inventory, and
    /// no snapshot tells of it. What is to become of it can only be told from its label.
    Stray {
        /// Which.
        child: ChildId,
        /// Its pid.
        pid: u32,
    },
    /// Close every log file and open it again by its name.
    ReopenLogs,
    /// Nothing runs any more, and nothing will: end, or begin anew.
    Halt(Halt),
}

/// Who is sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The child alone.
    Child,
    /// Every process of the child's process group.
    Group,
}

/// What is to happen once everything has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// End.
    Exit,
    /// Read the configuration and begin anew.
    Restart,
}

/// For how many effects memory is kept: more than the end of one process and its next start ask for.
const KEPT: usize = 64;

/// An ordered list of effects, filled by [`Core::handle`](crate::core::Core::handle).
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for one more thing, after all the others.
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    /// Lets observers know.
    pub(crate) fn announce(&mut self, event: Event) {
        self.push(Effect::Announce(event));
    }

    /// Asks for a line in the log.
    pub(crate) fn log(&mut self, message: Message) {
        self.push(Effect::Log(message));
    }

    /// Answers a request.
    pub(crate) fn reply(&mut self, request: RequestId, reply: Reply) {
        self.push(Effect::Reply { request, reply });
    }

    /// Takes every effect out, in order. Memory is kept for the next steps, but not for what a start
    /// of thousands asks for.
    #[must_use]
    pub fn take(&mut self) -> Vec<Effect> {
        if self.0.capacity() <= KEPT {
            self.0.drain(..).collect()
        } else {
            core::mem::take(&mut self.0)
        }
    }

    /// Takes out the effects from `from` on.
    pub(crate) fn split_off(&mut self, from: usize) -> Vec<Effect> {
        self.0.split_off(from)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The effects, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Effect] {
        &self.0
    }
}
