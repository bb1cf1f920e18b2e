//! What the keeper says, as bytes.

use crate::bytes::{Reader, Writer};
use crate::frame::{DecodeError, frame, unframe};
use crate::message::{
    ChildState, LastUpgrade, MAX_NAME, STREAMS, SpawnStep, Stream, ToDaemon, UpgradeOutcome,
};
use crate::plan::MAX_NOTE;
use crate::to_keeper::MAX_LABEL;

impl ToDaemon {
    /// The frame of this message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Welcome {
                version,
                keeper_pid,
                generation,
                restarts,
                last_end,
                note,
                upgrade,
            } => frame(WELCOME, |w| {
                w.u16(*version);
                w.u32(*keeper_pid);
                w.u32(*generation);
                w.u32(*restarts);
                w.option(*last_end, Writer::i32);
                w.bytes(note);
                w.option(upgrade.as_ref(), |w, upgrade| upgrade.write(w));
            }),
            Self::Child {
                child,
                pid,
                label,
                state,
                signals,
                streams,
            } => frame(CHILD, |w| {
                w.u64(*child);
                w.u32(*pid);
                w.bytes(label);
                state.write(w);
                w.u64(*signals);
                w.list(streams, |w, stream| stream.write(w));
            }),
            Self::Held { name } => frame(HELD, |w| w.bytes(name)),
            Self::InventoryEnd => frame(INVENTORY_END, |_| ()),
            Self::Spawned {
                child,
                pid,
                streams,
            } => frame(SPAWNED, |w| {
                w.u64(*child);
                w.u32(*pid);
                w.list(streams, |w, stream| stream.write(w));
            }),
            Self::SpawnFailed { child, step, errno } => frame(SPAWN_FAILED, |w| {
                w.u64(*child);
                step.write(w);
                w.i32(*errno);
            }),
            Self::Exited {
                child,
                status,
                mono_nanos,
                wall_nanos,
            } => frame(EXITED, |w| {
                w.u64(*child);
                w.i32(*status);
                w.u64(*mono_nanos);
                w.u64(*wall_nanos);
            }),
            Self::Orphan { pid, status } => frame(ORPHAN, |w| {
                w.u32(*pid);
                w.i32(*status);
            }),
            Self::Signalled { signal } => frame(SIGNALLED, |w| w.i32(*signal)),
            Self::UpgradePossible { to } => frame(UPGRADE_POSSIBLE, |w| w.bytes(to)),
            Self::UpgradeRefused { why } => frame(UPGRADE_REFUSED, |w| w.bytes(why)),
            Self::SignalFailed {
                child,
                signal,
                errno,
            } => frame(SIGNAL_FAILED, |w| {
                w.u64(*child);
                w.i32(*signal);
                w.i32(*errno);
            }),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        unframe(bytes, Self::read)
    }

    /// How many descriptors ride beside.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        match self {
            // One more may come behind these: a pidfd.
            Self::Child { streams, .. } | Self::Spawned { streams, .. } => streams.len(),
            Self::Held { .. } => 1,
            Self::Welcome { .. }
            | Self::InventoryEnd
            | Self::SpawnFailed { .. }
            | Self::Exited { .. }
            | Self::Orphan { .. }
            | Self::Signalled { .. }
            | Self::UpgradePossible { .. }
            | Self::UpgradeRefused { .. }
            | Self::SignalFailed { .. } => 0,
        }
    }

    fn read(kind: u16, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            WELCOME => Self::Welcome {
                version: r.u16()?,
                keeper_pid: r.u32()?,
                generation: r.u32()?,
                restarts: r.u32()?,
                last_end: r.option("last_end", Reader::i32)?,
                note: r.bytes("note", MAX_NOTE)?,
                upgrade: r.option("upgrade", LastUpgrade::read)?,
            },
            CHILD => Self::Child {
                child: r.u64()?,
                pid: r.u32()?,
                label: r.bytes("label", MAX_LABEL)?,
                state: ChildState::read(r)?,
                signals: r.u64()?,
                streams: r.list("streams", STREAMS, Stream::read)?,
            },
            HELD => Self::Held {
                name: r.bytes("name", MAX_NAME)?,
            },
            INVENTORY_END => Self::InventoryEnd,
            SPAWNED => Self::Spawned {
                child: r.u64()?,
                pid: r.u32()?,
                streams: r.list("streams", STREAMS, Stream::read)?,
            },
            SPAWN_FAILED => Self::SpawnFailed {
                child: r.u64()?,
                step: SpawnStep::read(r)?,
                errno: r.i32()?,
            },
            EXITED => Self::Exited {
                child: r.u64()?,
                status: r.i32()?,
                mono_nanos: r.u64()?,
                wall_nanos: r.u64()?,
            },
            ORPHAN => Self::Orphan {
                pid: r.u32()?,
                status: r.i32()?,
            },
            SIGNALLED => Self::Signalled { signal: r.i32()? },
            UPGRADE_POSSIBLE => Self::UpgradePossible {
                to: r.bytes("version", MAX_VERSION)?,
            },
            UPGRADE_REFUSED => Self::UpgradeRefused {
                why: r.bytes("reason", MAX_WHY)?,
            },
            SIGNAL_FAILED => Self::SignalFailed {
                child: r.u64()?,
                signal: r.i32()?,
                errno: r.i32()?,
            },
            kind => return Err(DecodeError::UnknownKind { kind }),
        })
    }
}

