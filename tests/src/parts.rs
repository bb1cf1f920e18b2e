//! The two processes that Minder consists of, and the death of the one that may die.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::tree;
use crate::wait::{wait_for, wait_until};

/// The pid of the daemon below `keeper`, once there is one.
///
/// # Panics
///
/// If none comes.
#[must_use]
pub fn the_daemon(keeper: i32) -> i32 {
    wait_for("the keeper has a daemon", || {
        let is_daemon = |pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with(b"minder-daemon\0")
        };
        tree::children(keeper).into_iter().find(is_daemon)
    })
}

/// Kills the daemon below `keeper`, and returns the pid that it had once it is gone.
///
/// # Panics
///
/// If it cannot be killed.
#[expect(clippy::must_use_candidate, reason = "who was killed matters to few")]
pub fn kill_daemon(keeper: i32) -> i32 {
    let daemon = the_daemon(keeper);
    signal(daemon, Signal::KILL);
    wait_until("the daemon is dead", || !tree::is_alive(daemon));
    daemon
}

/// Sends `signal` to the process `pid`.
///
/// # Panics
///
/// If there is no such process.
pub fn signal(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a pid is positive");
    kill_process(pid, signal).expect("the process can be signalled");
}

/// Kills keeper and daemon at once: neither has the time to replace the other.
///
/// # Panics
///
/// If they cannot be killed.
pub fn kill_both(keeper: i32) {
    let both = [the_daemon(keeper), keeper];
    for pid in both {
        signal(pid, Signal::STOP);
    }
    for pid in both {
        signal(pid, Signal::KILL);
    }
    for pid in both {
        wait_until("it is dead", || !tree::is_alive(pid));
    }
}
