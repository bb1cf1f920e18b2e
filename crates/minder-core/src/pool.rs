//! One pool: listeners that share what they are told.
//!
//! Owns the events that wait, and knows which listener each of its processes is. An event is told
//! once: to the first process in order that is RUNNING and says that it is ready. One that is not
//! taken goes back to the head, and keeps its serials. What a listener's words mean is
//! [`crate::listener`]'s business, and who else hears of an event is that of `pools.rs`.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{ChildId, GroupId, ProcessId};
use crate::delta::PoolDelta;
use crate::effect::{Effect, Effects};
use crate::event::EventType;
use crate::group::Roster;
use crate::listener::{Listener, Outcome, Shown, State};
use crate::message::Message;
use crate::spec::{GroupKind, GroupSpec};
use crate::state::ProcessState;

/// An event that a pool has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedEvent {
    /// What sort of event.
    pub kind: EventType,
    /// Its number among all events of the daemon.
    pub serial: u64,
    /// Its number among the events of the pool.
    pub pool_serial: u64,
    /// What is told of it.
    pub payload: Arc<str>,
}

/// What a later daemon must know of a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// The number that the next event gets within the pool.
    pub serial: u64,
    /// The events that wait, the next one first.
    pub queue: Vec<QueuedEvent>,
    /// The listener that each process is, as many as there are processes and in the same order;
    /// `None` for one without a child.
    pub listeners: Vec<Option<Listener>>,
}

/// How full a pool is, for observers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolLevel {
    /// The name of its group.
    pub name: Arc<str>,
    /// How many events wait.
    pub waiting: usize,
    /// How many may wait; `None` if it is bytes that are counted.
    pub buffer_size: Option<usize>,
    /// How many events it has accepted since it began to listen.
    pub accepted: u64,
}

/// How many bytes of events may wait in a pool, beside the limit that its `buffer_size` is: they
/// are part of every snapshot.
pub const MAX_QUEUED: usize = 32 << 20;

/// How many bytes of events may wait in a pool without a `buffer_size`. Some twenty thousand changes
/// of state: everything that some thousands of programs can have to tell when they crash at once.
pub const BUFFER_BYTES: usize = 4 << 20;

/// So many events may wait without a `buffer_size` however large they are, because they may in
/// Supervisor.
pub const LEAST_EVENTS: usize = 10;

/// What an event counts for beside its payload: its header and its place.
pub const EVENT_OVERHEAD: usize = 128;

/// A pool.
#[derive(Debug)]
pub(crate) struct Pool {
    name: Arc<str>,
    buffer_size: Option<usize>,
    subscriptions: Vec<EventType>,
    serial: u64,
    // The serial that was told last.
    told: u64,
    queue: Queue,
    // In the order of the spec.
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    process: ProcessId,
    name: Arc<str>,
    listener: Option<Listener>,
    // Whether the listener may be another than was told last.
    changed: bool,
}

/// Events that wait, and how many bytes they take.
///
/// Events come and go at the ends alone. So what is left of those that were told of last lies
/// together, and it is enough to count what came and went around it.
#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<QueuedEvent>,
    bytes: usize,
    // How many of the events that were told of are gone.
    dropped: usize,
    // How many were added before those that are left, and how many behind them.
    front: usize,
    back: usize,
}

impl Pool {
    /// The pool that a group is, going on where an earlier daemon left it; `None` if the group is
    /// none.
    pub(crate) fn new(
        spec: &GroupSpec,
        processes: &[ProcessId],
        left: PoolSnapshot,
    ) -> Option<Self> {
        let GroupKind::Listeners {
            buffer_size,
            events,
        } = &spec.kind
        else {
            return None;
        };
        let mut listeners = left.listeners.into_iter();
        let members = processes.iter().zip(&spec.processes);
        let members = members.map(|(process, spec)| Member {
            process: *process,
            name: spec.name.as_str().into(),
            listener: listeners.next().flatten(),
            changed: false,
        });
        let mut queue = Queue::default();
        left.queue
            .into_iter()
            .for_each(|event| queue.push_back(event));
        Some(Self {
            name: spec.name.as_str().into(),
            buffer_size: *buffer_size,
            // Names of no type were refused when the configuration was read.
            subscriptions: events
                .iter()
                .filter_map(|name| EventType::named(name))
                .collect(),
            serial: left.serial,
            told: left.serial,
            queue,
            members: members.collect(),
        })
    }

