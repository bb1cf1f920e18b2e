//! The lines of the daemon's own log that tell of decisions, by Supervisor's wording. Log scrapers
//! and their owners depend on each letter.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::child::ExitStatus;
use crate::listener::Shown;
use crate::pool::BUFFER_BYTES;
use crate::signal::Signal;

/// How important a line is; Supervisor's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `BLAT`
    Blather,
    /// `TRAC`
    Trace,
    /// `DEBG`
    Debug,
    /// `INFO`
    Info,
    /// `WARN`
    Warn,
    /// `ERRO`
    Error,
    /// `CRIT`
    Critical,
}

impl Level {
    /// The four letters that stand in a line.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Blather => "BLAT",
            Self::Trace => "TRAC",
            Self::Debug => "DEBG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERRO",
            Self::Critical => "CRIT",
        }
    }
}

/// One line. Names are bare process names, never `group:name`, as in Supervisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A child was made.
    Spawned {
        /// Whose.
        name: Arc<str>,
        /// Its pid.
        pid: u32,
    },
    /// A child could not be made.
    SpawnError {
        /// Why.
        error: String,
    },
    /// A process has stayed up long enough.
    Success {
        /// Which.
        name: Arc<str>,
        /// Its `startsecs`.
        start_secs: i64,
    },
    /// A process ended by itself.
    Exited {
        /// Which.
        name: Arc<str>,
        /// How.
        status: ExitStatus,
        /// Whether that was expected; "too quickly" never is.
        expected: bool,
    },
    /// A process will not be tried again.
    GaveUp {
        /// Which.
        name: Arc<str>,
    },
    /// Somebody waits for a process to stop.
    WaitingToStop {
        /// Which.
        name: Arc<str>,
    },
    /// A process ended after it was told to.
    Stopped {
        /// Which.
        name: Arc<str>,
        /// How.
        status: ExitStatus,
        /// Whether its code was an expected one.
        expected: bool,
    },
    /// A process took too long to stop.
    Killing {
        /// Which.
        name: Arc<str>,
        /// Its pid.
        pid: u32,
    },
    /// A shutdown waits for these processes.
    WaitingToDie {
        /// Which.
        names: Vec<Arc<str>>,
    },
    /// A start was asked for while it was stopping.
    AlreadyRunning {
        /// Which.
        name: Arc<str>,
    },
    /// A signal to a child failed.
    SignalFailed {
        /// Which.
        name: Arc<str>,
        /// Its pid.
        pid: u32,
        /// Why.
        error: String,
    },
    /// A stop or kill failed.
    KillFailed {
        /// Of which process.
        name: Arc<str>,
        /// Its pid.
        pid: u32,
        /// Why.
        error: String,
    },
    /// A child that belongs to no process has not ended in time.
    KillingStray {
        /// Its pid.
        pid: u32,
    },
    /// A process that was no child of ours ended.
    OrphanReaped {
        /// Its pid.
        pid: u32,
        /// How.
        status: ExitStatus,
    },
    /// The daemon was told to end.
    ExitRequested {
        /// By which signal.
        signal: Signal,
    },
    /// The daemon was told to begin anew.
    RestartRequested {
        /// By which signal.
        signal: Signal,
        /// Whether a shutdown is in progress, so that nothing follows.
        ignored: bool,
    },
    /// The daemon was told to open its logs again.
    ReopenRequested {
        /// By which signal.
        signal: Signal,
    },
    /// The logs are about to be opened again.
    LogReopen,
    /// A stop or kill is being sent.
    Killed {
        /// To which process.
        name: Arc<str>,
        /// Its pid.
        pid: u32,
        /// Which signal.
        signal: Signal,
        /// Whether to its whole process group.
        group: bool,
    },
    /// A signal that a user asked for is being sent.
    Signalling {
        /// To which process.
        name: Arc<str>,
        /// Its pid.
        pid: u32,
        /// Which signal.
        signal: Signal,
    },
    /// A pool has no room for more events.
    EventDiscarded {
        /// Which pool.
        pool: Arc<str>,
        /// The number of the event that is lost.
        serial: u64,
    },
    /// An event is added to a pool that had it before.
    EventRebuffered {
        /// To which pool.
        pool: Arc<str>,
        /// The event's number.
        serial: u64,
        /// How many events wait in the pool.
        size: usize,
        /// How many may; `None` if it is bytes that are counted.
        max: Option<usize>,
    },
    /// An event was sent to a listener.
    EventSent {
        /// To which.
        name: Arc<str>,
        /// The event's number.
        serial: u64,
    },
    /// An event could not be sent to a listener that has closed its standard input.
    EventUndelivered {
        /// To which.
        name: Arc<str>,
        /// The event's number.
        serial: u64,
    },
    /// A listener has taken its event.
    EventProcessed {
        /// Which.
        name: Arc<str>,
    },
    /// A listener does not want its event.
    EventRejected {
        /// Which.
        name: Arc<str>,
    },
    /// The first line of a listener's answer made no sense.
    BadResultLine {
        /// Whose.
        name: Arc<str>,
        /// The line.
        line: String,
    },
    /// A listener is in another state of its protocol.
    ListenerMoved {
        /// Which.
        name: Arc<str>,
        /// From here.
        from: Shown,
        /// To there.
        to: Shown,
    },
    /// A listener has broken its protocol.
    ListenerUnknown {
        /// Which.
        name: Arc<str>,
    },
    /// A listener runs of which no daemon knows what it was told.
    ListenerForgotten {
        /// Which.
        name: Arc<str>,
    },
}

