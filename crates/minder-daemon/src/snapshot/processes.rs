//! How each process is, written down and read back.

use minder_core::process::{Down, Phase, State, StopCause};
use minder_core::snapshot::ProcessSnapshot;
use minder_core::{ChildId, Mono, Now, ProcessId, Wall};

use crate::codec::{CodecError, Decoder, Encoder};

pub(super) fn write(out: &mut Encoder, process: &ProcessSnapshot) {
    out.record(|out| {
        out.u64(process.id.0);
        write_life(out, process.state);
        out.option(process.started, |out, now| {
            out.duration(now.mono.0);
            out.duration(now.wall.0);
        });
        out.option(process.stopped, |out, wall| out.duration(wall.0));
        out.text(&process.spawn_error);
        out.i64(process.exit_status.into());
    });
}

pub(super) fn read(input: &mut Decoder<'_>) -> Result<ProcessSnapshot, CodecError> {
    input.record(|input| {
        Ok(ProcessSnapshot {
            id: ProcessId(input.u64()?),
            state: read_life(input)?,
            started: input.option(|input| {
                Ok(Now {
                    mono: Mono(input.duration()?),
                    wall: Wall(input.duration()?),
                })
            })?,
            stopped: input.option(Decoder::duration)?.map(Wall),
            spawn_error: input.text()?,
            exit_status: i32::try_from(input.i64()?).map_err(|_| CodecError::Value)?,
        })
    })
}

fn write_life(out: &mut Encoder, state: State) {
    out.record(|out| match state {
        State::Down(Down::Stopped) => out.u8(0),
        State::Down(Down::Backoff { failures, retry_at }) => {
            out.u8(1);
            out.u32(failures);
            out.duration(retry_at.0);
        }
        State::Down(Down::Exited { expected }) => {
            out.u8(2);
            out.bool(expected);
        }
        State::Down(Down::Fatal) => out.u8(3),
        State::Up { child, phase } => {
            out.u8(4);
            out.u64(child.0);
            write_phase(out, phase);
        }
    });
}

fn read_life(input: &mut Decoder<'_>) -> Result<State, CodecError> {
    input.record(|input| {
        Ok(match input.u8()? {
            0 => State::Down(Down::Stopped),
            1 => State::Down(Down::Backoff {
                failures: input.u32()?,
                retry_at: Mono(input.duration()?),
            }),
            2 => State::Down(Down::Exited {
                expected: input.bool()?,
            }),
            3 => State::Down(Down::Fatal),
            4 => State::Up {
                child: ChildId(input.u64()?),
                phase: read_phase(input)?,
            },
            _ => return Err(CodecError::Value),
        })
    })
}

fn write_phase(out: &mut Encoder, phase: Phase) {
    out.record(|out| match phase {
        Phase::Spawning { failures, stop } => {
            out.u8(0);
            out.u32(failures);
            out.u8(match stop {
                None => 0,
                Some(StopCause::Request) => 1,
                Some(StopCause::Shutdown) => 2,
            });
        }
        Phase::Starting { pid, failures } => {
            out.u8(1);
            out.u32(pid);
            out.u32(failures);
        }
        Phase::Running { pid } => {
            out.u8(2);
            out.u32(pid);
        }
        Phase::Stopping { pid, kill_at } => {
            out.u8(3);
            out.u32(pid);
            out.duration(kill_at.0);
        }
        Phase::Unknown { pid, stopping } => {
            out.u8(4);
            out.u32(pid);
            out.bool(stopping);
        }
    });
}

fn read_phase(input: &mut Decoder<'_>) -> Result<Phase, CodecError> {
    input.record(|input| {
        Ok(match input.u8()? {
            0 => Phase::Spawning {
                failures: input.u32()?,
                stop: match input.u8()? {
                    0 => None,
                    1 => Some(StopCause::Request),
                    2 => Some(StopCause::Shutdown),
                    _ => return Err(CodecError::Value),
                },
            },
            1 => Phase::Starting {
                pid: input.u32()?,
                failures: input.u32()?,
            },
            2 => Phase::Running { pid: input.u32()? },
            3 => Phase::Stopping {
                pid: input.u32()?,
                kill_at: Mono(input.duration()?),
            },
            4 => Phase::Unknown {
                pid: input.u32()?,
                stopping: input.bool()?,
            },
            _ => return Err(CodecError::Value),
        })
    })
}
