//! What has happened, for observers: the last events, and counts for each process.
//!
//! Nothing is decided by it. The driver adds to it as effects become known
//! ([`Chronicle`](chronicle::Chronicle)), and readers copy out what they want, so the lock is held
//! for short, bounded work only. What there is has a bound everywhere: so many events, so many
//! changes of each process, so many processes that are gone.
//!
//! It survives the daemon ([`journal`]): counts go on, and the numbers of events too, so that a
//! reader who was cut off can go on with the event that it has not seen yet.

pub(crate) mod chronicle;
mod journal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minder_core::event::Entered;
use minder_core::pool::PoolLevel;
use minder_core::{Channel, Event, ExitStatus, ProcessState, Said, Wall};
use tokio::sync::Notify;

/// How many events are kept. A reader that has been away for longer begins anew.
pub(crate) const EVENTS: usize = 1000;

/// How many changes of state are kept of each process: a day of one that is restarted now and
/// then, and some minutes of one that cannot be started.
pub(crate) const CHANGES: usize = 100;

/// How many places are kept of each process at which the output of a child begins.
const BEGUN: usize = 32;

/// How many processes are remembered that are gone: those of groups that are being updated come
/// back at once, and go on where they were.
const GONE: usize = 256;

/// How much is kept of a text that others wrote: why a start failed, or what a client said.
const TEXT: usize = 1024;

/// What has happened.
pub(crate) struct History {
    content: Mutex<Content>,
    /// Told when there are new events.
    news: Notify,
}

/// A process, by the names of its group and its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) group: Arc<str>,
    pub(crate) name: Arc<str>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    /// Its number. They count up by one, over daemons.
    pub(crate) id: u64,
    /// When.
    pub(crate) at: Wall,
    /// What.
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A process went from one state to another.
    Moved {
        /// Which.
        key: Key,
        /// The state it left.
        from: ProcessState,
        /// How it is since.
        change: Change,
    },
    /// A group has become active.
    GroupAdded(Arc<str>),
    /// A group is no longer active.
    GroupRemoved(Arc<str>),
    /// The daemon runs.
    Running,
    /// The daemon stops everything.
    Stopping,
    /// Another daemon has taken over from one that was killed or has died.
    TookOver,
    /// A program said something that listeners are told.
    Said {
        /// Which.
        key: Key,
        /// Where.
        channel: Channel,
        /// To whom.
        said: Said,
        /// What, or the beginning of it.
        data: Arc<str>,
    },
    /// A client said something to listeners.
    Remote {
        /// What sort of thing, in its own words.
        kind: Arc<str>,
        /// What.
        data: Arc<str>,
    },
}

/// How a process is since a certain moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Since when.
    pub(crate) at: Wall,
    /// The state it entered.
    pub(crate) state: ProcessState,
    /// The pid of its child; 0 if there is none to tell of.
    pub(crate) pid: u32,
    /// How many starts in a row had failed by then; 0 if that is not being counted.
    pub(crate) tries: u32,
    /// How its child ended, if that is what happened.
    pub(crate) end: Option<End>,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// In which way.
    pub(crate) reason: Reason,
    /// With which status; `None` if there never was a child, or nobody saw.
    pub(crate) status: Option<ExitStatus>,
    /// Why there was no child; empty if there was.
    pub(crate) error: Arc<str>,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// In which way a child ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every one.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// What it is called.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

reasons! {
    /// By itself, with an exit code that is expected.
    Expected = "expected";
    /// By itself, with another exit code.
    Unexpected = "unexpected";
    /// By a signal that Minder had not sent to stop it.
    Signal = "signal";
    /// Before it had been up for `startsecs`.
    TooQuick = "too_quick";
    /// It could not be made.
    SpawnError = "spawn_error";
    /// After it was told to stop.
    Stopped = "stopped";
    /// Nobody saw how.
    Unknown = "unknown";
    /// The system killed it for lack of memory.
    OutOfMemory = "out_of_memory";
}

impl Reason {
    /// Whether it is one that somebody should look at.
    pub(crate) fn is_trouble(self) -> bool {
        match self {
            Self::Expected | Self::Stopped => false,
            Self::Unexpected
            | Self::Signal
            | Self::TooQuick
            | Self::SpawnError
            | Self::Unknown
            | Self::OutOfMemory => true,
        }
    }
}

