//! What waits for listeners, and how far each of them has come, as the core has made it known.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use minder_core::event::Event;
use minder_core::spec::{GroupKind, GroupSpec};
use minder_core::tick::Period;
use minder_core::{ChildId, EventType, GroupId, ProcessId, Wall};

/// Every pool.
#[derive(Clone, Debug)]
pub struct Pools {
    /// The pools, by the groups that they are.
    pub by_group: BTreeMap<GroupId, PoolNote>,
    /// What listeners have said of their events, as long as the core has not said so.
    pub verdicts: VecDeque<Judgement>,
    /// The number that the next event gets.
    serial: u64,
    // When the clock was looked at last, in seconds since 1970.
    looked: u64,
}

/// A pool.
#[derive(Clone, Debug)]
pub struct PoolNote {
    /// Its name.
    pub name: Arc<str>,
    /// The events that wait, the next one first.
    pub queue: VecDeque<EventNote>,
    /// Those of its processes that have a child.
    pub listeners: BTreeMap<ProcessId, ListenerNote>,
    /// Events that no listener has taken, as long as the core has not put them back.
    pub returning: Vec<EventNote>,
    /// The numbers of the events that had to make room, as long as the core has not said so.
    pub discarded: VecDeque<u64>,
    buffer_size: Option<usize>,
    asked: Vec<String>,
    serial: u64,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventNote {
    /// Of what sort.
    pub kind: EventType,
    /// Its number.
    pub serial: u64,
    /// Its number within the pool.
    pub pool_serial: u64,
    /// What is told of it.
    pub payload: Arc<str>,
}

/// A listener.
#[derive(Clone, Debug)]
pub struct ListenerNote {
    /// Which child it is.
    pub child: ChildId,
    /// How far it has come.
    pub speech: Speech,
    /// Whether nothing can be sent to it.
    pub deaf: bool,
    /// How many events it was sent.
    pub deliveries: u64,
}

/// How far a listener has come.
#[derive(Clone, Debug)]
pub enum Speech {
    /// It has not said that it is ready, but this.
    Unready(Vec<u8>),
    /// It has.
    Ready,
    /// It was sent an event, and has said this.
    Busy(EventNote, Vec<u8>),
    /// It has said what it should not.
    Broken,
    /// Nobody knows.
    Forgotten,
}

/// What a listener has said of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It has taken it.
    Taken,
    /// It does not want it.
    Refused,
    /// Nothing that makes sense.
    Nonsense,
}

impl Pools {
    pub(super) fn new(serial: u64, wall: Wall) -> Self {
        Self {
            by_group: BTreeMap::new(),
            verdicts: VecDeque::new(),
            serial,
            looked: wall.0.as_secs(),
        }
    }

    pub(super) fn add(&mut self, id: GroupId, spec: &GroupSpec) {
        let GroupKind::Listeners {
            buffer_size,
            events,
        } = &spec.kind
        else {
            return;
        };
        // One of which a process has left goes on as it is.
        self.by_group.entry(id).or_insert_with(|| PoolNote {
            name: spec.name.as_str().into(),
            queue: VecDeque::new(),
            listeners: BTreeMap::new(),
            returning: Vec::new(),
            discarded: VecDeque::new(),
            buffer_size: *buffer_size,
            asked: events.clone(),
            serial: 0,
        });
    }

    pub(super) fn remove(&mut self, id: GroupId) {
        self.by_group.remove(&id);
    }

