//! How far the streams have come that the daemon itself reads or writes.

use std::collections::BTreeMap;

use minder_core::ChildId;
use minder_logs::capture::Capture;
use minder_logs::plane::{Channel, StreamId};

use crate::codec::{CodecError, Decoder, Encoder};
use crate::inputs::{self, InputNote};
use crate::inspected::{self, Inspected, InspectedNote, Interest};
use crate::mirror::SharedFd;
use crate::outbox::Outbox;

/// What there is to say of all streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamNotes {
    pub(crate) inputs: BTreeMap<ChildId, InputNote>,
    pub(crate) inspected: BTreeMap<StreamId, InspectedNote>,
}

/// What there is to say of the streams that have changed; `None` of one that is gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamChanges {
    pub(crate) inputs: Vec<(ChildId, Option<InputNote>)>,
    pub(crate) inspected: Vec<(StreamId, Option<InspectedNote>)>,
}

impl StreamChanges {
    pub(crate) fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.inspected.is_empty()
    }
}

impl StreamNotes {
    /// Brings the notes up to date.
    pub(super) fn apply(&mut self, changes: StreamChanges) {
        replace(&mut self.inputs, changes.inputs);
        replace(&mut self.inspected, changes.inspected);
    }
}

fn replace<K: Ord, V>(notes: &mut BTreeMap<K, V>, changes: Vec<(K, Option<V>)>) {
    for (key, note) in changes {
        match note {
            Some(note) => notes.insert(key, note),
            None => notes.remove(&key),
        };
    }
}

pub(super) fn write(out: &mut Encoder, notes: &StreamNotes) {
    out.list(notes.inputs.iter(), |out, (child, note)| {
        out.record(|out| {
            out.u64(child.0);
            write_input(out, note);
        });
    });
    out.list(notes.inspected.iter(), |out, (stream, note)| {
        out.record(|out| {
            write_id(out, *stream);
            write_inspected(out, note);
        });
    });
}

pub(super) fn read(input: &mut Decoder<'_>) -> Result<StreamNotes, CodecError> {
    let inputs = input
        .list(|input| input.record(|input| Ok((ChildId(input.u64()?), read_input(input)?))))?;
    let inspected =
        input.list(|input| input.record(|input| Ok((read_id(input)?, read_inspected(input)?))))?;
    Ok(StreamNotes {
        inputs: inputs.into_iter().collect(),
        inspected: inspected.into_iter().collect(),
    })
}

pub(super) fn write_changes(out: &mut Encoder, changes: &StreamChanges) {
    out.list(changes.inputs.iter(), |out, (child, note)| {
        out.record(|out| {
            out.u64(child.0);
            out.option(note.as_ref(), write_input);
        });
    });
    out.list(changes.inspected.iter(), |out, (stream, note)| {
        out.record(|out| {
            write_id(out, *stream);
            out.option(note.as_ref(), write_inspected);
        });
    });
}

pub(super) fn read_changes(input: &mut Decoder<'_>) -> Result<StreamChanges, CodecError> {
    Ok(StreamChanges {
        inputs: input.list(|input| {
            input.record(|input| Ok((ChildId(input.u64()?), input.option(read_input)?)))
        })?,
        inspected: input.list(|input| {
            input.record(|input| Ok((read_id(input)?, input.option(read_inspected)?)))
        })?,
    })
}

fn write_input(out: &mut Encoder, note: &InputNote) {
    out.u64(note.end);
    out.u64(note.delivered);
}

fn read_input(input: &mut Decoder<'_>) -> Result<InputNote, CodecError> {
    Ok(InputNote {
        end: input.u64()?,
        delivered: input.u64()?,
    })
}

fn write_id(out: &mut Encoder, id: StreamId) {
    out.u64(id.child.0);
    out.bool(id.channel == Channel::Stderr);
}

fn read_id(input: &mut Decoder<'_>) -> Result<StreamId, CodecError> {
    let child = ChildId(input.u64()?);
    let channel = if input.bool()? {
        Channel::Stderr
    } else {
        Channel::Stdout
    };
    Ok(StreamId { child, channel })
}

fn write_inspected(out: &mut Encoder, note: &InspectedNote) {
    out.u64(note.position);
    out.u64(note.log_end);
    out.bool(note.ended);
    out.option(note.capture.as_ref(), |out, capture| {
        out.u64(capture.limit as u64);
        out.bytes(&capture.held);
        out.option(capture.captured.as_deref(), Encoder::bytes);
    });
}

fn read_inspected(input: &mut Decoder<'_>) -> Result<InspectedNote, CodecError> {
    Ok(InspectedNote {
        position: input.u64()?,
        log_end: input.u64()?,
        ended: input.bool()?,
        capture: input.option(|input| {
            Ok(Capture {
                limit: input.place()?,
                held: input.bytes()?.to_vec(),
                captured: input.option(|input| Ok(input.bytes()?.to_vec()))?,
            })
        })?,
    })
}

/// What an earlier daemon left of its streams: the notes, and what was held for them.
#[derive(Debug, Default)]
pub(crate) struct StreamsLeft {
    pub(crate) notes: StreamNotes,
    pub(crate) held: BTreeMap<Vec<u8>, SharedFd>,
}

/// Whether what is held under this name belongs to a stream.
pub(crate) fn is_of_stream(name: &[u8]) -> bool {
    inputs::is_name(name) || inspected::is_name(name)
}

impl StreamsLeft {
    /// What was on its way to a standard input, and the number of the last event among it.
    pub(crate) fn take_input(&mut self, child: ChildId) -> Option<(Outbox, u64)> {
        let note = self.notes.inputs.get(&child)?;
        let file = self.held.remove(&inputs::name(child))?;
        Some((Outbox::adopt(file, note.end), note.delivered))
    }

    /// Goes on looking into a stream. Answers the log plane's pipe, or gives the pipe back if
    /// nothing was left of it.
    pub(crate) fn take_inspected(
        &mut self,
        inspected: &mut Inspected,
        id: StreamId,
        pipe: SharedFd,
        interest: Interest,
    ) -> Result<SharedFd, SharedFd> {
        if let Some(note) = self.notes.inspected.get(&id) {
            return inspected.adopt(id, pipe, interest, note, &mut self.held);
        }
        // What is left of this in the end is let go of, and by then these are names of what takes its
        // place.
        Inspected::give_up(id, &mut self.held);
        Err(pipe)
    }
}
