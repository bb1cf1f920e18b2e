//! How the history is written down: entries, one behind the other, each with its checksum.
//!
//! Each event is one entry, appended by one write, so a daemon that is killed leaves all of them
//! or all but the last. Who reads stops at the first entry that is not whole, and believes what
//! stands before it. When there are far more entries than what they amount to, the amount is
//! written down anew in another file.

use std::sync::Arc;

use minder_core::{Channel, ExitStatus, ProcessState, Said, Signal, Wall};

use super::{
    BEGUN, Begun, CHANGES, Change, Content, EVENTS, End, Happened, Key, Reason, Record, What, push,
};
use crate::codec::{self, CodecError, Decoder, Encoder, split_entry};

/// The longest entry: a process with all its changes.
const MAX_ENTRY: usize = 1 << 20;

/// The largest number of an event: what JavaScript counts without a gap. Microseconds since 1970 get
/// there in the year 2255.
const MAX_NUMBER: u64 = 1 << 53;

/// The sorts of entries. One of a later release is skipped.
const EVENT: u8 = 1;
const KEPT_EVENT: u8 = 2;
const PROCESS: u8 = 3;
const NEXT: u8 = 4;
const CHILD: u8 = 5;

/// The entry for an event that happens now.
pub(super) fn event(event: &Happened) -> Vec<u8> {
    entry(EVENT, |out| write_event(out, event))
}

/// The entry for a place in a log at which a child begins.
pub(super) fn child(key: &Key, begun: &Begun) -> Vec<u8> {
    entry(CHILD, |out| {
        write_key(out, key);
        write_begun(out, begun);
    })
}

/// The entries that amount to `content`.
pub(super) fn whole(content: &Content) -> Vec<u8> {
    let mut bytes = entry(NEXT, |out| out.u64(content.next));
    for (key, record) in &content.records {
        bytes.extend(entry(PROCESS, |out| write_record(out, key, record)));
    }
    for event in &content.events {
        bytes.extend(entry(KEPT_EVENT, |out| write_event(out, event)));
    }
    bytes
}

/// What the entries amount to, as far as they are whole, and how many bytes that is.
pub(super) fn read(bytes: &[u8]) -> (Content, usize) {
    let mut content = Content::default();
    let mut done = 0;
    while let Some((body, rest)) = split(&bytes[done..]) {
        if take(&mut content, body).is_err() {
            break;
        }
        done = bytes.len() - rest.len();
    }
    (content, done)
}

fn entry(sort: u8, write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::new();
    out.u8(sort);
    out.record(write);
    codec::entry(&out.finish())
}

/// The first entry, and what follows it, unless it is damaged or longer than any of ours.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let split = split_entry(bytes).ok().flatten();
    split.filter(|(body, _)| (1..=MAX_ENTRY).contains(&body.len()))
}

fn take(content: &mut Content, body: &[u8]) -> Result<(), CodecError> {
    let mut input = Decoder::new(body);
    match input.u8()? {
        EVENT => content.add(input.record(read_event)?),
        KEPT_EVENT => push(&mut content.events, input.record(read_event)?, EVENTS),
        PROCESS => {
            let (key, record) = input.record(read_record)?;
            if !record.is_there {
                content.gone.push_back(key.clone());
            }
            content.records.insert(key, record);
            content.forget_some();
        }
        CHILD => {
            let (key, begun) = input.record(|input| Ok((read_key(input)?, read_begun(input)?)))?;
            content.begun(&key, begun);
        }
        NEXT => content.next = input.record(read_number)?,
        _ => {}
    }
    Ok(())
}

fn write_event(out: &mut Encoder, event: &Happened) {
    out.u64(event.id);
    out.duration(event.at.0);
    match &event.what {
        What::Moved { key, from, change } => {
            out.u8(0);
            write_key(out, key);
            out.i64(from.code().into());
            write_change(out, change);
        }
        What::GroupAdded(group) => {
            out.u8(1);
            out.text(group);
        }
        What::GroupRemoved(group) => {
            out.u8(2);
            out.text(group);
        }
        What::Running => out.u8(3),
        What::Stopping => out.u8(4),
        What::TookOver => out.u8(5),
        What::Remote { kind, data } => {
            out.u8(6);
            out.text(kind);
            out.text(data);
        }
        What::Said {
            key,
            channel,
            said,
            data,
        } => {
            out.u8(7);
            write_key(out, key);
            out.bool(*channel == Channel::Stderr);
            out.bool(*said == Said::Communication);
            out.text(data);
        }
    }
}

fn read_event(input: &mut Decoder<'_>) -> Result<Happened, CodecError> {
    Ok(Happened {
        id: read_number(input)?,
        at: Wall(input.duration()?),
        what: match input.u8()? {
            0 => What::Moved {
                key: read_key(input)?,
                from: read_state(input)?,
                change: read_change(input)?,
            },
            1 => What::GroupAdded(text(input)?),
            2 => What::GroupRemoved(text(input)?),
            3 => What::Running,
            4 => What::Stopping,
            5 => What::TookOver,
            6 => What::Remote {
                kind: text(input)?,
                data: text(input)?,
            },
            7 => What::Said {
                key: read_key(input)?,
                channel: read_channel(input)?,
                said: if input.bool()? {
                    Said::Communication
                } else {
                    Said::Log
                },
                data: text(input)?,
            },
            _ => return Err(CodecError::Value),
        },
    })
}

