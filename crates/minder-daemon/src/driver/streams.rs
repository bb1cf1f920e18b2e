//! The standard streams of children: connecting them, looking into them, and their end.

use std::sync::Arc;

use minder_core::event::{self, Said, Text};
use minder_core::python::BytesRepr;
use minder_core::{ChildId, ExitStatus, Input, Level, Now, ProcessId};
use minder_logs::browse;
use minder_logs::plane::{Channel, StreamId};
use minder_logs::sink::SinkSpec;
use minder_logs::strip::stripped;
use minder_rpc::{Fault, FaultCode};
use minder_wire::Stream;

use super::Driver;
use crate::children::{Known, StdinAnswer};
use crate::history::{Begun, Key};
use crate::inputs::SendError;
use crate::inspected::Heard;
use crate::link::{FoundChild, LinkError, now};
use crate::mirror::SharedFd;
use crate::snapshot::StreamsLeft;

impl Driver {
    /// Connects the pipes of a new child.
    pub(super) fn connect(
        &mut self,
        child: ChildId,
        pipes: impl Iterator<Item = (Stream, SharedFd)>,
    ) -> Result<(), LinkError> {
        let mut sinks = self.children.opened.remove(&child).unwrap_or_default();
        for (stream, pipe) in pipes {
            let Some(channel) = channel(stream) else {
                self.children.inputs.add(child, pipe, None);
                continue;
            };
            let place = sinks.iter().position(|(found, _)| *found == channel);
            let sink = place.map(|place| sinks.swap_remove(place).1);
            let pipe = self.inspect(StreamId { child, channel }, pipe)?;
            self.overhear(StreamId { child, channel });
            self.send_to_syslog(child, channel);
            self.count(StreamId { child, channel });
            self.plane.attach(StreamId { child, channel }, pipe, sink);
        }
        Ok(())
    }

    /// Takes note of where a new child begins in its logs, of which nothing has been taken in yet.
    /// Where nothing was written before, there is nothing to tell it from.
    pub(super) fn note_where_it_begins(&mut self, now: Now, child: ChildId, pid: u32) {
        let Some(known) = self.children.known(child) else {
            return;
        };
        for channel in Channel::ALL {
            let path = self.files.path(known.process, channel);
            let Some((file, offset)) = path.and_then(browse::end) else {
                continue;
            };
            if offset > 0 {
                let begun = Begun {
                    at: now.wall,
                    pid,
                    channel: core_channel(channel),
                    file,
                    offset,
                };
                self.chronicle.begun(key(known), begun);
            }
        }
    }

    /// Connects the pipes of a child that an earlier daemon had, with what that had on its way.
    /// Its output goes on to `sinks`.
    pub(crate) fn reconnect(
        &mut self,
        found: FoundChild,
        sinks: &[(Channel, Option<SinkSpec>)],
        streams: &mut StreamsLeft,
    ) -> Result<(), LinkError> {
        let child = found.child;
        for (stream, pipe) in found.streams {
            let Some(channel) = channel(stream) else {
                let outbox = streams.take_input(child);
                self.children.inputs.add(child, pipe, outbox);
                continue;
            };
            let id = StreamId { child, channel };
            let sink = sinks.iter().find(|(known, _)| *known == channel);
            let sink = sink.and_then(|(_, sink)| sink.clone());
            let adopted = match self.children.interest(id, self.files.strips_ansi()) {
                Some(interest) => {
                    streams.take_inspected(&mut self.children.inspected, id, pipe, interest)
                }
                None => Err(pipe),
            };
            let pipe = match adopted {
                Ok(pipe) => pipe,
                Err(pipe) => self.inspect(id, pipe)?,
            };
            self.overhear(StreamId { child, channel });
            self.send_to_syslog(child, channel);
            self.count(id);
            self.plane.adopt(id, pipe, sink);
        }
        Ok(())
    }

