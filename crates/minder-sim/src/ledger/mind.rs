//! What the core has said of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use minder_core::effect::Halt;
use minder_core::event::{Entered, Event};
use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::spec::{GroupSpec, ProcessSpec};
use minder_core::{
    Channel, ChildId, Effect, ExitStatus, GroupId, Input, Message, Mono, Mood, Now, ProcessId,
    ProcessState, Request, Said, Signal, Target, Wall,
};

use super::batch::Batch;
use super::pools::{Pools, Speech};
use super::turn::Turn;
use crate::fact::Found;

/// Groups, processes and what the daemon is up to.
#[derive(Clone, Debug)]
pub struct Mind {
    /// What the daemon is up to.
    pub mood: Mood,
    /// The configuration as it was last read.
    pub candidate: Vec<Arc<GroupSpec>>,
    /// The active groups.
    pub groups: BTreeMap<GroupId, GroupNote>,
    /// Their processes.
    pub processes: BTreeMap<ProcessId, ProcessNote>,
    /// The groups that are pools.
    pub pools: Pools,
    /// Children of processes that were removed while out of reach, or that a recovery found to be
    /// nobody's.
    pub let_go: BTreeSet<ChildId>,
    /// Those of them that were called strays, and when each is to be killed, unless it was.
    pub strays: BTreeMap<ChildId, Option<Mono>>,
    /// Those that were started together and wait for each other.
    pub batch: Batch,
    /// Whether listeners have been told that the daemon runs.
    pub running_told: bool,
    /// The halt that was asked for.
    pub halted: Option<Halt>,
}

/// How long a stray has that bears no known name.
const STRAY_WAIT: Duration = Duration::from_secs(10);

/// An active group.
#[derive(Clone, Debug)]
pub struct GroupNote {
    /// What it asks for.
    pub spec: Arc<GroupSpec>,
    /// Its processes, in the order of the spec.
    pub processes: Vec<ProcessId>,
}

/// A process of an active group.
#[derive(Clone, Debug)]
pub struct ProcessNote {
    /// Its group.
    pub group: GroupId,
    /// Its place in the spec of its group.
    pub place: usize,
    /// What it asks for.
    pub spec: Arc<ProcessSpec>,
    /// The state that was announced last.
    pub state: ProcessState,
    /// Its child, if it has one or one is being made.
    pub child: Option<ChildNote>,
    /// When a child was last asked for.
    pub started: Option<Mono>,
    /// When a child of it last ended, on the wall clock.
    pub stopped: Option<Wall>,
    /// How its last child ended, if it did by itself after having been up, or on request.
    pub last_end: Option<ExitStatus>,
    /// How many starts in a row have failed.
    pub tries: u32,
    /// When its next try is due, while it is BACKOFF.
    pub retry_at: Mono,
    /// When it is killed next, while it is STOPPING.
    pub kill_at: Mono,
    /// Whether a user has asked to stop it, and it has not begun to.
    pub stop_asked: bool,
    /// Whether it is said to stop, and was sent no signal yet.
    pub signal_due: bool,
}

/// A child, as far as the core was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildNote {
    /// Which.
    pub child: ChildId,
    /// When the core asked for it.
    pub asked_at: Mono,
    /// Its pid, once the core was told that it runs.
    pub pid: Option<u32>,
}

impl Mind {
    pub(super) fn new(serial: u64, now: Now) -> Self {
        Self {
            mood: Mood::Running,
            pools: Pools::new(serial, now.wall),
            candidate: Vec::new(),
            groups: BTreeMap::new(),
            processes: BTreeMap::new(),
            let_go: BTreeSet::new(),
            strays: BTreeMap::new(),
            batch: Batch::default(),
            running_told: false,
            halted: None,
        }
    }

