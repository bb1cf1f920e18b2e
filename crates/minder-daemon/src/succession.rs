//! What becomes of everything when the keeper is gone.
//!
//! The keeper can be killed like anybody. Its programs run on, as children of somebody who does not
//! know them; and nobody but this daemon has their pipes, the listening sockets and the state. So
//! this process becomes the keeper: it executes itself anew as one, with all that it knows of
//! the dead one ([`crate::mirror`]), and that keeper starts a daemon, as after any crash. Every
//! thread ends by that as if it were killed, which is what all of them are made for.
//!
//! What the new keeper finds are *orphans*: it sees by a pidfd that they end, and mostly how. With
//! its next restart each program is an ordinary child again.
//!
//! One case takes more: a child whose start was asked for and not answered. If it is there, the
//! register tells; but its pipes went with the keeper, so it is ended and will be started again.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use minder_core::Level;
use minder_keeper::{DAEMON_SIGNALS, EX_SOFTWARE};
use minder_logs::main_log::MainLog;
use minder_os::clock::clocks;
use minder_os::foreign::Foreign;
use minder_os::limits::Limit;
use minder_os::signals::{SignalFd, SignalSet};
use minder_os::stat::is_exiting;
use minder_os::{limits, memfd, oom};
use minder_wire::{
    ChildState, Daemons, HEIRLOOM, HandedChild, HandedDescriptor, Handover, REGISTER, Start,
    ToDaemon, UNKNOWN_STATUS,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::boot::{SETTINGS, pidfile_text};
use crate::codec::{CodecError, Decoder, Encoder, MAX_SEALED, open, seal};
use crate::launch;
use crate::link::Outbox;
use crate::mirror::{Mirror, Mirrored, SharedFd, Unconfirmed};
use crate::note::Note;
use crate::register;
use crate::service_manager;
use crate::settings::Settings;

/// What this process was given and has changed for itself: others are to get it as it was.
#[derive(Debug)]
pub(crate) struct Origin {
    open_files: Limit,
    oom_score_adj: Option<i32>,
    since: Instant,
    /// Where to tell the next keeper of everything. On that day clients may have all descriptors.
    state: Option<OwnedFd>,
}

impl Origin {
    /// Changes it.
    pub(crate) fn leave_behind() -> Self {
        let before = oom::score();
        Self {
            // There may be as many pipes as programs.
            open_files: limits::raise_open_files(),
            // Refused to most; then others get what we have.
            oom_score_adj: before
                .filter(|before| *before > OOM_SCORE && oom::set_score(OOM_SCORE).is_ok()),
            since: Instant::now(),
            // If there is nothing to be had just now, there may be then.
            state: minder_keeper::reserve_state().ok(),
        }
    }
}

/// What this daemon was about to do when the keeper died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// To go on.
    GoOn,
    /// To begin everything anew: all has been stopped.
    BeginAnew,
}

/// Becomes the keeper. Returns the exit code of this process if that cannot be.
pub(crate) fn become_keeper(
    outbox: &Outbox,
    origin: &Origin,
    about: About,
    log: &MainLog,
) -> ExitCode {
    let mut mirror = outbox.inherit();
    if let Some(ToDaemon::Welcome { keeper_pid, .. }) = mirror.welcome
        && lives(keeper_pid, LAST_MOMENTS)
    {
        let line = "the keeper lives and does not speak to this daemon: it will start another";
        log.write(Level::Critical, line);
        return ExitCode::from(EX_SOFTWARE);
    }
    let Err(why) = try_become_keeper(&mut mirror, origin, about, log);
    let running = running(&mirror);
    let line = format!(
        "the keeper is gone, and this daemon cannot go on in its place: {why}. {running} programs \
         run on with nobody to mind them; the next start ends them"
    );
    log.write(Level::Critical, &line);
    launch::tell(&format!("{line}\n"));
    ExitCode::from(EX_SOFTWARE)
}