    /// Begins to look into a stream, if it is one of that kind. Answers the pipe that the log plane
    /// is to read.
    fn inspect(&mut self, id: StreamId, pipe: SharedFd) -> Result<SharedFd, LinkError> {
        match self.children.interest(id, self.files.strips_ansi()) {
            Some(interest) => self
                .children
                .inspected
                .begin(id, pipe, interest, &mut self.link),
            None => Ok(pipe),
        }
    }

    /// Looks into what has come from a stream, and tells the core what is in it.
    pub(super) fn look(&mut self, now: Now, id: StreamId) {
        let heard = match self.children.inspected.read(id) {
            Ok(heard) => heard,
            Err(error) => {
                let name = self.children.name(id.child);
                let line = format!("cannot read the {} of {name}: {error}", id.channel);
                self.log.write(Level::Error, line);
                return;
            }
        };
        let StreamId { child, channel } = id;
        for heard in heard {
            self.mention(id, &heard);
            let (what, data) = match heard {
                Heard::Listener(bytes) => {
                    self.input(now, Input::ListenerSaid { child, bytes });
                    continue;
                }
                Heard::Text {
                    is_event: false, ..
                } => continue,
                Heard::Text { data, .. } => (Said::Log, data),
                Heard::Communication(data) => (Said::Communication, data),
            };
            let channel = core_channel(channel);
            if let Some(known) = self.children.known(child) {
                let key = key(known);
                self.chronicle.said(key, channel, what, &data, now.wall);
            }
            self.input(
                now,
                Input::Said {
                    child,
                    channel,
                    what,
                    data,
                },
            );
        }
    }

    /// Writes what was heard in a stream to the daemon's own log as well, if that is to be so
    /// detailed.
    fn mention(&self, StreamId { child, channel }: StreamId, heard: &Heard) {
        if !self.log.is_enabled(Level::Debug) {
            return;
        }
        let name = self.children.name(child);
        let line = match heard {
            Heard::Listener(bytes) => {
                format!("'{name}' {channel} output:\n{}", BytesRepr(bytes))
            }
            // All of it was in escape sequences.
            Heard::Text { data, .. } if data.is_empty() => return,
            Heard::Text { data, .. } => output(name, channel, data),
            Heard::Communication(_) => format!("'{name}' {channel} emitted a comm event"),
        };
        self.log.write(Level::Debug, line);
    }

    /// The same for a stream that nobody looks into.
    fn overhear(&self, id: StreamId) {
        let StreamId { child, channel } = id;
        let strip_ansi = self.files.strips_ansi();
        let is_mentioned = self.children.interest(id, strip_ansi).is_some();
        if is_mentioned || !self.log.is_enabled(Level::Debug) {
            return;
        }
        let (log, name) = (Arc::clone(&self.log), self.children.name(child).to_owned());
        let tap = move |said: &[u8]| {
            let line = if strip_ansi {
                output(&name, channel, &stripped(said))
            } else {
                output(&name, channel, said)
            };
            log.write(Level::Debug, line);
        };
        self.plane.tap(id, Box::new(tap));
    }

    /// Has the log plane count what a stream brings.
    fn count(&self, id: StreamId) {
        if let Some(process) = self.children.process(id.child) {
            let counter = self.files.written().counter(process, id.channel);
            self.plane.count(id, counter);
        }
    }

    fn send_to_syslog(&self, child: ChildId, channel: Channel) {
        if !self.children.goes_to_syslog(child, channel) {
            return;
        }
        let name = self.children.name(child);
        let tap = self.syslog.tap(name, self.files.strips_ansi());
        self.plane.tap(StreamId { child, channel }, tap);
    }

    /// A child has ended. The core is told once all that it wrote has been taken in.
    pub(crate) fn ended(
        &mut self,
        child: ChildId,
        status: ExitStatus,
        at: Now,
    ) -> Result<(), LinkError> {
        self.children.inputs.remove(child, &mut self.link)?;
        self.children.ends.reported(child, status, at);
        self.children.inspected.finish(child);
        if !self.children.finishing.contains(&child) {
            self.children.finishing.push(child);
        }
        Ok(())
    }