    /// What is known of the children alone. Which of two children of one process is taken for its
    /// child is left to the core.
    pub(super) fn recovered(
        groups: &[Arc<GroupSpec>],
        found: &[Found],
        snapshot: &Snapshot,
        now: Now,
    ) -> Self {
        let mut mind = Self::new(0, now);
        mind.running_told = true;
        mind.candidate = groups.to_vec();
        for group in &snapshot.groups {
            let ids: Vec<_> = group.processes.iter().map(|process| process.id).collect();
            mind.add(group.id, &group.spec, &ids);
        }
        let living = found.iter().filter(|it| it.inherited.exited.is_none());
        let mut claimed = BTreeSet::new();
        for Found { inherited, label } in living.clone().rev() {
            let mut processes = mind.processes.iter_mut();
            let its = processes.find(|(_, note)| {
                let group = mind.groups.get(&note.group);
                let group = group.map(|group| group.spec.name.as_str());
                (group, note.spec.name.as_str()) == (Some(&*label.0), &*label.1)
            });
            let Some((id, note)) = its.filter(|(_, note)| note.child.is_none()) else {
                continue;
            };
            claimed.insert(inherited.child);
            note.state = ProcessState::Running;
            note.started = Some(now.mono);
            note.child = Some(ChildNote {
                child: inherited.child,
                asked_at: now.mono,
                pid: Some(inherited.pid),
            });
            mind.pools.found(note.group, *id, inherited.child);
        }
        let unclaimed = living.map(|it| it.inherited.child);
        mind.let_go = unclaimed.filter(|child| !claimed.contains(child)).collect();
        mind
    }

