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
//! Nothing in here blocks: files of programs are read and written by the log plane, clients are
//! served by the control plane, and both reach the driver through its [`Mailbox`].

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use minder_config::Source;
use minder_core::core::Core;
use minder_core::effect::{Halt, Whom};
use minder_core::{
    ChildId, Effect, Effects, GroupSpec, Input, Level, Mono, Now, ProcessId, ProcessSpec, Request,
    Signal, SpawnError, Target,
};
use minder_logs::{Channel, MainLog, Notice, Plane, Sink, StreamId};
use minder_os::clock;
use minder_rpc::{Fault, FaultCode};
use minder_wire::{SpawnStep, Stream, ToDaemon, ToKeeper};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::children::{Ends, Inputs, SendError};
use crate::command;
use crate::link::Link;
use crate::log_files::LogFiles;
use crate::mailbox::{Command, Mailbox};
use crate::plan::Inheritance;
use crate::published::{Picture, Published};
use crate::snapshot;
use crate::waiters::Waiters;

/// The parts that a driver is made of.
pub(crate) struct Driver {
    pub(crate) core: Core,
    pub(crate) effects: Effects,
    pub(crate) link: Link,
    pub(crate) mailbox: Mailbox,
    pub(crate) plane: Plane,
    pub(crate) log: Arc<MainLog>,
    pub(crate) published: Arc<Published>,
    pub(crate) inheritance: Inheritance,
    pub(crate) files: LogFiles,
    pub(crate) waiters: Waiters,
    pub(crate) inputs: Inputs,
    pub(crate) ends: Ends,
    /// The sinks of spawns whose outcome is not known yet.
    pub(crate) opened: BTreeMap<ChildId, Sinks>,
    /// Ends that the core has been told of, to be acknowledged at the end of the step.
    pub(crate) noted: Vec<ChildId>,
}

/// Where the output of one child goes.
pub(crate) type Sinks = Vec<(Channel, Option<Sink>)>;

impl Driver {
    /// Drives until everything has stopped and is not to be started again.
    pub(crate) fn run(&mut self) -> io::Result<Halt> {
        loop {
            if let Some(halt) = self.settle()? {
                return Ok(halt);
            }
            self.wait()?;
            self.take_inputs()?;
        }
    }

    fn take_inputs(&mut self) -> io::Result<()> {
        let now = clock::now();
        while let Some((report, fds)) = self.link.receive()? {
            self.hear(now, report, fds);
        }
        for command in self.mailbox.take() {
            self.obey(now, command);
        }
        if self.core.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.core.handle(now, Input::DeadlineReached, &mut self.effects);
        }
        Ok(())
    }

    /// Waits for the keeper, for a command, for a program to read its input, or for the deadline.
    fn wait(&mut self) -> io::Result<()> {
        let timeout = self.core.deadline().map(|deadline| timeout(clock::now().mono, deadline));
        let readers: Vec<ChildId> = self.inputs.waiting().map(|(child, _)| child).collect();
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.link.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.mailbox.fd(), PollFlags::IN),
        ];
        let ends = self.inputs.waiting().map(|(_, end)| end);
        fds.extend(ends.map(|end| PollFd::from_borrowed_fd(end, PollFlags::OUT)));
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for child in readers {
            // A program that has closed its input is no trouble of ours.
            let _ = self.inputs.flush(child);
        }
        Ok(())
    }

    /// What the keeper reports.
    fn hear(&mut self, now: Now, report: ToDaemon, fds: Vec<OwnedFd>) {
        let input = match report {
            ToDaemon::Spawned { child, pid, streams } => {
                let child = ChildId(child);
                let sinks = self.opened.remove(&child).unwrap_or_default();
                self.connect(child, streams.into_iter().zip(fds), sinks);
                Input::ChildSpawned { child, pid }
            }
            ToDaemon::SpawnFailed { child, step, errno } => {
                let child = ChildId(child);
                self.opened.remove(&child);
                let error = spawn_error(&self.name_of(child), step, errno);
                Input::SpawnFailed { child, error }
            }
            ToDaemon::Exited { child, status, mono_nanos, wall_nanos } => {
                let at = crate::link::moment(mono_nanos, wall_nanos);
                self.ended(ChildId(child), crate::link::exit_status(status), at);
                return;
            }
            ToDaemon::Orphan { pid, status } => {
                Input::OrphanReaped { pid, status: crate::link::exit_status(status) }
            }
            ToDaemon::Signalled { signal } => {
                let Some(signal) = Signal::from_number(signal) else { return };
                Input::Signalled(signal)
            }
            ToDaemon::SignalFailed { child, errno, .. } => {
                let error = io::Error::from_raw_os_error(errno).to_string();
                Input::SignalFailed { child: ChildId(child), error }
            }
            // Parts of the inventory; the driver begins when that is complete.
            ToDaemon::Welcome { .. }
            | ToDaemon::Child { .. }
            | ToDaemon::Held { .. }
            | ToDaemon::InventoryEnd => return,
        };
        self.core.handle(now, input, &mut self.effects);
    }
}
