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
mod streams;

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use minder_core::effect::Halt;
use minder_core::{
    ChildId, Core, Effects, Event, ExitStatus, Input, Level, Mono, Mood, Now, ProcessId, Request,
    Signal, SpawnError, Target,
};
use minder_logs::main_log::MainLog;
use minder_logs::plane::{Channel, Notice, Plane, StreamId};
use minder_logs::syslog::Syslog;
use minder_os::errno_name;
use minder_os::oom::Victims;
use minder_wire::{SpawnStep, Stream, ToDaemon, ToKeeper};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use tokio::sync::oneshot;

use crate::children::Children;
use crate::configuration::Configuration;
use crate::history::Ending;
use crate::history::chronicle::Chronicle;
use crate::inspected::Side;
use crate::link::{Link, LinkError, exit_status, moment, now};
use crate::log_files::LogFiles;
use crate::lookups::Lookups;
use crate::mailbox::{Command, Mailbox, Post};
use crate::mirror::SharedFd;
use crate::plan::Inheritance;
use crate::prospect::{self, Own, Unfit};
use crate::published::Published;
use crate::snapshot::Recorder;
use crate::upgrade::MakingRoom;
use crate::waiters::Waiters;
use minder_config::command;

/// The parts that a driver is made of.
pub(crate) struct Driver {
    pub(crate) core: Core,
    pub(crate) effects: Effects,
    pub(crate) link: Link,
    pub(crate) keeper_pid: u32,
    pub(crate) recorder: Recorder,
    pub(crate) chronicle: Chronicle,
    pub(crate) mailbox: Mailbox,
    pub(crate) post: Post,
    pub(crate) plane: Plane,
    pub(crate) syslog: Syslog,
    pub(crate) log: Arc<MainLog>,
    pub(crate) published: Arc<Published>,
    pub(crate) inheritance: Inheritance,
    pub(crate) configuration: Configuration,
    /// What is listened on.
    pub(crate) own: Arc<[Own]>,
    pub(crate) files: LogFiles,
    pub(crate) lookups: Lookups,
    pub(crate) waiters: Waiters,
    pub(crate) children: Children,
    /// Signals that have been acted upon in this step.
    pub(crate) heard: Vec<Signal>,
    /// Who has told listeners something in this step.
    pub(crate) told: Vec<oneshot::Sender<()>>,
    pub(crate) making_room: MakingRoom,
    pub(crate) victims: Victims,
    /// Whether no client is served any more.
    pub(crate) clients_are_gone: bool,
}

/// Why a daemon ends on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Everything has stopped.
    Halt(Halt),
    /// Another program takes our place, and everything runs on.
    Upgrade,
}

/// What there is something to do about.
struct Ready {
    /// What the keeper says.
    link: bool,
    /// What other threads ask for.
    mailbox: bool,
    streams: Vec<ReadyStream>,
}

/// A stream that there is something to do about.
enum ReadyStream {
    /// A standard input that can be written to again.
    Input(ChildId),
    /// Output that is looked into.
    Inspected(StreamId),
}

/// The process that the kernel gives every orphan to.
const INIT: u32 = 1;

impl Driver {
    /// Drives until everything has stopped and is not to be started again, or until another program
    /// takes our place.
    pub(crate) fn run(&mut self) -> Result<End, LinkError> {
        self.drive(Self::makes_room)
    }

    /// Goes on until no client is left that was connected.
    pub(crate) fn see_clients_off(&mut self) -> Result<End, LinkError> {
        self.drive(|driver| driver.clients_are_gone)
    }

    fn drive(&mut self, leaves: impl Fn(&mut Self) -> bool) -> Result<End, LinkError> {
        loop {
            if let Some(halt) = self.settle()? {
                return Ok(End::Halt(halt));
            }
            if leaves(self) {
                return Ok(End::Upgrade);
            }
            let ready = self.wait()?;
            self.take_inputs(ready)?;
        }
    }

