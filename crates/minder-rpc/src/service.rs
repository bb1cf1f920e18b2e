//! What the daemon must offer for all of this to work.

use std::borrow::Cow;
use std::io;
use std::time::SystemTime;

use crate::incident::Incident;
use crate::{Answer, Call, Fault, Twiddler};

/// The only name of Supervisor's own methods that every client knows.
pub const SUPERVISOR: &[Cow<'static, str>] = &[Cow::Borrowed("supervisor")];

/// Who answers calls.
pub trait Service: Send + Sync + 'static {
    /// Answers `call`, which may take as long as a program takes to start or to stop.
    ///
    /// What was asked for happens even if nobody waits for the answer any more.
    fn call(&self, call: Call) -> impl Future<Output = Result<Answer, Fault>> + Send;

    /// The names under which Supervisor's own methods are there, as the configuration's
    /// `[rpcinterface:x]` sections have it; without a name nobody can call them.
    fn namespaces(&self) -> &[Cow<'static, str>] {
        SUPERVISOR
    }

    /// Takes note of what happens to a request.
    fn note(&self, incident: &Incident<'_>) {
        let _ = incident;
    }

    /// The names under which the plug-in `supervisor_twiddler` is switched on: none unless told
    /// otherwise.
    fn twiddlers(&self) -> &[Twiddler] {
        &[]
    }

    /// Begins to read a log from near its end. `None` if there is no such process, it keeps no
    /// such log, or the file is not there.
    fn follow(&self, log: LogRef) -> Option<Box<dyn LogFollow>>;
}

/// Which log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRef {
    /// The daemon's own.
    Main,
    /// A process's.
    Process {
        /// The process, as given by a user: `group:name` or `name`.
        name: String,
        /// Which of its logs.
        channel: Channel,
    },
}

/// One of the two streams that a process writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A log that is read while it grows.
pub trait LogFollow: Send {
    /// What has been written since the last time: at first the last 1024 bytes, and nothing if
    /// nothing was. Does not wait.
    fn read_more(&mut self) -> io::Result<Vec<u8>>;

    /// When the log was last written to, if that can be told.
    fn modified(&self) -> Option<SystemTime> {
        None
    }
}
