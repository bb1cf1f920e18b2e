//! Specs, written down and read back.

use std::sync::Arc;

use minder_core::spec::{AutoRestart, FastCgiSocket, GroupKind, LogTarget, ServerUrl, StreamSpec};
use minder_core::{GroupSpec, ProcessSpec, Signal};

use crate::codec::{CodecError, Decoder, Encoder};

pub(super) fn write_group(out: &mut Encoder, group: &GroupSpec) {
    out.record(|out| {
        out.text(&group.name);
        out.i64(group.priority);
        write_kind(out, &group.kind);
        out.list(group.processes.iter(), |out, process| {
            write_process(out, process);
        });
    });
}

pub(super) fn read_group(input: &mut Decoder<'_>) -> Result<Arc<GroupSpec>, CodecError> {
    input.record(|input| {
        Ok(Arc::new(GroupSpec {
            name: input.text()?,
            priority: input.i64()?,
            kind: read_kind(input)?,
            processes: input.list(|input| read_process(input).map(Arc::new))?,
        }))
    })
}

/// A pool without a `buffer_size`. To releases that know no such pool, one of any size.
const NO_SIZE: u64 = u64::MAX;

fn write_kind(out: &mut Encoder, kind: &GroupKind) {
    out.record(|out| match kind {
        GroupKind::Programs => out.u8(0),
        GroupKind::FastCgi(socket) => {
            out.u8(1);
            out.text(&socket.url);
            out.option(socket.owner, |out, (user, group)| {
                out.u32(user);
                out.option(group, Encoder::u32);
            });
            out.u32(socket.mode);
            out.option(socket.backlog, Encoder::u32);
        }
        GroupKind::Listeners {
            buffer_size,
            events,
        } => {
            out.u8(2);
            out.u64(buffer_size.map_or(NO_SIZE, |size| size as u64));
            out.list(events.iter(), |out, event| out.text(event));
        }
    });
}

fn read_kind(input: &mut Decoder<'_>) -> Result<GroupKind, CodecError> {
    input.record(|input| match input.u8()? {
        0 => Ok(GroupKind::Programs),
        1 => Ok(GroupKind::FastCgi(FastCgiSocket {
            url: input.text()?,
            owner: input.option(|input| Ok((input.u32()?, input.option(Decoder::u32)?)))?,
            mode: input.u32()?,
            backlog: input.option(Decoder::u32)?,
        })),
        2 => Ok(GroupKind::Listeners {
            buffer_size: match input.u64()? {
                NO_SIZE => None,
                size => Some(usize::try_from(size).map_err(|_| CodecError::Value)?),
            },
            events: input.list(Decoder::text)?,
        }),
        _ => Err(CodecError::Value),
    })
}

fn write_process(out: &mut Encoder, process: &ProcessSpec) {
    out.record(|out| {
        out.text(&process.name);
        out.text(&process.command);
        out.option(process.directory.as_deref(), Encoder::text);
        out.option(process.umask, Encoder::u32);
        out.option(process.uid, Encoder::u32);
        out.i64(process.priority);
        out.bool(process.autostart);
        out.u8(match process.autorestart {
            AutoRestart::Never => 0,
            AutoRestart::Unexpected => 1,
            AutoRestart::Always => 2,
        });
        out.i64(process.start_secs);
        out.i64(process.start_retries);
        out.bytes(&process.exit_codes);
        write_signal(out, process.stop_signal);
        out.i64(process.stop_wait_secs);
        out.bool(process.stop_as_group);
        out.bool(process.kill_as_group);
        out.bool(process.redirect_stderr);
        write_stream(out, &process.stdout);
        write_stream(out, &process.stderr);
        out.list(process.environment.iter(), |out, (name, value)| {
            out.text(name);
            out.text(value);
        });
        match &process.server_url {
            ServerUrl::Auto => out.option(None, Encoder::text),
            ServerUrl::Fixed(url) => out.option(Some(url.as_str()), Encoder::text),
        }
    });
}

fn read_process(input: &mut Decoder<'_>) -> Result<ProcessSpec, CodecError> {
    input.record(|input| {
        Ok(ProcessSpec {
            name: input.text()?,
            command: input.text()?,
            directory: input.option(Decoder::text)?,
            umask: input.option(Decoder::u32)?,
            uid: input.option(Decoder::u32)?,
            priority: input.i64()?,
            autostart: input.bool()?,
            autorestart: match input.u8()? {
                0 => AutoRestart::Never,
                1 => AutoRestart::Unexpected,
                2 => AutoRestart::Always,
                _ => return Err(CodecError::Value),
            },
            start_secs: input.i64()?,
            start_retries: input.i64()?,
            exit_codes: input.bytes()?.to_vec(),
            stop_signal: read_signal(input)?,
            stop_wait_secs: input.i64()?,
            stop_as_group: input.bool()?,
            kill_as_group: input.bool()?,
            redirect_stderr: input.bool()?,
            stdout: read_stream(input)?,
            stderr: read_stream(input)?,
            environment: input
                .list(|input| Ok((input.text()?, input.text()?)))?
                .into_iter()
                .collect(),
            server_url: input
                .option(Decoder::text)?
                .map_or(ServerUrl::Auto, ServerUrl::Fixed),
        })
    })
}

fn write_stream(out: &mut Encoder, stream: &StreamSpec) {
    out.record(|out| {
        match &stream.log {
            LogTarget::Off => out.u8(0),
            LogTarget::Empty => out.u8(1),
            LogTarget::Auto => out.u8(2),
            LogTarget::Syslog => out.u8(3),
            LogTarget::File(path) => {
                out.u8(4);
                out.text(path);
            }
        }
        out.i64(stream.max_bytes);
        out.i64(stream.backups);
        out.i64(stream.capture_max_bytes);
        out.bool(stream.events_enabled);
        out.bool(stream.syslog);
    });
}

fn read_stream(input: &mut Decoder<'_>) -> Result<StreamSpec, CodecError> {
    input.record(|input| {
        Ok(StreamSpec {
            log: match input.u8()? {
                0 => LogTarget::Off,
                1 => LogTarget::Empty,
                2 => LogTarget::Auto,
                3 => LogTarget::Syslog,
                4 => LogTarget::File(input.text()?),
                _ => return Err(CodecError::Value),
            },
            max_bytes: input.i64()?,
            backups: input.i64()?,
            capture_max_bytes: input.i64()?,
            events_enabled: input.bool()?,
            syslog: input.bool()?,
        })
    })
}

pub(super) fn write_signal(out: &mut Encoder, signal: Signal) {
    out.i64(signal.number().into());
}

pub(super) fn read_signal(input: &mut Decoder<'_>) -> Result<Signal, CodecError> {
    let number = i32::try_from(input.i64()?).ok();
    number
        .and_then(Signal::from_number)
        .ok_or(CodecError::Value)
}
