//! Every process that a sandbox gave rise to, and its end.
//!
//! A sandbox puts its path into the environment of what it starts; children inherit it, also
//! those that became daemons of their own. That mark is looked for, never a name, and a
//! process is signalled through a pidfd taken before the mark was read, so that a recycled
//! pid cannot be hit.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::wait::wait_until;

/// How often a process is looked at whose environment seems empty. A program may really have
/// been given none; an exec does not take half a second, even on a busy machine.
const EXEC_LOOKS: u32 = 100;

/// The pause between two such looks.
const EXEC_PAUSE: Duration = Duration::from_millis(5);

/// The variable that marks a sandbox's processes; its value is the sandbox's path.
pub const MARK: &str = "MINDER_TEST_SANDBOX";

/// The pids of all living processes marked with `sandbox`, in no particular order.
#[must_use]
pub fn pids(sandbox: &Path) -> Vec<i32> {
    all_pids()
        .filter(|pid| is_marked(*pid, sandbox) && lives(*pid))
        .collect()
}

/// Whether `pid` is a process that has not ended.
fn lives(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

/// Kills every process marked with `sandbox`, and waits until they are gone.
///
/// # Panics
///
/// If one outlives SIGKILL for longer than a test waits.
pub fn kill_all(sandbox: &Path) {
    wait_until("every process of the sandbox has ended", || {
        let pids = pids(sandbox);
        for pid in &pids {
            kill_marked(*pid, sandbox);
        }
        pids.is_empty()
    });
}

fn kill_marked(pid: i32, sandbox: &Path) {
    let Some(pid) = Pid::from_raw(pid) else {
        return;
    };
    let Ok(fd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return;
    };
    if is_marked(pid.as_raw_nonzero().get(), sandbox) {
        // It may end by itself in between, which is as good.
        let _ = pidfd_send_signal(fd, Signal::KILL);
    }
}

fn is_marked(pid: i32, sandbox: &Path) -> bool {
    let mark = format!("{MARK}={}", sandbox.display());
    environment(pid)
        .split(|byte| *byte == 0)
        .any(|variable| variable == mark.as_bytes())
}

/// The environment that `pid` was started with; empty if it has none or does not exist.
fn environment(pid: i32) -> Vec<u8> {
    for _ in 0..EXEC_LOOKS {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        // In the middle of an exec there is nothing to be read for a moment. Threads of the
        // kernel never have anything, but no program either.
        if !environment.is_empty() || fs::read_link(format!("/proc/{pid}/exe")).is_err() {
            return environment;
        }
        thread::sleep(EXEC_PAUSE);
    }
    Vec::new()
}

fn all_pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc")
        .expect("/proc can be read")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The children of `pid`, by ascending pid.
#[must_use]
pub fn children(pid: i32) -> Vec<i32> {
    let mut found: Vec<i32> = all_pids()
        .filter(|child| stat_field(*child, 1).is_some_and(|parent| parent == pid.to_string()))
        .collect();
    found.sort_unstable();
    found
}

/// The process of a sandbox that is the first one of a pid namespace of its own, by its pid out here.
#[must_use]
pub fn init(sandbox: &Path) -> Option<i32> {
    pids(sandbox).into_iter().find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        let pids: Vec<_> = pids.unwrap_or_default().split_whitespace().collect();
        pids.len() > 1 && pids.last() == Some(&"1")
    })
}

/// The process' short name, without its newline.
#[must_use]
pub fn comm(pid: i32) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_end_matches('\n').to_owned())
}

/// Whether `pid` is a supervisor's child that has become its program: only then its
/// environment is the program's.
#[must_use]
pub fn is_program(pid: i32) -> bool {
    environment(pid)
        .split(|byte| *byte == 0)
        .any(|variable| variable.starts_with(b"SUPERVISOR_PROCESS_NAME="))
}

/// Whether `pid` exists and is no zombie.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    state(pid).is_some_and(|state| state != 'Z')
}

/// How long ago `pid` was started, to a hundredth of a second; nothing if there is no such process.
#[must_use]
pub fn age(pid: i32) -> Duration {
    let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let now: Option<f64> = uptime.split(' ').next().and_then(|word| word.parse().ok());
    // In hundredths, as the kernel tells programs on every machine.
    let started = stat_field(pid, 19).and_then(|field| field.parse::<f64>().ok());
    match (now, started) {
        (Some(now), Some(started)) => Duration::try_from_secs_f64(now - started / 100.0),
        _ => Ok(Duration::ZERO),
    }
    .unwrap_or_default()
}

/// Whether `pid` has been stopped by a signal.
#[must_use]
pub fn is_stopped(pid: i32) -> bool {
    state(pid) == Some('T')
}

/// Whether `pid`, or its first thread, waits for something.
#[must_use]
pub fn is_asleep(pid: i32) -> bool {
    state(pid) == Some('S')
}

/// The process group of `pid`.
#[must_use]
pub fn group(pid: i32) -> Option<i32> {
    stat_field(pid, 2)?.parse().ok()
}

/// The session of `pid`.
#[must_use]
pub fn session(pid: i32) -> Option<i32> {
    stat_field(pid, 3)?.parse().ok()
}

fn state(pid: i32) -> Option<char> {
    stat_field(pid, 0)?.chars().next()
}

/// A field of `/proc/PID/stat`, counted from 0 behind the name in parentheses.
fn stat_field(pid: i32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, parentheses and blanks too; what follows it may not.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(index).map(str::to_owned)
}