    /// Puts bytes on their way to a standard input. Whoever asked is answered once they have left,
    /// and may have gone away by then.
    pub(super) fn send_stdin(
        &mut self,
        process: ProcessId,
        bytes: &[u8],
        answer: StdinAnswer,
    ) -> Result<(), LinkError> {
        let Some(child) = self.children.of(process) else {
            let _ = answer.send(Err(Fault::new(FaultCode::NotRunning)));
            return Ok(());
        };
        match self.children.inputs.put(child, bytes, &mut self.link)? {
            Ok(()) => self.children.asked.push((child, answer)),
            Err(error) => {
                let _ = answer.send(Err(self.stdin_fault(child, error)));
            }
        }
        Ok(())
    }

    fn stdin_fault(&self, child: ChildId, error: SendError) -> Fault {
        match error {
            // Whoever asked knows by what name.
            SendError::Closed => Fault::new(FaultCode::NoFile),
            SendError::Full => {
                let name = self.children.name(child);
                Fault::about(
                    FaultCode::Failed,
                    format!("{name} does not read its standard input, and too much is waiting"),
                )
            }
        }
    }

    /// Sends what is on its way to programs and to the log plane, now that it counts.
    pub(super) fn send_streams(&mut self) -> Result<(), LinkError> {
        let deaf = self.children.inputs.send_fresh();
        for (child, answer) in std::mem::take(&mut self.children.asked) {
            let sent = if deaf.iter().any(|deaf| deaf.child == child) {
                Err(self.stdin_fault(child, SendError::Closed))
            } else {
                Ok(())
            };
            // Whoever asked may have gone away.
            let _ = answer.send(sent);
        }
        // Those that an event could not even be put on its way to, and those that it did not reach.
        let mut deafened = std::mem::take(&mut self.children.deaf);
        deafened.extend(
            deaf.iter()
                .filter(|deaf| deaf.missed_event)
                .map(|deaf| deaf.child),
        );
        for child in deafened {
            self.input(now(), Input::ListenerDeaf { child });
        }
        self.children.inspected.send(&mut self.link)
    }

    /// Looks at the output that no pipe will tell of: what children left that have ended, and what
    /// an earlier daemon took in last. Answers whether there was any.
    pub(super) fn look_at_what_is_due(&mut self) -> bool {
        let due = self.children.inspected.due();
        for id in &due {
            self.look(now(), *id);
        }
        !due.is_empty()
    }

    /// Lets the log plane take in the last output of children that have ended, once it has been
    /// sent all of it. Most had closed their pipes before their end was reported: then there is none.
    pub(super) fn finish_children(&mut self) {
        let inspected = &self.children.inspected;
        let (finished, left) = std::mem::take(&mut self.children.finishing)
            .into_iter()
            .partition(|child| inspected.is_finished(*child));
        self.children.finishing = left;
        let finished: Vec<ChildId> = finished;
        for child in finished {
            if self.link.has_output(child.0) {
                self.plane.finish(child);
            } else {
                self.drained(now(), child);
            }
        }
    }
}

/// What observers know a process by.
fn key(known: &Known) -> Key {
    Key {
        group: known.group.name.as_str().into(),
        name: known.spec.name.as_str().into(),
    }
}

/// What a program said, as the daemon's own log has it.
fn output(name: &str, channel: Channel, said: &[u8]) -> String {
    format!("'{name}' {channel} output:\n{}", Text(said))
}

fn core_channel(channel: Channel) -> event::Channel {
    match channel {
        Channel::Stdout => event::Channel::Stdout,
        Channel::Stderr => event::Channel::Stderr,
    }
}

fn channel(stream: Stream) -> Option<Channel> {
    match stream {
        Stream::Stdin => None,
        Stream::Stdout => Some(Channel::Stdout),
        Stream::Stderr => Some(Channel::Stderr),
    }
}
