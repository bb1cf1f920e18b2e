//! The driver: waits, feeds the core, and carries out what the core asks for.
//!
//! It owns the core, and is the only one that talks to the keeper's socket in both directions. It
//! decides nothing about processes; what it adds is the order of a step, which is the whole of
//! crash safety:
//!
//! 1. every input that has arrived goes to the core;
//! 2. the new state is given to the keeper, so that what was decided is safe …
//! 3. … before readers see it and effects make it noticeable;
//! 4. then the inputs are acknowledged.
//!
//! Nothing in here waits for a program or a client: the log plane reads the programs' output, the
//! control plane serves the clients, and both reach the driver through its [`Mailbox`].

mod fastcgi;
mod perform;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use minder_core::effect::Halt;
use minder_core::{
    ChildId, Core, Effects, ExitStatus, GroupId, Input, Level, Mono, Mood, Now, ProcessId, Request,
    Signal, SpawnError, Target,
};
use minder_logs::main_log::MainLog;
use minder_logs::plane::{Channel, Notice, Plane, StreamId};
use minder_logs::sink::{Sink, SinkSpec};
use minder_logs::syslog::Syslog;
use minder_os::errno_name;
use minder_rpc::{Fault, FaultCode};
use minder_wire::{SpawnStep, Stream, ToDaemon, ToKeeper};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::children::{Ends, Inputs, SendError};
use crate::configuration::Configuration;
use crate::fastcgi::Sockets;
use crate::link::{FoundChild, Link, LinkError, exit_status, moment, now};
use crate::log_files::LogFiles;
use crate::mailbox::{Command, Mailbox, Post};
use crate::plan::Inheritance;
use crate::published::Published;
use crate::snapshot::Recorder;
use crate::waiters::Waiters;
use minder_config::command;

/// The parts that a driver is made of.
pub(crate) struct Driver {
    pub(crate) core: Core,
    pub(crate) effects: Effects,
    pub(crate) link: Link,
    pub(crate) keeper_pid: u32,
    pub(crate) recorder: Recorder,
    pub(crate) mailbox: Mailbox,
    pub(crate) post: Post,
    pub(crate) plane: Plane,
    pub(crate) syslog: Syslog,
    pub(crate) log: Arc<MainLog>,
    pub(crate) published: Arc<Published>,
    pub(crate) inheritance: Inheritance,
    pub(crate) configuration: Configuration,
    pub(crate) files: LogFiles,
    pub(crate) waiters: Waiters,
    pub(crate) children: Children,
    /// Signals that have been acted upon in this step.
    pub(crate) heard: Vec<Signal>,
}

/// The process that the kernel gives every orphan to.
const INIT: u32 = 1;

/// What the driver knows of children and of whom they belong to.
#[derive(Default)]
pub(crate) struct Children {
    pub(crate) inputs: Inputs,
    pub(crate) ends: Ends,
    /// The listening sockets that they share.
    pub(crate) sockets: Sockets,
    /// The sinks of spawns whose outcome is not known yet.
    opened: BTreeMap<ChildId, Sinks>,
    /// Which of their streams go to syslog, of children that have any and are yet to be made.
    to_syslog: BTreeMap<ChildId, Vec<Channel>>,
    /// Ends that the core has been told of, to be acknowledged at the end of the step.
    noted: Vec<ChildId>,
    /// The latest child of each process, and the process's name.
    pub(crate) latest: BTreeMap<ProcessId, (ChildId, String)>,
    /// The processes of each group.
    pub(crate) groups: BTreeMap<GroupId, Vec<ProcessId>>,
}

/// Where the output of one child goes.
type Sinks = Vec<(Channel, Sink)>;

impl Driver {
    /// Drives until everything has stopped and is not to be started again.
    pub(crate) fn run(&mut self) -> Result<Halt, LinkError> {
        loop {
            if let Some(halt) = self.settle()? {
                return Ok(halt);
            }
            self.wait()?;
            self.take_inputs()?;
        }
    }