    /// Forgets a process without a child.
    pub(crate) fn leave(&mut self, process: ProcessId) {
        self.members.retain(|member| member.process != process);
    }

    /// What a later daemon needs in order to go on with it.
    pub(crate) fn snapshot(&self) -> PoolSnapshot {
        PoolSnapshot {
            serial: self.serial,
            queue: self.queue.events.iter().cloned().collect(),
            listeners: self.members.iter().map(|m| m.listener.clone()).collect(),
        }
    }

    /// How full it is.
    pub(crate) fn level(&self) -> PoolLevel {
        PoolLevel {
            name: self.name.clone(),
            waiting: self.queue.events.len(),
            buffer_size: self.buffer_size,
            accepted: self.serial,
        }
    }

    /// Whether one of its listeners has an event that it has not answered.
    pub(crate) fn is_busy(&self) -> bool {
        let mut listeners = self.members.iter().filter_map(|it| it.listener.as_ref());
        listeners.any(|listener| listener.in_flight().is_some())
    }

    /// How it differs from what it was when this was last asked, if it does.
    pub(crate) fn delta(&mut self, group: GroupId) -> Option<PoolDelta> {
        let members = self.members.iter_mut().enumerate();
        let listeners: Vec<_> = members
            .filter_map(|(place, member)| {
                core::mem::take(&mut member.changed).then(|| (place, member.listener.clone()))
            })
            .collect();
        let (dropped, front, back) = self.queue.difference();
        let told = core::mem::replace(&mut self.told, self.serial);
        let is_same = told == self.serial && dropped == 0 && front.is_empty() && back.is_empty();
        (!is_same || !listeners.is_empty()).then_some(PoolDelta {
            group,
            serial: self.serial,
            dropped,
            front,
            back,
            listeners,
        })
    }

    /// What it has asked for.
    pub(crate) fn subscriptions(&self) -> &[EventType] {
        &self.subscriptions
    }

    /// Whether it has asked for events of this type.
    pub(crate) fn wants(&self, kind: EventType) -> bool {
        self.copies(kind) > 0
    }

    /// Accepts an event, once for each subscription that it matches.
    pub(crate) fn accept(
        &mut self,
        kind: EventType,
        serial: u64,
        payload: &Arc<str>,
        fx: &mut Effects,
    ) {
        let event = QueuedEvent {
            kind,
            serial,
            pool_serial: take_serial(&mut self.serial),
            payload: payload.clone(),
        };
        for copy in 0..self.copies(kind) {
            if copy > 0 {
                self.log_rebuffering(&event, fx);
            }
            self.make_room(&event, fx);
            self.queue.push_back(event.clone());
        }
    }

    /// Takes note of which child a process has now. What the one before has not answered is told
    /// again.
    pub(crate) fn follow(&mut self, process: ProcessId, child: Option<ChildId>, fx: &mut Effects) {
        let Some(member) = self.members.iter_mut().find(|m| m.process == process) else {
            return;
        };
        if member.listener.as_ref().map(|listener| listener.child) == child {
            return;
        }
        let gone = core::mem::replace(&mut member.listener, child.map(Listener::new));
        member.changed = true;
        if let Some(event) = gone.and_then(Listener::end) {
            self.put_back(event, fx);
        }
    }

