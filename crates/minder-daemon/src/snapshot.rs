//! What a daemon leaves to the next one, as the keeper holds it.
//!
//! Two parts, because one of them is large and rarely changes: the *layout* (which groups there
//! are, and what they ask for) and the *state* (how each process is). The state names the layout
//! that it belongs to. A new layout is held before the state that refers to it, and the old one is
//! released after that; so whenever the daemon dies, the state that is held has its layout.
//!
//! The state is written down whole from time to time; what a step has changed is added to it
//! ([`journal`]).

mod changes;
mod journal;
mod pools;
mod processes;
mod recovery;
mod specs;
mod streams;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use minder_core::delta::Head;
use minder_core::process::{Down, State};
use minder_core::snapshot::{GroupSnapshot, NextIds, ProcessSnapshot};
use minder_core::{Delta, GroupId, GroupSpec, Mood, ProcessId, Snapshot};
use minder_os::memfd;
use minder_wire::ToKeeper;

use crate::codec::{CodecError, Decoder, Encoder, MAX_SEALED, open, seal};
use crate::link::{Link, LinkError};
use crate::mirror::SharedFd;
use crate::published::LogPaths;

pub(crate) use recovery::{label, recover};
pub(crate) use streams::{StreamChanges, StreamNotes, StreamsLeft, is_of_stream};

use journal::Journal;

/// Where the state is held.
const STATE: &[u8] = b"state";
/// How the names begin under which layouts are held.
const LAYOUT: &[u8] = b"layout:";
/// The layout of both parts. Since 2 the state is a journal.
const VERSION: u32 = 2;

/// The log files of every process.
pub(crate) type Files = Arc<BTreeMap<ProcessId, LogPaths>>;

/// Gives each new state to the keeper.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// The number of the layout that is in force.
    layout: u64,
    /// The names of the layouts that are held.
    held: Vec<Vec<u8>>,
    /// What the layout in force says. A group whose processes are others has another spec.
    groups: Vec<(GroupId, Arc<GroupSpec>)>,
    candidate: Vec<Arc<GroupSpec>>,
    /// The state that is held; `None` if none of ours is.
    journal: Option<Journal>,
}

impl Recorder {
    /// A recorder that goes on after a daemon that left layouts of these names: the one in force,
    /// and perhaps one that it could not release any more.
    fn after(held: Vec<Vec<u8>>) -> Self {
        Self {
            layout: held
                .iter()
                .filter_map(|name| layout_number(name))
                .max()
                .unwrap_or(0),
            held,
            ..Self::default()
        }
    }

    /// Whether what a step changes can be [added](Self::add) to what the keeper has.
    pub(crate) fn has_room(&self) -> bool {
        self.journal.as_ref().is_some_and(Journal::has_room)
    }

    /// Adds what has changed to what the keeper has.
    pub(crate) fn add(&mut self, delta: &Delta, streams: &StreamChanges) -> Result<(), LinkError> {
        if delta.is_empty() && streams.is_empty() {
            return Ok(());
        }
        let mut out = Encoder::new();
        changes::write(&mut out, delta, streams);
        if let Some(journal) = &mut self.journal {
            journal.add(&out.finish())?;
        }
        Ok(())
    }

    /// Gives all there is to know now to the keeper.
    pub(crate) fn record(
        &mut self,
        snapshot: &Snapshot,
        files: &Files,
        streams: &StreamNotes,
        link: &mut Link,
    ) -> Result<(), LinkError> {
        let mut outdated = Vec::new();
        if !self.is_current(snapshot) {
            self.layout += 1;
            let name = layout_name(self.layout);
            hold(link, &name, &layout(snapshot, files))?;
            outdated = std::mem::replace(&mut self.held, vec![name]);
            let groups = snapshot.groups.iter();
            self.groups = groups.map(|it| (it.id, Arc::clone(&it.spec))).collect();
            self.candidate.clone_from(&snapshot.candidate);
        }
        let journal = Journal::begin(VERSION, &state(snapshot, streams, self.layout))?;
        link.hold(STATE.to_vec(), journal.file())?;
        self.journal = Some(journal);
        for name in outdated {
            link.send(&ToKeeper::Release { name }, &[])?;
        }
        Ok(())
    }

    fn is_current(&self, snapshot: &Snapshot) -> bool {
        let same = |(ours, theirs)| Arc::ptr_eq(ours, theirs);
        let same_group = |((id, spec), theirs): (&(GroupId, _), &GroupSnapshot)| {
            *id == theirs.id && Arc::ptr_eq(spec, &theirs.spec)
        };
        self.journal.is_some()
            && self.groups.len() == snapshot.groups.len()
            && self.groups.iter().zip(&snapshot.groups).all(same_group)
            && self.candidate.len() == snapshot.candidate.len()
            && self.candidate.iter().zip(&snapshot.candidate).all(same)
    }
}

fn layout_name(layout: u64) -> Vec<u8> {
    [LAYOUT, layout.to_string().as_bytes()].concat()
}

