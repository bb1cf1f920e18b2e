//! What can be asked for.

use minder_rpc::{Channel, ProcessState};

use crate::exposition::Format;

/// A request, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Who answers.
    Daemon,
    /// How processes are.
    Processes {
        /// Only those in one of these states; all, if none is named.
        states: Vec<ProcessState>,
        /// Only those of this group.
        group: Option<String>,
        /// Whether to tell what they consume.
        figures: bool,
    },
    /// How a process is, and how it was.
    Process {
        /// As given.
        name: String,
    },
    /// What a process is configured with.
    Configuration {
        /// As given.
        name: String,
    },
    /// Do something to one process.
    Act {
        /// As given.
        name: String,
        /// What.
        action: Action,
    },
    /// Do something to all processes of a group.
    ActOnGroup {
        /// The group.
        group: String,
        /// What.
        action: Action,
    },
    /// Do something to several.
    ActOnMany {
        /// Each as given: a process, all of a group (`group:*`), or `*` for all there are.
        targets: Vec<String>,
        /// What.
        action: Action,
    },
    /// A part of a log.
    Log {
        /// Which log.
        log: LogOf,
        /// Which file of it: 0 is the one that is written to, 1 the last that was rotated away.
        file: u32,
        /// The first byte; below zero, counted from the end.
        offset: i64,
        /// How many bytes at most.
        limit: u64,
    },
    /// The files of a log.
    LogFiles(LogOf),
    /// Look for a text in a file of a log.
    Search {
        /// Which log.
        log: LogOf,
        /// Which file of it.
        file: u32,
        /// For what.
        text: String,
        /// Whether capitals and small letters of ASCII are different.
        case: bool,
        /// The first byte to look at.
        offset: u64,
        /// How many places to tell of at most.
        limit: usize,
    },
    /// What is added to a log, as it is added.
    FollowLog {
        /// Which log.
        log: LogOf,
        /// What the reader has seen last.
        after: Option<Place>,
    },
    /// What has happened.
    Events {
        /// Only after the event of this number.
        after: Option<u64>,
        /// Only before the event of this number.
        before: Option<u64>,
        /// How many at most.
        limit: usize,
        /// Only of types whose names begin like this.
        kind: Option<String>,
        /// Only about this process, as given.
        process: Option<String>,
    },
    /// What happens, as it happens.
    Stream {
        /// The number of the event that the reader has seen last.
        after: Option<u64>,
        /// The processes to tell every now and then what they consume.
        figures: Vec<String>,
    },
    /// What processes consume.
    Figures {
        /// Which, each as given; all, if none is named.
        names: Vec<String>,
    },
    /// The groups that are active.
    Groups,
    /// The pools of event listeners.
    Listeners,
    /// What an update would do.
    Plan,
    /// Read the configuration again, and say what an update would do.
    Reread,
    /// Read the configuration again, and make it the one that is active.
    Update {
        /// Only these groups; all, if none is named.
        groups: Option<Vec<String>>,
    },
    /// The metrics.
    Metrics(Format),
    /// The description of the interface.
    OpenApi,
}

/// Something to do to processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start.
    Start {
        /// Whether to answer only when the outcome is known.
        wait: bool,
    },
    /// Stop.
    Stop {
        /// Whether to answer only when it has ended.
        wait: bool,
    },
    /// Stop what runs, then start.
    Restart {
        /// Whether to answer only when the outcome of the start is known.
        wait: bool,
    },
    /// Send a signal.
    Signal {
        /// Its name or number, as given.
        signal: String,
    },
    /// Empty the logs.
    Clear,
    /// Write to the standard input.
    Stdin {
        /// What.
        text: String,
    },
}

/// Whose log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOf {
    /// The daemon's own.
    Daemon,
    /// A process's.
    Process {
        /// As given.
        name: String,
        /// Which of its streams.
        channel: Channel,
    },
}

/// A place in a log that stays the same while files are rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, by what [`LogFile::id`](crate::body::LogFile::id) tells.
    pub file: u64,
    /// How many bytes of it come before.
    pub offset: u64,
}

impl Place {
    /// The place that is written like this, as [`Display`](std::fmt::Display) does.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (file, offset) = text.split_once('-')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_hexdigit());
        if !digits(file) || !offset.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        Some(Self {
            file: u64::from_str_radix(file, 16).ok()?,
            offset: offset.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}-{}", self.file, self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_is_written() {
        for place in [
            Place { file: 0, offset: 0 },
            Place {
                file: u64::MAX,
                offset: 12,
            },
        ] {
            assert_eq!(Place::parse(&place.to_string()), Some(place));
        }
        for none in [
            "", "-", "1", "1-", "-1", "x-1", "1-x", "+1-1", "1-+1", "1-1-1",
        ] {
            assert_eq!(Place::parse(none), None, "{none}");
        }
    }
}