fn read_number(input: &mut Decoder<'_>) -> Result<u64, CodecError> {
    let number = input.u64()?;
    if number > MAX_NUMBER {
        return Err(CodecError::Value);
    }
    Ok(number)
}

fn write_record(out: &mut Encoder, key: &Key, record: &Record) {
    write_key(out, key);
    out.bool(record.is_there);
    out.u64(record.starts);
    out.u64(record.restarts);
    out.list(record.ends.iter(), |out, count| out.u64(*count));
    out.list(record.changes.iter(), |out, change| {
        out.record(|out| write_change(out, change));
    });
    out.list(record.begun.iter(), |out, begun| {
        out.record(|out| write_begun(out, begun));
    });
}

fn read_record(input: &mut Decoder<'_>) -> Result<(Key, Record), CodecError> {
    let key = read_key(input)?;
    let mut record = Record {
        is_there: input.bool()?,
        starts: input.u64()?,
        restarts: input.u64()?,
        ..Record::default()
    };
    // Another release may know fewer reasons, or more behind ours.
    let ends = input.list(Decoder::u64)?;
    for (place, count) in record.ends.iter_mut().zip(ends) {
        *place = count;
    }
    for change in input.list(|input| input.record(read_change))? {
        push(&mut record.changes, change, CHANGES);
    }
    // An earlier release did not write that.
    if !input.is_at_end() {
        for begun in input.list(|input| input.record(read_begun))? {
            push(&mut record.begun, begun, BEGUN);
        }
    }
    Ok((key, record))
}

fn write_change(out: &mut Encoder, change: &Change) {
    out.duration(change.at.0);
    out.i64(change.state.code().into());
    out.u32(change.pid);
    out.u32(change.tries);
    out.option(change.end.as_ref(), |out, end| {
        out.text(end.reason.name());
        out.option(end.status, write_status);
        out.text(&end.error);
    });
}

fn read_change(input: &mut Decoder<'_>) -> Result<Change, CodecError> {
    Ok(Change {
        at: Wall(input.duration()?),
        state: read_state(input)?,
        pid: input.u32()?,
        tries: input.u32()?,
        end: input.option(|input| {
            let name = input.text()?;
            let reason = Reason::ALL.iter().find(|it| it.name() == name);
            Ok(End {
                // Another release may know more reasons.
                reason: reason.copied().unwrap_or(Reason::Unknown),
                status: input.option(read_status)?,
                error: text(input)?,
            })
        })?,
    })
}

fn write_begun(out: &mut Encoder, begun: &Begun) {
    out.duration(begun.at.0);
    out.u32(begun.pid);
    out.bool(begun.channel == Channel::Stderr);
    out.u64(begun.file);
    out.u64(begun.offset);
}

fn read_begun(input: &mut Decoder<'_>) -> Result<Begun, CodecError> {
    Ok(Begun {
        at: Wall(input.duration()?),
        pid: input.u32()?,
        channel: read_channel(input)?,
        file: input.u64()?,
        offset: input.u64()?,
    })
}

/// A channel, as whether it is standard error.
fn read_channel(input: &mut Decoder<'_>) -> Result<Channel, CodecError> {
    Ok(if input.bool()? {
        Channel::Stderr
    } else {
        Channel::Stdout
    })
}

fn write_status(out: &mut Encoder, status: ExitStatus) {
    match status {
        ExitStatus::Code(code) => {
            out.u8(0);
            out.u8(code);
        }
        ExitStatus::Signal {
            signal,
            core_dumped,
        } => {
            out.u8(1);
            out.i64(signal.number().into());
            out.bool(core_dumped);
        }
        ExitStatus::Unknown => out.u8(2),
    }
}

fn read_status(input: &mut Decoder<'_>) -> Result<ExitStatus, CodecError> {
    Ok(match input.u8()? {
        0 => ExitStatus::Code(input.u8()?),
        1 => {
            let number = i32::try_from(input.i64()?).ok();
            let signal = number.and_then(Signal::from_number);
            ExitStatus::Signal {
                signal: signal.ok_or(CodecError::Value)?,
                core_dumped: input.bool()?,
            }
        }
        2 => ExitStatus::Unknown,
        _ => return Err(CodecError::Value),
    })
}

fn write_key(out: &mut Encoder, key: &Key) {
    out.text(&key.group);
    out.text(&key.name);
}

fn read_key(input: &mut Decoder<'_>) -> Result<Key, CodecError> {
    Ok(Key {
        group: text(input)?,
        name: text(input)?,
    })
}

fn read_state(input: &mut Decoder<'_>) -> Result<ProcessState, CodecError> {
    let code = input.i64()?;
    let mut states = ProcessState::ALL.into_iter();
    let state = states.find(|state| i64::from(state.code()) == code);
    state.ok_or(CodecError::Value)
}

fn text(input: &mut Decoder<'_>) -> Result<Arc<str>, CodecError> {
    input.text().map(Into::into)
}