    /// The pool of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&PoolNote> {
        self.by_group.values().find(|pool| *pool.name == *name)
    }

    fn named_mut(&mut self, name: &str) -> Option<&mut PoolNote> {
        self.by_group.values_mut().find(|pool| *pool.name == *name)
    }

    /// The clock is looked at.
    pub(super) fn look_at_clock(&mut self, wall: Wall) {
        let secs = wall.0.as_secs();
        let before = std::mem::replace(&mut self.looked, secs);
        for period in Period::ALL {
            let length = period.secs();
            if before / length != secs / length {
                let when = secs / length * length;
                self.hear(&Event::Tick { period, when });
            }
        }
    }

    /// Until when nobody has to look at the clock, if some pool wants to be told of it.
    #[must_use]
    pub fn next_look(&self, wall: Wall) -> Option<Wall> {
        let mut periods = Period::ALL.into_iter();
        let period = periods.find(|period| {
            let mut pools = self.by_group.values();
            pools.any(|pool| pool.copies(period.kind()) > 0)
        })?;
        let length = period.secs();
        let next = (wall.0.as_secs() / length + 1) * length;
        Some(Wall(std::time::Duration::from_secs(next)))
    }

    /// Something happens that listeners may be told.
    pub(super) fn hear(&mut self, event: &Event) {
        let kind = event.kind();
        let mut pools = self.by_group.values_mut();
        let asking = pools.by_ref().filter(|pool| pool.copies(kind) > 0);
        let asking: Vec<_> = asking.collect();
        if asking.is_empty() {
            return;
        }
        let payload: Arc<str> = event.payload().into();
        for pool in asking {
            let event = EventNote {
                kind,
                serial: self.serial,
                pool_serial: pool.serial,
                payload: payload.clone(),
            };
            pool.serial += 1;
            for _ in 0..pool.copies(kind) {
                pool.make_room();
                pool.queue.push_back(event.clone());
            }
        }
        self.serial += 1;
    }

    /// The listener that a child is.
    #[must_use]
    pub fn listener(&self, child: ChildId) -> Option<&ListenerNote> {
        let mut listeners = self.by_group.values().flat_map(|it| it.listeners.values());
        listeners.find(|listener| listener.child == child)
    }

    fn listening(&mut self, child: ChildId) -> Option<(&mut PoolNote, ProcessId)> {
        self.by_group.values_mut().find_map(|pool| {
            let mut listeners = pool.listeners.iter();
            let (id, _) = listeners.find(|(_, its)| its.child == child)?;
            let id = *id;
            Some((pool, id))
        })
    }

    /// A process of a group has this child from now on.
    pub(super) fn child_made(&mut self, group: GroupId, process: ProcessId, child: ChildId) {
        if let Some(pool) = self.by_group.get_mut(&group) {
            pool.listeners.insert(process, ListenerNote::new(child));
        }
    }

    /// A listener was found of which nothing else is known.
    pub(super) fn found(&mut self, group: GroupId, process: ProcessId, child: ChildId) {
        if let Some(pool) = self.by_group.get_mut(&group) {
            let speech = Speech::Forgotten;
            let listener = ListenerNote {
                speech,
                ..ListenerNote::new(child)
            };
            pool.listeners.insert(process, listener);
        }
    }

    /// A process of a group has no child any more. Answers the listener that it was.
    pub(super) fn child_gone(
        &mut self,
        group: GroupId,
        process: ProcessId,
    ) -> Option<ListenerNote> {
        let pool = self.by_group.get_mut(&group)?;
        let listener = pool.listeners.remove(&process)?;
        if let Speech::Busy(event, _) = &listener.speech {
            pool.returning.push(event.clone());
        }
        Some(listener)
    }

    /// A new daemon knows which children there are.
    pub(super) fn inherit(&mut self, lives: impl Fn(ChildId) -> bool) {
        for pool in self.by_group.values_mut() {
            let gone = pool.listeners.values_mut().filter(|it| !lives(it.child));
            for listener in gone {
                if let Speech::Busy(event, _) = &listener.speech {
                    pool.returning.push(event.clone());
                    listener.speech = Speech::Broken;
                }
            }
        }
    }

    /// A listener says something.
    pub(super) fn said(&mut self, child: ChildId, bytes: &[u8]) {
        let Some((pool, process)) = self.listening(child) else {
            return;
        };
        let Some(listener) = pool.listeners.get_mut(&process) else {
            return;
        };
        let mut judgements = Vec::new();
        let mut rest = bytes.to_vec();
        while let Some((judgement, event)) = listener.take(&mut rest) {
            if judgement != Judgement::Taken {
                pool.returning.push(event);
            }
            judgements.push(judgement);
        }
        self.verdicts.extend(judgements);
    }

    /// Nothing can be sent to a listener any more.
    pub(super) fn deafened(&mut self, child: ChildId) {
        let Some((pool, process)) = self.listening(child) else {
            return;
        };
        if let Some(listener) = pool.listeners.get_mut(&process) {
            listener.deaf = true;
            if let Speech::Busy(event, _) = &listener.speech {
                pool.returning.push(event.clone());
                listener.speech = Speech::Ready;
            }
        }
    }

    /// The core has a listener be sent the next event.
    pub(super) fn delivered(&mut self, child: ChildId, delivery: u64) {
        let Some((pool, process)) = self.listening(child) else {
            return;
        };
        if let Some(listener) = pool.listeners.get_mut(&process)
            && !matches!(listener.speech, Speech::Busy(..))
            && let Some(event) = pool.queue.pop_front()
        {
            listener.deliveries = delivery;
            listener.speech = Speech::Busy(event, Vec::new());
        }
    }

    /// The core has put an event back.
    pub(super) fn rebuffered(&mut self, pool: &str, serial: u64) {
        if let Some(pool) = self.named_mut(pool)
            && let Some(event) = pool.take_returning(serial)
        {
            pool.make_room();
            pool.queue.push_front(event);
        }
    }

    /// The core has said that an event had to make room.
    pub(super) fn said_to_be_discarded(&mut self, pool: &str) {
        if let Some(pool) = self.named_mut(pool) {
            pool.discarded.pop_front();
        }
    }

    /// The core has said what a listener has said of its event.
    pub(super) fn judged(&mut self) {
        self.verdicts.pop_front();
    }
}

