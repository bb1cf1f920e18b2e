//! Ending what an earlier `supervisord` left running, before anything is started.
//!
//! Its pipes are broken, and nobody reads its log; the program that it belongs to would be started
//! beside it. So it is stopped as that program is stopped, all at once, and waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use minder_core::{GroupSpec, Level, Signal};
use minder_logs::main_log::MainLog;
use minder_os::foreign::Foreign;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::register::Left;
use crate::snapshot::label;

/// How to stop a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    signal: Signal,
    /// How long to wait before it is killed.
    wait: Duration,
    stop_as_group: bool,
    kill_as_group: bool,
}

/// Somebody who outlives SIGKILL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot end '{label}' (pid {pid}), which an earlier supervisord left running")]
pub(crate) struct Undying {
    label: String,
    pid: u32,
}

/// One that has been sent a signal and has not ended.
struct Stopping {
    left: Left,
    manner: Manner,
    deadline: Instant,
    is_killed: bool,
}

/// How a process of this label is to be stopped: as its program says, if there is one still.
pub(crate) fn manner(groups: &[Arc<GroupSpec>], of: &str) -> Manner {
    for group in groups {
        for spec in &group.processes {
            if label(&group.name, &spec.name) == of {
                return Manner {
                    signal: spec.stop_signal,
                    wait: spec.stop_wait(),
                    stop_as_group: spec.stop_as_group,
                    kill_as_group: spec.kill_as_group,
                };
            }
        }
    }
    Manner {
        signal: Signal::TERM,
        wait: DEFAULT_WAIT,
        stop_as_group: false,
        kill_as_group: false,
    }
}

/// Stops all of `left`, and returns when they have ended.
pub(crate) fn end(
    left: Vec<Left>,
    manner: impl Fn(&str) -> Manner,
    log: &MainLog,
) -> Result<(), Undying> {
    let mut stopping: Vec<Stopping> = left
        .into_iter()
        .map(|left| stop(left, &manner, log))
        .collect();
    while let Some(next) = stopping.iter().map(|one| one.deadline).min() {
        wait(&stopping, next);
        let mut still = Vec::new();
        for mut one in stopping {
            let Left { process, label } = &one.left;
            let pid = process.pid();
            if process.wait(Duration::ZERO).unwrap_or(true) {
                log.write(Level::Info, format_args!("stopped: '{label}' (pid {pid})"));
                continue;
            }
            if one.deadline <= Instant::now() {
                if one.is_killed {
                    let label = label.clone();
                    return Err(Undying { label, pid });
                }
                log.write(
                    Level::Warn,
                    format_args!("killing '{label}' ({pid}) with SIGKILL"),
                );
                send(process, Signal::KILL, one.manner.kill_as_group);
                one.is_killed = true;
                one.deadline = Instant::now() + LONGEST_DEATH;
            }
            still.push(one);
        }
        stopping = still;
    }
    Ok(())
}

fn stop(left: Left, manner: impl Fn(&str) -> Manner, log: &MainLog) -> Stopping {
    let Left { process, label } = &left;
    let manner = manner(label);
    log.write(
        Level::Warn,
        format_args!(
            "'{label}' (pid {}) was left running by an earlier supervisord that was killed: \
             stopping it",
            process.pid()
        ),
    );
    send(process, manner.signal, manner.stop_as_group);
    Stopping {
        left,
        manner,
        deadline: Instant::now() + manner.wait.min(LONGEST_WAIT),
        is_killed: false,
    }
}

fn send(process: &Foreign, signal: Signal, group: bool) {
    // Who cannot be signalled has ended, or will be told of at its deadline.
    let _ = process.signal(signal.number(), group);
}

/// Waits until one ends, or until the deadline.
fn wait(stopping: &[Stopping], deadline: Instant) {
    let mut fds: Vec<_> = stopping
        .iter()
        .map(|one| PollFd::new(&one.left.process, PollFlags::IN))
        .collect();
    let wait = deadline.saturating_duration_since(Instant::now());
    let timeout = Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: wait.subsec_nanos().into(),
    };
    match poll(&mut fds, Some(&timeout)) {
        // Whatever went wrong, the deadlines are looked at.
        Ok(_) | Err(Errno::INTR) => {}
        Err(_) => std::thread::sleep(wait.min(RETRY)),
    }
}

/// What Supervisor gives a program that says nothing else.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// An `Instant` cannot be as far away as a configuration may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(1 << 30);
/// How long SIGKILL may take: a program may be waiting for a disk.
const LONGEST_DEATH: Duration = Duration::from_secs(30);
/// How soon to look again where it cannot be waited.
const RETRY: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell that says when it is ready; killed when dropped.
    struct Shell(Child);

    impl Shell {
        fn new(script: &str) -> Self {
            let mut child = Command::new("/bin/sh")
                .args(["-c", &format!("{script}; exec cat >/dev/null")])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            // Ends when the shell has become what waits.
            let mut output = child.stdout.take().unwrap();
            output.read_to_end(&mut Vec::new()).unwrap();
            Self(child)
        }

        fn left(&self) -> Left {
            Left {
                process: Foreign::open(self.0.id()).unwrap(),
                label: "web:a".to_owned(),
            }
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            // Has been waited for if that fails.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn signal_of_end(shell: &mut Shell) -> Option<i32> {
        std::os::unix::process::ExitStatusExt::signal(&shell.0.wait().unwrap())
    }

    fn by(signal: Signal, wait: Duration) -> impl Fn(&str) -> Manner {
        move |_| Manner {
            signal,
            wait,
            stop_as_group: false,
            kill_as_group: false,
        }
    }

    #[test]
    fn they_are_stopped_as_their_program_says() {
        let mut shells = [Shell::new(":"), Shell::new(":")];
        let left = shells.iter().map(Shell::left).collect();
        end(left, by(Signal::TERM, LONGEST_WAIT), &MainLog::new()).unwrap();
        assert_eq!(shells.each_mut().map(signal_of_end), [Some(15); 2]);
    }

    #[test]
    fn who_does_not_listen_is_killed() {
        let mut shell = Shell::new("trap '' TERM");
        let left = vec![shell.left()];
        end(left, by(Signal::TERM, Duration::ZERO), &MainLog::new()).unwrap();
        assert_eq!(signal_of_end(&mut shell), Some(9));
    }
}
