//! A running supervisord, and the ways to ask it something.
//!
//! Ends with its owner, together with everything that carries the sandbox's mark. Its standard output and error go to files of the sandbox.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use minder_rpc::Value;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::http::{Answer, Connection};
use crate::sandbox::Sandbox;
use crate::subject::Subject;
use crate::wait::{PATIENCE, wait_for, wait_until};
use crate::xmlrpc::{self, Fault};
use crate::{normal, tree};

/// How long Minder may take to end by itself at the end of a test.
const FAREWELL: Duration = Duration::from_secs(4);

/// What a command printed and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Run {
    /// Runs `command` to its end.
    ///
    /// # Panics
    ///
    /// If it cannot be run or prints what is not UTF-8.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().expect("a command can be run");
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("output of UTF-8"),
            err: String::from_utf8(output.stderr).expect("output of UTF-8"),
        }
    }

    /// Output and exit code, the pair that most cases compare.
    #[must_use]
    pub fn out_and_code(&self) -> (&str, i32) {
        (&self.out, self.code.expect("no signal ended the command"))
    }
}

/// A running supervisord with its sandbox.
pub struct Daemon {
    sandbox: Sandbox,
    /// The process that was started; gone at once if it makes itself a daemon.
    process: Child,
}

impl Daemon {
    /// Starts supervisord in the foreground with [`Sandbox::configured`], and waits until it
    /// answers.
    #[must_use]
    pub fn start(subject: Subject, more: &str) -> Self {
        Self::start_in(Sandbox::configured(subject, more))
    }

    /// Starts supervisord in the foreground in a sandbox that has its configuration, and waits
    /// until it answers.
    #[must_use]
    pub fn start_in(sandbox: Sandbox) -> Self {
        let daemon = Self::launch(sandbox, &["-n", "-c", "supervisord.conf"]);
        daemon.wait_ready();
        daemon
    }

    /// Starts supervisord with these arguments, and waits for nothing.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    #[must_use]
    pub fn launch(sandbox: Sandbox, args: &[&str]) -> Self {
        let mut command = sandbox.command("supervisord");
        command.args(args);
        Self::launch_command(sandbox, command)
    }

    /// Starts `command` as the sandbox's supervisord, and waits for nothing.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    #[must_use]
    pub fn launch_command(sandbox: Sandbox, command: Command) -> Self {
        let process = spawn(&sandbox, command);
        Self { sandbox, process }
    }

