//! Carrying out what the core asks for, in the order that keeps it safe.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use minder_config::command;
use minder_core::effect::{Halt, Whom};
use minder_core::{ChildId, Effect, GroupId, Level, ProcessId, ProcessSpec, Signal, SpawnError};
use minder_os::{errno_name, memfd};
use minder_wire::{Credentials, MAX_LABEL, SpawnStep, Stdin, ToKeeper};

use super::{Driver, spawn_error};
use crate::children::{Known, Sinks};
use crate::fastcgi::{held_name, socket_of};
use crate::link::{LinkError, now};
use crate::lookups::{Answer, Question};
use crate::published::Picture;
use crate::snapshot::{StreamChanges, StreamNotes, label};

impl Driver {
    /// Makes the state safe, carries out all effects and what follows from them, and acknowledges
    /// what led to them.
    pub(crate) fn settle(&mut self) -> Result<Option<Halt>, LinkError> {
        loop {
            let effects = self.effects.take();
            self.prepare(&effects)?;
            self.record()?;
            for answer in std::mem::take(&mut self.told) {
                // Whoever told it may have gone away: it is told all the same.
                let _ = answer.send(());
            }
            self.publish();
            self.chronicle(&effects)?;
            for effect in effects {
                if let Some(halt) = self.perform(effect)? {
                    self.acknowledge_signals()?;
                    return Ok(Some(halt));
                }
            }
            self.link.confirm_signals()?;
            self.send_streams()?;
            let noted = std::mem::take(&mut self.children.noted);
            if !noted.is_empty() {
                // Nothing is received here, but the line is known.
                let line = "received SIGCHLD indicating a child quit";
                self.log.write(Level::Debug, line);
            }
            for child in noted {
                self.link.send(&ToKeeper::Forget { child: child.0 }, &[])?;
                self.children.remove(child);
            }
            self.acknowledge_signals()?;
            let looked = self.look_at_what_is_due();
            self.finish_children();
            if self.effects.is_empty() && self.children.noted.is_empty() && !looked {
                // Now that the log tells why the last user is gone.
                self.close_unused_sockets()?;
                return Ok(None);
            }
        }
    }

    /// Lets the keeper forget the signals that have been acted upon.
    fn acknowledge_signals(&mut self) -> Result<(), LinkError> {
        for signal in std::mem::take(&mut self.heard) {
            let signal = signal.number();
            self.link.send(&ToKeeper::Heard { signal }, &[])?;
        }
        Ok(())
    }

    fn record(&mut self) -> Result<(), LinkError> {
        let changes = StreamChanges {
            inputs: self.children.inputs.changes(),
            inspected: self.children.inspected.changes(),
        };
        match self.core.delta() {
            Some(delta) if self.recorder.has_room() => self.recorder.add(&delta, &changes),
            Some(_) | None => {
                let streams = StreamNotes {
                    inputs: self.children.inputs.notes().collect(),
                    inspected: self.children.inspected.notes().collect(),
                };
                let files = self.files.paths();
                self.recorder
                    .record(&self.core.snapshot(), &files, &streams, &mut self.link)
            }
        }
    }

    /// What the state refers to has to be there before the state is written down: the files that
    /// the daemon names itself, and what is to be sent.
    fn prepare(&mut self, effects: &[Effect]) -> Result<(), LinkError> {
        for effect in effects {
            if let Effect::GroupAdded {
                id,
                spec,
                processes,
            } = effect
            {
                let processes = processes.iter().copied().zip(&spec.processes);
                self.make_files(*id, processes);
            }
            if let Effect::ProcessesAdded { group, processes } = effect {
                let processes = processes.iter().map(|(id, spec)| (*id, spec));
                self.make_files(*group, processes);
            }
            if let Effect::Deliver {
                child,
                delivery,
                bytes,
            } = effect
            {
                self.deliver(*child, *delivery, bytes)?;
            }
        }
        Ok(())
    }

    /// Makes the files of processes that are new in a group.
    fn make_files<'a>(
        &mut self,
        group: GroupId,
        processes: impl Iterator<Item = (ProcessId, &'a Arc<ProcessSpec>)>,
    ) {
        let mut added = Vec::new();
        for (process, spec) in processes {
            self.files.add(process, spec, &self.log);
            added.push(process);
        }
        self.children.add_processes(group, added);
    }

    /// Puts an event on its way to a listener.
    fn deliver(&mut self, child: ChildId, delivery: u64, bytes: &[u8]) -> Result<(), LinkError> {
        let inputs = &mut self.children.inputs;
        if inputs
            .deliver(child, delivery, bytes, &mut self.link)?
            .is_err()
        {
            self.children.deaf.push(child);
        }
        Ok(())
    }

    fn publish(&mut self) {
        self.published.replace(Picture {
            view: self.core.view(),
            logs: self.files.paths(),
        });
    }

    /// Adds to the history that this daemon has taken over, and what the one before it could not
    /// add any more.
    pub(crate) fn tell_of_takeover(&mut self) -> Result<(), LinkError> {
        let view = self.core.view();
        self.chronicle.reconcile(&view, now().wall);
        self.chronicle(&[])
    }