/// Where in a log the output of a child begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// When it was started.
    pub(crate) at: Wall,
    /// Its pid.
    pub(crate) pid: u32,
    /// Which of its streams.
    pub(crate) channel: Channel,
    /// What identifies the file.
    pub(crate) file: u64,
    /// How much was in it.
    pub(crate) offset: u64,
}

/// What is kept of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// How often a child was asked for.
    pub(crate) starts: u64,
    /// How many of these followed an end that nobody had asked for.
    pub(crate) restarts: u64,
    /// How many children ended, by reason.
    pub(crate) ends: [u64; Reason::ALL.len()],
    /// The last changes, the oldest first.
    pub(crate) changes: VecDeque<Change>,
    /// Where its last children begin in its logs, the oldest first.
    pub(crate) begun: VecDeque<Begun>,
    /// Whether its group is active.
    is_there: bool,
}

impl Record {
    /// The state it was in last.
    fn state(&self) -> Option<ProcessState> {
        self.changes.back().map(|change| change.state)
    }

    /// How many starts since `earliest` followed something, be it an end or a stop.
    pub(crate) fn restarts_since(&self, earliest: Wall) -> usize {
        let pairs = self.changes.iter().zip(self.changes.iter().skip(1));
        pairs
            .filter(|(_, change)| change.at >= earliest && change.state == ProcessState::Starting)
            .count()
    }

    /// Whether it ended unexpectedly three times in ten minutes, and not so long ago that it can be
    /// taken for healed.
    pub(crate) fn is_flapping(&self, now: Wall) -> bool {
        let troubles = |change: &&Change| {
            change
                .end
                .as_ref()
                .is_some_and(|end| end.reason.is_trouble())
        };
        let mut last = self.changes.iter().rev().filter(troubles);
        let (newest, third) = (last.next(), last.nth(1));
        newest.zip(third).is_some_and(|(newest, third)| {
            newest.at.0.saturating_sub(third.at.0) <= FLAPPING_WITHIN
                && now.0.saturating_sub(newest.at.0) <= FLAPPING_FOR
        })
    }
}

/// How close together three unexpected ends have to be, and for how long that is told.
const FLAPPING_WITHIN: Duration = Duration::from_secs(10 * 60);
const FLAPPING_FOR: Duration = Duration::from_secs(30 * 60);

/// Everything that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    /// The number of the next event.
    next: u64,
    events: VecDeque<Happened>,
    records: BTreeMap<Key, Record>,
    /// Those whose group is not active, in the order in which they went.
    gone: VecDeque<Key>,
    pools: Vec<PoolLevel>,
    /// How many events pools had no room for.
    discarded: BTreeMap<Arc<str>, u64>,
}

/// What a reader is told who wants to know what has happened since a certain event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// These, the oldest first; perhaps none.
    Events(Vec<Happened>),
    /// Some of it is no longer known. The last event has this number.
    Gap(u64),
}

impl History {
    fn new(content: Content) -> Self {
        Self {
            content: Mutex::new(content),
            news: Notify::new(),
        }
    }

    /// One in which nothing has happened.
    #[cfg(test)]
    pub(crate) fn blank() -> Self {
        Self::new(Content {
            next: 1,
            ..Content::default()
        })
    }

    /// The number of the last event, whether or not it is still kept.
    pub(crate) fn last(&self) -> u64 {
        self.lock().next - 1
    }

    /// What has happened after the event of this number, at most `limit` events.
    pub(crate) fn since(&self, id: u64, limit: usize) -> Since {
        self.lock().since(id, limit)
    }

    /// The last events before the one of number `before`, that `wanted` wants: the newest first.
    pub(crate) fn newest(
        &self,
        before: u64,
        limit: usize,
        wanted: impl Fn(&Happened) -> bool,
    ) -> Vec<Happened> {
        let content = self.lock();
        let events = content.events.iter().rev();
        events
            .filter(|event| event.id < before && wanted(event))
            .take(limit)
            .cloned()
            .collect()
    }

