//! Writing the history: what the driver does about it.
//!
//! What a step has announced is put into the journal by one write, then shown to readers: an event
//! that anybody has seen is known to the next daemon. The other way round it may be missing: a
//! daemon that dies between the snapshot and the journal has decided something that the journal
//! does not tell. So the next one compares, and tells what it finds
//! ([`reconcile`](Chronicle::reconcile)).

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use minder_core::pool::PoolLevel;
use minder_core::{
    Channel, Effect, Event, Message, Now, ProcessId, ProcessState, Said, View, Wall,
};
use minder_os::memfd;
use rustix::fs::ftruncate;

use super::{
    Begun, Change, Content, Ending, Happened, History, Key, What, beginning, journal, what,
};
use crate::link::{Link, LinkError};
use crate::mirror::SharedFd;

/// What the journal is held as.
const HISTORY: &[u8] = b"history";

/// The most that is read of a journal that an earlier daemon left: five thousand processes with
/// all their changes.
const MAX_JOURNAL: usize = 64 << 20;

/// From how many bytes on a journal is worth being written anew, and only once it is twice what
/// it was then.
const WORTH_IT: u64 = 256 << 10;

/// How much of what a process says is told within [`SAID_WITHIN`]; its log has all of it.
const SAID: u32 = 20;
const SAID_WITHIN: Duration = Duration::from_secs(60);

/// The driver's end of the history.
pub(crate) struct Chronicle {
    history: Arc<History>,
    /// How children ended of which the core has not decided yet what follows.
    endings: BTreeMap<ProcessId, Ending>,
    /// What has been announced in this step.
    fresh: Vec<What>,
    /// The children that have begun in this step, and where.
    begun: Vec<(Key, Begun)>,
    /// How much each process has said lately, and since when that is counted.
    sayings: BTreeMap<Key, (Wall, u32)>,
    /// How full the pools were when readers were last shown.
    pools: Vec<PoolLevel>,
    file: Option<SharedFd>,
    /// Where the next entry goes.
    end: u64,
    /// How long the journal was when it was written anew.
    written: u64,
}

impl Chronicle {
    /// Goes on with the journal that is held, or begins one.
    ///
    /// The numbers of events begin at the microsecond: a reader who knows the number of an event of
    /// another journal is never taken for one who knows ours.
    pub(crate) fn begin(held: &mut BTreeMap<Vec<u8>, SharedFd>, now: Now) -> Self {
        let left = held.remove(HISTORY);
        let read = left.and_then(|file| Some((read(&file).ok()?, file)));
        let (mut content, end, file) = match read {
            Some(((content, end), file)) if content.next > 0 => (content, end, Some(file)),
            Some(_) | None => (Content::default(), 0, None),
        };
        if file.is_none() {
            content.next = u64::try_from(now.wall.0.as_micros()).unwrap_or(1).max(1);
        }
        Self {
            history: Arc::new(History::new(content)),
            endings: BTreeMap::new(),
            fresh: Vec::new(),
            begun: Vec::new(),
            sayings: BTreeMap::new(),
            pools: Vec::new(),
            file,
            end,
            written: end,
        }
    }

    /// Whether an earlier daemon has begun it.
    pub(crate) fn goes_on(&self) -> bool {
        self.file.is_some()
    }

    /// For readers.
    pub(crate) fn history(&self) -> Arc<History> {
        Arc::clone(&self.history)
    }

    /// Adds what an earlier daemon had decided, and could not tell any more.
    pub(crate) fn reconcile(&mut self, view: &View, now: Wall) {
        self.fresh.push(What::TookOver);
        let known = self.history.records(super::Record::state);
        for group in &view.groups {
            for process in &group.processes {
                let key = Key {
                    group: group.spec.name.as_str().into(),
                    name: process.spec.name.as_str().into(),
                };
                let from = known.get(&key).copied().flatten();
                let from = from.unwrap_or(ProcessState::Stopped);
                if from != process.state {
                    let change = Change {
                        at: now,
                        state: process.state,
                        pid: process.pid.unwrap_or(0),
                        tries: 0,
                        end: None,
                    };
                    self.fresh.push(What::Moved { key, from, change });
                }
            }
        }
    }

    /// Takes note of how the child of a process ended, before the core is told.
    pub(crate) fn ending(&mut self, process: ProcessId, ending: Ending) {
        self.endings.insert(process, ending);
    }

    /// Takes note of something that a client said to listeners.
    pub(crate) fn remote(&mut self, event: &Event, now: Wall) {
        self.fresh.extend(what(event, now, || None));
    }

