//! Going on after a daemon that ended without having said so.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use minder_core::process::State;
use minder_core::{ChildId, Core, Effects, Inherited, Level, ProcessId, Snapshot};
use minder_os::memfd;
use minder_wire::ToKeeper;

use super::fresh::bind;
use super::{Failure, LISTENER, Parts, Running, SETTINGS, Start, listener_name};
use crate::codec::MAX_SEALED;
use crate::driver::Children;
use crate::link::now;
use crate::log_files::LogFiles;
use crate::mailbox::mailbox;
use crate::settings::Settings;
use crate::snapshot::{self, Legacy, Recorder, label};

/// Goes on with everything as it was.
pub(super) fn adopt(mut start: Start, legacy: Legacy) -> Result<Running, Failure> {
    let settings = match take_settings(&mut start) {
        Ok(settings) => settings,
        Err(why) => return recover(start, &why),
    };
    start.open_log(&settings)?;
    let sockets = take_sockets(&mut start, settings.servers.len());
    if sockets.len() < settings.servers.len() {
        return recover(start, "a listening socket was not left");
    }
    let Legacy {
        snapshot,
        files,
        layout,
    } = legacy;
    let files = LogFiles::new(settings.automatic.clone(), settings.strip_ansi).adopt(files);
    go_on(
        start,
        settings,
        sockets,
        files,
        snapshot,
        Recorder::after(layout),
    )
}

/// Goes on with the children alone, because what the daemon before left is of no use.
///
/// A configuration that cannot be read leaves nothing to go on with: then the programs run on by
/// themselves, and the next daemon tries again.
pub(super) fn recover(mut start: Start, why: &str) -> Result<Running, Failure> {
    start.log.write(
        Level::Critical,
        format_args!("{why}: going on with what still runs"),
    );
    let loaded = start
        .configuration
        .load()
        .map_err(|error| Failure::Broken(error.to_string()))?;
    let settings = Settings::new(&loaded.supervisord, &loaded.servers);
    start.open_log(&settings)?;
    release_sockets(&mut start)?;
    let sockets = bind(&loaded.servers).map_err(|refusal| Failure::Broken(refusal.text))?;
    start.hold(&settings, &sockets)?;
    let snapshot = snapshot::recover(now(), loaded.groups, &start.inventory.children);
    let mut files = LogFiles::new(settings.automatic.clone(), settings.strip_ansi);
    for group in &snapshot.groups {
        for (process, spec) in group.processes.iter().zip(&group.spec.processes) {
            for error in files.add(process.id, spec) {
                let name = &spec.name;
                let line = format!("cannot make a log file for {name}: {error}");
                start.log.write(Level::Error, line);
            }
        }
    }
    go_on(
        start,
        settings,
        sockets,
        files,
        snapshot,
        Recorder::default(),
    )
}

fn go_on(
    mut start: Start,
    settings: Settings,
    sockets: Vec<OwnedFd>,
    files: LogFiles,
    snapshot: Snapshot,
    recorder: Recorder,
) -> Result<Running, Failure> {
    let found = std::mem::take(&mut start.inventory.children);
    let held = std::mem::take(&mut start.inventory.held);
    let owners = owners(&snapshot);
    let mut children = Children::default();
    for group in &snapshot.groups {
        let ids = group.processes.iter().map(|process| process.id).collect();
        children.groups.insert(group.id, ids);
        for (process, spec) in group.processes.iter().zip(&group.spec.processes) {
            if let State::Up { child, .. } = process.state {
                children
                    .latest
                    .insert(process.id, (child, spec.name.clone()));
            }
        }
    }
    let specs: BTreeMap<ProcessId, _> = snapshot
        .groups
        .iter()
        .flat_map(|group| group.processes.iter().zip(&group.spec.processes))
        .map(|(process, spec)| (process.id, spec.clone()))
        .collect();

    let (post, mailbox) = mailbox()?;
    let plane = start.plane(&post, held.into_iter().collect())?;
    let inherited: Vec<Inherited> = found
        .iter()
        .map(|found| Inherited {
            child: found.child,
            pid: found.pid,
            // An end is told once all output has been taken in; an end that was told before is
            // none of the core's business.
            exited: found
                .ended
                .filter(|_| !owners.by_child.contains_key(&found.child)),
        })
        .collect();
    let running = found.iter().filter(|found| found.ended.is_none()).count();
    let end = start.inventory.last_end;
    let end = end.map_or_else(|| "ended".to_owned(), |end| format!("ended ({end})"));
    start.log.write(
        Level::Warn,
        format_args!(
            "the daemon {end}; another one goes on with everything as it was, {running} running \
             programs included"
        ),
    );
    let mut effects = Effects::new();
    let identifier = settings.automatic.identifier.as_str().into();
    let core = Core::adopt(now(), snapshot, &inherited, identifier, &mut effects);
    let mut running = start.assemble(Parts {
        settings,
        sockets,
        core,
        effects,
        files,
        recorder,
        plane,
        post,
        mailbox,
        children,
    })?;
    let driver = &mut running.driver;
    let mut ended = Vec::new();
    for found in found {
        let process = owners.of(found.child, &found.label);
        let sinks = process.and_then(|id| Some(driver.files.sinks(id, specs.get(&id)?)));
        ended.extend(found.ended.map(|(status, at)| (found.child, status, at)));
        driver.reconnect(found, sinks.as_ref().map_or(&[], |sinks| &sinks[..]));
    }
    driver.plane.adopted();
    for (child, status, at) in ended {
        driver.ended(child, status, at);
    }
    Ok(running)
}

/// Whose a child is.
struct Owners {
    by_child: BTreeMap<ChildId, ProcessId>,
    by_label: BTreeMap<String, ProcessId>,
}

impl Owners {
    /// By the snapshot; for a child that it does not know any more, whose output may still be
    /// written by a descendant, by its label.
    fn of(&self, child: ChildId, label: &str) -> Option<ProcessId> {
        self.by_child
            .get(&child)
            .or_else(|| self.by_label.get(label))
            .copied()
    }
}

fn owners(snapshot: &Snapshot) -> Owners {
    let mut owners = Owners {
        by_child: BTreeMap::new(),
        by_label: BTreeMap::new(),
    };
    for group in &snapshot.groups {
        for (process, spec) in group.processes.iter().zip(&group.spec.processes) {
            owners
                .by_label
                .insert(label(&group.spec.name, &spec.name), process.id);
            if let State::Up { child, .. } = process.state {
                owners.by_child.insert(child, process.id);
            }
        }
    }
    owners
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
fn take_sockets(start: &mut Start, count: usize) -> Vec<OwnedFd> {
    (0..count)
        .map_while(|number| start.inventory.held.remove(&listener_name(number)))
        .collect()
}

/// Lets go of the sockets that are held, so that their addresses are free. Returns once they are.
fn release_sockets(start: &mut Start) -> Result<(), Failure> {
    let held = &mut start.inventory.held;
    let names: Vec<_> = held
        .keys()
        .filter(|name| name.starts_with(LISTENER))
        .cloned()
        .collect();
    for name in names {
        held.remove(&name);
        start.link.send(&ToKeeper::Release { name }, &[])?;
    }
    start.link.synchronise()?;
    Ok(())
}
