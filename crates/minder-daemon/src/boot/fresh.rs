//! The first start, and the one after a restart.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use minder_config::python::Repr;
use minder_config::{Loaded, Orphans, Server, WarningKind};
use minder_core::plan;
use minder_core::process::{Phase, State};
use minder_core::snapshot::Left;
use minder_core::{Core, Effects, Level, Mono, Now, Wall};
use minder_logs::auto;
use minder_logs::main_log::{MainLog, Target};
use minder_os::foreign::boot_nanos;
use minder_wire::{REGISTER, ToKeeper};

use super::{Failure, LISTENER, Parts, Running, Start, pidfile_text};
use crate::children::{Children, Known};
use crate::control;
use crate::fastcgi;
use crate::heirloom;
use crate::launch::Refusal;
use crate::leftovers;
use crate::link::{LinkError, now};
use crate::log_files::{Automatic, LogFiles};
use crate::mailbox::mailbox;
use crate::mirror::SharedFd;
use crate::register::{self, Left as Orphan, Register, RegisterError};
use crate::service_manager;
use crate::settings::Settings;
use crate::snapshot::{Recorder, label};

/// Reads the configuration, makes the sockets, and lets the core begin.
pub(super) fn start(mut start: Start) -> Result<Running, Failure> {
    let loaded = start.load()?;
    let settings = start.settings(&loaded);
    // One that came no further than this, and was killed, has left its own.
    release(&mut start, |name| is_socket(name) || name == REGISTER)?;
    // Before anything is touched: another daemon may be using all of it.
    let sockets = bind(&loaded.servers).map_err(|Unbound { before, refusal }| {
        tell_of_attempt(&start, &settings, &loaded, before);
        match service_manager::give_back(&settings.pidfile) {
            Some(pid) => refusal.with_detail(format!(
                "It is supervisord itself, with pid {pid}. The service manager knows that now.\n"
            )),
            None => refusal,
        }
    })?;
    let (register, adopted) = match make_ready(&start, &settings, &loaded) {
        Ok(ready) => ready,
        Err(failure) => {
            remove_files(&loaded.servers);
            return Err(failure);
        }
    };
    start.hold(&settings, &sockets)?;
    if let Some(register) = register {
        register.begin(&mut start.link)?;
    }
    // Before anything is written down of them: what the keeper does not know has ended.
    let adopted = adopt(&mut start, adopted)?;
    if !loaded.supervisord.nocleanup {
        sweep(&start, &settings.automatic);
    }
    introduce(&start, &start.log, &loaded);
    for group in plan::meant(&loaded.groups) {
        fastcgi::tell_of_try(&start.log, group);
    }
    introduce_servers(&start.log, &loaded, &loaded.servers);
    introduce_background(&start);
    Start::take_umask(&settings);
    write_pidfile(start.inventory.keeper_pid, &settings.pidfile, &start.log);

    let (post, mailbox) = mailbox()?;
    let plane = start.plane(&post, Vec::new())?;
    let files = LogFiles::new(settings.automatic.clone(), settings.strip_ansi);
    let mut effects = Effects::new();
    let identifier = settings.automatic.identifier.as_str().into();
    let serial = heirloom::take(&mut start.inventory.held);
    let left = |group: &str, process: &str| adopted.get(&label(group, process)).copied();
    let core = Core::start_beside(now(), loaded.groups, identifier, serial, left, &mut effects);
    let children = children_of(&core);
    let running = start.assemble(Parts {
        settings,
        sockets,
        core,
        effects,
        files,
        recorder: Recorder::default(),
        plane,
        post,
        mailbox,
        children,
    })?;
    Ok(running)
}

/// Gives the keeper what is adopted, and answers what there is by its label.
pub(super) fn adopt(
    start: &mut Start,
    adopted: Vec<Orphan>,
) -> Result<BTreeMap<String, Left>, LinkError> {
    let mut left = BTreeMap::new();
    let (now, boot) = (now(), boot_nanos());
    for orphan in adopted {
        let Orphan {
            process,
            child,
            boot_nanos,
            label,
        } = orphan;
        let pid = process.pid();
        start.log.write(
            Level::Warn,
            format_args!(
                "'{label}' (pid {pid}) was left running by an earlier supervisord that was killed: \
                 taking it over; what it writes is lost until it is restarted"
            ),
        );
        start.link.adopt(child, process, &label)?;
        let age = Duration::from_nanos(boot.saturating_sub(boot_nanos));
        let started = Now {
            mono: Mono(now.mono.0.saturating_sub(age)),
            wall: Wall(now.wall.0.saturating_sub(age)),
        };
        let found = Left {
            child,
            pid,
            started,
        };
        left.insert(label, found);
    }
    Ok(left)
}

/// The children that there are before anything is started.
fn children_of(core: &Core) -> Children {
    let mut children = Children::default();
    for group in core.snapshot().groups {
        for (process, spec) in group.processes.iter().zip(&group.spec.processes) {
            if let State::Up {
                child,
                phase: Phase::Running { .. },
            } = process.state
            {
                let known = Known {
                    process: process.id,
                    spec: Arc::clone(spec),
                    group: Arc::clone(&group.spec),
                };
                children.add(child, known);
            }
        }
    }
    children
}

