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
//!
//! A gap is left on purpose: a termination signal stops nothing while no daemon stays up long
//! enough to take it, for stopping programs in order takes a daemon.

#![forbid(unsafe_code)]

mod children;
mod daemon;
mod inventory;
mod keeper;
mod link;
mod news;
mod register;
mod spawn;
mod startup;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use minder_os::{memfd, process};
use minder_wire::Launch;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pipe::PipeFlags;

pub use startup::silence;

/// The environment variable that tells a process to be the keeper: the number of the descriptor
/// of its [`Launch`].
pub const KEEPER_ENV: &str = "MINDER_KEEPER";

/// What the daemon is called by when the keeper starts it, from the same file.
///
/// It finds the signals blocked that the keeper forwards, and must leave them so: those of a
/// terminal reach it, too.
pub const DAEMON_ARGV0: &str = "minder-daemon";

/// The descriptor under which the daemon finds its socket to the keeper.
pub const DAEMON_FD: i32 = 3;

/// Takes the descriptor of the [`Launch`], if this process is to be the keeper.
///
/// To be called first thing in `main`, before anything is opened.
#[must_use]
pub fn launch_fd_from_env() -> Option<OwnedFd> {
    let number = std::env::var_os(KEEPER_ENV)?;
    let number = number.to_str()?.parse().ok()?;
    process::take_inherited(number).ok()
}

/// Becomes the keeper: executes this same file anew, with the same arguments, so that the keeper
/// is seen under the command line it was started with. Returns only if that fails.
///
/// `report` is where somebody waits for the outcome of the start: the keeper then runs in the
/// background, and tells it there. `note` is for the daemon, at most
/// [`MAX_NOTE`](minder_wire::MAX_NOTE) bytes.
#[must_use]
pub fn enter(report: Option<&OwnedFd>, note: Vec<u8>) -> io::Error {
    match prepare(report, note) {
        Ok((argv, envp, _launch)) => process::exec(c"/proc/self/exe", &argv, &envp),
        Err(error) => error,
    }
}

type Prepared = (Vec<CString>, Vec<CString>, OwnedFd);

fn prepare(report: Option<&OwnedFd>, note: Vec<u8>) -> io::Result<Prepared> {
    let launch = inheritable_launch(report, note)?;
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

/// A launch that is inherited by what is executed next, as is `report`.
fn inheritable_launch(report: Option<&OwnedFd>, note: Vec<u8>) -> io::Result<OwnedFd> {
    let launch = Launch {
        report_fd: report.map(AsRawFd::as_raw_fd),
        note,
    };
    let launch = memfd::sealed("minder-launch", &launch.encode())?;
    for inherited in report.into_iter().chain([&launch]) {
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
/// [let go of](silence) once that is decided. `note` is as for [`enter`].
pub fn start_in_background(note: Vec<u8>) -> io::Result<Outcome> {
    let (report, theirs) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let launch = inheritable_launch(Some(&theirs), note)?;
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

/// Is the keeper, until it is over. `launch` is what [`launch_fd_from_env`] took.
#[must_use]
pub fn run(launch: OwnedFd) -> ExitCode {
    let keeper = read_launch(launch).and_then(keeper::Keeper::new);
    match keeper {
        Ok(keeper) => keeper.run(),
        Err(error) => {
            startup::complain(&format!("cannot become the keeper: {error}\n"));
            ExitCode::from(startup::EX_SOFTWARE)
        }
    }
}

fn read_launch(launch: OwnedFd) -> io::Result<Launch> {
    // A note, and a head before it.
    let bytes = memfd::read_sealed(launch, minder_wire::MAX_NOTE + 64)?;
    Launch::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