/// Says why not.
fn try_become_keeper(
    mirror: &mut Mirror,
    origin: &Origin,
    about: About,
    log: &MainLog,
) -> Result<std::convert::Infallible, String> {
    let Some(welcome) = mirror.welcome.take().filter(|_| mirror.is_complete) else {
        return Err("it had not told everything yet".to_owned());
    };
    let ToDaemon::Welcome {
        keeper_pid,
        generation,
        restarts,
        note: sealed,
        upgrade,
        ..
    } = welcome
    else {
        return Err("it has never said that it is one".to_owned());
    };
    // Whoever waits for the start has been told that nothing came of it.
    if (generation, restarts) == (0, 0) && !mirror.is_ready && mirror.children.is_empty() {
        // Nor is anybody to run on of whom it is not known whether the keeper came to start him.
        end_awaited(mirror);
        return Err("nothing had been started yet".to_owned());
    }
    let note = Note::unseal(&sealed).map_err(|error| error.to_string())?;
    wait_for_turn(mirror, origin.since.elapsed())?;
    forget_signals_of_terminal();

    let daemons = match about {
        About::GoOn => {
            send_unconfirmed(mirror);
            end_awaited(mirror);
            settle_unknown(mirror);
            Daemons {
                generation: generation.saturating_add(1),
                restarts,
                ..Daemons::default()
            }
        }
        About::BeginAnew => {
            mirror.children.clear();
            mirror.held.retain(|name, _| name == HEIRLOOM);
            Daemons {
                restarts: restarts.saturating_add(1),
                ..Daemons::default()
            }
        }
    };
    let pid = std::process::id();
    log.write(
        Level::Critical,
        format_args!(
            "the keeper (pid {keeper_pid}) is gone: pid {pid} goes on in its place, {} running \
             programs included",
            running(mirror)
        ),
    );
    tell_the_world(mirror, keeper_pid, log);
    let told = Handover {
        open_files: origin.open_files,
        note: sealed,
        program: std::os::unix::ffi::OsStringExt::into_vec(note.installed.into_os_string()),
        log: mirror.log.clone(),
        start: match about {
            About::GoOn => Start::Complete,
            About::BeginAnew => Start::Again,
        },
        daemons,
        children: children(mirror),
        held: held(mirror),
        signals: mirror.signals.clone(),
        orphans: Vec::new(),
        upgrade,
        refused: None,
        oom_score_adj: origin.oom_score_adj,
    };
    let failed = |error| format!("cannot become the keeper: {error}");
    let reserved;
    let state = if let Some(state) = &origin.state {
        state
    } else {
        reserved = minder_keeper::reserve_state().map_err(failed)?;
        &reserved
    };
    let error = minder_keeper::succeed(&note.args, &told, descriptors(mirror), state);
    Err(failed(error))
}

/// Whether the keeper, which is our parent for as long as it lives, has only closed its socket: then
/// there must not be another.
///
/// One that dies closes its descriptors a moment before it is nobody's parent any more; that is waited
/// for, `patience` long at most.
fn lives(keeper: u32, patience: Timespec) -> bool {
    let Some(parent) = rustix::process::getppid() else {
        return false;
    };
    if u32::try_from(parent.as_raw_nonzero().get()) != Ok(keeper) {
        return false;
    }
    let Ok(pidfd) = pidfd_open(parent, PidfdFlags::empty()) else {
        return false;
    };
    loop {
        let ended = retry_on_intr(|| {
            let mut waited_for = [PollFd::new(&pidfd, PollFlags::IN)];
            poll(&mut waited_for, Some(&patience))
        });
        // On a busy machine it may take any time; but the system tells that it has begun.
        if ended != Ok(0) || !is_exiting(keeper) {
            return ended == Ok(0);
        }
    }
}

fn running(mirror: &Mirror) -> usize {
    let children = mirror.children.values();
    children
        .filter(|child| child.state == ChildState::Running)
        .count()
}

/// Sees to it that keepers that die again and again do not take all of the machine's time, and are
/// given up if nothing ever comes of them.
fn wait_for_turn(mirror: &mut Mirror, lived: Duration) -> Result<(), String> {
    let before = mirror.held.get(SUCCESSION);
    let before = before.and_then(Tries::read).unwrap_or_default();
    let (tries, delay) = before
        .after(mirror.is_ready, lived)
        .ok_or_else(|| format!("{MOST_UNREADY} before it have died before they were of any use"))?;
    std::thread::sleep(delay);
    // A try that cannot be noted does not count; that is no reason to do without a keeper.
    if let Ok(sealed) = memfd::sealed("minder-succession", &tries.seal()) {
        mirror.hold(SUCCESSION, &Arc::new(sealed));
    }
    Ok(())
}

