//! Going on after a daemon that ended without having said so.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_core::process::State;
use minder_core::{ChildId, Core, Effects, Inherited, Level, Signals, Snapshot};
use minder_os::memfd;
use minder_wire::{REGISTER, ToKeeper};

use super::fresh::{self, bind, is_socket, release};
use super::{Failure, Parts, Running, SETTINGS, Start, listener_name};
use crate::children::{Children, Known};
use crate::codec::MAX_SEALED;
use crate::fastcgi::{self, Sockets};
use crate::link::{FoundChild, now};
use crate::log_files::LogFiles;
use crate::mailbox::mailbox;
use crate::mirror::SharedFd;
use crate::register::Register;
use crate::settings::Settings;
use crate::snapshot::{self, Legacy, Recorder, StreamNotes, StreamsLeft, is_of_stream, label};
use crate::upgrade::Upgrade;

/// Goes on with everything as it was.
pub(super) fn adopt(
    mut start: Start,
    legacy: Legacy,
    recorder: Recorder,
) -> Result<Running, Failure> {
    let settings = match take_settings(&mut start) {
        Ok(settings) => settings,
        Err(why) => return recover(start, recorder, &why),
    };
    start.open_log_when_possible(&settings);
    let sockets = take_sockets(&mut start, settings.servers.len());
    if sockets.len() < settings.servers.len() {
        return recover(start, recorder, "a listening socket was not left");
    }
    let Legacy {
        snapshot,
        files,
        streams,
    } = legacy;
    let files = LogFiles::new(settings.automatic.clone(), settings.strip_ansi).adopt(files);
    let left = Left {
        settings,
        sockets,
        files,
        snapshot,
        streams,
        recorder,
    };
    go_on(start, left)
}

/// Begins beside children that the daemon before has taken over from an earlier life. It ended before
/// it wrote down anything, so nobody has asked it for anything either.
pub(super) fn begin(mut start: Start) -> Result<Running, Failure> {
    adopt_the_rest(&mut start)?;
    let mut running = recover(start, Recorder::default(), "no state was left")?;
    let driver = &mut running.driver;
    // It may not have come to that either.
    fresh::write_pidfile(driver.keeper_pid, &running.settings.pidfile, &driver.log);
    driver.core.start_the_rest(now(), &mut driver.effects);
    Ok(running)
}

/// Takes over those that the daemon before had not come to give to the keeper: nothing has been started
/// yet, so whoever else runs that the register tells of is one of them.
fn adopt_the_rest(start: &mut Start) -> Result<(), Failure> {
    let Some(register) = start.inventory.held.get(REGISTER) else {
        return Ok(());
    };
    let mut left = Register::held(register).left()?;
    let children = &start.inventory.children;
    left.retain(|left| children.iter().all(|found| found.child != left.child));
    for (label, found) in fresh::adopt(start, left)? {
        start.inventory.children.push(FoundChild {
            child: found.child,
            pid: found.pid,
            label,
            signals: 0,
            ended: None,
            streams: Vec::new(),
        });
    }
    Ok(())
}

/// Goes on with the children alone, because what the daemon before left is of no use.
///
/// A configuration that cannot be read leaves nothing to go on with: then the programs run on by
/// themselves, and the next daemon tries again.
pub(super) fn recover(mut start: Start, recorder: Recorder, why: &str) -> Result<Running, Failure> {
    start.log.write(
        Level::Critical,
        format_args!("{why}: going on with what still runs"),
    );
    let loaded = start.load()?;
    let settings = start.settings(&loaded);
    start.open_log_when_possible(&settings);
    release(&mut start, is_socket)?;
    let sockets = bind(&loaded.servers).map_err(|unbound| Failure::Broken(unbound.refusal.text))?;
    start.hold(&settings, &sockets)?;
    let snapshot = snapshot::recover(now(), loaded.groups, &start.inventory.children);
    let mut files = LogFiles::new(settings.automatic.clone(), settings.strip_ansi);
    for group in &snapshot.groups {
        for (process, spec) in group.processes.iter().zip(&group.spec.processes) {
            files.add(process.id, spec, &start.log);
        }
    }
    let left = Left {
        settings,
        sockets,
        files,
        snapshot,
        streams: StreamNotes::default(),
        recorder,
    };
    go_on(start, left)
}

/// What an earlier daemon left, as far as it is known.
struct Left {
    settings: Settings,
    sockets: Vec<SharedFd>,
    files: LogFiles,
    snapshot: Snapshot,
    streams: StreamNotes,
    recorder: Recorder,
}