    /// Starts another supervisord in the same sandbox, after the one that was started has died, and
    /// waits until it answers.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    pub fn start_again(&mut self) {
        self.start_again_by(self.sandbox.command("supervisord"));
    }

    /// The same by a command that runs what it is given the arguments for.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    pub fn start_again_by(&mut self, mut command: Command) {
        self.process.wait().expect("a child can be waited for");
        command.args(["-n", "-c", "supervisord.conf"]);
        self.process = spawn(&self.sandbox, command);
        self.wait_ready();
    }

    /// Waits until the daemon has answered a call over its Unix socket.
    ///
    /// # Panics
    ///
    /// If it ends or stays silent; what it printed on standard error is in the message.
    pub fn wait_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.try_call("supervisor.getState", &[]).is_none() {
            assert!(
                Instant::now() < deadline && !self.has_failed(),
                "supervisord does not answer; it says:\n{}{}",
                self.sandbox.read("stderr.txt"),
                self.sandbox.read("supervisord.log"),
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until whoever decides has answered a call, and not only whoever listens to clients: after
    /// a fault the one may be about to give up while the other still answers.
    ///
    /// # Panics
    ///
    /// If that does not come.
    pub fn wait_well(&self) {
        wait_until("supervisord is well", || {
            let told = self.try_call(
                "supervisor.sendRemoteCommEvent",
                &["well".into(), "".into()],
            );
            matches!(told, Some(Ok(_)))
        });
    }

    /// Whether the process that was started has ended badly. One that ended well may have left
    /// a daemon behind.
    fn has_failed(&self) -> bool {
        let pid = WaitId::Pid(Pid::from_child(&self.process));
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // Nothing can be told of one that has been waited for already.
        let status = waitid(pid, options).unwrap_or_default();
        status.is_some_and(|status| status.exit_status() != Some(0))
    }

    /// Whom this is a daemon of.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.sandbox.subject()
    }

    /// Its sandbox.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The pid in the pid file.
    ///
    /// # Panics
    ///
    /// If none comes.
    #[must_use]
    pub fn pid(&self) -> i32 {
        wait_for("the pid file holds a pid", || {
            self.sandbox.read("supervisord.pid").trim().parse().ok()
        })
    }

    /// Sends `signal` to the pid in the pid file.
    ///
    /// # Panics
    ///
    /// If there is no such process.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid()).expect("a pid is positive");
        kill_process(pid, signal).expect("the daemon can be signalled");
    }

    /// Waits until the process that was started has ended, and returns its exit code.
    ///
    /// # Panics
    ///
    /// If it does not end, or a signal ended it.
    pub fn wait_end(&mut self) -> i32 {
        let process = &mut self.process;
        let status = wait_for("supervisord has ended", || {
            process.try_wait().expect("a child can be waited for")
        });
        status.code().expect("no signal ended supervisord")
    }

    /// Runs `supervisorctl -c supervisord.conf ARGS…`.
    #[must_use]
    pub fn ctl(&self, args: &[&str]) -> Run {
        Run::of(&mut self.ctl_command(args))
    }

    /// Runs supervisorctl with words split at blanks; output and exit code.
    #[must_use]
    pub fn ctl_line(&self, line: &str) -> (String, i32) {
        let run = self.ctl(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.err, "", "supervisorctl {line} complains");
        (run.out, run.code.expect("no signal ended supervisorctl"))
    }

    /// Runs the interactive supervisorctl with `input` on a pipe.
    ///
    /// # Panics
    ///
    /// If it cannot be run.
    #[must_use]
    pub fn shell(&self, input: &str) -> Run {
        let mut child = self
            .ctl_command(&[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("supervisorctl can be run");
        let mut stdin = child.stdin.take().expect("its input is a pipe");
        stdin
            .write_all(input.as_bytes())
            .expect("it reads its input");
        drop(stdin);
        let output = child.wait_with_output().expect("it can be waited for");
        Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("output of UTF-8"),
            err: String::from_utf8(output.stderr).expect("output of UTF-8"),
        }
    }

    /// `supervisorctl -c supervisord.conf ARGS…`, not yet run.
    #[must_use]
    pub fn ctl_command(&self, args: &[&str]) -> Command {
        let mut command = self.sandbox.command("supervisorctl");
        command.args(["-c", "supervisord.conf"]).args(args);
        command
    }

    /// Makes an XML-RPC call over the Unix socket.
    ///
    /// # Panics
    ///
    /// If the answer is none; what the daemon has printed is in the message.
    pub fn call(&self, method: &str, params: &[Value]) -> Result<Value, Fault> {
        let said = || (self.sandbox.read("stderr.txt"), self.log());
        match self.exchange(method, params) {
            Ok(answer) if answer.status() == 200 => xmlrpc::answer(answer.text()),
            Ok(answer) => panic!("{method}: {}; {:#?}", answer.status_line, said()),
            Err(error) => panic!("{method} is not answered: {error}; {:#?}", said()),
        }
    }

    /// Makes an XML-RPC call; `None` if the daemon cannot be reached or answers no 200.
    #[must_use]
    pub fn try_call(&self, method: &str, params: &[Value]) -> Option<Result<Value, Fault>> {
        let answer = self.exchange(method, params).ok()?;
        (answer.status() == 200).then(|| xmlrpc::answer(answer.text()))
    }

    fn exchange(&self, method: &str, params: &[Value]) -> io::Result<Answer> {
        let mut connection = Connection::unix(&self.sandbox.path("s.sock"))?;
        connection.post("/RPC2", &xmlrpc::request(method, params))
    }

    /// Makes a call of the `supervisor` namespace that must not fail.
    ///
    /// # Panics
    ///
    /// If it fails.
    #[must_use]
    pub fn ask(&self, method: &str, params: &[Value]) -> Value {
        let answer = self.call(&format!("supervisor.{method}"), params);
        answer.unwrap_or_else(|fault| panic!("{method} fails: {fault:?}"))
    }

    /// Makes a call of the `supervisor` namespace that must fail.
    ///
    /// # Panics
    ///
    /// If it succeeds.
    #[must_use]
    pub fn fault(&self, method: &str, params: &[Value]) -> Fault {
        let answer = self.call(&format!("supervisor.{method}"), params);
        answer.expect_err("the call must fail")
    }

    /// A connection to the Unix socket, if the daemon accepts one.
    #[must_use]
    pub fn connect(&self) -> Option<Connection> {
        Connection::unix(&self.sandbox.path("s.sock")).ok()
    }

    /// The state of a process, by its name in the API.
    #[must_use]
    pub fn state(&self, name: &str) -> String {
        self.info_text(name, "statename")
    }

    /// The pid of a process; 0 if it has none.
    ///
    /// # Panics
    ///
    /// If there is no such process.
    #[must_use]
    pub fn pid_of(&self, name: &str) -> i32 {
        let info = self.ask("getProcessInfo", &[name.into()]);
        let pid = info.member("pid").and_then(Value::as_int);
        pid.and_then(|pid| pid.try_into().ok()).expect("a pid")
    }

    /// A member of getProcessInfo that is a text.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn info_text(&self, name: &str, member: &str) -> String {
        let info = self.ask("getProcessInfo", &[name.into()]);
        let text = info.member(member).and_then(Value::as_text);
        text.expect("a member of text").to_owned()
    }

    /// Waits until a process is in a state, and a running one until its program has begun: a
    /// signal before that may be lost, because Supervisor's own code would take it.
    ///
    /// # Panics
    ///
    /// If it does not get there.
    pub fn wait_state(&self, name: &str, state: &str) {
        wait_until(&format!("{name} is {state}"), || {
            self.state(name) == state && (state != "RUNNING" || tree::is_program(self.pid_of(name)))
        });
    }

    /// Waits until a file of the sandbox contains `text`.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn wait_file(&self, name: &str, text: &str) {
        wait_until(&format!("{name} holds {text:?}"), || {
            self.sandbox.read(name).contains(text)
        });
    }

    /// supervisord's own log, without times and pids.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        normal::log(&self.sandbox.read("supervisord.log"))
    }

    /// The lines of supervisord's own log about one process, without times and pids.
    #[must_use]
    pub fn log_about(&self, process: &str) -> Vec<String> {
        let mut lines = self.log();
        lines.retain(|line| line.split([' ', '\'', ',']).any(|word| word == process));
        lines
    }

    /// Waits until supervisord's own log contains `text`.
    ///
    /// # Panics
    ///
    /// If it does not come.
    pub fn wait_log(&self, text: &str) {
        self.wait_file("supervisord.log", text);
    }
}

fn spawn(sandbox: &Sandbox, mut command: Command) -> Child {
    let open = |name| File::create(sandbox.path(name)).expect("a file in the sandbox");
    command
        .stdout(open("stdout.txt"))
        .stderr(open("stderr.txt"))
        .spawn()
        .expect("supervisord can be run")
}

impl Daemon {
    /// Asks the daemon to end, and gives it a while to do so.
    fn ask_to_end(&mut self) {
        // A daemon that made itself one is no child of ours: its pid stands in the pid file.
        let left = fs::read_to_string(self.sandbox.path("supervisord.pid"));
        let pid = left
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .filter(|pid| tree::pids(self.sandbox.folder()).contains(pid))
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
            let deadline = Instant::now() + FAREWELL;
            while !matches!(self.process.try_wait(), Ok(Some(_)))
                && tree::is_alive(pid.as_raw_nonzero().get())
                && Instant::now() < deadline
            {
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        match self.subject() {
            // It takes a second for each group, and nobody looks at the rest of its log.
            Subject::Supervisor => {}
            // Its parts start each other again when they are killed.
            Subject::Minder => self.ask_to_end(),
        }
        tree::kill_all(self.sandbox.folder());
        let _ = self.process.wait();
    }
}
