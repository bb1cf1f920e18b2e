//! Pools of listeners, written down and read back.

use minder_core::listener::{Answer, Listener, State};
use minder_core::pool::{PoolSnapshot, QueuedEvent};
use minder_core::{ChildId, EventType, GroupId, Snapshot};

use crate::codec::{CodecError, Decoder, Encoder};

/// Writes down the pool of each group that is one.
pub(super) fn write(out: &mut Encoder, snapshot: &Snapshot) {
    let groups = snapshot.groups.iter();
    let pools: Vec<_> = groups
        .filter_map(|group| Some((group.id, group.pool.as_ref()?)))
        .collect();
    out.list(pools.into_iter(), |out, (group, pool)| {
        out.record(|out| {
            out.u64(group.0);
            write_pool(out, pool);
        });
    });
}

/// Gives each group that is a pool what was written down of it.
pub(super) fn read(input: &mut Decoder<'_>, snapshot: &mut Snapshot) -> Result<(), CodecError> {
    let pools =
        input.list(|input| input.record(|input| Ok((GroupId(input.u64()?), read_pool(input)?))))?;
    for (id, pool) in pools {
        let mut groups = snapshot.groups.iter_mut();
        let group = groups
            .find(|group| group.id == id)
            .ok_or(CodecError::Value)?;
        if pool.listeners.len() != group.processes.len() {
            return Err(CodecError::Value);
        }
        group.pool = Some(pool);
    }
    Ok(())
}

fn write_pool(out: &mut Encoder, pool: &PoolSnapshot) {
    out.u64(pool.serial);
    out.list(pool.queue.iter(), write_event);
    out.list(pool.listeners.iter(), |out, listener| {
        out.option(listener.as_ref(), write_listener);
    });
}

fn read_pool(input: &mut Decoder<'_>) -> Result<PoolSnapshot, CodecError> {
    Ok(PoolSnapshot {
        serial: input.u64()?,
        queue: input.list(read_event)?,
        listeners: input.list(|input| input.option(read_listener))?,
    })
}

pub(super) fn write_event(out: &mut Encoder, event: &QueuedEvent) {
    out.record(|out| {
        out.text(event.kind.name());
        out.u64(event.serial);
        out.u64(event.pool_serial);
        out.text(&event.payload);
    });
}

pub(super) fn read_event(input: &mut Decoder<'_>) -> Result<QueuedEvent, CodecError> {
    input.record(|input| {
        Ok(QueuedEvent {
            kind: EventType::named(&input.text()?).ok_or(CodecError::Value)?,
            serial: input.u64()?,
            pool_serial: input.u64()?,
            payload: input.text()?.into(),
        })
    })
}

pub(super) fn write_listener(out: &mut Encoder, listener: &Listener) {
    out.record(|out| {
        out.u64(listener.child.0);
        out.u64(listener.deliveries);
        out.bool(listener.deaf);
        match &listener.state {
            State::Acknowledged { unread } => {
                out.u8(0);
                out.bytes(unread);
            }
            State::Ready => out.u8(1),
            State::Busy { event, answer } => {
                out.u8(2);
                write_event(out, event);
                write_answer(out, answer);
            }
            State::Unknown => out.u8(3),
            State::Forgotten => out.u8(4),
        }
    });
}

pub(super) fn read_listener(input: &mut Decoder<'_>) -> Result<Listener, CodecError> {
    input.record(|input| {
        Ok(Listener {
            child: ChildId(input.u64()?),
            deliveries: input.u64()?,
            deaf: input.bool()?,
            state: match input.u8()? {
                0 => State::Acknowledged {
                    unread: input.bytes()?.to_vec(),
                },
                1 => State::Ready,
                2 => State::Busy {
                    event: read_event(input)?,
                    answer: read_answer(input)?,
                },
                3 => State::Unknown,
                4 => State::Forgotten,
                _ => return Err(CodecError::Value),
            },
        })
    })
}

fn write_answer(out: &mut Encoder, answer: &Answer) {
    out.record(|out| match answer {
        Answer::Line(line) => {
            out.u8(0);
            out.bytes(line);
        }
        Answer::Body { missing, ok } => {
            out.u8(1);
            out.u64(*missing);
            out.bool(*ok);
        }
    });
}

fn read_answer(input: &mut Decoder<'_>) -> Result<Answer, CodecError> {
    input.record(|input| {
        Ok(match input.u8()? {
            0 => Answer::Line(input.bytes()?.to_vec()),
            1 => Answer::Body {
                missing: input.u64()?,
                ok: input.bool()?,
            },
            _ => return Err(CodecError::Value),
        })
    })
}
