//! One call of the core, from what it is handed until it has settled.

use std::collections::{BTreeMap, BTreeSet};

use minder_core::event::Event;
use minder_core::snapshot::Inherited;
use minder_core::{
    ChildId, Effect, ExitStatus, Input, Mood, Now, ProcessId, ProcessState, Request, RequestId,
    Signal, Signals,
};

use super::mind::{ChildNote, Mind, is_meant};

/// What the core was called for.
#[derive(Clone, Debug)]
pub enum Cause {
    /// To start from a configuration.
    Start,
    /// To adopt what the keeper has.
    Adopt(Vec<Inherited>),
    /// To take an input.
    Input(Input),
}

/// The call, and what the core has asked for in it so far.
#[derive(Debug)]
pub struct Turn {
    /// What it was called for.
    pub cause: Cause,
    /// What the daemon was up to before.
    pub mood: Mood,
    /// The state that each process was in before.
    pub before: BTreeMap<ProcessId, ProcessState>,
    /// The processes that have become active in it, with their group or by joining one.
    pub added: BTreeSet<ProcessId>,
    /// The children that it has asked for.
    pub spawned: BTreeSet<ChildId>,
    /// The children that it has sent a signal.
    pub signalled: BTreeSet<ChildId>,
    /// The processes that have begun to start in it, in order.
    pub started: Vec<ProcessId>,
    /// The processes that have begun to stop in it, in order.
    pub stopped: Vec<ProcessId>,
    /// The processes whose listener has ended of which nobody knew what it was told.
    pub renewed: BTreeSet<ProcessId>,
    /// The children that were sent an event.
    pub delivered: BTreeSet<ChildId>,
    /// The children that were called strays.
    pub strays: BTreeSet<ChildId>,
    /// The requests that it has answered.
    pub replied: BTreeSet<RequestId>,
    /// Whether listeners have been told that the daemon stops.
    pub stopping_told: bool,
    /// How many effects it has asked for.
    pub effects: usize,
}

impl Turn {
    pub(super) fn new(cause: Cause, mind: &Mind) -> Self {
        let processes = mind.processes.iter();
        Self {
            cause,
            mood: mind.mood,
            before: processes.map(|(id, note)| (*id, note.state)).collect(),
            added: BTreeSet::new(),
            spawned: BTreeSet::new(),
            signalled: BTreeSet::new(),
            started: Vec::new(),
            stopped: Vec::new(),
            renewed: BTreeSet::new(),
            delivered: BTreeSet::new(),
            strays: BTreeSet::new(),
            replied: BTreeSet::new(),
            stopping_told: false,
            effects: 0,
        }
    }

    pub(super) fn ask(&mut self, effect: &Effect) {
        self.effects += 1;
        match effect {
            Effect::Announce(Event::ProcessState { process, to, .. }) => match to.state() {
                ProcessState::Starting => self.started.push(*process),
                ProcessState::Stopping => self.stopped.push(*process),
                ProcessState::Stopped
                | ProcessState::Running
                | ProcessState::Backoff
                | ProcessState::Exited
                | ProcessState::Fatal
                | ProcessState::Unknown => {}
            },
            Effect::Announce(Event::SupervisorStopping) => self.stopping_told = true,
            Effect::GroupAdded { processes, .. } => self.added.extend(processes),
            Effect::ProcessesAdded { processes, .. } => {
                self.added.extend(processes.iter().map(|(id, _)| *id));
            }
            Effect::Spawn { child, .. } => {
                self.spawned.insert(*child);
            }
            Effect::Reply { request, .. } => {
                self.replied.insert(*request);
            }
            Effect::Signal { child, .. } => {
                self.signalled.insert(*child);
            }
            Effect::Deliver { child, .. } => {
                self.delivered.insert(*child);
            }
            Effect::Stray { child, .. } => {
                self.strays.insert(*child);
            }
            Effect::Announce(_)
            | Effect::Log(_)
            | Effect::GroupRemoved { .. }
            | Effect::ProcessRemoved { .. }
            | Effect::ReopenLogs
            | Effect::Halt(_) => {}
        }
    }

    /// The signals that a child had been sent when it was found in an adoption.
    #[must_use]
    pub fn had_sent(&self, child: ChildId) -> Signals {
        let Cause::Adopt(inventory) = &self.cause else {
            return Signals::default();
        };
        let found = inventory.iter().find(|found| found.child == child);
        found.map_or_else(Signals::default, |found| found.signals)
    }

    /// The request that the core was called for, if it was for one.
    #[must_use]
    pub fn request(&self) -> Option<(RequestId, &Request)> {
        match &self.cause {
            Cause::Input(Input::Request(id, request)) => Some((*id, request)),
            Cause::Start | Cause::Adopt(_) | Cause::Input(_) => None,
        }
    }

    /// The signal that a user sends to a process, as text, if the core was called for that and
    /// has not sent it yet.
    #[must_use]
    pub fn users_signal(&self, mind: &Mind, process: ProcessId) -> Option<&str> {
        let Some((_, Request::Signal { target, signal })) = self.request() else {
            return None;
        };
        let child = mind.processes.get(&process)?.child?.child;
        // What is no signal is sent to nobody, and nothing is sent for who is refused.
        let due = self.mood == Mood::Running
            && is_meant(mind, target, process)
            && Signal::parse(signal).is_ok()
            && !self.signalled.contains(&child);
        due.then_some(signal)
    }

    /// Whether somebody asks for this process to be started, and its command can be run.
    #[must_use]
    pub fn asks_to_start(&self, mind: &Mind, process: ProcessId) -> bool {
        let Some((
            _,
            Request::Start {
                target, unrunnable, ..
            },
        )) = self.request()
        else {
            return false;
        };
        let can_run = unrunnable.iter().all(|(id, _)| *id != process);
        can_run && is_meant(mind, target, process)
    }

    /// How and when a child ended, if that is what the core was called for.
    #[must_use]
    pub fn end_of(&self, note: &ChildNote, now: Now) -> Option<(ExitStatus, Now)> {
        match &self.cause {
            Cause::Input(Input::ChildExited { child, status, at }) if *child == note.child => {
                Some((*status, *at))
            }
            Cause::Adopt(inventory) => match found(inventory, note.child) {
                Some(inherited) => inherited.exited,
                // It ran, and is not there any more.
                None => note.pid.map(|_| (ExitStatus::Unknown, now)),
            },
            Cause::Start | Cause::Input(_) => None,
        }
    }

    /// Whether the core was called because a child could not be made.
    #[must_use]
    pub fn is_failed_spawn_of(&self, note: &ChildNote) -> bool {
        match &self.cause {
            Cause::Input(Input::SpawnFailed { child, .. }) => *child == note.child,
            Cause::Adopt(_) => self.is_lost_spawn_of(note),
            Cause::Start | Cause::Input(_) => false,
        }
    }

    /// Whether a daemon finds that a child was never made.
    #[must_use]
    pub fn is_lost_spawn_of(&self, note: &ChildNote) -> bool {
        match &self.cause {
            Cause::Adopt(inventory) => {
                let known = note.pid.is_some() || found(inventory, note.child).is_some();
                !known && !self.spawned.contains(&note.child)
            }
            Cause::Start | Cause::Input(_) => false,
        }
    }

    /// Whether the core was called because its deadline has come.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        matches!(self.cause, Cause::Input(Input::DeadlineReached))
    }
}

fn found(inventory: &[Inherited], child: ChildId) -> Option<&Inherited> {
    inventory.iter().find(|inherited| inherited.child == child)
}
