//! What the configuration asks for, already checked.
//!
//! Two specs are equal exactly when `reread` calls a group unchanged: what is not compared by
//! Supervisor has no place in here.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::signal::Signal;

/// A group: what is added, removed and updated together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its name: the program's own, or that of a `[group:x]` section.
    pub name: String,
    /// Lower starts earlier and stops later.
    pub priority: i64,
    /// What sort of group it is.
    pub kind: GroupKind,
    /// Its processes, in start order.
    pub processes: Vec<Arc<ProcessSpec>>,
}

/// What sort of group it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// `[program:x]` or `[group:x]`.
    Programs,
    /// `[fcgi-program:x]`: every process has one shared listening socket as its standard input.
    FastCgi(FastCgiSocket),
    /// `[eventlistener:x]`: a pool of processes that are told events.
    Listeners {
        /// How many events may wait for a listener; if that is not given, as many as fit into
        /// [`BUFFER_BYTES`](crate::pool::BUFFER_BYTES).
        buffer_size: Option<usize>,
        /// The names of the event types asked for, in upper case.
        events: Vec<String>,
    },
}

/// Where a `FastCGI` group listens. Owner, mode and backlog are not compared by `reread`.
#[derive(Clone, Debug)]
pub struct FastCgiSocket {
    /// `unix:///path` or `tcp://host:port`, as Supervisor shows it.
    pub url: String,
    /// Owner and group of a Unix socket.
    pub owner: Option<(u32, Option<u32>)>,
    /// Mode of a Unix socket.
    pub mode: u32,
    /// Length of the accept queue; the system's default if not given.
    pub backlog: Option<u32>,
}

impl PartialEq for FastCgiSocket {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for FastCgiSocket {}

/// One process: a program, or one of the `numprocs` of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own in the file"
)]
pub struct ProcessSpec {
    /// Its name within its group.
    pub name: String,
    /// The command line, to be split at each start: bad quoting is a spawn error, not a
    /// configuration error.
    pub command: String,
    /// Where it runs; the daemon's own directory if not given.
    pub directory: Option<String>,
    /// Its umask; the daemon's own if not given.
    pub umask: Option<u32>,
    /// The user it runs as; the daemon's own if not given.
    pub uid: Option<u32>,
    /// Lower starts earlier and stops later, within its group and on request.
    pub priority: i64,
    /// Whether it is started without being asked for.
    pub autostart: bool,
    /// Whether it is started again after having been up.
    pub autorestart: AutoRestart,
    /// How many seconds it must stay up to count as started; below zero is zero.
    pub start_secs: i64,
    /// How many failed starts are followed by another.
    pub start_retries: i64,
    /// The exit codes that are expected.
    pub exit_codes: Vec<u8>,
    /// What it is told to stop with.
    pub stop_signal: Signal,
    /// How many seconds it may take to stop before it is killed; below zero is zero.
    pub stop_wait_secs: i64,
    /// Whether the stop signal goes to the whole process group.
    pub stop_as_group: bool,
    /// Whether SIGKILL goes to the whole process group.
    pub kill_as_group: bool,
    /// Whether standard error goes where standard output goes.
    pub redirect_stderr: bool,
    /// Where its standard output goes.
    pub stdout: StreamSpec,
    /// Where its standard error goes.
    pub stderr: StreamSpec,
    /// What is added to the daemon's own environment: `[supervisord]`'s, then the program's.
    pub environment: BTreeMap<String, String>,
    /// What it is told about where the daemon answers.
    pub server_url: ServerUrl,
}

impl ProcessSpec {
    /// How long it must stay up to count as started.
    #[must_use]
    pub fn start_wait(&self) -> Duration {
        duration(self.start_secs)
    }

    /// How long it may take to stop before it is killed.
    #[must_use]
    pub fn stop_wait(&self) -> Duration {
        duration(self.stop_wait_secs)
    }
}

fn duration(secs: i64) -> Duration {
    Duration::from_secs(u64::try_from(secs).unwrap_or(0))
}

/// Whether a process that has been up is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoRestart {
    /// Never.
    Never,
    /// If its exit code was not expected.
    Unexpected,
    /// Always.
    Always,
}

/// What happens to one output stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// Where it goes.
    pub log: LogTarget,
    /// From how many bytes on a log file is rotated; 0 or less is never.
    pub max_bytes: i64,
    /// How many rotated files are kept.
    pub backups: i64,
    /// How many bytes between the capture tokens are kept; 0 is no capture.
    pub capture_max_bytes: i64,
    /// Whether what is written becomes events.
    pub events_enabled: bool,
    /// Whether what is written goes to syslog as well.
    pub syslog: bool,
}

/// Where an output stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Nowhere (`NONE`).
    Off,
    /// Nowhere, because the option was left empty: the API tells these two apart.
    Empty,
    /// To a file whose name the daemon makes up (`AUTO`).
    Auto,
    /// To syslog, by the deprecated spelling as a file name.
    Syslog,
    /// To this file.
    File(String),
}

/// What a process is told about where the daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerUrl {
    /// The first server of the configuration (`AUTO`).
    Auto,
    /// This text; nothing at all if it is empty.
    Fixed(String),
}
