//! `pidproxy`: runs a command that forks away, and hands signals on to the process whose pid the
//! command has written into a file.
//!
//! It speaks and ends as Supervisor's program of this name does, except that it notices the end
//! of its command at once. It waits for signals alone; the pid file is read anew for each.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, ExitCode};

use anyhow::Context;
use minder_os::signals::{self, Disposition, SignalFd, SignalSet, Target};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::Signal;

/// What is handed on.
const HANDED_ON: [i32; 6] = [
    Signal::TERM.as_raw(),
    Signal::HUP.as_raw(),
    Signal::INT.as_raw(),
    Signal::USR1.as_raw(),
    Signal::USR2.as_raw(),
    Signal::QUIT.as_raw(),
];
/// After which of these there is nothing left to do.
const LAST: [i32; 3] = [
    Signal::TERM.as_raw(),
    Signal::INT.as_raw(),
    Signal::QUIT.as_raw(),
];
/// How much of a pid file is read: a number with white space around it.
const MAX_PIDFILE: u64 = 4096;

/// Runs `pidproxy` with this command line, the name it was called by first.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let [_, pidfile, program, arguments @ ..] = args else {
        return usage(
            args.first()
                .map_or(OsStr::new("pidproxy"), OsString::as_os_str),
        );
    };
    match run(Path::new(pidfile), program, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn usage(called: &OsStr) -> ExitCode {
    say(&format!(
        "\
pidproxy -- run command and proxy signals to it via its pidfile.

This executable runs a command and then monitors a pidfile.  When this
executable receives a signal, it sends the same signal to the pid
in the pidfile.

Usage: {} <pidfile name> <command> [<cmdarg1> ...]
",
        called.display()
    ));
    ExitCode::FAILURE
}

fn run(pidfile: &Path, program: &OsStr, arguments: &[OsString]) -> anyhow::Result<()> {
    let arrivals = await_signals().context("cannot wait for signals")?;
    // A relative name means a file here: PATH is not searched.
    let file = absolute(Path::new(program)).context("cannot find the current directory")?;
    let mut command = match Command::new(&file).arg0(program).args(arguments).spawn() {
        Ok(command) => command,
        // To whoever started us, a command that cannot be run is one that ended at once; and how
        // a command ends is not told.
        Err(error) => {
            complain(&format!("cannot run {}: {error}", file.display()));
            return Ok(());
        }
    };
    loop {
        wait_for(&arrivals).context("cannot wait for signals")?;
        while let Some(signal) = arrivals.next().context("cannot read a signal")? {
            if HANDED_ON.contains(&signal) && hand_on(signal, pidfile)? && LAST.contains(&signal) {
                return Ok(());
            }
        }
        if has_ended(&mut command)? {
            return Ok(());
        }
    }
}

/// Holds back what is handed on and what tells of the command's end, to be read instead. From
/// here on, none is missed.
fn await_signals() -> io::Result<SignalFd> {
    let awaited = HANDED_ON.into_iter().chain([Signal::CHILD.as_raw()]);
    let awaited: Vec<i32> = awaited.collect();
    for signal in &awaited {
        // What a shell ignores for programs in the background, our command must not.
        signals::set_disposition(*signal, Disposition::Default)?;
    }
    let awaited = SignalSet::of(&awaited);
    awaited.block();
    SignalFd::new(&awaited)
}

fn wait_for(arrivals: &SignalFd) -> io::Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(arrivals.as_fd(), PollFlags::IN)];
    match poll(&mut fds, None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Hands a signal on, if there is somebody to hand it to.
fn hand_on(signal: i32, pidfile: &Path) -> anyhow::Result<bool> {
    let Some(pid) = read_pid(pidfile) else {
        say(&format!("Can't read child pidfile {}!", pidfile.display()));
        return Ok(false);
    };
    signals::send(Target::Process(pid), signal)
        .with_context(|| format!("cannot send signal {signal} to process {pid}"))?;
    Ok(true)
}

fn read_pid(pidfile: &Path) -> Option<u32> {
    let mut text = String::new();
    let file = File::open(pidfile).ok()?;
    file.take(MAX_PIDFILE).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn has_ended(command: &mut Child) -> anyhow::Result<bool> {
    let status = command.try_wait().context("cannot wait for the command")?;
    Ok(status.is_some())
}

/// The path from the root on, without `.` and `..`, by its spelling alone: a script is shown it.
fn absolute(path: &Path) -> io::Result<PathBuf> {
    // The current directory may be gone: it is asked for only where it is needed.
    let whole = if path.is_absolute() {
        path.to_owned()
    } else {
        std::env::current_dir()?.join(path)
    };
    let mut plain = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    Ok(plain)
}

/// Says something to whoever listens; if nobody does, that is no trouble of ours.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "pidproxy: {text}");
}
