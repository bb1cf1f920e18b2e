//! The parent of every program: spawns, reaps, holds, hands over.
//!
//! The keeper is the process that the world knows by its pid. It starts one daemon, which is
//! everything clever, and does what the daemon asks over a socket: spawn this, signal that, hold
//! this descriptor. It reports what ends until the daemon has taken note, keeps a copy of each
//! pipe and each held descriptor, and when the daemon dies it starts another and hands it all of
//! this. It knows no configuration and decides nothing about programs. It never reads what a
//! program writes: while there is no daemon the pipe holds it.
//!
//! It is one thread, it waits in one place, it never blocks elsewhere, and it does not panic.
//! Where the system refuses something, the daemon is told, or the keeper tries again.
//!
//! - `keeper`: the loop, and what each request does.
//! - `children`, `news`: what is known of children; what the daemon is yet to be told.
//! - `link`, `inventory`: the socket to one daemon; what a new one is handed.
//! - `daemon`, `startup`: one daemon after the other; telling how the start went.
//! - `spawn`: from a plan to a child.
//! - `handover`, `upgrade`: from one keeper to the next; another program in our place.
//!
//! A gap is left on purpose: a termination signal stops nothing while no daemon stays up long
//! enough to take it, for stopping programs in order takes a daemon.

#![forbid(unsafe_code)]

mod children;
mod daemon;
mod handover;
mod inventory;
mod keeper;
mod link;
mod news;
mod register;
mod spawn;
mod startup;
mod upgrade;

use std::ffi::{CString, OsStr};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use minder_os::{memfd, process};
use minder_wire::{Handover, Launch};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::param::linux_execfn;
use rustix::pipe::PipeFlags;

use crate::keeper::Keeper;
pub use keeper::FORWARDED as DAEMON_SIGNALS;
pub use startup::{EX_SOFTWARE, silence};

/// The environment variable that tells a process what it is to be; see [`role_from_env`].
pub const KEEPER_ENV: &str = "MINDER_KEEPER";

/// What the daemon is called by when the keeper starts it, from the same file.
///
/// It finds the signals blocked that the keeper forwards, and must leave them so: those of a
/// terminal reach it, too.
pub const DAEMON_ARGV0: &str = "minder-daemon";

/// The descriptor under which the daemon finds its socket to the keeper.
pub const DAEMON_FD: i32 = 3;

/// What a process is that was started by [`KEEPER_ENV`].
#[derive(Debug)]
pub enum Role {
    /// The keeper, which a launcher has become: its [`Launch`].
    Begin(OwnedFd),
    /// The keeper, after another program. The way back is open.
    GoOn {
        /// What it has left.
        state: OwnedFd,
        /// The file that it was executed from.
        old: OwnedFd,
    },
    /// The keeper, after another program that could not go on.
    GoBack {
        /// What it has left.
        state: OwnedFd,
        /// Why it could not, if it does not say so in what it has left.
        why: String,
    },
    /// The keeper, after another that has died, whose daemon this process was: what that has left.
    Succeed(OwnedFd),
    /// A child of the keeper that says whether it could go on with this.
    Check(OwnedFd),
}

/// What this process is to be, if [`KEEPER_ENV`] says it; takes the descriptors that belong to that.
///
/// To be called first thing in `main`, before anything is opened.
#[must_use]
pub fn role_from_env() -> Option<Role> {
    let role = std::env::var(KEEPER_ENV).ok()?;
    let (word, rest) = role.split_once(' ').unwrap_or((&role, ""));
    let descriptor = |number: &str| process::take_inherited(number.parse().ok()?).ok();
    match word {
        handover::CHECK => descriptor(rest).map(Role::Check),
        handover::SUCCEED => descriptor(rest).map(Role::Succeed),
        handover::GO_ON => {
            let (state, old) = rest.split_once(' ')?;
            let (state, old) = (descriptor(state)?, descriptor(old)?);
            Some(Role::GoOn { state, old })
        }
        handover::GO_BACK => {
            let (state, why) = rest.split_once(' ').unwrap_or((rest, ""));
            let (state, why) = (descriptor(state)?, why.to_owned());
            Some(Role::GoBack { state, why })
        }
        // The launcher names nothing but its launch.
        number => descriptor(number).map(Role::Begin),
    }
}