    /// Waits for the keeper, for a command, for a program to read its input, or for the deadline.
    fn wait(&mut self) -> io::Result<()> {
        if self.link.has_early() {
            return Ok(());
        }
        let timeout = self
            .core
            .deadline()
            .map(|deadline| timeout(now().mono, deadline));
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.link.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.mailbox.fd(), PollFlags::IN),
        ];
        let readers: Vec<ChildId> = self
            .children
            .inputs
            .waiting()
            .map(|(child, _)| child)
            .collect();
        let ends = self.children.inputs.waiting().map(|(_, end)| end);
        fds.extend(ends.map(|end| PollFd::from_borrowed_fd(end, PollFlags::OUT)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for child in readers {
            // A program that has closed its input is no trouble of ours.
            let _ = self.children.inputs.flush(child);
        }
        Ok(())
    }

    fn take_inputs(&mut self) -> Result<(), LinkError> {
        let now = now();
        while let Some((report, beside)) = self.link.receive()? {
            self.hear(now, report, beside);
        }
        for command in self.mailbox.take() {
            self.obey(now, command)?;
        }
        if self
            .core
            .deadline()
            .is_some_and(|deadline| deadline <= now.mono)
        {
            self.input(now, Input::DeadlineReached);
        }
        Ok(())
    }

    fn input(&mut self, now: Now, input: Input) {
        self.core.handle(now, input, &mut self.effects);
    }

    // What the keeper reports.

    fn hear(&mut self, now: Now, report: ToDaemon, beside: Vec<OwnedFd>) {
        match report {
            ToDaemon::Spawned {
                child,
                pid,
                streams,
            } => {
                let child = ChildId(child);
                self.connect(child, streams.into_iter().zip(beside));
                self.input(now, Input::ChildSpawned { child, pid });
            }
            ToDaemon::SpawnFailed { child, step, errno } => {
                let child = ChildId(child);
                self.children.opened.remove(&child);
                self.children.to_syslog.remove(&child);
                self.children.sockets.leave(child);
                let error = spawn_error(self.children.name(child), step, errno);
                self.input(now, Input::SpawnFailed { child, error });
            }
            ToDaemon::Exited {
                child,
                status,
                mono_nanos,
                wall_nanos,
            } => {
                self.ended(
                    ChildId(child),
                    exit_status(status),
                    moment(mono_nanos, wall_nanos),
                );
            }
            ToDaemon::Orphan { pid, status } => {
                // Below any other process than init, Supervisor would never hear of it.
                if self.keeper_pid == INIT {
                    self.input(
                        now,
                        Input::OrphanReaped {
                            pid,
                            status: exit_status(status),
                        },
                    );
                }
            }
            ToDaemon::Signalled { signal } => {
                if let Some(signal) = Signal::from_number(signal) {
                    self.signalled(now, signal);
                }
            }
            ToDaemon::SignalFailed { child, errno, .. } => {
                let error = io::Error::from_raw_os_error(errno).to_string();
                self.input(
                    now,
                    Input::SignalFailed {
                        child: ChildId(child),
                        error,
                    },
                );
            }
            // Parts of the inventory; the driver begins when that is complete.
            ToDaemon::Welcome { .. }
            | ToDaemon::Child { .. }
            | ToDaemon::Held { .. }
            | ToDaemon::InventoryEnd => {}
        }
    }

    /// Connects the pipes of a new child.
    fn connect(&mut self, child: ChildId, pipes: impl Iterator<Item = (Stream, OwnedFd)>) {
        let mut sinks = self.children.opened.remove(&child).unwrap_or_default();
        let to_syslog = self.children.to_syslog.remove(&child).unwrap_or_default();
        for (stream, pipe) in pipes {
            match channel(stream) {
                None => self.children.inputs.add(child, pipe),
                Some(channel) => {
                    let place = sinks.iter().position(|(found, _)| *found == channel);
                    let sink = place.map(|place| sinks.swap_remove(place).1);
                    self.overhear(child, channel);
                    if to_syslog.contains(&channel) {
                        self.send_to_syslog(child, channel);
                    }
                    self.plane.attach(StreamId { child, channel }, pipe, sink);
                }
            }
        }
    }

    /// Connects the pipes of a child that an earlier daemon had. Its output goes on to `sinks`, and
    /// some of it to syslog.
    pub(crate) fn reconnect(
        &mut self,
        found: FoundChild,
        sinks: &[(Channel, Option<SinkSpec>)],
        to_syslog: &[Channel],
    ) {
        let child = found.child;
        for (stream, pipe) in found.streams {
            match channel(stream) {
                None => self.children.inputs.add(child, pipe),
                Some(channel) => {
                    let sink = sinks.iter().find(|(known, _)| *known == channel);
                    let sink = sink.and_then(|(_, sink)| sink.clone());
                    self.overhear(child, channel);
                    if to_syslog.contains(&channel) {
                        self.send_to_syslog(child, channel);
                    }
                    self.plane.adopt(StreamId { child, channel }, pipe, sink);
                }
            }
        }
    }

    /// Writes what a program says to the daemon's own log as well, if that is to be so detailed.
    fn overhear(&self, child: ChildId, channel: Channel) {
        if !self.log.is_enabled(Level::Debug) {
            return;
        }
        let (log, name) = (Arc::clone(&self.log), self.children.name(child).to_owned());
        let tap = move |said: &[u8]| {
            let said = String::from_utf8_lossy(said);
            log.write(
                Level::Debug,
                format_args!("'{name}' {channel} output:\n{said}"),
            );
        };
        let stream = StreamId { child, channel };
        self.plane.tap(stream, Box::new(tap));
    }

    fn send_to_syslog(&self, child: ChildId, channel: Channel) {
        let name = self.children.name(child);
        let tap = self.syslog.tap(name, self.files.strips_ansi());
        self.plane.tap(StreamId { child, channel }, tap);
    }

    /// A child has ended. The core is told once all that it wrote has been taken in.
    pub(crate) fn ended(&mut self, child: ChildId, status: ExitStatus, at: Now) {
        self.children.inputs.remove(child);
        self.children.ends.reported(child, status, at);
        self.plane.finish(child);
    }

    fn signalled(&mut self, now: Now, signal: Signal) {
        let is_running = self.published.latest().view.mood == Mood::Running;
        if signal == Signal::HUP && is_running {
            self.check_before_restart();
        } else {
            self.act_upon(now, signal);
        }
    }

    fn act_upon(&mut self, now: Now, signal: Signal) {
        self.input(now, Input::Signalled(signal));
        self.heard.push(signal);
    }

    /// Everything is going to be stopped for the sake of the configuration: it had better be good.
    /// Read elsewhere, for a disk can be slow.
    fn check_before_restart(&self) {
        let (configuration, post) = (self.configuration.clone(), self.post.clone());
        let check = move || post.send(Command::RestartChecked(configuration.load().map(drop)));
        let thread = std::thread::Builder::new().name("configuration".to_owned());
        if let Err(error) = thread.spawn(check) {
            self.log.write(
                Level::Error,
                format_args!("cannot check the configuration: {error}"),
            );
        }
    }

    // What other threads ask for.

    fn obey(&mut self, now: Now, command: Command) -> Result<(), LinkError> {
        match command {
            Command::Request { request, answer } => {
                let request = self.with_unrunnable(request);
                let id = self.waiters.add(answer);
                self.input(now, Input::Request(id, request));
            }
            Command::SendStdin {
                process,
                bytes,
                answer,
            } => {
                // Whoever asked may have gone away.
                let _ = answer.send(self.send_stdin(process, &bytes));
            }
            Command::RestartChecked(Ok(())) => self.act_upon(now, Signal::HUP),
            Command::RestartChecked(Err(error)) => {
                self.heard.push(Signal::HUP);
                let line = "received SIGHUP indicating restart request";
                self.log.write(Level::Warn, line);
                let report = error.report(minder_config::report::Colour::Plain);
                self.log.write(
                    Level::Error,
                    format_args!(
                        "restart refused, everything runs on as it is: {error}\n{}",
                        report.trim_end()
                    ),
                );
            }
            Command::Logs(notice) => self.notice(now, notice)?,
        }
        Ok(())
    }

    /// Finds out which processes of a start could not be run anyway.
    fn with_unrunnable(&self, request: Request) -> Request {
        match request {
            Request::Start { target, wait, .. } => {
                let unrunnable = self.unrunnable(&target);
                Request::Start {
                    target,
                    wait,
                    unrunnable,
                }
            }
            other @ (Request::Stop { .. }
            | Request::Signal { .. }
            | Request::Reread { .. }
            | Request::AddGroup { .. }
            | Request::RemoveGroup { .. }
            | Request::Shutdown
            | Request::Restart) => other,
        }
    }

    fn unrunnable(&self, target: &Target) -> Vec<(ProcessId, minder_core::CommandError)> {
        // What the core refuses, it refuses again.
        let processes = self.core.find(target).unwrap_or_default();
        let error = |(id, spec): (ProcessId, Arc<minder_core::ProcessSpec>)| {
            let error = command::resolve(&spec, self.inheritance.path()).err()?;
            Some((id, error))
        };
        processes.into_iter().filter_map(error).collect()
    }

    fn send_stdin(&mut self, process: ProcessId, bytes: &[u8]) -> Result<(), Fault> {
        let Some((child, name)) = self.children.latest.get(&process) else {
            return Err(Fault::new(FaultCode::NotRunning));
        };
        self.children
            .inputs
            .send(*child, bytes)
            .map_err(|error| match error {
                // Whoever asked knows by what name.
                SendError::Closed => Fault::new(FaultCode::NoFile),
                SendError::Full => Fault::about(
                    FaultCode::Failed,
                    format!("{name} does not read its standard input, and too much is waiting"),
                ),
            })
    }

    fn notice(&mut self, now: Now, notice: Notice) -> Result<(), LinkError> {
        match notice {
            Notice::Drained(child) => {
                if let Some((status, at)) = self.children.ends.drained(child) {
                    self.input(now, Input::ChildExited { child, status, at });
                    self.children.sockets.leave(child);
                    self.children.noted.push(child);
                }
            }
            Notice::Closed(StreamId { child, channel }) => {
                let stream = match channel {
                    Channel::Stdout => Stream::Stdout,
                    Channel::Stderr => Stream::Stderr,
                };
                self.link.send(
                    &ToKeeper::Close {
                        child: child.0,
                        stream,
                    },
                    &[],
                )?;
            }
            Notice::Trouble { path, error } => self.log.write(
                Level::Error,
                format_args!("cannot write the log {}: {error}", path.display()),
            ),
            Notice::Recovered { path, lost } => self.log.write(
                Level::Warn,
                format_args!(
                    "the log {} can be written again; {lost} bytes are missing",
                    path.display()
                ),
            ),
        }
        Ok(())
    }
}