impl PoolNote {
    /// How many times it has asked for events of this sort.
    #[must_use]
    pub fn copies(&self, kind: EventType) -> usize {
        let asked = self.asked.iter();
        asked.filter(|asked| asks_for(asked, kind.name())).count()
    }

    /// Whether this event is on its way back.
    #[must_use]
    pub fn returns(&self, serial: u64) -> bool {
        self.returning.iter().any(|event| event.serial == serial)
    }

    fn take_returning(&mut self, serial: u64) -> Option<EventNote> {
        let mut returning = self.returning.iter();
        let place = returning.position(|event| event.serial == serial)?;
        Some(self.returning.remove(place))
    }

    fn make_room(&mut self) {
        // No history tells so much that a pool without a size is full.
        let size = self.buffer_size.unwrap_or(usize::MAX);
        while self.queue.len() >= size {
            let oldest = self.queue.pop_front();
            self.discarded.extend(oldest.map(|event| event.serial));
        }
    }
}

impl ListenerNote {
    fn new(child: ChildId) -> Self {
        Self {
            child,
            speech: Speech::Unready(Vec::new()),
            deaf: false,
            deliveries: 0,
        }
    }

    /// Takes in what it says, up to what it says of an event.
    fn take(&mut self, rest: &mut Vec<u8>) -> Option<(Judgement, EventNote)> {
        while !rest.is_empty() {
            match &mut self.speech {
                Speech::Broken | Speech::Forgotten => rest.clear(),
                Speech::Ready => self.speech = Speech::Broken,
                Speech::Unready(said) => {
                    said.append(rest);
                    if said.len() >= READY.len() {
                        *rest = said.split_off(READY.len());
                        self.speech = if said == READY {
                            Speech::Ready
                        } else {
                            Speech::Broken
                        };
                    }
                }
                Speech::Busy(event, said) => {
                    said.append(rest);
                    let event = event.clone();
                    match answer(said) {
                        Answer::Incomplete => {}
                        Answer::Nonsense => {
                            self.speech = Speech::Broken;
                            return Some((Judgement::Nonsense, event));
                        }
                        Answer::Complete { body, end } => {
                            *rest = said.split_off(end);
                            let judgement = if said[body..] == *b"OK" {
                                Judgement::Taken
                            } else {
                                Judgement::Refused
                            };
                            self.speech = Speech::Unready(Vec::new());
                            return Some((judgement, event));
                        }
                    }
                }
            }
        }
        None
    }
}

enum Answer {
    Incomplete,
    Nonsense,
    Complete { body: usize, end: usize },
}

fn answer(said: &[u8]) -> Answer {
    let Some(line) = said.iter().position(|byte| *byte == b'\n') else {
        return if said.len() > LONGEST_LINE {
            Answer::Nonsense
        } else {
            Answer::Incomplete
        };
    };
    let length = said[..line.min(LONGEST_LINE + 1)].get(7..);
    let length = length.and_then(|digits| std::str::from_utf8(digits).ok());
    let length: Option<usize> = length.and_then(|digits| digits.parse().ok());
    let (Some(length), true) = (length, line <= LONGEST_LINE) else {
        return Answer::Nonsense;
    };
    let body = line + 1;
    let end = body + length;
    // An empty body is only seen when something comes after it.
    if said.len() > body && said.len() >= end {
        Answer::Complete { body, end }
    } else {
        Answer::Incomplete
    }
}

/// Whether who asks for this is told of events of that name: names tell which sort is part of
/// which.
fn asks_for(asked: &str, name: &str) -> bool {
    let rest = name.strip_prefix(asked);
    asked == "EVENT" || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

const READY: &[u8] = b"READY\n";

/// Nobody takes a longer line for the beginning of an answer.
const LONGEST_LINE: usize = 4096;