/// Opens the log, and sees to it that nothing is in the way of what is to be started.
fn make_ready(
    start: &Start,
    settings: &Settings,
    loaded: &Loaded,
) -> Result<(Option<Register>, Vec<Orphan>), Failure> {
    start.open_log(settings)?;
    fastcgi::try_all(plan::meant(&loaded.groups))
        .map_err(|error| Refusal::new(error.to_string()))?;
    // As for a pid file that cannot be written: programs run all the same.
    let complain = |error: RegisterError| {
        let path = register::path(&settings.pidfile);
        let path = path.display();
        let line = format!("could not use the register of children {path}: {error}");
        start.log.write(Level::Warn, line);
    };
    let opened = Register::open(&settings.pidfile).and_then(|register| {
        let left = register.left()?;
        Ok((register, left))
    });
    let (register, mut left) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            complain(error);
            return Ok((None, Vec::new()));
        }
    };
    let adopted = match loaded.supervisord.orphans {
        Orphans::Stop => Vec::new(),
        Orphans::Adopt => leftovers::adoptable(&mut left, &loaded.groups),
    };
    let manner = |label: &str| leftovers::manner(&loaded.groups, label);
    leftovers::end(left, manner, &start.log)
        .map_err(|undying| Refusal::new(undying.to_string()))?;
    if !adopted.is_empty() {
        // It tells of them, and besides them of nobody who runs.
        return Ok((Some(register), adopted));
    }
    match register.clear() {
        Ok(()) => Ok((Some(register), adopted)),
        Err(error) => {
            complain(error.into());
            Ok((None, adopted))
        }
    }
}

/// A server that cannot be had.
pub(super) struct Unbound<'a> {
    /// Those before it, which could be.
    before: &'a [Server],
    pub(super) refusal: Refusal,
}

/// Makes all sockets, or none.
pub(super) fn bind(servers: &[Server]) -> Result<Vec<SharedFd>, Unbound<'_>> {
    let mut sockets = Vec::new();
    for server in servers {
        match control::bind(server) {
            Ok(socket) => sockets.push(Arc::new(socket)),
            Err(error) => {
                let before = &servers[..sockets.len()];
                remove_files(before);
                let refusal = error.into();
                return Err(Unbound { before, refusal });
            }
        }
    }
    Ok(sockets)
}

/// Writes down how far a start came that a server is in the way of, as Supervisor's log has it. Why
/// it went no further is told to whoever started it; of a restart, which nobody may be watching, the
/// log is told that as well.
fn tell_of_attempt(start: &Start, settings: &Settings, loaded: &Loaded, servers: &[Server]) {
    let own;
    let log = if start.inventory.restarts == 0 {
        own = MainLog::new();
        &own
    } else {
        &start.log
    };
    let mut spec = settings.log.clone();
    if let Target::File { max_bytes, .. } = &mut spec.target {
        // It may be the log of another daemon, which runs and rotates it.
        *max_bytes = 0;
    }
    // Whoever is refused for one reason is not told of another.
    if log.open(&spec).is_ok() {
        introduce(start, log, loaded);
        introduce_servers(log, loaded, servers);
    }
}

/// Whether this is the name of a socket that is served.
pub(super) fn is_socket(name: &[u8]) -> bool {
    name.starts_with(LISTENER)
}

/// Lets go of what is held under such names: sockets, so that their addresses are free, or the
/// register, so that it can be locked. Returns once they are.
pub(super) fn release(start: &mut Start, is_such: impl Fn(&[u8]) -> bool) -> Result<(), Failure> {
    let held = &mut start.inventory.held;
    let names: Vec<_> = held.keys().filter(|name| is_such(name)).cloned().collect();
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
fn introduce(start: &Start, log: &MainLog, loaded: &Loaded) {
    let note = &start.note;
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
    warn(WarningKind::Supervisor);
    warn(WarningKind::Included);
    say(Level::Info, &note.infos);
    if is_first {
        say(Level::Info, &note.first_infos);
    }
    warn(WarningKind::Minder);
}

fn introduce_background(start: &Start) {
    let background = start.note.background.as_ref();
    if let Some(background) = background.filter(|_| start.inventory.restarts == 0) {
        let log = &start.log;
        log.write(Level::Info, "daemonizing the supervisord process");
        if let Some((level, text)) = &background.directory {
            log.write(*level, text);
        }
    }
}

fn introduce_servers(log: &MainLog, loaded: &Loaded, servers: &[Server]) {
    for server in servers {
        introduce_server(log, loaded, server);
    }
}

fn introduce_server(log: &MainLog, loaded: &Loaded, server: &Server) {
    for interface in &loaded.rpc_interfaces {
        let namespace = Repr(&interface.namespace);
        log.write(
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
        log.write(
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

pub(super) fn write_pidfile(pid: u32, pidfile: &Path, log: &MainLog) {
    match std::fs::write(pidfile, pidfile_text(pid)) {
        Ok(()) => log.write(
            Level::Info,
            format_args!("supervisord started with pid {pid}"),
        ),
        Err(_) => log.write(
            Level::Critical,
            format_args!("could not write pidfile {}", pidfile.display()),
        ),
    }
}
