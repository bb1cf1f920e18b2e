//! What has really happened, whatever any daemon knows of it.

use std::collections::{BTreeMap, BTreeSet};

use minder_core::{ChildId, Effect, Input, ProcessId, Request, RequestId};

/// Children and requests.
#[derive(Debug, Default)]
pub struct Ground {
    /// The children that live, and the process that each is a run of.
    pub living: BTreeMap<ChildId, ProcessId>,
    /// The children that have ended.
    pub ended: BTreeSet<ChildId>,
    /// Every identity that a daemon has named to the keeper.
    pub named: BTreeSet<ChildId>,
    /// The requests that somebody still waits for.
    pub open: BTreeMap<RequestId, OpenRequest>,
}

/// A request that somebody still waits for.
#[derive(Debug)]
pub struct OpenRequest {
    /// What was asked for.
    pub request: Request,
    /// Whether the core has already given its answer, which the driver has still to deliver.
    pub answered: bool,
}

impl Ground {
    pub(super) fn take(&mut self, input: &Input) {
        if let Input::Request(id, request) = input {
            let open = OpenRequest {
                request: request.clone(),
                answered: false,
            };
            self.open.insert(*id, open);
        }
    }

    pub(super) fn replying(&mut self, request: RequestId) {
        if let Some(open) = self.open.get_mut(&request) {
            open.answered = true;
        }
    }

    pub(super) fn did(&mut self, effect: &Effect) {
        match effect {
            Effect::Spawn { child, .. } => {
                self.named.insert(*child);
            }
            Effect::Reply { request, .. } => {
                self.open.remove(request);
            }
            Effect::Signal { .. }
            | Effect::Deliver { .. }
            | Effect::Announce(_)
            | Effect::Log(_)
            | Effect::GroupAdded { .. }
            | Effect::GroupRemoved { .. }
            | Effect::ProcessesAdded { .. }
            | Effect::ProcessRemoved { .. }
            | Effect::Stray { .. }
            | Effect::ReopenLogs
            | Effect::Halt(_) => {}
        }
    }

    pub(super) fn made(&mut self, child: ChildId, process: ProcessId) {
        self.living.insert(child, process);
    }

    pub(super) fn ended(&mut self, child: ChildId) {
        self.living.remove(&child);
        self.ended.insert(child);
    }

    /// The connections of those who wait end with the daemon.
    pub(super) fn lose_requests(&mut self) {
        self.open.clear();
    }

    /// The keeper has forgotten all of them; those that live are nobody's children any more.
    pub(super) fn drop_children(&mut self) {
        self.living.clear();
    }
}
