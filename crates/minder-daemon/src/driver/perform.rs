//! Carrying out what the core asks for, in the order that keeps it safe.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use minder_core::effect::{Halt, Whom};
use minder_core::{
    ChildId, Effect, GroupSpec, Input, Level, ProcessId, ProcessSpec, Signal, SpawnError,
};
use minder_os::{errno_name, memfd};
use minder_wire::ToKeeper;

use super::{Driver, Sinks};
use crate::command;
use crate::link::{LinkError, now};
use crate::published::Picture;
use crate::snapshot::label;

impl Driver {
    /// Makes the state safe, carries out all effects and what follows from them, and acknowledges
    /// what led to them.
    pub(crate) fn settle(&mut self) -> Result<Option<Halt>, LinkError> {
        loop {
            let effects: Vec<Effect> = self.effects.drain().collect();
            self.prepare(&effects);
            self.recorder
                .record(&self.core.snapshot(), &self.files.paths(), &mut self.link)?;
            self.publish();
            for effect in effects {
                if let Some(halt) = self.perform(effect)? {
                    return Ok(Some(halt));
                }
            }
            for child in std::mem::take(&mut self.children.noted) {
                self.link.send(&ToKeeper::Forget { child: child.0 }, &[])?;
            }
            if self.effects.is_empty() {
                return Ok(None);
            }
        }
    }

    /// What the state refers to has to be there before the state is written down: the files that
    /// the daemon names itself.
    fn prepare(&mut self, effects: &[Effect]) {
        for effect in effects {
            let Effect::GroupAdded {
                id,
                spec,
                processes,
            } = effect
            else {
                continue;
            };
            for (process, spec) in processes.iter().zip(&spec.processes) {
                for error in self.files.add(*process, spec) {
                    self.log.write(
                        Level::Error,
                        format_args!("cannot make a log file for {}: {error}", spec.name),
                    );
                }
            }
            self.children.groups.insert(*id, processes.clone());
        }
    }

    fn publish(&mut self) {
        self.published.replace(Picture {
            view: self.core.view(),
            logs: self.files.paths(),
        });
    }

    fn perform(&mut self, effect: Effect) -> Result<Option<Halt>, LinkError> {
        match effect {
            Effect::Spawn {
                child,
                process,
                spec,
                group,
            } => {
                self.spawn(child, process, &spec, &group)?;
            }
            Effect::Signal {
                child,
                signal,
                whom,
            } => {
                self.send_signal(child, signal, whom)?;
            }
            Effect::Log(message) => self.log.write(message.level(), message),
            Effect::Reply { request, reply } => self.waiters.answer(request, reply),
            Effect::GroupRemoved { id } => {
                for process in self.children.groups.remove(&id).unwrap_or_default() {
                    self.files.remove(process);
                    self.children.latest.remove(&process);
                }
            }
            Effect::Stray { child, pid } => {
                let line = format!(
                    "pid {pid} was started by an earlier daemon and belongs to no process that is \
                     known: stopping it"
                );
                self.log.write(Level::Warn, line);
                self.send_signal(child, Signal::TERM, Whom::Group)?;
            }
            Effect::ReopenLogs => {
                self.log.reopen();
                self.plane.reopen();
            }
            Effect::Halt(halt) => return Ok(Some(halt)),
            // Of groups, the files were made ready before the state was written down; and there
            // is nobody who writes to listeners or observes yet.
            Effect::GroupAdded { .. } | Effect::Deliver { .. } | Effect::Announce(_) => {}
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

    fn spawn(
        &mut self,
        child: ChildId,
        process: ProcessId,
        spec: &Arc<ProcessSpec>,
        group: &Arc<GroupSpec>,
    ) -> Result<(), LinkError> {
        self.children
            .latest
            .insert(process, (child, spec.name.clone()));
        match self.try_spawn(child, process, spec, group) {
            Ok(message) => {
                let (message, plan) = message;
                let plan = plan
                    .map(|plan| memfd::sealed("minder-plan", &plan))
                    .transpose()?;
                let beside = plan.as_ref().map(AsFd::as_fd);
                self.link.send(&message, beside.as_slice())
            }
            Err(error) => {
                self.input(now(), Input::SpawnFailed { child, error });
                Ok(())
            }
        }
    }

    /// Finds the file to execute and opens the logs; what is left to do is the keeper's.
    fn try_spawn(
        &mut self,
        child: ChildId,
        process: ProcessId,
        spec: &ProcessSpec,
        group: &GroupSpec,
    ) -> Result<(ToKeeper, Option<Vec<u8>>), SpawnError> {
        let executable = command::resolve(spec, self.inheritance.path())?;
        let sinks = self.open_sinks(process, spec)?;
        self.children.opened.insert(child, sinks);
        let plan = self.inheritance.plan(spec, &group.name, &executable);
        let label = label(&group.name, &spec.name).into_bytes();
        Ok(ToKeeper::spawn(child.0, label, plan))
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