fn layout_number(name: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(name.strip_prefix(LAYOUT)?).ok()?;
    number.parse().ok()
}

/// Holds `content` under `name` with the keeper.
pub(crate) fn hold(link: &mut Link, name: &[u8], content: &[u8]) -> Result<(), LinkError> {
    let file = memfd::sealed("minder-state", content)?;
    link.hold(name.to_vec(), &Arc::new(file))
}

/// What an earlier daemon left.
#[derive(Debug, PartialEq)]
pub(crate) struct Legacy {
    pub(crate) snapshot: Snapshot,
    pub(crate) files: Files,
    pub(crate) streams: StreamNotes,
}

/// Why what was left cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LegacyError {
    /// Something is not held.
    #[error("there is no {0}")]
    Missing(&'static str),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It makes no sense.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Whether an earlier daemon left something to [`take`].
pub(crate) fn is_left(held: &BTreeMap<Vec<u8>, SharedFd>) -> bool {
    held.contains_key(STATE)
}

/// Takes what an earlier daemon left out of what the keeper holds, and a recorder that goes on after
/// it; `None` if there was no such daemon.
pub(crate) fn take(
    held: &mut BTreeMap<Vec<u8>, SharedFd>,
) -> Option<(Result<Legacy, LegacyError>, Recorder)> {
    let state = held.remove(STATE)?;
    let names: Vec<_> = held
        .keys()
        .filter(|name| name.starts_with(LAYOUT))
        .cloned()
        .collect();
    let layouts: Vec<_> = names
        .iter()
        .filter_map(|name| held.remove_entry(name))
        .collect();
    Some((read(&state, &layouts), Recorder::after(names)))
}

fn read(state: &OwnedFd, layouts: &[(Vec<u8>, SharedFd)]) -> Result<Legacy, LegacyError> {
    let journal = journal::load(state)?;
    let found = journal::parse(VERSION, &journal)?;
    let mut state = Decoder::new(found.state);
    let name = layout_name(state.u64()?);
    let (_, file) = layouts
        .iter()
        .find(|(held, _)| *held == name)
        .ok_or(LegacyError::Missing("layout"))?;
    let sealed = memfd::read_sealed(file, MAX_SEALED)?;
    let mut legacy = read_contents(open(VERSION, &sealed)?, &mut state)?;
    for entry in found.entries {
        legacy.read_changes(&mut Decoder::new(entry))?;
    }
    Ok(legacy)
}

impl Legacy {
    fn read_changes(&mut self, entry: &mut Decoder<'_>) -> Result<(), CodecError> {
        let (delta, streams) = changes::read(entry)?;
        self.streams.apply(streams);
        self.snapshot.apply(delta).map_err(|_| CodecError::Value)
    }
}

/// Reads a layout, and what stands in a state behind the number of it.
fn read_contents(layout: &[u8], state: &mut Decoder<'_>) -> Result<Legacy, CodecError> {
    let (mut snapshot, files) = read_layout(layout)?;
    read_state(state, &mut snapshot)?;
    let streams = streams::read(state)?;
    Ok(Legacy {
        snapshot,
        files,
        streams,
    })
}

/// What a daemon would go on with that found these contents of a layout and of a state, and behind
/// the state what a step has changed; `None` if they are of no use. Panics if the same is not read
/// again once it has been written down.
///
/// For the fuzz target, which has no keeper that could hold them.
#[doc(hidden)]
#[must_use]
pub fn reread(layout_found: &[u8], state_found: &[u8]) -> Option<Snapshot> {
    let mut input = Decoder::new(state_found);
    let number = input.u64().ok()?;
    let mut found = read_contents(layout_found, &mut input).ok()?;
    if !input.is_at_end() {
        found.read_changes(&mut input).ok()?;
    }
    let sealed = layout(&found.snapshot, &found.files);
    let content = open(VERSION, &sealed).expect("what was just sealed opens");
    let state = state(&found.snapshot, &found.streams, number);
    let mut input = Decoder::new(&state[size_of::<u64>()..]);
    let again = read_contents(content, &mut input).expect("what was written down can be read");
    assert_eq!(again, found);
    Some(found.snapshot)
}

fn layout(snapshot: &Snapshot, files: &Files) -> Vec<u8> {
    let mut out = Encoder::new();
    let groups = snapshot.groups.iter().map(|group| &group.spec);
    let mut specs = SpecTable::default();
    let active: Vec<u64> = groups.map(|spec| specs.index(spec)).collect();
    let candidate: Vec<u64> = snapshot
        .candidate
        .iter()
        .map(|spec| specs.index(spec))
        .collect();
    out.list(specs.0.iter(), |out, spec| specs::write_group(out, spec));
    out.list(snapshot.groups.iter().zip(active), |out, (group, spec)| {
        out.record(|out| {
            out.u64(group.id.0);
            out.u64(spec);
            out.list(group.processes.iter(), |out, process| {
                out.record(|out| {
                    out.u64(process.id.0);
                    let none = LogPaths::default();
                    let paths = files.get(&process.id).unwrap_or(&none);
                    out.option(paths.stdout.as_deref(), Encoder::path);
                    out.option(paths.stderr.as_deref(), Encoder::path);
                });
            });
        });
    });
    out.list(candidate.into_iter(), Encoder::u64);
    seal(VERSION, &out.finish())
}

fn read_layout(content: &[u8]) -> Result<(Snapshot, Files), CodecError> {
    let mut input = Decoder::new(content);
    let specs = input.list(specs::read_group)?;
    let spec = |index: u64| {
        let index = usize::try_from(index).ok();
        index
            .and_then(|index| specs.get(index))
            .cloned()
            .ok_or(CodecError::Value)
    };
    let mut files = BTreeMap::new();
    let groups = input.list(|input| {
        input.record(|input| {
            let id = GroupId(input.u64()?);
            let spec = spec(input.u64()?)?;
            let processes = input.list(|input| {
                input.record(|input| {
                    let process = ProcessId(input.u64()?);
                    let stdout = input.option(Decoder::path)?.map(Arc::from);
                    let stderr = input.option(Decoder::path)?.map(Arc::from);
                    files.insert(process, LogPaths { stdout, stderr });
                    Ok(untouched(process))
                })
            })?;
            if processes.len() != spec.processes.len() {
                return Err(CodecError::Value);
            }
            Ok(GroupSnapshot {
                id,
                spec,
                processes,
                pool: None,
            })
        })
    })?;
    let candidate = input.list(|input| spec(input.u64()?))?;
    let next = NextIds {
        child: 1,
        process: 1,
        group: 1,
    };
    let snapshot = Snapshot {
        mood: Mood::Running,
        groups,
        candidate,
        next,
        serial: 0,
        tick: 0,
    };
    Ok((snapshot, Arc::new(files)))
}

/// A process that was never started.
fn untouched(id: ProcessId) -> ProcessSnapshot {
    ProcessSnapshot {
        id,
        state: State::Down(Down::Stopped),
        started: None,
        stopped: None,
        spawn_error: String::new(),
        exit_status: 0,
    }
}

/// Specs, each once.
#[derive(Default)]
struct SpecTable(Vec<Arc<GroupSpec>>);

impl SpecTable {
    fn index(&mut self, spec: &Arc<GroupSpec>) -> u64 {
        // What is active is mostly what was read last, in the same order of things.
        let index = self.0.iter().rposition(|known| Arc::ptr_eq(known, spec));
        index.unwrap_or_else(|| {
            self.0.push(Arc::clone(spec));
            self.0.len() - 1
        }) as u64
    }
}

fn state(snapshot: &Snapshot, streams: &StreamNotes, layout: u64) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u64(layout);
    let head = Head {
        mood: snapshot.mood,
        next: snapshot.next,
        serial: snapshot.serial,
        tick: snapshot.tick,
    };
    write_head(&mut out, &head);
    let processes: Vec<_> = snapshot
        .groups
        .iter()
        .flat_map(|group| &group.processes)
        .collect();
    out.list(processes.into_iter(), processes::write);
    pools::write(&mut out, snapshot);
    streams::write(&mut out, streams);
    out.finish()
}

