//! pidproxy: which signals it passes to whom, and how it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use minder_tests::{Run, Sandbox, Subject, cases, tree, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

cases!(
    without_a_command_it_explains_itself,
    signals_go_to_the_pid_in_the_file,
    without_a_pid_in_the_file_a_signal_is_dropped,
    it_ends_well_when_its_command_has_ended,
);

/// A program that becomes a daemon as far as pidproxy can tell: it writes its pid into `pid`
/// and each signal into `got`.
const DAEMON: &str = "#!/bin/sh
trap 'echo HUP >>got' HUP
trap 'echo USR1 >>got' USR1
trap 'echo TERM >>got; exit' TERM
until test -e go; do sleep 0.02; done
echo $$ >pid.new
mv pid.new pid
while :; do sleep 0.02; done
";

/// A running pidproxy. Whatever it leaves behind ends with the sandbox.
struct Proxy {
    sandbox: Sandbox,
    process: Child,
}

impl Proxy {
    /// Starts pidproxy for [`DAEMON`], whose pid file comes once the file `go` exists.
    fn start(subject: Subject) -> Self {
        let sandbox = Sandbox::new(subject);
        sandbox.script("daemon", DAEMON);
        let process = sandbox
            .command("pidproxy")
            .args(["pid", "./daemon"])
            // Python would keep its lines to itself until it ends.
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pidproxy can be run");
        let proxy = Self { sandbox, process };
        // It minds signals before it starts its command.
        wait_until("the command has been started", || {
            !tree::children(proxy.pid()).is_empty()
        });
        proxy
    }

    fn pid(&self) -> i32 {
        Pid::from_child(&self.process).as_raw_nonzero().get()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("pidproxy runs");
    }

    /// Waits until pidproxy has ended, and returns its exit code.
    fn wait_end(&mut self) -> Option<i32> {
        let process = &mut self.process;
        let status = wait_for("pidproxy has ended", || {
            process.try_wait().expect("a child can be waited for")
        });
        status.code()
    }

    /// Lets the command write its pid file, and waits for it.
    fn write_pid(&self) {
        self.sandbox.write("go", "");
        wait_until("the pid file is there", || {
            self.sandbox.path("pid").exists()
        });
    }

    fn wait_got(&self, signals: &str) {
        wait_until("the command has got its signals", || {
            self.sandbox.read("got") == signals
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        tree::kill_all(self.sandbox.folder());
        let _ = self.process.wait();
    }
}

fn without_a_command_it_explains_itself(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    for args in [&[][..], &["-h"], &["pid"]] {
        let run = Run::of(sandbox.command("pidproxy").args(args));
        assert_eq!((run.code, run.err.as_str()), (Some(1), ""), "{args:?}");
        let usage = sandbox.without_path(&run.out);
        assert_eq!(
            usage.lines().next(),
            Some("pidproxy -- run command and proxy signals to it via its pidfile.")
        );
        let end = "\nUsage: DIR/bin/pidproxy <pidfile name> <command> [<cmdarg1> ...]\n\n";
        assert!(usage.ends_with(end), "{usage}");
    }
}

fn signals_go_to_the_pid_in_the_file(subject: Subject) {
    let mut proxy = Proxy::start(subject);
    proxy.write_pid();
    proxy.signal(Signal::HUP);
    proxy.wait_got("HUP\n");
    proxy.signal(Signal::USR1);
    proxy.wait_got("HUP\nUSR1\n");
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.wait_end(), Some(0));
    proxy.wait_got("HUP\nUSR1\nTERM\n");
}

fn without_a_pid_in_the_file_a_signal_is_dropped(subject: Subject) {
    let mut proxy = Proxy::start(subject);
    let stdout = proxy.process.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(stdout).lines();
    for signal in [Signal::TERM, Signal::USR1] {
        proxy.signal(signal);
        let line = lines.next().expect("a line").expect("text");
        assert_eq!(line, "Can't read child pidfile pid!");
    }
    proxy.write_pid();
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.wait_end(), Some(0));
    assert!(lines.next().is_none());
    proxy.wait_got("TERM\n");
}

fn it_ends_well_when_its_command_has_ended(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let run = Run::of(
        sandbox
            .command("pidproxy")
            .args(["pid", "bin/actor", "exit", "3"]),
    );
    assert_eq!(
        (run.code, run.out.as_str(), run.err.as_str()),
        (Some(0), "", "")
    );
}
