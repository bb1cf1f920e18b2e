//! The first start, and the one after a restart.

use std::os::fd::OwnedFd;
use std::path::Path;

use minder_config::python::Repr;
use minder_config::{Loaded, Server, WarningKind};
use minder_core::{Core, Effects, Level};
use minder_logs::auto;
use minder_wire::ToKeeper;

use super::{Failure, LISTENER, Parts, Running, Start, pidfile_text};
use crate::children::Children;
use crate::control;
use crate::fastcgi;
use crate::heirloom;
use crate::launch::Refusal;
use crate::link::now;
use crate::log_files::{Automatic, LogFiles};
use crate::mailbox::mailbox;
use crate::snapshot::Recorder;

/// Reads the configuration, makes the sockets, and lets the core begin.
pub(super) fn start(mut start: Start) -> Result<Running, Failure> {
    let loaded = start.configuration.load().map_err(Refusal::from)?;
    let settings = start.settings(&loaded);
    // One that came no further than this, and was killed, has left its own.
    release_sockets(&mut start)?;
    // Before anything is touched: another daemon may be using all of it.
    let sockets = bind(&loaded.servers)?;
    let opened = start.open_log(&settings).and_then(|()| {
        let tried = fastcgi::try_all(&loaded.groups);
        tried.map_err(|error| Refusal::new(error.to_string()).into())
    });
    if let Err(failure) = opened {
        remove_files(&loaded.servers);
        return Err(failure);
    }
    start.hold(&settings, &sockets)?;
    if !loaded.supervisord.nocleanup {
        sweep(&start, &settings.automatic);
    }
    introduce(&start, &loaded);
    Start::take_umask(&settings);
    write_pidfile(&start, &settings.pidfile);

    let (post, mailbox) = mailbox()?;
    let plane = start.plane(&post, Vec::new())?;
    let files = LogFiles::new(settings.automatic.clone(), settings.strip_ansi);
    let mut effects = Effects::new();
    let identifier = settings.automatic.identifier.as_str().into();
    let serial = heirloom::take(&mut start.inventory.held);
    let core = Core::start(now(), loaded.groups, identifier, serial, &mut effects);
    Ok(start.assemble(Parts {
        settings,
        sockets,
        core,
        effects,
        files,
        recorder: Recorder::default(),
        plane,
        post,
        mailbox,
        children: Children::default(),
    }))
}

/// Makes all sockets, or none.
pub(super) fn bind(servers: &[Server]) -> Result<Vec<OwnedFd>, Refusal> {
    let mut sockets = Vec::new();
    for server in servers {
        match control::bind(server) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                remove_files(&servers[..sockets.len()]);
                return Err(Refusal::new(error.to_string()));
            }
        }
    }
    Ok(sockets)
}

/// Lets go of the sockets that are held, so that their addresses are free. Returns once they are.
pub(super) fn release_sockets(start: &mut Start) -> Result<(), Failure> {
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

fn remove_files(servers: &[Server]) {
    control::remove_files(servers.iter().filter_map(|server| match server {
        Server::Unix { file, .. } => Some(file.as_path()),
        Server::Inet { .. } => None,
    }));
}

/// Writes what there is to say about the start, in Supervisor's order and words.
fn introduce(start: &Start, loaded: &Loaded) {
    let Start { note, log, .. } = start;
    let is_first = start.inventory.restarts == 0;
    let say = |level, texts: &[String]| texts.iter().for_each(|text| log.write(level, text));
    let warn = |kind| {
        let warnings = loaded
            .warnings
            .iter()
            .filter(|warning| warning.kind == kind);
        warnings.for_each(|warning| log.write(warning.level(), &warning.text));
    };
    say(Level::Critical, &note.criticals);
    say(Level::Warn, &note.warnings);
    warn(WarningKind::Supervisor);
    warn(WarningKind::Included);
    say(Level::Info, &note.infos);
    if is_first {
        say(Level::Info, &note.first_infos);
    }
    warn(WarningKind::Minder);
    for group in &loaded.groups {
        fastcgi::tell_of_try(log, group);
    }
    for server in &loaded.servers {
        introduce_server(start, loaded, server);
    }
    if let Some(background) = note.background.as_ref().filter(|_| is_first) {
        log.write(Level::Info, "daemonizing the supervisord process");
        if let Some((level, text)) = &background.directory {
            log.write(*level, text);
        }
    }
}

fn introduce_server(start: &Start, loaded: &Loaded, server: &Server) {
    for interface in &loaded.rpc_interfaces {
        let namespace = Repr(&interface.namespace);
        start.log.write(
            Level::Info,
            format_args!("RPC interface {namespace} initialized"),
        );
    }
    let (Server::Inet {
        section,
        credentials,
        ..
    }
    | Server::Unix {
        section,
        credentials,
        ..
    }) = server;
    if credentials.is_none() {
        let section = Repr(section);
        start.log.write(
            Level::Critical,
            format_args!("Server {section} running without any HTTP authentication checking"),
        );
    }
}

/// Deletes the automatic log files of earlier runs.
fn sweep(start: &Start, automatic: &Automatic) {
    let Automatic {
        directory,
        identifier,
    } = automatic;
    match auto::sweep(directory, identifier, &[]) {
        Ok(failed) => {
            for path in failed {
                let path = path.to_string_lossy();
                start.log.write(
                    Level::Warn,
                    format_args!("Failed to clean up {}", Repr(&path)),
                );
            }
        }
        Err(_) => start.log.write(Level::Warn, "Could not clear childlog dir"),
    }
}

fn write_pidfile(start: &Start, pidfile: &Path) {
    let pid = start.inventory.keeper_pid;
    match std::fs::write(pidfile, pidfile_text(pid)) {
        Ok(()) => start.log.write(
            Level::Info,
            format_args!("supervisord started with pid {pid}"),
        ),
        Err(_) => start.log.write(
            Level::Critical,
            format_args!("could not write pidfile {}", pidfile.display()),
        ),
    }
}
