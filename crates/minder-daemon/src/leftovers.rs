//! What an earlier `supervisord` left running, before anything is started.
//!
//! Its pipes are broken, and nobody reads its log; the program that it belongs to would be started
//! beside it. So it is stopped as that program is stopped, all at once, and waited for. Unless the
//! configuration wants it adopted: then it is its program's child again, as far as that can be.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use minder_core::spec::GroupKind;
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

/// Takes out of `left` those that can go on as what they were: programs that are configured still. What
/// lives by its pipes, or by a socket that is gone, cannot. Of several with one name it is the latest.
pub(crate) fn adoptable(left: &mut Vec<Left>, groups: &[Arc<GroupSpec>]) -> Vec<Left> {
    let is_program = |of: &str| {
        let mut programs = groups
            .iter()
            .filter(|group| group.kind == GroupKind::Programs);
        programs.any(|group| {
            let mut names = group
                .processes
                .iter()
                .map(|spec| label(&group.name, &spec.name));
            names.any(|name| name == of)
        })
    };
    let mut latest = BTreeMap::new();
    for one in std::mem::take(left) {
        if !is_program(&one.label) {
            left.push(one);
            continue;
        }
        let earlier = match latest.entry(one.label.clone()) {
            Entry::Vacant(place) => {
                place.insert(one);
                continue;
            }
            Entry::Occupied(mut place) if place.get().boot_nanos < one.boot_nanos => {
                place.insert(one)
            }
            Entry::Occupied(_) => one,
        };
        left.push(earlier);
    }
    latest.into_values().collect()
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
            let Left { process, label, .. } = &one.left;
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
    let Left { process, label, .. } = &left;
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

    use minder_core::ChildId;
    use minder_os::foreign::boot_nanos;

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
                child: ChildId(1),
                boot_nanos: boot_nanos(),
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

    /// The groups of a configuration.
    fn groups(text: &str) -> Vec<Arc<GroupSpec>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.conf");
        std::fs::write(&file, format!("[supervisord]\n{text}")).unwrap();
        let environment = minder_config::Environment::of_process();
        let source = minder_config::Source::new(file.display().to_string(), &environment);
        let overrides = minder_config::options::daemon::Overrides::default();
        let loaded = minder_config::load(&source, &overrides, &environment);
        loaded.unwrap().groups
    }

    #[test]
    fn the_latest_of_each_program_that_is_configured_can_be_adopted() {
        let groups = groups(
            "[program:a]\ncommand=/bin/cat\n[eventlistener:ear]\ncommand=/bin/cat\nevents=TICK_5\n",
        );
        let shells = [(); 4].map(|()| Shell::new(":"));
        let names = [("a:a", 5), ("a:a", 7), ("ear:ear", 5), ("gone:gone", 5)];
        let mut left = Vec::new();
        for (shell, (label, boot_nanos)) in shells.iter().zip(names) {
            left.push(Left {
                label: label.to_owned(),
                boot_nanos,
                ..shell.left()
            });
        }
        let adopted = adoptable(&mut left, &groups);
        let shown = |left: &[Left]| -> Vec<(String, u64)> {
            let left = left.iter();
            left.map(|left| (left.label.clone(), left.boot_nanos))
                .collect()
        };
        let expected = |names: &[(&str, u64)]| -> Vec<(String, u64)> {
            let names = names.iter();
            names
                .map(|(label, nanos)| ((*label).to_owned(), *nanos))
                .collect()
        };
        assert_eq!(shown(&adopted), expected(&names[1..2]));
        assert_eq!(shown(&left), expected(&[names[0], names[2], names[3]]));
    }
}