/// A terminal's signals reach this process, too, and are held back: the keeper has told of them.
/// They had better not be taken for new ones.
fn forget_signals_of_terminal() {
    if let Ok(arrived) = SignalFd::new(&SignalSet::of(&DAEMON_SIGNALS)) {
        while let Ok(Some(_)) = arrived.next() {}
    }
}

/// Sends the signals of which the keeper has not confirmed that it has sent them. The one that it was
/// at when it died may thereby come twice; none is lost.
fn send_unconfirmed(mirror: &mut Mirror) {
    for Unconfirmed {
        child,
        signal,
        group,
    } in mirror.to_be_sent()
    {
        let child = mirror.children.get(&child);
        let child = child.filter(|child| child.state == ChildState::Running);
        let Some((child, pidfd)) = child.and_then(|it| Some((it, it.pidfd.as_ref()?))) else {
            continue;
        };
        if let Ok(pidfd) = pidfd.try_clone() {
            // Whoever cannot be signalled has ended.
            let _ = Foreign::new(pidfd, child.pid).signal(signal, group);
        }
    }
}

/// Ends the children whose start was asked for and not answered, as far as they are there. They
/// have no pipes, so the next daemon is told of their ends and starts them again.
fn end_awaited(mirror: &mut Mirror) {
    let awaited = std::mem::take(&mut mirror.awaited);
    let Some(register) = mirror.held.get(REGISTER).filter(|_| !awaited.is_empty()) else {
        return;
    };
    for (child, process) in register::find(register, |child| awaited.contains_key(&child)) {
        // If it has ended meanwhile, that is seen.
        let _ = process.signal(minder_core::Signal::KILL.number(), false);
        let label = awaited.get(&child).cloned().unwrap_or_default();
        mirror
            .children
            .insert(child, Mirrored::found(process, label));
    }
}

/// A running child needs a pidfd. Where none could be had, the register may still tell who it is;
/// else nobody will ever know how it ended.
fn settle_unknown(mirror: &mut Mirror) {
    let is_lost = |child: &Mirrored| child.state == ChildState::Running && child.pidfd.is_none();
    let children = mirror.children.iter();
    let lost: Vec<_> = children
        .filter_map(|(id, child)| is_lost(child).then_some(*id))
        .collect();
    if lost.is_empty() {
        return;
    }
    let register = mirror.held.get(REGISTER);
    let found = register.map(|file| register::find(file, |child| lost.contains(&child)));
    let mut found: BTreeMap<u64, Foreign> = found.unwrap_or_default().into_iter().collect();
    let now = clocks();
    for id in lost {
        let Some(child) = mirror.children.get_mut(&id) else {
            continue;
        };
        match found.remove(&id) {
            Some(process) => child.pidfd = Some(Arc::new(process.into())),
            None => {
                child.state = ChildState::Exited {
                    status: UNKNOWN_STATUS,
                    mono_nanos: now.mono_nanos,
                    wall_nanos: now.wall_nanos,
                }
            }
        }
    }
}

/// The pid that the world knows is another one now.
fn tell_the_world(mirror: &Mirror, keeper_pid: u32, log: &MainLog) {
    let pid = std::process::id();
    if let Err(error) = service_manager::tell_main_pid(pid) {
        let line = format!("cannot tell the service manager of the new pid {pid}: {error}");
        log.write(Level::Error, line);
    }
    let settings = mirror.held.get(SETTINGS);
    let settings = settings.and_then(|held| memfd::read_sealed(held, MAX_SEALED).ok());
    let settings = settings.and_then(|sealed| Settings::unseal(&sealed).ok());
    if let Some(settings) = settings
        && let Err(error) = replace_pid(&settings.pidfile, keeper_pid, pid)
    {
        let path = settings.pidfile.display();
        let line = format!("could not write pidfile {path}: {error}");
        log.write(Level::Critical, line);
    }
}

