//! Makes system calls of a running process fail, or makes one of them its last.
//!
//! `strace` stands between a process and the kernel: with it, the real binaries can be shown a
//! system without memory, descriptors or disk space, and can be killed between any two steps.
//!
//! strace counts the calls of each kind and thread for itself: a step is therefore named by its kind and
//! number (`sendmsg:signal=SIGKILL:when=3`), which [`Strace::steps`] lists.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, kill_process, pidfd_open};

use crate::parts::{signal, the_daemon};
use crate::sandbox::Sandbox;
use crate::tree;
use crate::wait::{wait_for, wait_until};

/// Where the kernel says who may trace whom. Not every kernel asks.
const TRACING_SCOPE: &str = "/proc/sys/kernel/yama/ptrace_scope";

/// How long a strace may take to end once what it traces is dead.
const PATIENCE_WITH_THE_DEAD: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// Whose system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of every thread of this process. What it starts is left alone.
    Process(i32),
    /// Those of this thread alone.
    Thread(i32),
}

/// A process whose system calls are tampered with, for as long as this lives.
pub struct Strace {
    process: Child,
    /// What it is attached to.
    target: i32,
    log: PathBuf,
    complaints: PathBuf,
}

/// Whether this system lets us trace what we have started. If not, says so: the test is then left
/// out.
///
/// # Panics
///
/// If there is no `strace`.
#[must_use]
pub fn is_possible() -> bool {
    let version = Command::new("strace").arg("--version").output();
    assert!(
        version.is_ok(),
        "\"strace\" is missing: it is in the package of that name, and `.ci/run` installs it"
    );
    let scope = fs::read_to_string(TRACING_SCOPE).unwrap_or_default();
    let possible = geteuid().is_root() || matches!(scope.trim(), "" | "0");
    if !possible {
        eprintln!("left out: only root may trace here ({TRACING_SCOPE})");
    }
    possible
}

impl Strace {
    /// Tampers with what `injection` says, as behind strace's `--inject`, for example
    /// `splice,write:error=ENOSPC`. If `file` is given, only where that file is concerned.
    ///
    /// # Panics
    ///
    /// If strace does not understand, or may not trace.
    #[must_use]
    pub fn attach(sandbox: &Sandbox, whose: Whose, injection: &str, file: Option<&str>) -> Self {
        let calls = injection.split(':').next().expect("a text has a beginning");
        let mut options = vec![format!("--trace={calls}"), format!("--inject={injection}")];
        if let Some(file) = file {
            // As it may be called by whoever works in the sandbox.
            for path in [sandbox.path(file).display().to_string(), file.to_owned()] {
                options.extend(["-P".to_owned(), path]);
            }
        }
        Self::run(sandbox, whose, &options)
    }

    /// Tampers with nothing, and only takes note of all calls.
    ///
    /// # Panics
    ///
    /// If strace may not trace.
    #[must_use]
    pub fn watch(sandbox: &Sandbox, whose: Whose) -> Self {
        Self::run(sandbox, whose, &["--trace=all".to_owned()])
    }

