//! How far the streams have come that the daemon itself reads or writes.

use std::collections::BTreeMap;

use minder_core::ChildId;
use minder_logs::capture::Capture;
use minder_logs::plane::{Channel, StreamId};

use crate::codec::{CodecError, Decoder, Encoder};
use crate::inputs::{self, InputNote};
use crate::inspected::{Inspected, InspectedNote, Interest};
use crate::mirror::SharedFd;
use crate::outbox::Outbox;

/// What there is to say of all streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamNotes {
    pub(crate) inputs: Vec<InputNote>,
    pub(crate) inspected: Vec<InspectedNote>,
}

pub(super) fn write(out: &mut Encoder, notes: &StreamNotes) {
    out.list(notes.inputs.iter(), |out, note| {
        out.record(|out| {
            out.u64(note.child.0);
            out.u64(note.end);
            out.u64(note.delivered);
        });
    });
    out.list(notes.inspected.iter(), |out, note| {
        out.record(|out| {
            out.u64(note.stream.child.0);
            out.bool(note.stream.channel == Channel::Stderr);
            out.u64(note.position);
            out.u64(note.log_end);
            out.bool(note.ended);
            out.option(note.capture.as_ref(), |out, capture| {
                out.u64(capture.limit as u64);
                out.bytes(&capture.held);
                out.option(capture.captured.as_deref(), Encoder::bytes);
            });
        });
    });
}

pub(super) fn read(input: &mut Decoder<'_>) -> Result<StreamNotes, CodecError> {
    let inputs = input.list(|input| {
        input.record(|input| {
            Ok(InputNote {
                child: ChildId(input.u64()?),
                end: input.u64()?,
                delivered: input.u64()?,
            })
        })
    })?;
    let inspected = input.list(|input| {
        input.record(|input| {
            let child = ChildId(input.u64()?);
            let channel = if input.bool()? {
                Channel::Stderr
            } else {
                Channel::Stdout
            };
            Ok(InspectedNote {
                stream: StreamId { child, channel },
                position: input.u64()?,
                log_end: input.u64()?,
                ended: input.bool()?,
                capture: input.option(|input| {
                    Ok(Capture {
                        limit: usize::try_from(input.u64()?).map_err(|_| CodecError::Value)?,
                        held: input.bytes()?.to_vec(),
                        captured: input.option(|input| Ok(input.bytes()?.to_vec()))?,
                    })
                })?,
            })
        })
    })?;
    Ok(StreamNotes { inputs, inspected })
}

/// What an earlier daemon left of its streams: the notes, and what was held for them.
#[derive(Debug, Default)]
pub(crate) struct StreamsLeft {
    pub(crate) notes: StreamNotes,
    pub(crate) held: BTreeMap<Vec<u8>, SharedFd>,
}

/// Whether what is held under this name belongs to a stream.
pub(crate) fn is_of_stream(name: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 5] = [b"stdin:", b"inbox:", b"outbox:", b"pipe-in:", b"pipe-out:"];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

impl StreamsLeft {
    /// What was on its way to a standard input, and the number of the last event among it.
    pub(crate) fn take_input(&mut self, child: ChildId) -> Option<(Outbox, u64)> {
        let note = self.notes.inputs.iter().find(|note| note.child == child)?;
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
        match self.notes.inspected.iter().find(|note| note.stream == id) {
            Some(note) => inspected.adopt(pipe, interest, note, &mut self.held),
            None => Err(pipe),
        }
    }
}
