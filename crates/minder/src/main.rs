//! One file that is `supervisord`, `supervisorctl` and their companions, by the name it is called
//! by or by its first argument.
//!
//! The keeper is this file too, entered before anything else is set up: it is what must not die,
//! so nothing of the rest may have run in it.

#![forbid(unsafe_code)]

mod check;
mod pidproxy;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What is said to whoever calls the file by its own name and nothing else.
const USAGE: &str = "\
minder -- run and control programs, as Supervisor does

Usage: minder supervisord [options]
       minder supervisorctl [options] [action [arguments]]
       minder check [-c FILENAME]
       minder echo_supervisord_conf
       minder pidproxy <pidfile name> <command> [<cmdarg1> ...]
       minder --version

\"check\" says everything that is wrong with a configuration, and what looks like a mistake. Called by
one of the other names (by a link, say), it is that program. Each tells its options with -h.
";

/// What the file can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Supervisord,
    Supervisorctl,
    EchoSupervisordConf,
    Pidproxy,
}

impl Tool {
    fn named(name: &str) -> Option<Self> {
        match name {
            "supervisord" => Some(Self::Supervisord),
            "supervisorctl" => Some(Self::Supervisorctl),
            "echo_supervisord_conf" => Some(Self::EchoSupervisordConf),
            "pidproxy" => Some(Self::Pidproxy),
            _ => None,
        }
    }

    fn run(self, args: &[OsString]) -> ExitCode {
        match self {
            Self::Supervisord => minder_daemon::supervisord(args),
            Self::Supervisorctl => minder_ctl::main(args.to_vec()),
            Self::EchoSupervisordConf => print(minder_config::sample::SAMPLE),
            Self::Pidproxy => pidproxy::main(args),
        }
    }
}

fn main() -> ExitCode {
    if let Some(role) = minder_keeper::role_from_env() {
        return minder_keeper::run(role);
    }
    let args: Vec<OsString> = std::env::args_os().collect();
    let called = args
        .first()
        .map(Path::new)
        .and_then(Path::file_name)
        .unwrap_or_default();
    if called == minder_keeper::DAEMON_ARGV0 {
        return minder_daemon::daemon();
    }
    if let Some(tool) = called.to_str().and_then(Tool::named) {
        return tool.run(&args);
    }
    let Some(word) = args.get(1).and_then(|word| word.to_str()) else {
        return refuse(USAGE);
    };
    match (Tool::named(word), word) {
        (Some(tool), _) => tool.run(&args[1..]),
        (None, "-h" | "--help" | "help") => print(USAGE),
        (None, "-V" | "-v" | "--version") => {
            print(concat!("minder ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        (None, "check") => check::main(&args[0].to_string_lossy(), &args[1..]),
        (None, _) => refuse(USAGE),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(why: &str) -> ExitCode {
    // Nobody is left to tell if standard error is closed.
    let _ = io::stderr().write_all(why.as_bytes());
    ExitCode::from(2)
}