impl Children {
    /// The name of the process that a child belongs to.
    fn name(&self, child: ChildId) -> &str {
        let mut all = self.latest.values();
        all.find(|(known, _)| *known == child)
            .map_or("", |(_, name)| name)
    }
}

fn channel(stream: Stream) -> Option<Channel> {
    match stream {
        Stream::Stdin => None,
        Stream::Stdout => Some(Channel::Stdout),
        Stream::Stderr => Some(Channel::Stderr),
    }
}

/// How long to wait from `now` until `deadline`; at most for what the kernel can count.
fn timeout(now: Mono, deadline: Mono) -> Timespec {
    let wait = deadline.since(now);
    Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: wait.subsec_nanos().into(),
    }
}

/// Why a child could not be made, as Supervisor words it.
fn spawn_error(name: &str, step: SpawnStep, errno: i32) -> SpawnError {
    let code = errno_name(errno).map_or_else(|| errno.to_string(), str::to_owned);
    let errno = Errno::from_raw_os_error(errno);
    SpawnError(match (step, errno) {
        (_, Errno::MFILE | Errno::NFILE) => format!("too many open files to spawn '{name}'"),
        (SpawnStep::Clone, Errno::AGAIN) => {
            format!("Too many processes in process table to spawn '{name}'")
        }
        (SpawnStep::Clone, _) => format!("unknown error during fork for '{name}': {code}"),
        (SpawnStep::Plan | SpawnStep::Pipe, _) => {
            format!("unknown error making dispatchers for '{name}': {code}")
        }
    })
}