    /// The active group of this name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&GroupNote> {
        self.groups.values().find(|group| group.spec.name == name)
    }

    /// The process that a child is a run of, as far as the core is concerned.
    #[must_use]
    pub fn process_of(&self, child: ChildId) -> Option<(ProcessId, &ProcessNote)> {
        let mut notes = self.processes.iter();
        let found = notes.find(|(_, note)| note.child.is_some_and(|its| its.child == child));
        found.map(|(id, note)| (*id, note))
    }

    /// Whether every process of a group is stopped.
    #[must_use]
    pub fn is_stopped(&self, group: &GroupNote) -> bool {
        let mut notes = group
            .processes
            .iter()
            .filter_map(|id| self.processes.get(id));
        notes.all(|note| note.state.is_stopped())
    }

    /// The active groups by priority, and among equals in the order of their being added.
    #[must_use]
    pub fn by_priority(&self) -> Vec<(GroupId, &GroupNote)> {
        let mut groups: Vec<_> = self.groups.iter().map(|(id, group)| (*id, group)).collect();
        groups.sort_by_key(|(id, group)| (group.spec.priority, *id));
        groups
    }

    /// A new daemon knows of these children, and works out anew how far the end has come.
    pub(super) fn inherit(&mut self, inventory: &[Inherited], now: Now) {
        // Those that are there are told of anew.
        self.strays.clear();
        self.halted = None;
        self.batch = Batch::default();
        self.pools.look_at_clock(now.wall);
        let known: BTreeSet<_> = inventory.iter().map(|inherited| inherited.child).collect();
        self.pools.inherit(|child| known.contains(&child));
        for inherited in inventory {
            self.make_up_for_stop(inherited, now);
            self.runs(inherited.child, inherited.pid);
        }
    }

    /// A stop that was decided is made up for if the child was not sent its signal.
    fn make_up_for_stop(&mut self, inherited: &Inherited, now: Now) {
        let Some(id) = self.process_of(inherited.child).map(|(id, _)| id) else {
            return;
        };
        let Some(note) = self.processes.get_mut(&id) else {
            return;
        };
        let sent = |signal| inherited.signals.contains(signal);
        let stopped = sent(note.spec.stop_signal) || sent(Signal::KILL);
        if note.state == ProcessState::Stopping && inherited.exited.is_none() && !stopped {
            note.signal_due = true;
            note.kill_at = now.mono + note.spec.stop_wait();
        }
    }

    pub(super) fn take(&mut self, input: &Input, now: Now) {
        self.pools.look_at_clock(now.wall);
        if let Input::ChildSpawned { child, .. }
        | Input::SpawnFailed { child, .. }
        | Input::ChildExited { child, .. } = input
            && let Some((id, _)) = self.process_of(*child)
        {
            self.batch.answered(now.mono, id);
        }
        match input {
            Input::ChildSpawned { child, pid } => self.runs(*child, *pid),
            Input::ChildExited { child, .. } => {
                self.strays.remove(child);
            }
            Input::Signalled(Signal::TERM | Signal::INT | Signal::QUIT) => {
                self.mood = Mood::ShuttingDown;
            }
            Input::Signalled(Signal::HUP) if self.mood == Mood::Running => {
                self.mood = Mood::Restarting;
            }
            Input::Request(_, request) if self.mood == Mood::Running => self.take_request(request),
            Input::ListenerSaid { child, bytes } => self.pools.said(*child, bytes),
            Input::ListenerDeaf { child } => self.pools.deafened(*child),
            Input::Said {
                child,
                channel,
                what,
                data,
            } => {
                if let Some(event) = self.said(*child, *channel, *what, data) {
                    self.pools.hear(&event);
                }
            }
            Input::RemoteCommunication { kind, data } => {
                let (kind, data) = (kind.clone(), data.clone());
                self.pools.hear(&Event::RemoteCommunication { kind, data });
            }
            Input::SpawnFailed { .. }
            | Input::SignalFailed { .. }
            | Input::OrphanReaped { .. }
            | Input::Signalled(_)
            | Input::Request(..)
            | Input::DeadlineReached => {}
        }
    }

    fn said(&self, child: ChildId, channel: Channel, said: Said, data: &[u8]) -> Option<Event> {
        let (_, note) = self.process_of(child)?;
        let group = self.groups.get(&note.group)?;
        Some(Event::ProcessSaid {
            name: note.spec.name.as_str().into(),
            group: group.spec.name.as_str().into(),
            pid: note.child.and_then(|child| child.pid).unwrap_or(0),
            channel,
            said,
            data: data.into(),
        })
    }

    fn take_request(&mut self, request: &Request) {
        match request {
            Request::Shutdown => self.mood = Mood::ShuttingDown,
            Request::Restart => self.mood = Mood::Restarting,
            Request::Reread { groups } => self.candidate.clone_from(groups),
            Request::Stop { target, .. } => {
                let meant: Vec<_> = self
                    .processes
                    .iter()
                    .filter(|(id, note)| note.state.is_running() && is_meant(self, target, **id))
                    .map(|(id, _)| *id)
                    .collect();
                for id in meant {
                    if let Some(note) = self.processes.get_mut(&id) {
                        note.stop_asked = true;
                    }
                }
            }
            Request::Start { .. }
            | Request::Signal { .. }
            | Request::AddGroup { .. }
            | Request::RemoveGroup { .. }
            | Request::AddProcesses { .. }
            | Request::RemoveProcess { .. } => {}
        }
    }

    fn runs(&mut self, child: ChildId, pid: u32) {
        let children = self
            .processes
            .values_mut()
            .filter_map(|note| note.child.as_mut());
        for note in children.filter(|note| note.child == child) {
            note.pid = Some(pid);
        }
    }

    pub(super) fn ask(&mut self, effect: &Effect, now: Now, turn: &mut Turn) {
        if let Effect::Announce(event) = effect {
            self.pools.hear(event);
        }
        match effect {
            Effect::Announce(Event::ProcessState { process, to, .. }) => {
                if let Some(note) = self.processes.get_mut(process) {
                    note.enter(*to, now, turn);
                    let starts = note.state == ProcessState::Starting;
                    let (group, has_child) = (note.group, note.child.is_some());
                    if starts && turn.added.contains(process) {
                        self.batch.join(now.mono, *process);
                    }
                    if !has_child
                        && let Some(gone) = self.pools.child_gone(group, *process)
                        && matches!(gone.speech, Speech::Forgotten)
                    {
                        turn.renewed.insert(*process);
                    }
                }
            }
            Effect::Spawn { child, process, .. } => {
                if let Some(note) = self.processes.get_mut(process) {
                    note.started = Some(now.mono);
                    note.last_end = None;
                    note.child = Some(ChildNote {
                        child: *child,
                        asked_at: now.mono,
                        pid: None,
                    });
                    self.pools.child_made(note.group, *process, *child);
                }
            }
            Effect::Deliver {
                child, delivery, ..
            } => self.pools.delivered(*child, *delivery),
            Effect::Log(message) => self.log(message),
            Effect::Signal { child, signal, .. } => {
                let of_user = self
                    .process_of(*child)
                    .is_some_and(|(id, _)| turn.users_signal(self, id).is_some());
                if let Some(kill_at) = self
                    .strays
                    .get_mut(child)
                    .filter(|_| *signal == Signal::KILL)
                {
                    *kill_at = None;
                }
                // What a user sends changes nothing about when it is killed.
                if !of_user {
                    self.signalled(*child, *signal, now.mono);
                }
            }
            Effect::GroupAdded {
                id,
                spec,
                processes,
            } => {
                // One with what was last read, of which there may be a copy here.
                let read = self.candidate.iter().find(|its| *its == spec);
                let spec = read.unwrap_or(spec).clone();
                self.add(*id, &spec, processes);
            }
            Effect::GroupRemoved { id } => self.remove(*id),
            Effect::ProcessesAdded { group, processes } => self.join(*group, processes),
            Effect::ProcessRemoved { process, .. } => self.leave(*process),
            Effect::Halt(halt) => self.halted = Some(*halt),
            Effect::Stray { child, .. } => {
                let is_killed = turn.had_sent(*child).contains(Signal::KILL);
                let kill_at = (!is_killed).then(|| now.mono + STRAY_WAIT);
                self.strays.insert(*child, kill_at);
            }
            Effect::Announce(Event::SupervisorRunning) => self.running_told = true,
            Effect::Announce(_) | Effect::Reply { .. } | Effect::ReopenLogs => {}
        }
    }

    fn log(&mut self, message: &Message) {
        match message {
            Message::EventRebuffered { pool, serial, .. } => {
                self.pools.rebuffered(pool, *serial);
            }
            Message::EventDiscarded { pool, .. } => self.pools.said_to_be_discarded(pool),
            Message::EventProcessed { .. }
            | Message::EventRejected { .. }
            | Message::BadResultLine { .. } => self.pools.judged(),
            _ => {}
        }
    }

    fn signalled(&mut self, child: ChildId, signal: Signal, now: Mono) {
        let is_its = |note: &&mut ProcessNote| note.child.is_some_and(|its| its.child == child);
        let Some(note) = self.processes.values_mut().find(is_its) else {
            return;
        };
        if note.signal_due {
            note.signal_due = false;
        } else if signal == Signal::KILL && note.kill_at <= now {
            note.kill_at = now + note.spec.stop_wait().max(Duration::from_secs(1));
        }
    }

    fn add(&mut self, id: GroupId, spec: &Arc<GroupSpec>, processes: &[ProcessId]) {
        for (place, (process, its)) in processes.iter().zip(&spec.processes).enumerate() {
            let note = ProcessNote {
                group: id,
                place,
                spec: its.clone(),
                state: ProcessState::Stopped,
                child: None,
                started: None,
                stopped: None,
                last_end: None,
                tries: 0,
                retry_at: Mono::default(),
                kill_at: Mono::default(),
                stop_asked: false,
                signal_due: false,
            };
            self.processes.insert(*process, note);
        }
        let group = GroupNote {
            spec: spec.clone(),
            processes: processes.to_vec(),
        };
        self.groups.insert(id, group);
        self.pools.add(id, spec);
    }

    fn join(&mut self, id: GroupId, processes: &[(ProcessId, Arc<ProcessSpec>)]) {
        let Some(group) = self.groups.get(&id) else {
            return;
        };
        let mut spec = GroupSpec::clone(&group.spec);
        let mut ids = group.processes.clone();
        spec.processes
            .extend(processes.iter().map(|(_, its)| its.clone()));
        ids.extend(processes.iter().map(|(id, _)| *id));
        self.respecify(id, spec, ids);
    }

    fn leave(&mut self, process: ProcessId) {
        let Some(note) = self.processes.remove(&process) else {
            return;
        };
        let Some(group) = self.groups.get(&note.group) else {
            return;
        };
        let mut spec = GroupSpec::clone(&group.spec);
        let mut ids = group.processes.clone();
        spec.processes.retain(|its| its.name != note.spec.name);
        ids.retain(|id| *id != process);
        self.respecify(note.group, spec, ids);
    }

    /// What is active and what was last read are one until somebody reads again.
    fn respecify(&mut self, id: GroupId, spec: GroupSpec, ids: Vec<ProcessId>) {
        let spec = Arc::new(spec);
        let known: Vec<_> = ids
            .iter()
            .map(|id| self.processes.get(id).cloned())
            .collect();
        let old = self.groups.get(&id).map(|group| group.spec.clone());
        self.add(id, &spec, &ids);
        for (place, (id, known)) in ids.into_iter().zip(known).enumerate() {
            if let Some(known) = known {
                self.processes.insert(id, ProcessNote { place, ..known });
            }
        }
        let is_old = |its: &&mut Arc<GroupSpec>| old.as_ref().is_some_and(|o| Arc::ptr_eq(o, its));
        self.candidate
            .iter_mut()
            .filter(is_old)
            .for_each(|its| *its = spec.clone());
    }

    fn remove(&mut self, id: GroupId) {
        self.pools.remove(id);
        let group = self.groups.remove(&id);
        for process in group.into_iter().flat_map(|group| group.processes) {
            let note = self.processes.remove(&process);
            let child = note.and_then(|note| note.child);
            self.let_go.extend(child.map(|note| note.child));
        }
    }
}