    /// What is kept of one process.
    pub(crate) fn record(&self, group: &str, name: &str) -> Option<Record> {
        self.look(group, name, Record::clone)
    }

    /// What `look` makes of what is kept of one process.
    pub(crate) fn look<T>(
        &self,
        group: &str,
        name: &str,
        look: impl FnOnce(&Record) -> T,
    ) -> Option<T> {
        let key = Key {
            group: group.into(),
            name: name.into(),
        };
        self.lock().records.get(&key).map(look)
    }

    /// The number of the oldest event that is kept, if any is.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.lock().events.front().map(|event| event.id)
    }

    /// What is made of what is kept of each process.
    fn records<T>(&self, look: impl Fn(&Record) -> T) -> BTreeMap<Key, T> {
        let content = self.lock();
        let records = content.records.iter().filter(|(_, record)| record.is_there);
        records
            .map(|(key, record)| (key.clone(), look(record)))
            .collect()
    }

    /// How full each pool is, and how many events it had no room for.
    pub(crate) fn pools(&self) -> Vec<(PoolLevel, u64)> {
        let content = self.lock();
        let with_lost = |pool: &PoolLevel| {
            let lost = content.discarded.get(&pool.name).copied();
            (pool.clone(), lost.unwrap_or(0))
        };
        content.pools.iter().map(with_lost).collect()
    }

    /// Waits for new events. One who waits: others are told by whoever that is.
    pub(crate) async fn changed(&self) {
        self.news.notified().await;
    }

    /// Nothing that is locked here can be left half changed.
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn since(&self, id: u64, limit: usize) -> Since {
        let last = self.next - 1;
        let oldest = self.events.front().map_or(self.next, |event| event.id);
        if id > last || id + 1 < oldest {
            return Since::Gap(last);
        }
        let skipped = usize::try_from(id + 1 - oldest).unwrap_or(usize::MAX);
        let events = self.events.iter().skip(skipped).take(limit);
        Since::Events(events.cloned().collect())
    }

    /// Adds an event, and what follows from it.
    fn add(&mut self, event: Happened) {
        self.next = event.id + 1;
        match &event.what {
            What::Moved { key, from, change } => self.moved(key, *from, change),
            What::GroupRemoved(group) => self.removed(group),
            What::GroupAdded(_)
            | What::Running
            | What::Stopping
            | What::TookOver
            | What::Said { .. }
            | What::Remote { .. } => {}
        }
        push(&mut self.events, event, EVENTS);
    }

    fn moved(&mut self, key: &Key, from: ProcessState, change: &Change) {
        if !self.records.get(key).is_some_and(|record| record.is_there) {
            self.gone.retain(|gone| gone != key);
        }
        let record = self.records.entry(key.clone()).or_default();
        record.is_there = true;
        if change.state == ProcessState::Starting {
            record.starts += 1;
            if matches!(from, ProcessState::Backoff | ProcessState::Exited) {
                record.restarts += 1;
            }
        }
        if let Some(end) = &change.end {
            record.ends[end.reason as usize] += 1;
        }
        if record.changes.is_empty() {
            // Most start once and stay up.
            record.changes.reserve_exact(2);
        }
        push(&mut record.changes, change.clone(), CHANGES);
    }

    /// Takes note of where a child begins; of a process that nothing else is known of, nothing is kept.
    fn begun(&mut self, key: &Key, begun: Begun) {
        if let Some(record) = self.records.get_mut(key) {
            push(&mut record.begun, begun, BEGUN);
        }
    }

    fn removed(&mut self, group: &Arc<str>) {
        let of_group = |(key, record): &(&Key, &mut Record)| key.group == *group && record.is_there;
        for (key, record) in self.records.iter_mut().filter(of_group) {
            record.is_there = false;
            self.gone.push_back(key.clone());
        }
        self.forget_some();
    }

    /// Forgets those that have been gone for longest, if they are too many.
    fn forget_some(&mut self) {
        while self.gone.len() > GONE {
            if let Some(key) = self.gone.pop_front() {
                self.records.remove(&key);
            }
        }
    }
}