    /// Waits for the keeper, for a command, for a stream, or for the deadline.
    fn wait(&mut self) -> io::Result<Ready> {
        if self.link.has_early() {
            return Ok(Ready {
                link: true,
                mailbox: false,
                streams: Vec::new(),
            });
        }
        let deadlines = [self.core.deadline(), self.making_room.deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        let timeout = deadline.map(|deadline| timeout(now().mono, deadline));
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.link.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.mailbox.fd(), PollFlags::IN),
        ];
        let own = fds.len();
        let mut streams = Vec::new();
        for (child, end) in self.children.inputs.waiting() {
            fds.push(PollFd::from_borrowed_fd(end, PollFlags::OUT));
            streams.push(Some(ReadyStream::Input(child)));
        }
        for (id, side, end) in self.children.inspected.waiting() {
            let (flags, ready) = match side {
                Side::Program => (PollFlags::IN, Some(ReadyStream::Inspected(id))),
                // Each step sends on what waits.
                Side::Plane => (PollFlags::OUT, None),
            };
            fds.push(PollFd::from_borrowed_fd(end, flags));
            streams.push(ready);
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let streams = fds[own..].iter().zip(streams);
        let streams = streams.filter(|(fd, _)| is_ready(fd));
        Ok(Ready {
            link: is_ready(&fds[0]),
            mailbox: is_ready(&fds[1]),
            streams: streams.filter_map(|(_, stream)| stream).collect(),
        })
    }