impl ProcessNote {
    fn enter(&mut self, to: Entered, now: Now, turn: &Turn) {
        self.state = to.state();
        let end = self.child.and_then(|child| turn.end_of(&child, now));
        if let (Some((_, at)), false) = (end, matches!(to, Entered::Running { .. })) {
            self.stopped = Some(at.wall);
        }
        match to {
            // What a user asked for goes on while the child is being made.
            Entered::Starting { .. } => {}
            Entered::Running { .. } => self.tries = 0,
            Entered::Unknown => {
                self.stop_asked = false;
                self.signal_due = false;
            }
            Entered::Stopping { .. } => {
                self.stop_asked = false;
                self.signal_due = true;
                self.kill_at = now.mono + self.spec.stop_wait();
            }
            Entered::Backoff { tries } => {
                // A report that comes late must not make the next try late.
                let failed_at = end.map_or(now.mono, |(_, at)| at.mono.min(now.mono));
                self.tries = tries;
                self.retry_at = failed_at + Duration::from_secs(tries.into());
                self.child = None;
            }
            Entered::Stopped { .. } | Entered::Exited { .. } | Entered::Fatal => {
                self.last_end = end.map(|(status, _)| status).or(self.last_end);
                self.child = None;
                self.tries = 0;
                self.stop_asked = false;
                self.signal_due = false;
            }
        }
    }
}

/// Whether a target means a process.
#[must_use]
pub fn is_meant(mind: &Mind, target: &Target, process: ProcessId) -> bool {
    let Some(note) = mind.processes.get(&process) else {
        return false;
    };
    let Some(group) = mind.groups.get(&note.group) else {
        return false;
    };
    let (group, name) = (group.spec.name.as_str(), note.spec.name.as_str());
    match target {
        Target::All => true,
        Target::Group(wanted) => wanted == group,
        Target::Named(given) => {
            given == &format!("{group}:{name}")
                || given == &format!("{group}:*")
                || given == &format!("{group}:")
                || (given == group && name == group)
        }
    }
}
