//! What the daemon says, as bytes.

use crate::bytes::{Reader, Writer};
use crate::frame::{DecodeError, frame, unframe};
use crate::message::{Departure, MAX_NAME, MAX_PATH, Plan, Stream, ToKeeper};

impl ToKeeper {
    /// Asks for a child: the message, and for a plan that is too large for a frame the content of
    /// the sealed memfd that must ride beside.
    #[must_use]
    pub fn spawn(child: u64, label: Vec<u8>, plan: Plan) -> (Self, Option<Vec<u8>>) {
        let content = plan.encode();
        if content.len() > MAX_INLINE_PLAN {
            (Self::SpawnFrom { child, label }, Some(content))
        } else {
            (Self::Spawn { child, label, plan }, None)
        }
    }

    /// The frame of this message.
    ///
    /// Whoever sends it sees to it that no field exceeds its bound: a frame that does is not
    /// understood. A plan of more than [`MAX_INLINE_PLAN`] bytes goes by
    /// [`ToKeeper::SpawnFrom`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello { version } => frame(HELLO, |w| w.u16(*version)),
            Self::Next => frame(NEXT, |_| ()),
            Self::Spawn { child, label, plan } => frame(SPAWN, |w| {
                w.u64(*child);
                w.bytes(label);
                plan.write(w);
            }),
            Self::SpawnFrom { child, label } => frame(SPAWN_FROM, |w| {
                w.u64(*child);
                w.bytes(label);
            }),
            Self::Adopt { child, pid, label } => frame(ADOPT, |w| {
                w.u64(*child);
                w.u32(*pid);
                w.bytes(label);
            }),
            Self::Signal {
                child,
                signal,
                group,
            } => frame(SIGNAL, |w| {
                w.u64(*child);
                w.i32(*signal);
                w.u8((*group).into());
            }),
            Self::Forget { child } => frame(FORGET, |w| w.u64(*child)),
            Self::Close { child, stream } => frame(CLOSE, |w| {
                w.u64(*child);
                stream.write(w);
            }),
            Self::Hold { name } => frame(HOLD, |w| w.bytes(name)),
            Self::Release { name } => frame(RELEASE, |w| w.bytes(name)),
            Self::Heard { signal } => frame(HEARD, |w| w.i32(*signal)),
            Self::Ready => frame(READY, |_| ()),
            Self::Log { path } => frame(LOG, |w| {
                w.option(path.as_ref(), |w, path| w.bytes(path));
            }),
            Self::Upgrade => frame(UPGRADE, |_| ()),
            Self::Leave(departure) => frame(LEAVE, |w| departure.write(w)),
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
            Self::SpawnFrom { .. } | Self::Adopt { .. } | Self::Hold { .. } => 1,
            Self::Hello { .. }
            | Self::Next
            | Self::Spawn { .. }
            | Self::Signal { .. }
            | Self::Forget { .. }
            | Self::Close { .. }
            | Self::Release { .. }
            | Self::Heard { .. }
            | Self::Ready
            | Self::Log { .. }
            | Self::Upgrade
            | Self::Leave(_) => 0,
        }
    }

    fn read(kind: u16, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match kind {
            HELLO => Self::Hello { version: r.u16()? },
            NEXT => Self::Next,
            SPAWN => Self::Spawn {
                child: r.u64()?,
                label: r.bytes("label", MAX_LABEL)?,
                plan: Plan::read(r)?,
            },
            SPAWN_FROM => Self::SpawnFrom {
                child: r.u64()?,
                label: r.bytes("label", MAX_LABEL)?,
            },
            ADOPT => Self::Adopt {
                child: r.u64()?,
                pid: r.u32()?,
                label: r.bytes("label", MAX_LABEL)?,
            },
            SIGNAL => Self::Signal {
                child: r.u64()?,
                signal: r.i32()?,
                group: r.bool("group")?,
            },
            FORGET => Self::Forget { child: r.u64()? },
            CLOSE => Self::Close {
                child: r.u64()?,
                stream: Stream::read(r)?,
            },
            HOLD => Self::Hold {
                name: r.bytes("name", MAX_NAME)?,
            },
            RELEASE => Self::Release {
                name: r.bytes("name", MAX_NAME)?,
            },
            HEARD => Self::Heard { signal: r.i32()? },
            READY => Self::Ready,
            LOG => Self::Log {
                path: r.option("path", |r| r.bytes("path", MAX_PATH))?,
            },
            UPGRADE => Self::Upgrade,
            LEAVE => Self::Leave(Departure::read(r)?),
            kind => return Err(DecodeError::UnknownKind { kind }),
        })
    }
}

impl Departure {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Exit { code, text } => {
                w.u8(DEPARTURE_EXIT);
                w.u8(*code);
                w.bytes(text);
            }
            Self::Restart => w.u8(DEPARTURE_RESTART),
            Self::Upgrade => w.u8(DEPARTURE_UPGRADE),
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            DEPARTURE_EXIT => Ok(Self::Exit {
                code: r.u8()?,
                text: r.bytes("text", MAX_TEXT)?,
            }),
            DEPARTURE_RESTART => Ok(Self::Restart),
            DEPARTURE_UPGRADE => Ok(Self::Upgrade),
            value => Err(DecodeError::Choice {
                what: "departure",
                value,
            }),
        }
    }
}

/// The longest encoded plan that travels in a frame: leaves room for the label and the heads
/// below [`MAX_FRAME`](crate::MAX_FRAME).
pub const MAX_INLINE_PLAN: usize = 64 << 10;

/// The longest label of a child: a group's and a process's name.
pub const MAX_LABEL: usize = 4096;

/// The longest text of a [`Departure::Exit`]: some screens of explanation.
pub const MAX_TEXT: usize = 32 << 10;

const HELLO: u16 = 0x0001;
const NEXT: u16 = 0x0002;
const SPAWN: u16 = 0x0003;
const SPAWN_FROM: u16 = 0x0004;
const SIGNAL: u16 = 0x0005;
const FORGET: u16 = 0x0006;
const CLOSE: u16 = 0x0007;
const HOLD: u16 = 0x0008;
const RELEASE: u16 = 0x0009;
const READY: u16 = 0x000a;
const LEAVE: u16 = 0x000b;
const HEARD: u16 = 0x000c;
const LOG: u16 = 0x000d;
const UPGRADE: u16 = 0x000e;
const ADOPT: u16 = 0x000f;

const DEPARTURE_EXIT: u8 = 0;
const DEPARTURE_RESTART: u8 = 1;
const DEPARTURE_UPGRADE: u8 = 2;
