//! What one step has changed, written down and read back.

use minder_core::delta::{Head, PoolDelta};
use minder_core::{Delta, GroupId};

use super::streams::{self, StreamChanges};
use super::{pools, processes, read_head, write_head};
use crate::codec::{CodecError, Decoder, Encoder};

pub(super) fn write(out: &mut Encoder, delta: &Delta, streams: &StreamChanges) {
    out.option(delta.head, |out, head: Head| write_head(out, &head));
    out.list(delta.processes.iter(), |out, (group, process)| {
        out.u64(group.0);
        processes::write(out, process);
    });
    out.list(delta.pools.iter(), |out, pool| {
        out.record(|out| write_pool(out, pool));
    });
    streams::write_changes(out, streams);
}

pub(super) fn read(input: &mut Decoder<'_>) -> Result<(Delta, StreamChanges), CodecError> {
    let delta = Delta {
        head: input.option(read_head)?,
        processes: input.list(|input| Ok((GroupId(input.u64()?), processes::read(input)?)))?,
        pools: input.list(|input| input.record(read_pool))?,
    };
    Ok((delta, streams::read_changes(input)?))
}

fn write_pool(out: &mut Encoder, pool: &PoolDelta) {
    out.u64(pool.group.0);
    out.u64(pool.serial);
    out.u64(pool.dropped as u64);
    out.list(pool.front.iter(), pools::write_event);
    out.list(pool.back.iter(), pools::write_event);
    out.list(pool.listeners.iter(), |out, (place, listener)| {
        out.u64(*place as u64);
        out.option(listener.as_ref(), pools::write_listener);
    });
}

fn read_pool(input: &mut Decoder<'_>) -> Result<PoolDelta, CodecError> {
    Ok(PoolDelta {
        group: GroupId(input.u64()?),
        serial: input.u64()?,
        dropped: input.place()?,
        front: input.list(pools::read_event)?,
        back: input.list(pools::read_event)?,
        listeners: input.list(|input| Ok((input.place()?, input.option(pools::read_listener)?)))?,
    })
}