impl Message {
    /// The level that Supervisor writes it at.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Spawned { .. }
            | Self::SpawnError { .. }
            | Self::Success { .. }
            | Self::GaveUp { .. }
            | Self::WaitingToStop { .. }
            | Self::WaitingToDie { .. }
            | Self::OrphanReaped { .. }
            | Self::ReopenRequested { .. }
            | Self::LogReopen
            | Self::Exited { expected: true, .. }
            | Self::Stopped { expected: true, .. } => Level::Info,
            Self::Exited {
                expected: false, ..
            }
            | Self::Stopped {
                expected: false, ..
            }
            | Self::Killing { .. }
            | Self::KillingStray { .. }
            | Self::EventRejected { .. }
            | Self::BadResultLine { .. }
            | Self::ListenerUnknown { .. }
            | Self::ListenerForgotten { .. }
            | Self::AlreadyRunning { .. }
            | Self::ExitRequested { .. }
            | Self::RestartRequested { .. } => Level::Warn,
            Self::SignalFailed { .. } | Self::KillFailed { .. } => Level::Critical,
            Self::EventDiscarded { .. } => Level::Error,
            Self::Killed { .. }
            | Self::Signalling { .. }
            | Self::EventRebuffered { .. }
            | Self::EventSent { .. }
            | Self::EventUndelivered { .. }
            | Self::EventProcessed { .. }
            | Self::ListenerMoved { .. } => Level::Debug,
        }
    }
}

