//! The children that run, as far as the driver has to do with them: whose they are, their standard
//! streams, and the ends that are waiting for their last output.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_core::{ChildId, ExitStatus, GroupId, GroupSpec, Now, ProcessId, ProcessSpec};
use minder_logs::plane::{Channel, StreamId};
use minder_logs::sink::Sink;
use minder_rpc::Fault;
use tokio::sync::oneshot;

use crate::fastcgi::Sockets;
use crate::inputs::Inputs;
use crate::inspected::{Inspected, Interest};
use crate::log_files::to_syslog;

/// What the driver knows of children.
#[derive(Default)]
pub(crate) struct Children {
    pub(crate) inputs: Inputs,
    pub(crate) inspected: Inspected,
    pub(crate) ends: Ends,
    /// Whose each child is.
    known: BTreeMap<ChildId, Known>,
    /// The latest child of each process.
    latest: BTreeMap<ProcessId, ChildId>,
    /// The processes of each group.
    groups: BTreeMap<GroupId, Vec<ProcessId>>,
    /// The listening sockets that they share.
    pub(crate) sockets: Sockets,
    /// The sinks of spawns whose outcome is not known yet.
    pub(crate) opened: BTreeMap<ChildId, Sinks>,
    /// Children that have ended, and whose output is still being looked at.
    pub(crate) finishing: Vec<ChildId>,
    /// Ends that the core has been told of, to be acknowledged at the end of the step.
    pub(crate) noted: Vec<ChildId>,
    /// Listeners that an event could not be put on its way to.
    pub(crate) deaf: Vec<ChildId>,
    /// Who asked for something to be written to a standard input in this step.
    pub(crate) asked: Vec<(ChildId, StdinAnswer)>,
}

/// Where the output of one child goes.
pub(crate) type Sinks = Vec<(Channel, Sink)>;

/// Whoever waits for something to be written.
pub(crate) type StdinAnswer = oneshot::Sender<Result<(), Fault>>;

/// Whose a child is.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) process: ProcessId,
    pub(crate) spec: Arc<ProcessSpec>,
    pub(crate) group: Arc<GroupSpec>,
}

impl Children {
    /// Takes note of whose a new child is.
    pub(crate) fn add(&mut self, child: ChildId, known: Known) {
        self.latest.insert(known.process, child);
        self.add_former(child, known);
    }

    /// Takes note of whose a child is that may have a successor already.
    pub(crate) fn add_former(&mut self, child: ChildId, known: Known) {
        self.known.insert(child, known);
    }

    /// Takes note of processes that are new in a group, or of a new group.
    pub(crate) fn add_processes(&mut self, group: GroupId, processes: Vec<ProcessId>) {
        self.groups.entry(group).or_default().extend(processes);
    }

    /// Forgets a process of a group.
    pub(crate) fn remove_process(&mut self, group: GroupId, process: ProcessId) {
        if let Some(processes) = self.groups.get_mut(&group) {
            processes.retain(|other| *other != process);
        }
        self.latest.remove(&process);
    }

    /// Forgets a group; answers its processes.
    pub(crate) fn remove_group(&mut self, group: GroupId) -> Vec<ProcessId> {
        let processes = self.groups.remove(&group).unwrap_or_default();
        for process in &processes {
            self.latest.remove(process);
        }
        processes
    }

    /// Forgets a child whose end has been taken note of.
    pub(crate) fn remove(&mut self, child: ChildId) {
        self.known.remove(&child);
    }

    /// The latest child of a process.
    pub(crate) fn of(&self, process: ProcessId) -> Option<ChildId> {
        self.latest.get(&process).copied()
    }

    /// The process that a child belongs to.
    pub(crate) fn process(&self, child: ChildId) -> Option<ProcessId> {
        self.known.get(&child).map(|known| known.process)
    }

    /// Whose a child is.
    pub(crate) fn known(&self, child: ChildId) -> Option<&Known> {
        self.known.get(&child)
    }

    /// The name of the process that a child belongs to.
    pub(crate) fn name(&self, child: ChildId) -> &str {
        self.known.get(&child).map_or("", |known| &known.spec.name)
    }

    /// Whether a stream of a child goes to syslog as well.
    pub(crate) fn goes_to_syslog(&self, child: ChildId, channel: Channel) -> bool {
        let known = self.known.get(&child);
        known.is_some_and(|Known { spec, group, .. }| {
            to_syslog(&group.kind, spec).contains(&channel)
        })
    }

    /// What is looked for in a stream of a child, if anything.
    pub(crate) fn interest(
        &self,
        StreamId { child, channel }: StreamId,
        strip_ansi: bool,
    ) -> Option<Interest> {
        let Known { spec, group, .. } = self.known.get(&child)?;
        Interest::of(group, spec, channel, strip_ansi)
    }
}

/// Ends that the keeper has reported, and that the core is told of once all output is taken in:
/// whoever hears of an end must find the last line in the log.
#[derive(Default)]
pub(crate) struct Ends(BTreeMap<ChildId, (ExitStatus, Now)>);

impl Ends {
    /// Takes note of an end. A repeated report changes nothing.
    pub(crate) fn reported(&mut self, child: ChildId, status: ExitStatus, at: Now) {
        self.0.entry(child).or_insert((status, at));
    }

    /// The end whose output has now been taken in.
    pub(crate) fn drained(&mut self, child: ChildId) -> Option<(ExitStatus, Now)> {
        self.0.remove(&child)
    }
}