    /// Takes in what a listener says.
    pub(crate) fn said(&mut self, child: ChildId, bytes: &[u8], fx: &mut Effects) {
        let Some((name, listener)) = self.listener(child) else {
            return;
        };
        for outcome in listener.said(bytes) {
            let name = name.clone();
            match outcome {
                Outcome::Moved { from, to } => {
                    fx.log(Message::ListenerMoved {
                        name: name.clone(),
                        from,
                        to,
                    });
                    if to == Shown::Unknown {
                        fx.log(Message::ListenerUnknown { name });
                    }
                }
                Outcome::BadLine(line) => fx.log(Message::BadResultLine { name, line }),
                Outcome::Processed => fx.log(Message::EventProcessed { name }),
                Outcome::Rejected => fx.log(Message::EventRejected { name }),
                Outcome::Returned(event) => self.put_back(event, fx),
            }
        }
    }

    /// Takes note that nothing can be sent to a listener any more. What did not reach it goes to
    /// the next.
    pub(crate) fn deafen(&mut self, child: ChildId, fx: &mut Effects) {
        let Some((name, listener)) = self.listener(child) else {
            return;
        };
        if let Some(event) = listener.deafen() {
            fx.log(Message::EventUndelivered {
                name,
                serial: event.serial,
            });
            self.put_back(event, fx);
        }
    }

    /// Sends what waits to whoever may have it.
    pub(crate) fn dispatch(&mut self, roster: &Roster, identifier: &str, fx: &mut Effects) {
        if self.queue.events.is_empty() || self.ready(roster).is_none() {
            return;
        }
        while let Some(event) = self.queue.pop() {
            let Some(place) = self.ready(roster) else {
                return self.put_back(event, fx);
            };
            let member = &mut self.members[place];
            member.changed = true;
            let Some(listener) = &mut member.listener else {
                return self.put_back(event, fx);
            };
            let bytes = envelope(&event, &self.name, identifier);
            let serial = event.serial;
            fx.push(Effect::Deliver {
                child: listener.child,
                delivery: listener.send(event),
                bytes,
            });
            fx.log(Message::EventSent {
                name: member.name.clone(),
                serial,
            });
        }
    }

    /// Goes on with the listeners for which `lives` says that the keeper has them: what they have
    /// not answered is asked to be sent once more, under the same number. What the others have not
    /// answered is told again.
    pub(crate) fn adopt(
        &mut self,
        lives: impl Fn(ChildId) -> bool,
        identifier: &str,
        fx: &mut Effects,
    ) {
        let mut back = Vec::new();
        for member in &mut self.members {
            member.changed = true;
            match &member.listener {
                Some(listener) if lives(listener.child) => {
                    if let Some(event) = listener.in_flight() {
                        fx.push(Effect::Deliver {
                            child: listener.child,
                            delivery: listener.deliveries,
                            bytes: envelope(event, &self.name, identifier),
                        });
                    }
                }
                // Kept until its process has taken note, which makes it be started anew.
                Some(listener) if listener.state == State::Forgotten => {}
                Some(_) => back.extend(member.listener.take().and_then(Listener::end)),
                None => {}
            }
        }
        for event in back {
            self.put_back(event, fx);
        }
    }

    /// Whether a child is a listener of which nobody knows what it was told.
    pub(crate) fn is_forgotten(&self, child: ChildId) -> bool {
        let mut listeners = self.members.iter().filter_map(|it| it.listener.as_ref());
        listeners.any(|its| its.child == child && its.state == State::Forgotten)
    }

    fn listener(&mut self, child: ChildId) -> Option<(Arc<str>, &mut Listener)> {
        self.members.iter_mut().find_map(|member| {
            let listener = member.listener.as_mut()?;
            (listener.child == child).then(|| {
                member.changed = true;
                (member.name.clone(), listener)
            })
        })
    }

    /// The place of the first one that may be sent an event.
    fn ready(&self, roster: &Roster) -> Option<usize> {
        self.members.iter().position(|member| {
            let process = roster.process(member.process);
            member.listener.as_ref().is_some_and(Listener::is_ready)
                && process.is_some_and(|process| process.shown() == ProcessState::Running)
        })
    }