impl fmt::Display for Message {
    #[expect(clippy::too_many_lines, reason = "one arm for each line of the log")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawned { name, pid } => write!(f, "spawned: '{name}' with pid {pid}"),
            Self::SpawnError { error } => write!(f, "spawnerr: {error}"),
            Self::Success { name, start_secs } => write!(
                f,
                "success: {name} entered RUNNING state, process has stayed up for > than \
                 {start_secs} seconds (startsecs)"
            ),
            Self::Exited {
                name,
                status,
                expected,
            } => {
                let expected = if *expected {
                    "expected"
                } else {
                    "not expected"
                };
                write!(f, "exited: {name} ({status}; {expected})")
            }
            Self::GaveUp { name } => write!(
                f,
                "gave up: {name} entered FATAL state, too many start retries too quickly"
            ),
            Self::WaitingToStop { name } => write!(f, "waiting for {name} to stop"),
            Self::Stopped { name, status, .. } => write!(f, "stopped: {name} ({status})"),
            Self::Killing { name, pid } => write!(f, "killing '{name}' ({pid}) with SIGKILL"),
            Self::WaitingToDie { names } => {
                f.write_str("waiting for ")?;
                for (i, name) in names.iter().enumerate() {
                    let separator = if i == 0 { "" } else { ", " };
                    write!(f, "{separator}{name}")?;
                }
                f.write_str(" to die")
            }
            Self::AlreadyRunning { name } => write!(f, "process '{name}' already running"),
            Self::SignalFailed { name, pid, error } => {
                write!(f, "unknown problem sending sig {name} ({pid}):{error}")
            }
            Self::KillFailed { name, pid, error } => {
                write!(f, "unknown problem killing {name} ({pid}):{error}")
            }
            Self::KillingStray { pid } => write!(
                f,
                "killing pid {pid}, which belongs to no process that is known, with SIGKILL"
            ),
            Self::OrphanReaped { pid, status } => write!(f, "reaped unknown pid {pid} ({status})"),
            Self::ExitRequested { signal } => {
                write!(f, "received {signal} indicating exit request")
            }
            Self::RestartRequested {
                signal,
                ignored: false,
            } => {
                write!(f, "received {signal} indicating restart request")
            }
            Self::RestartRequested {
                signal,
                ignored: true,
            } => write!(
                f,
                "ignored {signal} indicating restart request (shutdown in progress)"
            ),
            Self::ReopenRequested { signal } => {
                write!(f, "received {signal} indicating log reopen request")
            }
            Self::LogReopen => f.write_str("supervisord logreopen"),
            Self::Killed {
                name,
                pid,
                signal,
                group,
            } => {
                let whom = if *group { "process group " } else { "" };
                write!(f, "killing {name} (pid {pid}) {whom}with signal {signal}")
            }
            Self::Signalling { name, pid, signal } => {
                write!(f, "sending {name} (pid {pid}) sig {signal}")
            }
            Self::EventDiscarded { pool, serial } => write!(
                f,
                "pool {pool} event buffer overflowed, discarding event {serial}"
            ),
            Self::EventRebuffered {
                pool,
                serial,
                size,
                max,
            } => {
                write!(f, "rebuffering event {serial} for pool {pool} ")?;
                match max {
                    Some(max) => write!(f, "(buf size={size}, max={max})"),
                    None => write!(f, "(buf size={size}, max={BUFFER_BYTES} bytes)"),
                }
            }
            Self::EventSent { name, serial } => {
                write!(f, "event {serial} sent to listener {name}")
            }
            Self::EventUndelivered { name, serial } => write!(
                f,
                "epipe occurred while sending event {serial} to listener {name}, listener state \
                 unchanged"
            ),
            Self::EventProcessed { name } => write!(f, "{name}: event was processed"),
            Self::EventRejected { name } => write!(f, "{name}: event was rejected"),
            Self::BadResultLine { name, line } => write!(f, "{name}: bad result line: '{line}'"),
            Self::ListenerMoved { name, from, to } => write!(f, "{name}: {from} -> {to}"),
            Self::ListenerUnknown { name } => write!(
                f,
                "{name}: has entered the UNKNOWN state and will no longer receive events, this \
                 usually indicates the process violated the eventlistener protocol"
            ),
            Self::ListenerForgotten { name } => write!(
                f,
                "{name}: nobody knows any more what it was told and has answered, so it is started \
                 anew"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn lines_about_events_read_as_supervisor_words_them() {
        let name = || Arc::from("l");
        let (serial, pool) = (7, name());
        let (from, to) = (Shown::Busy, Shown::Acknowledged);
        for (message, line) in [
            (
                Message::EventDiscarded { pool, serial },
                "ERRO pool l event buffer overflowed, discarding event 7",
            ),
            (
                Message::EventRebuffered {
                    pool: name(),
                    serial,
                    size: 3,
                    max: Some(10),
                },
                "DEBG rebuffering event 7 for pool l (buf size=3, max=10)",
            ),
            (
                Message::EventRebuffered {
                    pool: name(),
                    serial,
                    size: 3,
                    max: None,
                },
                "DEBG rebuffering event 7 for pool l (buf size=3, max=4194304 bytes)",
            ),
            (
                Message::EventSent {
                    name: name(),
                    serial,
                },
                "DEBG event 7 sent to listener l",
            ),
            (
                Message::EventUndelivered {
                    name: name(),
                    serial,
                },
                "DEBG epipe occurred while sending event 7 to listener l, listener state unchanged",
            ),
            (
                Message::EventProcessed { name: name() },
                "DEBG l: event was processed",
            ),
            (
                Message::EventRejected { name: name() },
                "WARN l: event was rejected",
            ),
            (
                Message::BadResultLine {
                    name: name(),
                    line: "RESULT x".into(),
                },
                "WARN l: bad result line: 'RESULT x'",
            ),
            (
                Message::ListenerMoved {
                    name: name(),
                    from,
                    to,
                },
                "DEBG l: BUSY -> ACKNOWLEDGED",
            ),
            (
                Message::ListenerUnknown { name: name() },
                "WARN l: has entered the UNKNOWN state and will no longer receive events, this \
                 usually indicates the process violated the eventlistener protocol",
            ),
        ] {
            assert_eq!(format!("{} {message}", message.level().tag()), line);
        }
    }
}
