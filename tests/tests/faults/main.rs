//! Faults: what Minder is run through, and what must hold all the same.
//!
//! `docs/faults.md` is the list of them, with what Minder and Supervisor 4.3.0 do. Each module takes
//! one family. Programs, clients, disks and clocks misbehave by themselves; system calls that fail, and
//! deaths between two of them, are made with `strace` (`minder_tests::strace`). What can be
//! run on the real Supervisor runs there too, and says what that does.
//!
//! What is enumerated or repeated is short unless the environment asks for more: the variables are
//! `MINDER_STRIDE` (1 kills at every point instead of some) and `MINDER_SOAK` (how often everything is
//! done that must leave nothing behind).

#![forbid(unsafe_code)]

mod control;
mod crash_points;
mod death;
mod errors;
mod logs;
mod polling;
mod processes;
mod resources;
mod time;

use minder_tests::parts::the_daemon;
use minder_tests::strace::Whose;
use minder_tests::{Daemon, Subject};

/// The process that starts programs.
fn parent(daemon: &Daemon) -> Whose {
    Whose::Thread(daemon.pid())
}

/// The process that looks after logs and clients.
fn mind(daemon: &Daemon) -> Whose {
    match daemon.subject() {
        Subject::Supervisor => Whose::Thread(daemon.pid()),
        Subject::Minder => Whose::Process(the_daemon(daemon.pid())),
    }
}

/// The processes that must not grow: both of Minder's.
fn supervisors(daemon: &Daemon) -> Vec<i32> {
    let pid = daemon.pid();
    match daemon.subject() {
        Subject::Supervisor => vec![pid],
        Subject::Minder => vec![pid, the_daemon(pid)],
    }
}
