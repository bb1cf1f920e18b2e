//! Plans and launches as bytes, by themselves: they also travel in a memfd.

use crate::bytes::{Reader, Writer};
use crate::frame::{DecodeError, frame, unframe};
use crate::message::{Credentials, Launch, MAX_NAME, MAX_PATH, MAX_SIGNALS, Plan, Stdin};

impl Plan {
    /// The plan as the content of a memfd.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        frame(KIND_PLAN, |w| self.write(w))
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        unframe(bytes, |kind, r| match kind {
            KIND_PLAN => Self::read(r),
            kind => Err(DecodeError::UnknownKind { kind }),
        })
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.bytes(&self.file);
        w.list(&self.argv, |w, arg| w.bytes(arg));
        w.list(&self.envp, |w, variable| w.bytes(variable));
        w.option(self.directory.as_ref(), |w, path| w.bytes(path));
        w.option(self.umask, Writer::u32);
        self.credentials.write(w);
        match &self.stdin {
            Stdin::Pipe => w.u8(STDIN_PIPE),
            Stdin::Held(name) => {
                w.u8(STDIN_HELD);
                w.bytes(name);
            }
        }
        w.u8(self.stderr_to_stdout.into());
        w.list(&self.ignored_signals, |w, signal| w.i32(*signal));
        w.option(self.oom_score_adj, Writer::i32);
        w.list(&self.limits, |w, (resource, soft, hard)| {
            w.i32(*resource);
            w.u64(*soft);
            w.u64(*hard);
        });
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            file: r.bytes("file", MAX_PLAN)?,
            argv: r.list("arguments", MAX_PLAN, |r| r.bytes("argument", MAX_PLAN))?,
            envp: r.list("environment", MAX_PLAN, |r| r.bytes("variable", MAX_PLAN))?,
            directory: r.option("directory", |r| r.bytes("directory", MAX_PLAN))?,
            umask: r.option("umask", Reader::u32)?,
            credentials: Credentials::read(r)?,
            stdin: match r.u8()? {
                STDIN_PIPE => Stdin::Pipe,
                STDIN_HELD => Stdin::Held(r.bytes("name", MAX_NAME)?),
                value => {
                    return Err(DecodeError::Choice {
                        what: "stdin",
                        value,
                    });
                }
            },
            stderr_to_stdout: r.bool("stderr_to_stdout")?,
            ignored_signals: r.list("ignored signals", MAX_SIGNALS, Reader::i32)?,
            oom_score_adj: r.option("oom_score_adj", Reader::i32)?,
            limits: r.list("limits", MAX_LIMITS, |r| Ok((r.i32()?, r.u64()?, r.u64()?)))?,
        })
    }
}

impl Credentials {
    fn write(&self, w: &mut Writer) {
        match self {
            Self::Keep => w.u8(CREDENTIALS_KEEP),
            Self::Become { uid, gid, groups } => {
                w.u8(CREDENTIALS_BECOME);
                w.u32(*uid);
                w.u32(*gid);
                w.list(groups, |w, group| w.u32(*group));
            }
            Self::Refuse { uid, why } => {
                w.u8(CREDENTIALS_REFUSE);
                w.u32(*uid);
                w.bytes(why);
            }
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.u8()? {
            CREDENTIALS_KEEP => Ok(Self::Keep),
            CREDENTIALS_BECOME => Ok(Self::Become {
                uid: r.u32()?,
                gid: r.u32()?,
                groups: r.list("groups", MAX_GROUPS, Reader::u32)?,
            }),
            CREDENTIALS_REFUSE => Ok(Self::Refuse {
                uid: r.u32()?,
                why: r.bytes("reason", MAX_REASON)?,
            }),
            value => Err(DecodeError::Choice {
                what: "credentials",
                value,
            }),
        }
    }
}

impl Launch {
    /// The launch as the content of a memfd.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        frame(KIND_LAUNCH, |w| {
            w.option(self.report_fd, Writer::i32);
            w.bytes(&self.note);
            w.bytes(&self.program);
            w.option(self.given_fd, Writer::i32);
        })
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        unframe(bytes, |kind, r| match kind {
            KIND_LAUNCH => Ok(Self {
                report_fd: r.option("report_fd", Reader::i32)?,
                note: r.bytes("note", MAX_NOTE)?,
                program: r.bytes("program", MAX_PATH)?,
                given_fd: r.option("given_fd", Reader::i32)?,
            }),
            kind => Err(DecodeError::UnknownKind { kind }),
        })
    }
}

/// The longest encoded plan. Linux passes at most 6 MiB of arguments and environment to a
/// program, whatever the stack limit; the rest of a plan is small.
pub const MAX_PLAN: usize = 8 << 20;

/// The longest [`Launch::note`]: it is repeated in a frame to each daemon.
pub const MAX_NOTE: usize = 64 << 10;

/// Linux has 16 resources with limits; others have a few more.
const MAX_LIMITS: usize = 32;

/// Linux lets no process be in more groups (`NGROUPS_MAX`).
const MAX_GROUPS: usize = 65_536;

/// A sentence, perhaps with a user's name in it.
const MAX_REASON: usize = 4096;

const KIND_PLAN: u16 = 0x0201;
const KIND_LAUNCH: u16 = 0x0202;

const STDIN_PIPE: u8 = 0;
const STDIN_HELD: u8 = 1;

const CREDENTIALS_KEEP: u8 = 0;
const CREDENTIALS_BECOME: u8 = 1;
const CREDENTIALS_REFUSE: u8 = 2;