    /// Takes note of something that a program said to listeners, whether or not there are any. Of one
    /// that talks without end the rest is left out until it has a new minute, so that it does not
    /// displace everything else.
    pub(crate) fn said(&mut self, key: Key, channel: Channel, said: Said, data: &[u8], now: Wall) {
        // A clock that was set back must not make a minute last for a day.
        let is_over = |since: Wall| {
            let lasts = now.0.checked_sub(since.0);
            lasts.is_none_or(|time| time >= SAID_WITHIN)
        };
        let known = self.sayings.get(&key).copied();
        let (since, count) = if let Some((since, count)) = known.filter(|it| !is_over(it.0)) {
            (since, count + 1)
        } else {
            self.sayings.retain(|_, (since, _)| !is_over(*since));
            (now, 1)
        };
        self.sayings.insert(key.clone(), (since, count));
        if count <= SAID {
            self.fresh.push(What::Said {
                key,
                channel,
                said,
                data: beginning(data).into(),
            });
        }
    }

    /// Takes note of where in a log the output of a child begins.
    pub(crate) fn begun(&mut self, key: Key, begun: Begun) {
        self.begun.push((key, begun));
    }

    /// Takes note of an effect.
    pub(crate) fn observe(&mut self, effect: &Effect, now: Wall) {
        if let Effect::Announce(event) = effect {
            let endings = &mut self.endings;
            let ending = || {
                if let Event::ProcessState { process, .. } = event {
                    endings.remove(process)
                } else {
                    None
                }
            };
            self.fresh.extend(what(event, now, ending));
        }
        if let Effect::Log(Message::EventDiscarded { pool, .. }) = effect {
            let mut content = self.history.lock();
            *content.discarded.entry(Arc::clone(pool)).or_default() += 1;
        }
    }

    /// Writes down what was noted, and then shows it to readers.
    pub(crate) fn publish(
        &mut self,
        pools: impl Iterator<Item = PoolLevel>,
        now: Wall,
        link: &mut Link,
    ) -> Result<(), LinkError> {
        let pools: Vec<_> = pools.collect();
        if self.fresh.is_empty() && self.begun.is_empty() && self.pools == pools {
            return Ok(());
        }
        self.pools.clone_from(&pools);
        let next = self.history.last() + 1;
        let numbered = (next..).zip(std::mem::take(&mut self.fresh));
        let events: Vec<_> = numbered
            .map(|(id, what)| Happened {
                id,
                at: what.at().unwrap_or(now),
                what,
            })
            .collect();
        let begun = std::mem::take(&mut self.begun);
        self.write(&events, &begun, link)?;
        let mut content = self.history.lock();
        let is_news = !events.is_empty();
        for event in events {
            content.add(event);
        }
        for (key, begun) in begun {
            content.begun(&key, begun);
        }
        content.pools = pools;
        drop(content);
        if is_news {
            self.history.news.notify_one();
        }
        if self.end > WORTH_IT.max(2 * self.written) {
            self.write_anew(link)?;
        }
        Ok(())
    }

    /// Writes down events, and where children begin. What cannot be written is missing for the next
    /// daemon, and nothing else: no program should have to do without a daemon for that.
    fn write(
        &mut self,
        events: &[Happened],
        begun: &[(Key, Begun)],
        link: &mut Link,
    ) -> Result<(), LinkError> {
        if events.is_empty() && begun.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.write_anew(link)?;
        }
        let events = events.iter().flat_map(journal::event);
        let begun = begun
            .iter()
            .flat_map(|(key, begun)| journal::child(key, begun));
        let bytes: Vec<u8> = events.chain(begun).collect();
        if let Some(file) = &self.file {
            match memfd::write(file, &bytes, self.end) {
                Ok(()) => self.end += bytes.len() as u64,
                Err(_) => self.file = None,
            }
        }
        Ok(())
    }

    /// Writes down all that is known in a new file, if it can be made, and gives that to the keeper.
    fn write_anew(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let bytes = journal::whole(&self.history.lock());
        let Ok(file) = made(&bytes) else {
            return Ok(());
        };
        let file = Arc::new(file);
        link.hold(HISTORY.to_vec(), &file)?;
        (self.end, self.written) = (bytes.len() as u64, bytes.len() as u64);
        self.file = Some(file);
        Ok(())
    }
}

impl What {
    /// When it happened, if it says so itself.
    fn at(&self) -> Option<Wall> {
        if let Self::Moved { change, .. } = self {
            Some(change.at)
        } else {
            None
        }
    }
}

/// What a journal amounts to, and where it ends. What stands behind is cut off: it was begun by a
/// daemon that did not come to the end of it.
fn read(file: &OwnedFd) -> io::Result<(Content, u64)> {
    let (content, end) = journal::read(&memfd::read(file, MAX_JOURNAL)?);
    ftruncate(file, end as u64)?;
    Ok((content, end as u64))
}

/// A new file that holds `bytes`.
fn made(bytes: &[u8]) -> io::Result<OwnedFd> {
    let file = memfd::open("minder-history")?;
    memfd::write(&file, bytes, 0)?;
    Ok(file)
}