/// What a launcher leaves.
#[derive(Debug)]
pub struct Legacy<'a> {
    /// For every daemon, at most [`MAX_NOTE`](minder_wire::MAX_NOTE) bytes.
    pub note: Vec<u8>,
    /// For the daemon, which finds it held as [`GIVEN`](minder_wire::GIVEN) until a restart.
    pub given: Option<&'a OwnedFd>,
    /// Where this file is [installed](installed_at).
    pub program: &'a Path,
}

/// Becomes the keeper: executes this same file anew, with the same arguments, so that the keeper
/// is seen under the command line it was started with. Returns only if that fails.
///
/// `report` is where somebody waits for the outcome of the start: the keeper then runs in the
/// background, and tells it there.
#[must_use]
pub fn enter(report: Option<&OwnedFd>, legacy: Legacy<'_>) -> io::Error {
    match prepare(report, legacy) {
        Ok((argv, envp, _launch)) => process::exec(c"/proc/self/exe", &argv, &envp),
        Err(error) => error,
    }
}

/// Becomes the keeper in the place of one that has died, whose daemon this process is. Returns only
/// if that fails.
///
/// `command_line` is what to be seen under. `told` is what the dead one had, as far as its daemon
/// knows; `descriptors` are those that it tells of. It is written to `state`, which was
/// [reserved](reserve_state) for that. Every thread of this process ends as if it were killed, and
/// every other descriptor is closed, except the standard streams.
#[must_use]
pub fn succeed<'a>(
    command_line: &[String],
    told: &Handover,
    descriptors: impl Iterator<Item = BorrowedFd<'a>>,
    state: &OwnedFd,
) -> io::Error {
    let words = command_line.iter().map(|word| CString::new(word.as_str()));
    match words.collect::<Result<Vec<_>, _>>() {
        Ok(words) => handover::succeed(&words, told, descriptors, state),
        Err(error) => error.into(),
    }
}

/// Makes the file that [`succeed`] needs: on that day there may be no descriptor left for it.
pub fn reserve_state() -> io::Result<OwnedFd> {
    handover::reserve()
}

type Prepared = (Vec<CString>, Vec<CString>, OwnedFd);

fn prepare(report: Option<&OwnedFd>, legacy: Legacy<'_>) -> io::Result<Prepared> {
    let launch = inheritable_launch(report, legacy)?;
    let argv = std::env::args_os()
        .map(|argument| CString::new(argument.as_bytes()))
        .collect::<Result<_, _>>()?;
    let mut envp = environment()?;
    envp.push(CString::new(format!(
        "{KEEPER_ENV}={}",
        launch.as_raw_fd()
    ))?);
    Ok((argv, envp, launch))
}

/// Where the file is installed that this process was executed from, for a process that was started
/// in this directory.
///
/// It is the path as it was given, links and all: what somebody installs there later is what an
/// upgrade goes over to.
#[must_use]
pub fn installed_at(start_directory: &Path) -> PathBuf {
    let given = Path::new(OsStr::from_bytes(linux_execfn().to_bytes()));
    if given.starts_with("/proc") || given.starts_with("/dev") {
        // A name that means something to one process alone. The file may have been removed, and then
        // this is no path that an upgrade would find anything under.
        return std::fs::read_link("/proc/self/exe").unwrap_or_default();
    }
    // Without the dots that a shell's user typed.
    start_directory.join(given).components().collect()
}

