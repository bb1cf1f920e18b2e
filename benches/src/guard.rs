//! Nothing that the benchmark starts outlives it, however it ends.
//!
//! It runs as three processes. The one that the user started waits. The *guard* below it is in a process
//! group of its own, so that no signal of a terminal reaches it, and inherits every orphan
//! below it. The *worker* below that one measures. When either of the others is gone (an error, a
//! panic that aborts, Ctrl-C, SIGKILL), the guard ends everything that is left below it, by pid, and removes
//! the folders of all that was measured.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use minder_bench::birth::Moment;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, wait};

use crate::processes;

/// The first argument of the guard.
pub(crate) const GUARD: &str = "--guard";
/// The first argument of the worker.
pub(crate) const WORKER: &str = "--worker";
/// How long what was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the user's own process does.
pub(crate) fn front(args: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let mut guard = Command::new(env::current_exe()?)
        .arg(GUARD)
        .args(args)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()?;
    // Its end tells the guard of ours. Waiting for a child would close it.
    let _alive = guard.stdin.take();
    Ok(code(guard.wait()?))
}

/// What the guard does.
pub(crate) fn stand(args: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    inherit_orphans()?;
    let folders = tempfile::tempdir()?;
    let mut worker: Child = Command::new(env::current_exe()?)
        .arg(WORKER)
        .args(args)
        .env("TMPDIR", folders.path())
        .stdin(Stdio::null())
        .spawn()?;
    let left = folders.path().to_owned();
    thread::spawn(move || {
        // Nothing is ever written: this waits for the end.
        let _ = io::stdin().read(&mut [0]);
        eprintln!("the benchmark's first process is gone: everything else is ended");
        let _ = end_everything();
        let _ = std::fs::remove_dir_all(left);
        std::process::exit(130);
    });
    let status = worker.wait()?;
    if let Some(signal) = status.signal() {
        eprintln!("the benchmark was ended by signal {signal}");
    }
    end_everything()?;
    Ok(code(status))
}

/// Makes orphans below this process its own children.
pub(crate) fn inherit_orphans() -> Result<()> {
    set_child_subreaper(Some(getpid())).context("cannot inherit orphans")
}

/// Waits until there is no child left; false if there is one after that time.
pub(crate) fn wait_for_all(patience: Duration) -> bool {
    let start = Moment::now();
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) if Moment::now().since(start) > patience => return false,
            Ok(None) => thread::sleep(Duration::from_micros(200)),
            Err(_) => return true,
        }
    }
}

/// Kills and reaps everything below this process.
pub(crate) fn end_everything() -> Result<()> {
    let start = Moment::now();
    loop {
        let below = processes::below(std::process::id());
        for pid in below.iter().filter_map(|pid| pid_of(*pid).ok()) {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
        // Orphans of what was killed become children, and are found in the next turn.
        if wait_for_all(Duration::from_millis(20)) {
            return Ok(());
        }
        anyhow::ensure!(
            Moment::now().since(start) < PATIENCE,
            "{} processes do not end",
            below.len()
        );
    }
}

pub(crate) fn pid_of(number: u32) -> Result<Pid> {
    i32::try_from(number)
        .ok()
        .and_then(Pid::from_raw)
        .context("not a pid")
}

fn code(status: ExitStatus) -> ExitCode {
    match status.code() {
        Some(0) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
