//! What reaches the core.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::child::{ChildId, ExitStatus};
use crate::event::{Channel, Said};
use crate::request::{Request, RequestId};
use crate::signal::Signal;
use crate::time::Now;

/// A fact from the keeper, a request from a user, or the passing of a deadline.
#[derive(Clone, Debug)]
pub enum Input {
    /// The child of an [`Effect::Spawn`](crate::Effect::Spawn) runs.
    ChildSpawned {
        /// Which.
        child: ChildId,
        /// Its pid, for people.
        pid: u32,
    },
    /// The child of an [`Effect::Spawn`](crate::Effect::Spawn) could not be made.
    SpawnFailed {
        /// Which.
        child: ChildId,
        /// Why.
        error: SpawnError,
    },
    /// A child has ended, and all that it wrote has been taken in.
    ///
    /// The keeper repeats a report until it is acknowledged, so a child may be reported that is
    /// not known any more.
    ChildExited {
        /// Which.
        child: ChildId,
        /// How.
        status: ExitStatus,
        /// When the keeper saw it, which is what "too quickly" is judged by.
        at: Now,
    },
    /// A signal could not be sent, for another reason than that the child is gone.
    SignalFailed {
        /// To which.
        child: ChildId,
        /// Why, for people.
        error: String,
    },
    /// A listener has written something to its standard output. Each byte is told once, in order.
    ListenerSaid {
        /// Which.
        child: ChildId,
        /// What.
        bytes: Vec<u8>,
    },
    /// A listener has closed its standard input, so that an
    /// [`Effect::Deliver`](crate::Effect::Deliver) could not be done.
    ListenerDeaf {
        /// Which.
        child: ChildId,
    },
    /// A program has said something that listeners may be told.
    Said {
        /// Whose child.
        child: ChildId,
        /// Where.
        channel: Channel,
        /// To whom.
        what: Said,
        /// What it said.
        data: Vec<u8>,
    },
    /// A client of the API has said something to listeners.
    RemoteCommunication {
        /// What sort of thing, in its own words.
        kind: String,
        /// What it said.
        data: String,
    },
    /// A process that is no child of ours has ended below us (as PID 1, say).
    OrphanReaped {
        /// Its pid.
        pid: u32,
        /// How it ended.
        status: ExitStatus,
    },
    /// Somebody sent the daemon a signal.
    Signalled(Signal),
    /// A user asks for something.
    Request(RequestId, Request),
    /// The [`deadline`](crate::core::Core::deadline) has come.
    DeadlineReached,
}

/// Why a command cannot be run, found before anything is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// Nothing of this name is there. The whole text, by Supervisor's wording.
    NotFound(String),
    /// It is there, but cannot be executed, or the command line cannot be split. The whole text.
    NotExecutable(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(text) | Self::NotExecutable(text) => f.write_str(text),
        }
    }
}

/// Why a child could not be made, as the user is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnError(pub String);

impl From<CommandError> for SpawnError {
    fn from(error: CommandError) -> Self {
        Self(alloc::format!("{error}"))
    }
}