/// Writes the new pid, unless the file is somebody else's by now, or was never written.
fn replace_pid(pidfile: &Path, old: u32, new: u32) -> std::io::Result<()> {
    match std::fs::read_to_string(pidfile) {
        Ok(text) if text == pidfile_text(old) => std::fs::write(pidfile, pidfile_text(new)),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn children(mirror: &Mirror) -> Vec<HandedChild> {
    let told = |(id, child): (&u64, &Mirrored)| HandedChild {
        child: *id,
        pid: child.pid,
        label: child.label.clone(),
        state: child.state,
        // Whether the dead one has done the last that it was asked for, nobody knows. To ask for an
        // end by force twice harms nobody.
        signals: child.signals & !(1 << minder_core::Signal::KILL.number()),
        forgotten: child.forgotten,
        ends: child
            .ends
            .iter()
            .map(|(stream, end)| (*stream, end.as_raw_fd()))
            .collect(),
        orphan: child.pidfd.as_ref().map(AsRawFd::as_raw_fd),
    };
    mirror.children.iter().map(told).collect()
}

fn held(mirror: &Mirror) -> Vec<HandedDescriptor> {
    let told = |(name, held): (&Vec<u8>, &SharedFd)| HandedDescriptor {
        name: name.clone(),
        descriptor: held.as_raw_fd(),
    };
    mirror.held.iter().map(told).collect()
}

/// All descriptors that are told of.
fn descriptors(mirror: &Mirror) -> impl Iterator<Item = std::os::fd::BorrowedFd<'_>> {
    let children = mirror.children.values();
    let of_children =
        children.flat_map(|child| child.ends.iter().map(|(_, end)| end).chain(&child.pidfd));
    let all = of_children.chain(mirror.held.values());
    all.map(AsFd::as_fd)
}

/// How the keepers before this fared, each of which was a daemon first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tries {
    /// How many in a row died before a daemon of theirs was ready.
    unready: u32,
    /// How many in a row died young.
    young: u32,
}

impl Tries {
    /// What is to be said after one more whose daemon was ready or not and lived so long, and how
    /// long to wait before the next; `None` if there had better be none.
    fn after(self, was_ready: bool, lived: Duration) -> Option<(Self, Duration)> {
        let unready = if was_ready { 0 } else { self.unready + 1 };
        if unready > MOST_UNREADY {
            return None;
        }
        let young = if lived < YOUNG {
            self.young.saturating_add(1)
        } else {
            0
        };
        let delay = match young {
            0 | 1 => Duration::ZERO,
            2 => LONGEST_DELAY / 2,
            3.. => LONGEST_DELAY,
        };
        Some((Self { unready, young }, delay))
    }

    fn seal(self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.record(|out| {
            out.u32(self.unready);
            out.u32(self.young);
        });
        seal(VERSION, &out.finish())
    }

    /// From what an earlier daemon left.
    fn read(file: &SharedFd) -> Option<Self> {
        let sealed = memfd::read_sealed(file, MAX_SEALED).ok()?;
        let read = || -> Result<Self, CodecError> {
            Decoder::new(open(VERSION, &sealed)?).record(|input| {
                Ok(Self {
                    unready: input.u32()?,
                    young: input.u32()?,
                })
            })
        };
        read().ok()
    }
}

/// Where the number of tries is held.
const SUCCESSION: &[u8] = b"succession";
/// Its layout.
const VERSION: u32 = 1;

/// How many in a row may die before anything comes of them: then it is of no use.
const MOST_UNREADY: u32 = 3;
/// One that ends sooner than this is probably killed by somebody who goes on with that.
const YOUNG: Duration = Duration::from_secs(1);
/// How long to wait then. Who keeps killing keepers wants to be answered within a second all the
/// same.
const LONGEST_DELAY: Duration = Duration::from_millis(200);
/// Less than any program's, more than the keeper's.
const OOM_SCORE: i32 = -900;