fn go_on(mut start: Start, left: Left) -> Result<Running, Failure> {
    let found = std::mem::take(&mut start.inventory.children);
    let mut held = std::mem::take(&mut start.inventory.held);
    let shared = Sockets::adopt(&left.snapshot, &found, &mut held);
    for name in fastcgi::take_strays(&mut held) {
        start.link.send(&ToKeeper::Release { name }, &[])?;
    }
    let (of_streams, of_plane) = held.into_iter().partition(|(name, _)| is_of_stream(name));
    let mut streams = StreamsLeft {
        notes: left.streams,
        held: of_streams,
    };
    let of_plane: BTreeMap<_, _> = of_plane;
    let owners = Owners::new(&left.snapshot);
    let mut children = owners.children(&left.snapshot, &found);
    children.sockets = shared;

    Start::take_umask(&left.settings);
    let (post, mailbox) = mailbox()?;
    let plane = start.plane(&post, of_plane.into_iter().collect())?;
    say_what_happened(&start, &found);
    let inherited: Vec<Inherited> = found.iter().map(|found| owners.inherited(found)).collect();
    let mut effects = Effects::new();
    let identifier = left.settings.automatic.identifier.as_str().into();
    let core = Core::adopt(now(), left.snapshot, &inherited, identifier, &mut effects);
    let mut running = start.assemble(Parts {
        settings: left.settings,
        sockets: left.sockets,
        core,
        effects,
        files: left.files,
        recorder: left.recorder,
        plane,
        post,
        mailbox,
        children,
    })?;
    let driver = &mut running.driver;
    let mut ended = Vec::new();
    for found in found {
        let known = owners.of(found.child, &found.label);
        let sinks = known.map(|known| driver.files.sinks(known.process, &known.spec));
        ended.extend(found.ended.map(|(status, at)| (found.child, status, at)));
        let sinks = sinks.as_ref().map_or(&[][..], |sinks| sinks);
        driver.reconnect(found, sinks, &mut streams)?;
    }
    driver.plane.adopted();
    for name in streams.held.into_keys() {
        driver.link.send(&ToKeeper::Release { name }, &[])?;
    }
    for (child, status, at) in ended {
        driver.ended(child, status, at)?;
    }
    Ok(running)
}

fn say_what_happened(start: &Start, found: &[FoundChild]) {
    let running = found.iter().filter(|found| found.ended.is_none()).count();
    let upgrade = start.inventory.upgrade.as_ref();
    if let Some(upgrade) = upgrade {
        upgrade.tell(running, &start.log);
    }
    let end = start.inventory.last_end;
    if end.is_none() && upgrade.is_some_and(Upgrade::is_reason_of_start) {
        return;
    }
    let end = end.map_or_else(|| "ended".to_owned(), |end| format!("ended ({end})"));
    start.log.write(
        Level::Warn,
        format_args!(
            "the daemon {end}; another one goes on with everything as it was, {running} running \
             programs included"
        ),
    );
}

/// Whose each child is.
struct Owners {
    by_child: BTreeMap<ChildId, Known>,
    by_label: BTreeMap<String, Known>,
}

impl Owners {
    fn new(snapshot: &Snapshot) -> Self {
        let mut owners = Self {
            by_child: BTreeMap::new(),
            by_label: BTreeMap::new(),
        };
        for group in &snapshot.groups {
            for (process, spec) in group.processes.iter().zip(&group.spec.processes) {
                let known = Known {
                    process: process.id,
                    spec: Arc::clone(spec),
                    group: Arc::clone(&group.spec),
                };
                if let State::Up { child, .. } = process.state {
                    owners.by_child.insert(child, known.clone());
                }
                let label = label(&group.spec.name, &spec.name);
                owners.by_label.insert(label, known);
            }
        }
        owners
    }

    /// By the snapshot; for a child that it does not know any more, whose output may still be
    /// written by a descendant, by its label.
    fn of(&self, child: ChildId, label: &str) -> Option<&Known> {
        self.by_child
            .get(&child)
            .or_else(|| self.by_label.get(label))
    }

    fn children(&self, snapshot: &Snapshot, found: &[FoundChild]) -> Children {
        let mut children = Children::default();
        for group in &snapshot.groups {
            let processes = group.processes.iter().map(|process| process.id).collect();
            children.add_processes(group.id, processes);
        }
        for FoundChild { child, label, .. } in found {
            match (self.by_child.get(child), self.of(*child, label)) {
                (Some(known), _) => children.add(*child, known.clone()),
                (None, Some(known)) => children.add_former(*child, known.clone()),
                (None, None) => {}
            }
        }
        children
    }

    /// What the core is told of a child.
    fn inherited(&self, found: &FoundChild) -> Inherited {
        Inherited {
            child: found.child,
            pid: found.pid,
            signals: Signals(found.signals),
            namesake: self.by_label.get(&found.label).map(|known| known.process),
            // An end is told once all output has been taken in; an end that was told before is
            // none of the core's business.
            exited: found
                .ended
                .filter(|_| !self.by_child.contains_key(&found.child)),
        }
    }
}

fn take_settings(start: &mut Start) -> Result<Settings, String> {
    let held = start
        .inventory
        .held
        .remove(SETTINGS)
        .ok_or("no settings were left")?;
    let sealed = memfd::read_sealed(held, MAX_SEALED)
        .map_err(|error| format!("the settings that were left cannot be read: {error}"))?;
    Settings::unseal(&sealed)
        .map_err(|error| format!("the settings that were left are of no use: {error}"))
}

/// The sockets that are held, up to the first that is missing.
fn take_sockets(start: &mut Start, count: usize) -> Vec<SharedFd> {
    (0..count)
        .map_while(|number| start.inventory.held.remove(&listener_name(number)))
        .collect()
}