/// Adds an item; the oldest make room for it.
fn push<T>(items: &mut VecDeque<T>, item: T, limit: usize) {
    while items.len() >= limit {
        items.pop_front();
    }
    items.push_back(item);
}

/// How a child ended, as far as the driver was told.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    /// With this status.
    Exited(ExitStatus),
    /// With this status, because the system killed it for lack of memory.
    OutOfMemory(ExitStatus),
    /// It could not be made, for this reason.
    NotMade(String),
}

/// What an event of the core is for observers, if it is anything to them: of the time they are told by
/// their clocks.
fn what(event: &Event, at: Wall, ending: impl FnOnce() -> Option<Ending>) -> Option<What> {
    Some(match event {
        Event::ProcessState {
            name,
            group,
            from,
            to,
            ..
        } => What::Moved {
            key: Key {
                group: Arc::clone(group),
                name: Arc::clone(name),
            },
            from: *from,
            change: change(*from, *to, at, ending()),
        },
        Event::GroupAdded(group) => What::GroupAdded(group.as_str().into()),
        Event::GroupRemoved(group) => What::GroupRemoved(group.as_str().into()),
        Event::SupervisorRunning => What::Running,
        Event::SupervisorStopping => What::Stopping,
        Event::RemoteCommunication { kind, data } => What::Remote {
            kind: cut(kind).into(),
            data: cut(data).into(),
        },
        // What programs say is told by who reads it: the core announces it to listeners alone.
        Event::ProcessSaid { .. } | Event::Tick { .. } => return None,
    })
}

fn change(from: ProcessState, to: Entered, at: Wall, ending: Option<Ending>) -> Change {
    let (pid, tries) = match to {
        Entered::Starting { tries } | Entered::Backoff { tries } => (0, tries),
        Entered::Running { pid }
        | Entered::Stopping { pid }
        | Entered::Stopped { pid }
        | Entered::Exited { pid, .. } => (pid, 0),
        Entered::Fatal | Entered::Unknown => (0, 0),
    };
    Change {
        at,
        state: to.state(),
        pid,
        tries,
        end: end(from, to, ending),
    }
}

/// How the child ended that there was before, if it did: whoever is STOPPED after BACKOFF had none.
fn end(from: ProcessState, to: Entered, ending: Option<Ending>) -> Option<End> {
    let had_child = !matches!(
        from,
        ProcessState::Backoff | ProcessState::Exited | ProcessState::Fatal | ProcessState::Stopped
    );
    let lacked_memory = matches!(ending, Some(Ending::OutOfMemory(_)));
    let (status, error) = match ending {
        Some(Ending::Exited(status) | Ending::OutOfMemory(status)) => (Some(status), None),
        Some(Ending::NotMade(error)) => (None, Some(error)),
        None => (None, None),
    };
    let by_signal = matches!(status, Some(ExitStatus::Signal { .. }));
    let unseen = matches!(status, None | Some(ExitStatus::Unknown));
    let reason = match to {
        Entered::Backoff { .. } | Entered::Exited { .. } if lacked_memory => Reason::OutOfMemory,
        Entered::Backoff { .. } if error.is_some() => Reason::SpawnError,
        Entered::Backoff { .. } => Reason::TooQuick,
        Entered::Stopped { .. } if had_child => Reason::Stopped,
        Entered::Exited { expected: true, .. } => Reason::Expected,
        Entered::Exited { .. } if by_signal => Reason::Signal,
        Entered::Exited { .. } if unseen => Reason::Unknown,
        Entered::Exited { .. } => Reason::Unexpected,
        Entered::Stopped { .. }
        | Entered::Starting { .. }
        | Entered::Running { .. }
        | Entered::Stopping { .. }
        | Entered::Fatal
        | Entered::Unknown => return None,
    };
    Some(End {
        reason,
        status,
        error: error
            .as_deref()
            .map_or_else(Arc::default, |it| cut(it).into()),
    })
}

/// The beginning of what a program said, as text.
fn beginning(data: &[u8]) -> String {
    // What replaces a byte that is no text is longer than that.
    let text = String::from_utf8_lossy(&data[..data.len().min(TEXT)]);
    cut(&text).to_owned()
}

/// The beginning of a text.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
