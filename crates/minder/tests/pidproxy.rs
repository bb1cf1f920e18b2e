//! `pidproxy`, as those who start it see it.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use minder_os::signals::{Target, send};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use tempfile::TempDir;

/// How long an event is waited for before a test is given up.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

/// A program with pipes for its streams, which does not outlive the test.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(piped.spawn().unwrap())
    }

    fn send(&self, signal: Signal) {
        send(Target::Process(self.0.id()), signal.as_raw()).unwrap();
    }

    /// The next line of its standard output.
    fn line(&mut self) -> String {
        let stdout = self.0.stdout.as_mut().unwrap();
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            wait(stdout.as_fd());
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    fn end(&mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.0);
        wait(pidfd_open(pid, PidfdFlags::empty()).unwrap().as_fd());
        self.0.wait().unwrap()
    }

    /// What it has written until its end, and its exit code.
    fn outcome(mut self) -> (String, String, Option<i32>) {
        let code = self.end().code();
        let (mut said, mut complained) = (String::new(), String::new());
        self.0
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut complained)
            .unwrap();
        (said, complained, code)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait(fd: BorrowedFd<'_>) {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&PATIENCE)), Ok(1), "nothing happened");
}

fn pidproxy(folder: &TempDir, args: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minder"));
    Program::start(command.current_dir(folder).arg("pidproxy").args(args))
}

/// Runs until its standard input is closed, or any signal comes: whoever runs the tests may have
/// had some ignored.
fn reader() -> Program {
    let script = ["--default-signal", "sh", "-c", "echo ready; exec cat"];
    let mut reader = Program::start(Command::new("env").args(script));
    assert_eq!(reader.line(), "ready\n");
    reader
}

/// A `pidproxy` whose command runs until standard input is closed, and runs already.
fn running_pidproxy(folder: &TempDir) -> Program {
    let mut proxy = pidproxy(folder, &["pid", "/bin/cat"]);
    proxy.0.stdin.as_mut().unwrap().write_all(b"up\n").unwrap();
    assert_eq!(proxy.line(), "up\n");
    proxy
}

fn write_pid(folder: &TempDir, program: &Program) {
    fs::write(folder.path().join("pid"), format!(" {}\n", program.0.id())).unwrap();
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn without_a_command_it_tells_how_it_is_used() {
    let usage = "\
pidproxy -- run command and proxy signals to it via its pidfile.

This executable runs a command and then monitors a pidfile.  When this
executable receives a signal, it sends the same signal to the pid
in the pidfile.

Usage: pidproxy <pidfile name> <command> [<cmdarg1> ...]

";
    for args in [&[][..], &["pid"], &["-h"]] {
        let outcome = pidproxy(&folder(), args).outcome();
        assert_eq!(outcome, (usage.to_owned(), String::new(), Some(1)));
    }
}

#[test]
fn a_command_is_a_file_from_here() {
    let folder = folder();
    symlink("/bin/echo", folder.path().join("echo")).unwrap();
    for name in ["echo", "./echo", "elsewhere/../echo"] {
        let outcome = pidproxy(&folder, &["pid", name, "a", "b c"]).outcome();
        assert_eq!(outcome, ("a b c\n".to_owned(), String::new(), Some(0)));
    }
}

#[test]
fn how_a_command_ends_is_not_told() {
    let folder = folder();
    let mut proxy = pidproxy(&folder, &["pid", "/bin/sh", "-c", "exit 3"]);
    assert_eq!(proxy.end().code(), Some(0));
}

#[test]
fn a_command_that_cannot_be_run_is_one_that_has_ended() {
    let (said, complained, code) = pidproxy(&folder(), &["pid", "cat"]).outcome();
    assert_eq!((&*said, code), ("", Some(0)));
    assert!(
        complained.starts_with("pidproxy: cannot run /"),
        "{complained}"
    );
}

#[test]
fn a_signal_goes_to_the_process_in_the_file_and_it_runs_on() {
    let folder = folder();
    let mut proxy = running_pidproxy(&folder);
    for signal in [Signal::HUP, Signal::USR1, Signal::USR2] {
        let mut target = reader();
        write_pid(&folder, &target);
        proxy.send(signal);
        assert_eq!(target.end().signal(), Some(signal.as_raw()));
    }
    drop(proxy.0.stdin.take());
    assert_eq!(proxy.outcome(), (String::new(), String::new(), Some(0)));
}

#[test]
fn a_signal_that_ends_ends_it_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = folder();
        let mut proxy = running_pidproxy(&folder);
        let mut target = reader();
        write_pid(&folder, &target);
        proxy.send(signal);
        assert_eq!(target.end().signal(), Some(signal.as_raw()));
        assert_eq!(proxy.end().code(), Some(0));
    }
}

#[test]
fn without_a_pid_even_a_signal_that_ends_is_dropped() {
    let folder = folder();
    let mut proxy = running_pidproxy(&folder);
    proxy.send(Signal::TERM);
    assert_eq!(proxy.line(), "Can't read child pidfile pid!\n");
    fs::write(folder.path().join("pid"), "none\n").unwrap();
    proxy.send(Signal::HUP);
    assert_eq!(proxy.line(), "Can't read child pidfile pid!\n");
    drop(proxy.0.stdin.take());
    assert_eq!(proxy.end().code(), Some(0));
}

#[test]
fn a_process_that_is_gone_is_an_error() {
    let folder = folder();
    let mut proxy = running_pidproxy(&folder);
    // A number that no process can have.
    fs::write(folder.path().join("pid"), "2147483647").unwrap();
    proxy.send(Signal::HUP);
    assert_eq!(proxy.end().code(), Some(1));
}