    fn run(sandbox: &Sandbox, whose: Whose, options: &[String]) -> Self {
        let number = unused_number(sandbox);
        let log = sandbox.path(format!("strace.{number}"));
        let complaints = sandbox.path(format!("strace.{number}.err"));
        let (Whose::Process(target) | Whose::Thread(target)) = whose;
        let mut command = Command::new("strace");
        command
            .arg("-o")
            .arg(&log)
            .args(options)
            .args(["--quiet=exit", "-p", &target.to_string()]);
        if matches!(whose, Whose::Process(_)) {
            // All threads; what is started becomes another program, and is let go then.
            command.args(["-f", "-b", "execve"]);
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&complaints).expect("a file in the sandbox"))
            .spawn()
            .expect("strace can be run");
        let mut strace = Self {
            process,
            target,
            log,
            complaints,
        };
        wait_until("strace has attached", || {
            let ended = strace
                .process
                .try_wait()
                .expect("a child can be waited for");
            // It may have killed what it was attached to already.
            assert!(
                ended.is_none() || !tree::is_alive(target),
                "strace has ended: {}",
                fs::read_to_string(&strace.complaints).unwrap_or_default()
            );
            ended.is_some() || strace.has_attached()
        });
        strace
    }

    /// Whether every call from now on is seen.
    ///
    /// That the kernel names a tracer is not enough: strace may have seized a thread and not have
    /// interrupted it yet, and what that does meanwhile goes unseen. It says so when it has done both
    /// with all of them.
    fn has_attached(&self) -> bool {
        let said = fs::read_to_string(&self.complaints).unwrap_or_default();
        said.contains(&format!("Process {} attached", self.target))
    }

    /// How many calls have been tampered with so far.
    ///
    /// # Panics
    ///
    /// If strace's log cannot be read.
    #[must_use]
    pub fn injected(&self) -> usize {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).matches("(INJECTED)").count()
    }

    /// Lets the process go on undisturbed; how many calls of each kind were made meanwhile. To be
    /// asked of one that watches a single thread.
    ///
    /// # Panics
    ///
    /// If strace's log cannot be read.
    #[must_use]
    pub fn steps(mut self) -> BTreeMap<String, usize> {
        self.end();
        let log = fs::read(&self.log).expect("strace has a log");
        let mut steps = BTreeMap::new();
        for line in String::from_utf8_lossy(&log).lines() {
            let kind = line.split_once('(').map(|(kind, _)| kind);
            // Other lines tell of signals; what was interrupted by us has been counted.
            let is_name = |kind: &&str| {
                kind.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            if let Some(kind) = kind
                .filter(is_name)
                .filter(|kind| *kind != "restart_syscall")
            {
                *steps.entry(kind.to_owned()).or_default() += 1;
            }
        }
        steps
    }

    /// Lets the process go on undisturbed; how many calls have been tampered with.
    #[expect(clippy::must_use_candidate, reason = "that it is over is what counts")]
    pub fn detach(mut self) -> usize {
        self.end();
        self.injected()
    }

    fn end(&mut self) {
        // It lets go of everything when it is told to end; killed, it would leave a process stopped
        // that is in the middle of a call.
        let strace = Pid::from_child(&self.process);
        let _ = kill_process(strace, Signal::TERM);
        // If what it traces ends just then, strace (6.1) waits for ever for the first of several dead
        // threads. Killed, it lets go of the dead. The living it lets go of, however busy the machine.
        if let Ok(strace) = pidfd_open(strace, PidfdFlags::empty()) {
            let has_ended = || {
                let mut strace = [PollFd::new(&strace, PollFlags::IN)];
                poll(&mut strace, Some(&PATIENCE_WITH_THE_DEAD)) == Ok(1)
            };
            while !has_ended() {
                if !tree::is_alive(self.target) {
                    let _ = self.process.kill();
                    break;
                }
            }
        }
        let _ = self.process.wait();
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        self.end();
    }
}

/// A number for the next log.
fn unused_number(sandbox: &Sandbox) -> usize {
    let free = |number: &usize| {
        let file = sandbox.path(format!("strace.{number}"));
        match File::create_new(file) {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => panic!("cannot make a file in the sandbox: {error}"),
        }
    };
    (0..usize::MAX).find(free).expect("some number is free")
}

/// The threads of the process `pid` by their names; none if there is no such process.
#[must_use]
pub fn threads(pid: i32) -> Vec<(String, i32)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let mut found: Vec<_> = tasks
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = fs::read_to_string(entry.path().join("comm")).ok()?;
            Some((
                name.trim().to_owned(),
                entry.file_name().to_str()?.parse().ok()?,
            ))
        })
        .collect();
    found.sort();
    found
}

/// Kills the daemon below `keeper`, and stops the next one before its first step; returns its pid.
///
/// # Panics
///
/// If the next one does not come.
#[must_use]
pub fn next_daemon_at_its_birth(sandbox: &Sandbox, keeper: i32) -> i32 {
    let before = the_daemon(keeper);
    let strace = Strace::attach(
        sandbox,
        Whose::Process(keeper),
        "execve:signal=SIGSTOP:when=1",
        None,
    );
    signal(before, Signal::KILL);
    let next = wait_for("the next daemon is born", || {
        tree::children(keeper).into_iter().find(|pid| {
            *pid > 0
                && *pid != before
                && tree::is_stopped(*pid)
                && fs::read(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|line| line.starts_with(b"minder-daemon\0"))
        })
    });
    strace.detach();
    next
}