/// How long a process may take to end after it has closed its descriptors.
const LAST_MOMENTS: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    use minder_os::foreign::boot_nanos;
    use minder_wire::{Registered, SLOT};

    use super::*;
    use crate::testing::welcome;

    fn after(tries: Tries, was_ready: bool, millis: u64) -> Option<(Tries, u128)> {
        let after = tries.after(was_ready, Duration::from_millis(millis));
        after.map(|(tries, delay)| (tries, delay.as_millis()))
    }

    #[test]
    fn a_keeper_that_has_only_closed_its_socket_is_not_dead() {
        let at_once = Timespec::default();
        let parent = std::os::unix::process::parent_id();
        assert!(lives(parent, at_once));
        // Whoever else it may be: it is not the one that has started us.
        assert!(!lives(std::process::id(), at_once));
    }

    #[test]
    fn keepers_that_die_before_anything_comes_of_them_are_given_up() {
        let mut tries = Tries::default();
        for _ in 0..MOST_UNREADY {
            tries = after(tries, false, 5000).unwrap().0;
        }
        assert_eq!(after(tries, false, 5000), None);
        let (tries, _) = after(tries, true, 5000).unwrap();
        assert_eq!(tries, Tries::default());
    }

    #[test]
    fn keepers_that_are_killed_again_and_again_are_replaced_at_a_pace() {
        let mut tries = Tries::default();
        let mut delays = Vec::new();
        for _ in 0..20 {
            let (next, delay) = after(tries, true, 0).unwrap();
            tries = next;
            delays.push(delay);
        }
        assert_eq!(delays[..4], [0, 100, 200, 200]);
        assert_eq!(delays[19], 200);
        assert_eq!(after(tries, true, 1000).unwrap().1, 0);
    }

    #[test]
    fn tries_are_read_back_and_what_is_damaged_counts_as_none() {
        let tries = Tries {
            unready: 1,
            young: 2,
        };
        let sealed = Arc::new(memfd::sealed("t", &tries.seal()).unwrap());
        assert_eq!(Tries::read(&sealed), Some(tries));
        let damaged = Arc::new(memfd::sealed("t", b"x").unwrap());
        assert_eq!(Tries::read(&damaged), None);
    }

    #[test]
    fn only_a_pid_file_of_the_dead_keeper_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let pidfile = folder.path().join("pid");
        replace_pid(&pidfile, 7, 8).unwrap();
        assert!(!pidfile.exists());
        for (before, after) in [("7\n", "8\n"), ("9\n", "9\n")] {
            std::fs::write(&pidfile, before).unwrap();
            replace_pid(&pidfile, 7, 8).unwrap();
            assert_eq!(std::fs::read_to_string(&pidfile).unwrap(), after);
        }
    }

    #[test]
    fn of_a_start_that_has_come_to_nothing_nobody_is_left() {
        let mut command = Command::new("/bin/cat");
        let mut started = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut entered = vec![0; SLOT];
        entered.extend(boot_nanos().to_le_bytes());
        entered.extend(started.id().to_le_bytes());
        entered.extend([0; 4]);
        entered.extend(Registered::content(7, b"web:a"));
        let mut register = tempfile::tempfile().unwrap();
        register.write_all(&entered).unwrap();
        let mut mirror = Mirror {
            welcome: Some(welcome()),
            is_complete: true,
            awaited: BTreeMap::from([(7, b"web:a".to_vec())]),
            held: BTreeMap::from([(REGISTER.to_vec(), Arc::new(register.into()))]),
            ..Mirror::default()
        };
        let origin = Origin {
            open_files: (0, 0, 0),
            oom_score_adj: None,
            since: Instant::now(),
            state: None,
        };
        let why = try_become_keeper(&mut mirror, &origin, About::GoOn, &MainLog::new());
        assert_eq!(why.unwrap_err(), "nothing had been started yet");
        // Lets go of its input, which would end it by itself.
        let how = started.wait().unwrap();
        assert_eq!(how.signal(), Some(9));
    }

    #[test]
    fn a_child_that_nobody_knows_any_more_has_ended_somehow() {
        let mut mirror = Mirror {
            children: BTreeMap::from([(
                1,
                Mirrored {
                    pid: 100,
                    label: Vec::new(),
                    state: ChildState::Running,
                    signals: 0,
                    forgotten: false,
                    ends: Vec::new(),
                    pidfd: None,
                },
            )]),
            ..Mirror::default()
        };
        settle_unknown(&mut mirror);
        let ended = mirror.children[&1].state;
        assert!(matches!(ended, ChildState::Exited { status, .. } if status == UNKNOWN_STATUS));
    }
}