    fn copies(&self, kind: EventType) -> usize {
        let asked = self.subscriptions.iter();
        asked.filter(|asked| kind.is_a(**asked)).count()
    }

    fn put_back(&mut self, event: QueuedEvent, fx: &mut Effects) {
        self.log_rebuffering(&event, fx);
        self.make_room(&event, fx);
        self.queue.push_front(event);
    }

    /// Drops the oldest events, so that `event` can be added.
    fn make_room(&mut self, event: &QueuedEvent, fx: &mut Effects) {
        while self.is_full_for(event) {
            let Some(dropped) = self.queue.pop() else {
                return;
            };
            fx.log(Message::EventDiscarded {
                pool: self.name.clone(),
                serial: dropped.serial,
            });
        }
    }

    fn is_full_for(&self, event: &QueuedEvent) -> bool {
        let count = self.queue.events.len();
        let bytes = self.queue.bytes + weight(event);
        let is_full = match self.buffer_size {
            Some(size) => count >= size,
            None => count >= LEAST_EVENTS && bytes > BUFFER_BYTES,
        };
        is_full || bytes > MAX_QUEUED
    }

    fn log_rebuffering(&self, event: &QueuedEvent, fx: &mut Effects) {
        fx.log(Message::EventRebuffered {
            pool: self.name.clone(),
            serial: event.serial,
            size: self.queue.events.len(),
            max: self.buffer_size,
        });
    }
}

impl Queue {
    fn push_back(&mut self, event: QueuedEvent) {
        self.bytes += weight(&event);
        self.back += 1;
        self.events.push_back(event);
    }

    fn push_front(&mut self, event: QueuedEvent) {
        self.bytes += weight(&event);
        self.front += 1;
        self.events.push_front(event);
    }

    fn pop(&mut self) -> Option<QueuedEvent> {
        let event = self.events.pop_front()?;
        self.bytes -= weight(&event);
        let left = self.events.len() + 1 - self.front - self.back;
        let count = match (self.front, left) {
            (1.., _) => &mut self.front,
            (0, 1..) => {
                self.dropped += 1;
                return Some(event);
            }
            (0, 0) => &mut self.back,
        };
        *count -= 1;
        Some(event)
    }

    /// How many events are gone since this was last asked, and which were added at either end.
    fn difference(&mut self) -> (usize, Vec<QueuedEvent>, Vec<QueuedEvent>) {
        let behind = self.events.len() - self.back;
        let front = self.events.range(..self.front).cloned().collect();
        let back = self.events.range(behind..).cloned().collect();
        let dropped = core::mem::take(&mut self.dropped);
        (self.front, self.back) = (0, 0);
        (dropped, front, back)
    }
}

/// How many bytes an event counts for.
fn weight(event: &QueuedEvent) -> usize {
    event.payload.len() + EVENT_OVERHEAD
}

/// The next number; after Supervisor's largest comes 0 again.
pub(crate) fn take_serial(next: &mut u64) -> u64 {
    const LARGEST: u64 = i64::MAX.unsigned_abs();
    let taken = *next;
    *next = if taken >= LARGEST { 0 } else { taken + 1 };
    taken
}

/// What is written to a listener. Its length is told in characters, not in bytes, because
/// Supervisor does so and its listeners read text.
fn envelope(event: &QueuedEvent, pool: &str, identifier: &str) -> Arc<[u8]> {
    let QueuedEvent {
        kind,
        serial,
        pool_serial,
        payload,
    } = event;
    let name = kind.name();
    let length = payload.chars().count();
    let text: String = format!(
        "ver:3.0 server:{identifier} serial:{serial} pool:{pool} poolserial:{pool_serial} \
         eventname:{name} len:{length}\n{payload}"
    );
    text.into_bytes().into()
}