    fn take_inputs(&mut self, ready: Ready) -> Result<(), LinkError> {
        let now = now();
        for stream in ready.streams {
            match stream {
                ReadyStream::Input(child) => {
                    let deaf = self.children.inputs.send(child);
                    if deaf.is_some_and(|deaf| deaf.missed_event) {
                        self.input(now, Input::ListenerDeaf { child });
                    }
                }
                ReadyStream::Inspected(id) => self.look(now, id),
            }
        }
        if ready.link {
            while let Some((report, beside)) = self.link.receive()? {
                self.hear(now, report, beside)?;
            }
        }
        if ready.mailbox {
            for command in self.mailbox.take() {
                self.obey(now, command)?;
            }
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

    /// Whether it is time to make room: nobody waits for an answer any more, or has waited long
    /// enough.
    fn makes_room(&mut self) -> bool {
        let Some(deadline) = self.making_room.deadline() else {
            return false;
        };
        let is_time = self.waiters.is_empty() || deadline <= now().mono;
        if is_time {
            self.making_room.leave();
        }
        is_time
    }

    fn input(&mut self, now: Now, input: Input) {
        self.core.handle(now, input, &mut self.effects);
    }

    // What the keeper reports.

    fn hear(&mut self, now: Now, report: ToDaemon, beside: Vec<SharedFd>) -> Result<(), LinkError> {
        match report {
            ToDaemon::Spawned {
                child,
                pid,
                streams,
            } => {
                let child = ChildId(child);
                self.note_where_it_begins(now, child, pid);
                self.connect(child, streams.into_iter().zip(beside))?;
                self.input(now, Input::ChildSpawned { child, pid });
            }
            ToDaemon::SpawnFailed { child, step, errno } => {
                let child = ChildId(child);
                self.children.opened.remove(&child);
                self.children.sockets.leave(child);
                let error = spawn_error(self.children.name(child), step, errno);
                self.spawn_failed(now, child, error);
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
                )?;
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
            ToDaemon::UpgradePossible { to } => {
                self.making_room.possible(now.mono, &to, &self.log);
            }
            ToDaemon::UpgradeRefused { why } => self.making_room.refused(&why, &self.log),
            // Parts of the inventory; the driver begins when that is complete. Its end once more
            // confirms signals, which is the mirror's business.
            ToDaemon::Welcome { .. }
            | ToDaemon::Child { .. }
            | ToDaemon::Held { .. }
            | ToDaemon::InventoryEnd => {}
        }
        Ok(())
    }

    /// Tells the core that a child could not be made.
    fn spawn_failed(&mut self, now: Now, child: ChildId, error: SpawnError) {
        self.note_ending(child, Ending::NotMade(error.0.clone()));
        self.children.remove(child);
        self.input(now, Input::SpawnFailed { child, error });
    }

    /// Lets the history know how a child ended, before what follows is announced.
    fn note_ending(&mut self, child: ChildId, ending: Ending) {
        if let Some(process) = self.children.process(child) {
            self.chronicle.ending(process, ending);
        }
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
    /// Looked at elsewhere, for a disk can be slow.
    fn check_before_restart(&self) {
        let (configuration, post) = (self.configuration.clone(), self.post.clone());
        let own = Arc::clone(&self.own);
        let check = move || {
            let looked = prospect::look(&configuration, &own);
            post.send(Command::RestartChecked(looked));
        };
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
                self.send_stdin(process, &bytes, answer)?;
            }
            Command::RemoteCommunication { kind, data, answer } => {
                let event = Event::RemoteCommunication { kind, data };
                self.chronicle.remote(&event, now.wall);
                if let Event::RemoteCommunication { kind, data } = event {
                    self.input(now, Input::RemoteCommunication { kind, data });
                }
                self.told.push(answer);
            }
            Command::Upgrade { answer } => {
                if self.making_room.ask(answer) {
                    self.link.send(&ToKeeper::Upgrade, &[])?;
                }
            }
            Command::ClientsGone => self.clients_are_gone = true,
            Command::RestartChecked(Ok(())) => self.act_upon(now, Signal::HUP),
            Command::RestartChecked(Err(unfit)) => {
                self.heard.push(Signal::HUP);
                let line = "received SIGHUP indicating restart request";
                self.log.write(Level::Warn, line);
                self.log.write(Level::Error, restart_refused(&unfit));
            }
            Command::LookedUp { child, answer } => {
                self.lookups.answered(child);
                self.spawn(child, answer)?;
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
            | Request::AddProcesses { .. }
            | Request::RemoveProcess { .. }
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

    /// Tells the core of an end, now that all output of the child has been taken in.
    fn drained(&mut self, now: Now, child: ChildId) {
        if let Some((status, at)) = self.children.ends.drained(child) {
            let ending = self.ending(child, status);
            self.note_ending(child, ending);
            self.input(now, Input::ChildExited { child, status, at });
            self.children.sockets.leave(child);
            self.children.noted.push(child);
        }
    }

    /// How a child ended, as far as observers are told. Of a lack of memory, operators read in the log.
    fn ending(&mut self, child: ChildId, status: ExitStatus) -> Ending {
        let is_killed = matches!(
            status,
            ExitStatus::Signal {
                signal: Signal::KILL,
                ..
            }
        );
        let pid = self.link.pid(child.0).filter(|_| is_killed);
        let Some(pid) = pid.filter(|pid| self.victims.take(*pid)) else {
            return Ending::Exited(status);
        };
        let name = self.children.name(child);
        let line = format_args!("the system has killed '{name}' ({pid}) for lack of memory");
        self.log.write(Level::Warn, line);
        Ending::OutOfMemory(status)
    }

    fn notice(&mut self, now: Now, notice: Notice) -> Result<(), LinkError> {
        match notice {
            Notice::Drained(child) => self.drained(now, child),
            Notice::Closed(StreamId { child, channel }) => {
                let id = StreamId { child, channel };
                self.children.inspected.remove(id, &mut self.link)?;
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

/// What the log says of a restart that would have come to a bad end.
pub(crate) fn restart_refused(unfit: &Unfit) -> String {
    let report = unfit.report();
    format!("restart refused, everything runs on as it is: {report}")
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
        // The keeper has not even tried, for its books say that there is no room.
        (SpawnStep::Plan, Errno::MFILE) => {
            let most = getrlimit(Resource::Nofile).maximum;
            let most = most.map_or_else(String::new, |most| format!("{most} "));
            format!(
                "too many open files to spawn '{name}': all of the {most}that supervisord may open \
                 are spoken for; raise the hard limit (\"ulimit -Hn\", or systemd's LimitNOFILE=) \
                 and start supervisord again"
            )
        }
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