fn write_head(out: &mut Encoder, head: &Head) {
    out.record(|out| {
        out.u8(match head.mood {
            Mood::Running => 0,
            Mood::Restarting => 1,
            Mood::ShuttingDown => 2,
        });
        out.u64(head.next.child);
        out.u64(head.next.process);
        out.u64(head.next.group);
        out.u64(head.serial);
        out.u64(head.tick);
    });
}

fn read_head(input: &mut Decoder<'_>) -> Result<Head, CodecError> {
    input.record(|input| {
        Ok(Head {
            mood: match input.u8()? {
                0 => Mood::Running,
                1 => Mood::Restarting,
                2 => Mood::ShuttingDown,
                _ => return Err(CodecError::Value),
            },
            next: NextIds {
                child: input.u64()?,
                process: input.u64()?,
                group: input.u64()?,
            },
            serial: input.u64()?,
            tick: input.u64()?,
        })
    })
}

fn read_state(input: &mut Decoder<'_>, snapshot: &mut Snapshot) -> Result<(), CodecError> {
    let head = read_head(input)?;
    snapshot.mood = head.mood;
    snapshot.next = head.next;
    snapshot.serial = head.serial;
    snapshot.tick = head.tick;
    let known: Vec<ProcessSnapshot> = input.list(processes::read)?;
    let places = snapshot
        .groups
        .iter_mut()
        .flat_map(|group| &mut group.processes);
    let mut known = known.into_iter();
    for place in places {
        *place = known
            .next()
            .filter(|process| process.id == place.id)
            .ok_or(CodecError::Value)?;
    }
    if known.next().is_some() {
        return Err(CodecError::Value);
    }
    pools::read(input, snapshot)
}

#[cfg(test)]
mod tests;
