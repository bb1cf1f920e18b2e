//! What a service manager (systemd) is told, if one has started us and listens.
//!
//! It holds a service to be running while its main process is. That one is our keeper, which may be
//! killed and replaced while everything goes on: then the manager is told the new pid. If it saw the
//! death before it heard of that, it starts the service anew, and the `supervisord` that it starts
//! finds everything running: that one says whose service it is, and leaves.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use minder_os::notify::{NOTIFY_SOCKET, notify, notify_and_wait};

/// How long a manager may take to hear what it is told.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says which process stands for the service from now on. Does nothing if nobody listens.
pub(crate) fn tell_main_pid(pid: u32) -> io::Result<()> {
    match std::env::var_os(NOTIFY_SOCKET) {
        Some(socket) => notify(&socket, &main_pid(pid)),
        None => Ok(()),
    }
}

/// Gives the service that we were started for to the `supervisord` that has this pidfile, and says
/// what its pid is, if it runs, belongs to the same service, and the manager has taken note.
///
/// Whoever calls this then ends with a failure. That of a process which no longer stands for the
/// service is nobody's business; but if the manager may not listen to us, a success would be an end
/// of the service in good order, with all that is done then (`ExecStop=`).
pub(crate) fn give_back(pidfile: &Path) -> Option<u32> {
    let socket = std::env::var_os(NOTIFY_SOCKET)?;
    let pid: u32 = fs::read_to_string(pidfile).ok()?.trim().parse().ok()?;
    // A service has a control group of its own.
    let group = |process: &str| fs::read_to_string(format!("/proc/{process}/cgroup")).ok();
    if group("self")? != group(&pid.to_string())? {
        return None;
    }
    notify_and_wait(&socket, &main_pid(pid), PATIENCE).ok()?;
    Some(pid)
}

fn main_pid(pid: u32) -> String {
    format!("MAINPID={pid}\n")
}