    /// Adds what is about to be done to the history: who is answered finds it there.
    fn chronicle(&mut self, effects: &[Effect]) -> Result<(), LinkError> {
        let now = now().wall;
        for effect in effects {
            self.chronicle.observe(effect, now);
        }
        self.chronicle
            .publish(self.core.pools(), now, &mut self.link)
    }

    fn perform(&mut self, effect: Effect) -> Result<Option<Halt>, LinkError> {
        match effect {
            Effect::Spawn {
                child,
                process,
                spec,
                group,
            } => {
                let question = Question::of(&spec, &group);
                let known = Known {
                    process,
                    spec,
                    group,
                };
                self.children.add(child, known);
                if let Some(answer) = self.lookups.ask(child, question) {
                    self.spawn(child, answer)?;
                }
            }
            Effect::Signal {
                child,
                signal,
                whom,
            } => {
                self.send_signal(child, signal, whom)?;
            }
            Effect::Log(message) => self.log.write(message.level(), message),
            Effect::Reply { request, reply } => {
                // Whoever hears that a group is stopped finds its address free.
                self.close_unused_sockets()?;
                self.waiters.answer(request, reply);
            }
            Effect::GroupRemoved { id } => {
                for process in self.children.remove_group(id) {
                    self.files.remove(process);
                }
            }
            Effect::ProcessRemoved { group, process } => {
                self.children.remove_process(group, process);
                self.files.remove(process);
            }
            Effect::Stray { pid, .. } => {
                let line = format!(
                    "pid {pid} was started by an earlier daemon and belongs to no process that is \
                     known: stopping it"
                );
                self.log.write(Level::Warn, line);
            }
            Effect::ReopenLogs => {
                self.log.reopen();
                self.plane.reopen();
            }
            Effect::Halt(halt) => {
                self.close_unused_sockets()?;
                return Ok(Some(halt));
            }
            // Done before the state was written down, or for observers.
            Effect::GroupAdded { .. }
            | Effect::ProcessesAdded { .. }
            | Effect::Deliver { .. }
            | Effect::Announce(_) => {}
        }
        Ok(None)
    }

    fn send_signal(&mut self, child: ChildId, signal: Signal, whom: Whom) -> Result<(), LinkError> {
        let group = whom == Whom::Group;
        let message = ToKeeper::Signal {
            child: child.0,
            signal: signal.number(),
            group,
        };
        self.link.send(&message, &[])
    }

    /// Starts a child, now that what has to be known for it is.
    pub(super) fn spawn(&mut self, child: ChildId, answer: Answer) -> Result<(), LinkError> {
        let Some(known) = self.children.known(child).cloned() else {
            return Ok(());
        };
        // As in Supervisor, who comes after the last user gets a socket of his own.
        self.close_unused_sockets()?;
        let shared = self.share_socket(child, &known.group, answer.address)?;
        let credentials = answer.credentials;
        match shared.and_then(|()| self.try_spawn(child, &known, credentials)) {
            Ok((message, plan)) => {
                let beside = plan.as_ref().map(AsFd::as_fd);
                self.link.send(&message, beside.as_slice())
            }
            Err(error) => {
                self.children.sockets.leave(child);
                self.spawn_failed(now(), child, error);
                Ok(())
            }
        }
    }

    /// Finds the file to execute and opens the logs; what is left to do is the keeper's. Answers what
    /// to say to it, and what is to ride beside.
    fn try_spawn(
        &mut self,
        child: ChildId,
        known: &Known,
        credentials: Credentials,
    ) -> Result<(ToKeeper, Option<OwnedFd>), SpawnError> {
        let Known {
            process,
            spec,
            group,
        } = known;
        let executable = command::resolve(spec, self.inheritance.path())?;
        let mut plan = self
            .inheritance
            .plan(spec, &group.name, &executable, credentials);
        if socket_of(group).is_some() {
            plan.stdin = Stdin::Held(held_name(&group.name));
        }
        let label = label(&group.name, &spec.name).into_bytes();
        if label.len() > MAX_LABEL {
            let name = &spec.name;
            return Err(SpawnError(format!("the name is too long: '{name}'")));
        }
        let (message, plan) = ToKeeper::spawn(child.0, label, plan);
        let plan = plan.map(|plan| memfd::sealed("minder-plan", &plan));
        let plan = plan.transpose().map_err(|error| {
            let errno = error.raw_os_error().unwrap_or_default();
            spawn_error(&spec.name, SpawnStep::Pipe, errno)
        })?;
        let sinks = self.open_sinks(*process, spec)?;
        self.children.opened.insert(child, sinks);
        Ok((message, plan))
    }

    fn open_sinks(&self, process: ProcessId, spec: &ProcessSpec) -> Result<Sinks, SpawnError> {
        let mut sinks = Sinks::new();
        for (channel, sink) in self.files.sinks(process, spec) {
            if let Some(sink) = sink {
                let opened = self.plane.open(&sink).map_err(|error| {
                    let code = name(&error);
                    let name = &spec.name;
                    SpawnError(format!(
                        "unknown error making dispatchers for '{name}': {code}"
                    ))
                })?;
                sinks.push((channel, opened));
            }
        }
        Ok(sinks)
    }
}

/// The name of an error's number, if it has one.
fn name(error: &io::Error) -> String {
    let name = error.raw_os_error().and_then(errno_name);
    name.map_or_else(|| error.to_string(), str::to_owned)
}
