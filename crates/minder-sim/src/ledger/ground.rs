//! What has really happened, whatever any daemon knows of it.

use std::collections::{BTreeMap, BTreeSet};

use minder_core::{ChildId, Effect, Input, ProcessId, Request, RequestId};

use super::mind::Mind;

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
    /// How many events were written to each listener.
    pub deliveries: BTreeMap<ChildId, u64>,
    /// How many listeners work on an event or have taken it, by pool and number.
    pub tellings: BTreeMap<(String, u64), usize>,
    /// What was told under each number.
    pub events: BTreeMap<u64, String>,
    // What each listener works on.
    at_work: BTreeMap<ChildId, (String, u64)>,
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
        self.answered(child, false);
    }

    pub(super) fn told(&mut self, child: ChildId, delivery: u64, bytes: &[u8], heeds: bool) {
        self.deliveries.insert(child, delivery);
        let Some(Head {
            pool, serial, what, ..
        }) = Head::of(bytes)
        else {
            return;
        };
        self.events.entry(serial).or_insert(what);
        if !heeds {
            return;
        }
        let telling = (pool.to_owned(), serial);
        *self.tellings.entry(telling.clone()).or_default() += 1;
        self.at_work.insert(child, telling);
    }

    pub(super) fn answered(&mut self, child: ChildId, taken: bool) {
        let telling = self.at_work.remove(&child).filter(|_| !taken);
        if let Some(count) = telling.and_then(|telling| self.tellings.get_mut(&telling)) {
            *count -= 1;
        }
    }

    /// Numbers begin anew.
    pub(super) fn forget_events(&mut self) {
        self.tellings.clear();
        self.events.clear();
        self.at_work.clear();
    }

    /// Processes have other identities from now on, and some children are nobody's: of two that
    /// bear one name, one is.
    pub(super) fn rename(&mut self, mind: &Mind) {
        self.forget_events();
        for (child, process) in &mut self.living {
            let its = mind.process_of(*child);
            *process = its.map_or(NOBODY, |(id, _)| id);
        }
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

/// What stands in the head of an event.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// Its number.
    pub serial: u64,
    /// The pool.
    pub pool: &'a str,
    /// What sort of event.
    pub event: &'a str,
    /// The same, and all that is told of it.
    pub what: String,
}

impl<'a> Head<'a> {
    /// Reads it.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&bytes[..end]).ok()?;
        let value = |wanted: &str| {
            let mut tokens = line.split(' ').filter_map(|token| token.split_once(':'));
            tokens
                .find(|(key, _)| *key == wanted)
                .map(|(_, value)| value)
        };
        let event = value("eventname")?;
        let payload = String::from_utf8_lossy(&bytes[end..]);
        Some(Self {
            serial: value("serial")?.parse().ok()?,
            pool: value("pool")?,
            event,
            what: format!("{event}{payload}"),
        })
    }
}

/// The process of children that are no configured process's.
const NOBODY: ProcessId = ProcessId(u64::MAX);