/// A launch that is inherited by what is executed next, as are the descriptors that it names.
fn inheritable_launch(report: Option<&OwnedFd>, legacy: Legacy<'_>) -> io::Result<OwnedFd> {
    let Legacy {
        note,
        given,
        program,
    } = legacy;
    let launch = Launch {
        report_fd: report.map(AsRawFd::as_raw_fd),
        note,
        program: program.as_os_str().as_bytes().to_vec(),
        given_fd: given.map(AsRawFd::as_raw_fd),
    };
    let launch = memfd::sealed("minder-launch", &launch.encode())?;
    for inherited in report.into_iter().chain(given).chain([&launch]) {
        fcntl_setfd(inherited, FdFlags::empty())?;
    }
    Ok(launch)
}

/// How a start in the background went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It runs.
    Ready,
    /// It does not: the exit code, and what to tell whoever asked.
    Failed {
        /// For `exit`.
        code: u8,
        /// For standard error; may be empty.
        text: String,
    },
}

/// Starts the keeper in a session of its own, and waits until its daemon is ready or has said why it
/// cannot be.
///
/// Of our standard streams it gets standard error alone, which keeper and daemon
/// [let go of](silence) once that is decided.
pub fn start_in_background(legacy: Legacy<'_>) -> io::Result<Outcome> {
    let (report, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let launch = inheritable_launch(Some(&theirs), legacy)?;
    let mut args = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = args.next() {
        command.arg0(name);
    }
    command
        .args(args)
        .env(KEEPER_ENV, launch.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.spawn()?;
    drop(theirs);
    startup::outcome(report)
}

/// Our environment without [`KEEPER_ENV`].
fn environment() -> io::Result<Vec<CString>> {
    std::env::vars_os()
        .filter(|(name, _)| name != KEEPER_ENV)
        .map(|(name, value)| {
            let variable = [name.as_bytes(), b"=", value.as_bytes()].concat();
            CString::new(variable).map_err(io::Error::from)
        })
        .collect()
}

/// Is what `role` says, until it is over.
#[must_use]
pub fn run(role: Role) -> ExitCode {
    let keeper = match role {
        Role::Begin(launch) => read_launch(launch).and_then(Keeper::begin),
        Role::GoOn { state, old } => go_on(&state, old),
        Role::GoBack { state, why } => {
            handover::read(&state).and_then(|told| Keeper::go_back(told, &why))
        }
        Role::Succeed(state) => handover::read(&state).and_then(Keeper::succeed),
        Role::Check(state) => return can_go_on(&state),
    };
    match keeper {
        Ok(keeper) => keeper.run(),
        Err(error) => {
            startup::complain(&format!("cannot become the keeper: {error}\n"));
            ExitCode::from(startup::EX_SOFTWARE)
        }
    }
}

/// Goes on after another program, or back to it if its state cannot be read.
fn go_on(state: &OwnedFd, old: OwnedFd) -> io::Result<Keeper> {
    match handover::read(state) {
        Ok(told) => Keeper::go_on(told, old),
        Err(error) => Err(handover::return_untouched(&old, state, &error.to_string())),
    }
}

/// Says on standard output whether this program could go on with what is handed over.
fn can_go_on(state: &OwnedFd) -> ExitCode {
    let (answer, code) = match handover::read(state) {
        Ok(_) => (
            format!("{}{}\n", upgrade::GREETING, upgrade::VERSION),
            ExitCode::SUCCESS,
        ),
        Err(error) => (format!("{error}\n"), ExitCode::from(startup::EX_SOFTWARE)),
    };
    match io::stdout().write_all(answer.as_bytes()) {
        Ok(()) => code,
        Err(_) => ExitCode::from(startup::EX_SOFTWARE),
    }
}

fn read_launch(launch: OwnedFd) -> io::Result<Launch> {
    // A note and a path, and a head before them.
    let bytes = memfd::read_sealed(launch, minder_wire::MAX_NOTE + minder_wire::MAX_PATH + 64)?;
    Launch::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