impl ChildState {
    pub(crate) fn write(self, w: &mut Writer) {
        match self {
            Self::Running => w.u8(STATE_RUNNING),
            Self::Exited {
                status,
                mono_nanos,
                wall_nanos,
            } => {
                w.u8(STATE_EXITED);
                w.i32(status);
                w.u64(mono_nanos);
                w.u64(wall_nanos);
            }
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            STATE_RUNNING => Ok(Self::Running),
            STATE_EXITED => Ok(Self::Exited {
                status: r.i32()?,
                mono_nanos: r.u64()?,
                wall_nanos: r.u64()?,
            }),
            value => Err(DecodeError::Choice {
                what: "state",
                value,
            }),
        }
    }
}

impl LastUpgrade {
    pub(crate) fn write(&self, w: &mut Writer) {
        w.u8(match self.outcome {
            UpgradeOutcome::Trying => OUTCOME_TRYING,
            UpgradeOutcome::Done => OUTCOME_DONE,
            UpgradeOutcome::Refused => OUTCOME_REFUSED,
            UpgradeOutcome::RolledBack => OUTCOME_ROLLED_BACK,
        });
        w.bytes(&self.from);
        w.bytes(&self.to);
        w.bytes(&self.why);
        w.u8(self.is_news.into());
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            outcome: match r.u8()? {
                OUTCOME_TRYING => UpgradeOutcome::Trying,
                OUTCOME_DONE => UpgradeOutcome::Done,
                OUTCOME_REFUSED => UpgradeOutcome::Refused,
                OUTCOME_ROLLED_BACK => UpgradeOutcome::RolledBack,
                value => {
                    return Err(DecodeError::Choice {
                        what: "outcome",
                        value,
                    });
                }
            },
            from: r.bytes("version", MAX_VERSION)?,
            to: r.bytes("version", MAX_VERSION)?,
            why: r.bytes("reason", MAX_WHY)?,
            is_news: r.bool("is_news")?,
        })
    }
}

impl SpawnStep {
    fn write(self, w: &mut Writer) {
        w.u8(match self {
            Self::Plan => STEP_PLAN,
            Self::Pipe => STEP_PIPE,
            Self::Clone => STEP_CLONE,
        });
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            STEP_PLAN => Ok(Self::Plan),
            STEP_PIPE => Ok(Self::Pipe),
            STEP_CLONE => Ok(Self::Clone),
            value => Err(DecodeError::Choice {
                what: "step",
                value,
            }),
        }
    }
}

impl Stream {
    pub(crate) fn write(self, w: &mut Writer) {
        w.u8(match self {
            Self::Stdin => 0,
            Self::Stdout => 1,
            Self::Stderr => 2,
        });
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            0 => Ok(Self::Stdin),
            1 => Ok(Self::Stdout),
            2 => Ok(Self::Stderr),
            value => Err(DecodeError::Choice {
                what: "stream",
                value,
            }),
        }
    }
}

/// The longest version of a program.
pub const MAX_VERSION: usize = 64;

/// The longest reason why an upgrade failed: some lines.
pub const MAX_WHY: usize = 4096;

const WELCOME: u16 = 0x0101;
const CHILD: u16 = 0x0102;
const HELD: u16 = 0x0103;
const INVENTORY_END: u16 = 0x0104;
const SPAWNED: u16 = 0x0105;
const SPAWN_FAILED: u16 = 0x0106;
const EXITED: u16 = 0x0107;
const ORPHAN: u16 = 0x0108;
const SIGNALLED: u16 = 0x0109;
const SIGNAL_FAILED: u16 = 0x010a;
const UPGRADE_POSSIBLE: u16 = 0x010b;
const UPGRADE_REFUSED: u16 = 0x010c;

const STATE_RUNNING: u8 = 0;
const STATE_EXITED: u8 = 1;

const STEP_PLAN: u8 = 0;
const STEP_PIPE: u8 = 1;
const STEP_CLONE: u8 = 2;

const OUTCOME_TRYING: u8 = 0;
const OUTCOME_DONE: u8 = 1;
const OUTCOME_REFUSED: u8 = 2;
const OUTCOME_ROLLED_BACK: u8 = 3;
