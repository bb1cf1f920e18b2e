//! What listeners can be told: the types of events, and the text of each.
//!
//! Who is told, and in what envelope, is [`crate::pool`]'s business.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::child::ProcessId;
use crate::python::BytesRepr;
use crate::state::ProcessState;
use crate::tick::Period;

macro_rules! event_types {
    ($($variant:ident = $name:literal $(in $parent:ident)?;)*) => {
        /// A type of events, as a listener asks for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Supervisor's name for it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The type that it is one of.
            fn parent(self) -> Option<Self> {
                match self {
                    $(Self::$variant => event_types!(@parent $($parent)?),)*
                }
            }
        }
    };
    (@parent) => { None };
    (@parent $parent:ident) => { Some(Self::$parent) };
}

event_types! {
    Event = "EVENT";
    ProcessState = "PROCESS_STATE" in Event;
    ProcessStateStopped = "PROCESS_STATE_STOPPED" in ProcessState;
    ProcessStateExited = "PROCESS_STATE_EXITED" in ProcessState;
    ProcessStateStarting = "PROCESS_STATE_STARTING" in ProcessState;
    ProcessStateStopping = "PROCESS_STATE_STOPPING" in ProcessState;
    ProcessStateBackoff = "PROCESS_STATE_BACKOFF" in ProcessState;
    ProcessStateFatal = "PROCESS_STATE_FATAL" in ProcessState;
    ProcessStateRunning = "PROCESS_STATE_RUNNING" in ProcessState;
    ProcessStateUnknown = "PROCESS_STATE_UNKNOWN" in ProcessState;
    ProcessCommunication = "PROCESS_COMMUNICATION" in Event;
    ProcessCommunicationStdout = "PROCESS_COMMUNICATION_STDOUT" in ProcessCommunication;
    ProcessCommunicationStderr = "PROCESS_COMMUNICATION_STDERR" in ProcessCommunication;
    ProcessLog = "PROCESS_LOG" in Event;
    ProcessLogStdout = "PROCESS_LOG_STDOUT" in ProcessLog;
    ProcessLogStderr = "PROCESS_LOG_STDERR" in ProcessLog;
    RemoteCommunication = "REMOTE_COMMUNICATION" in Event;
    SupervisorStateChange = "SUPERVISOR_STATE_CHANGE" in Event;
    SupervisorStateChangeRunning = "SUPERVISOR_STATE_CHANGE_RUNNING" in SupervisorStateChange;
    SupervisorStateChangeStopping = "SUPERVISOR_STATE_CHANGE_STOPPING" in SupervisorStateChange;
    Tick = "TICK" in Event;
    Tick5 = "TICK_5" in Tick;
    Tick60 = "TICK_60" in Tick;
    Tick3600 = "TICK_3600" in Tick;
    ProcessGroup = "PROCESS_GROUP" in Event;
    ProcessGroupAdded = "PROCESS_GROUP_ADDED" in ProcessGroup;
    ProcessGroupRemoved = "PROCESS_GROUP_REMOVED" in ProcessGroup;
}

impl EventType {
    /// The type of this name, in upper case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether who asks for `other` is told of this one.
    #[must_use]
    pub fn is_a(self, other: Self) -> bool {
        self == other || self.parent().is_some_and(|parent| parent.is_a(other))
    }
}

/// One of the two streams that a program writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// To whom a program said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// To its log.
    Log,
    /// To listeners: it stood between the capture tokens.
    Communication,
}

/// How much of what a program or a client says an event carries; the rest is cut off. Four times
/// the `capture_maxbytes` of Supervisor's manual, and it may have to wait in many pools.
pub const MAX_DATA: usize = 4 << 20;

/// Something that happened, with what a listener is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process went from one state to another.
    ProcessState {
        /// Which process.
        process: ProcessId,
        /// Its name.
        name: Arc<str>,
        /// Its group's name.
        group: Arc<str>,
        /// The state it left.
        from: ProcessState,
        /// The state it entered, and what is told with it.
        to: Entered,
    },
    /// A group has become active.
    GroupAdded(String),
    /// A group is no longer active.
    GroupRemoved(String),
    /// The daemon runs.
    SupervisorRunning,
    /// The daemon has begun to stop everything.
    SupervisorStopping,
    /// A program said something.
    ProcessSaid {
        /// The name of its process.
        name: Arc<str>,
        /// The name of its group.
        group: Arc<str>,
        /// Of its child.
        pid: u32,
        /// Where.
        channel: Channel,
        /// To whom.
        said: Said,
        /// What.
        data: Arc<[u8]>,
    },
    /// A client of the API said something.
    RemoteCommunication {
        /// What sort of thing, in its own words.
        kind: String,
        /// What.
        data: String,
    },
    /// A slice of time has begun.
    Tick {
        /// How long it is.
        period: Period,
        /// When it began, in seconds since 1970.
        when: u64,
    },
}

/// The state that a process entered, with what is told about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// STARTING.
    Starting {
        /// How many tries have failed before this one.
        tries: u32,
    },
    /// BACKOFF.
    Backoff {
        /// How many tries have failed, this one included.
        tries: u32,
    },
    /// RUNNING.
    Running {
        /// Of the child.
        pid: u32,
    },
    /// STOPPING.
    Stopping {
        /// Of the child.
        pid: u32,
    },
    /// STOPPED.
    Stopped {
        /// Of the child that was stopped; 0 if there was none.
        pid: u32,
    },
    /// EXITED.
    Exited {
        /// Of the child that ended.
        pid: u32,
        /// Whether its exit code was one of the expected ones.
        expected: bool,
    },
    /// FATAL.
    Fatal,
    /// UNKNOWN.
    Unknown,
}

impl Entered {
    /// The state itself.
    #[must_use]
    pub fn state(self) -> ProcessState {
        match self {
            Self::Starting { .. } => ProcessState::Starting,
            Self::Backoff { .. } => ProcessState::Backoff,
            Self::Running { .. } => ProcessState::Running,
            Self::Stopping { .. } => ProcessState::Stopping,
            Self::Stopped { .. } => ProcessState::Stopped,
            Self::Exited { .. } => ProcessState::Exited,
            Self::Fatal => ProcessState::Fatal,
            Self::Unknown => ProcessState::Unknown,
        }
    }
}

impl Event {
    /// What sort of event it is.
    #[must_use]
    pub fn kind(&self) -> EventType {
        match self {
            Self::ProcessState { to, .. } => to.kind(),
            Self::GroupAdded(_) => EventType::ProcessGroupAdded,
            Self::GroupRemoved(_) => EventType::ProcessGroupRemoved,
            Self::SupervisorRunning => EventType::SupervisorStateChangeRunning,
            Self::SupervisorStopping => EventType::SupervisorStateChangeStopping,
            Self::ProcessSaid { said, channel, .. } => said.kind(*channel),
            Self::RemoteCommunication { .. } => EventType::RemoteCommunication,
            Self::Tick { period, .. } => period.kind(),
        }
    }

    /// What listeners are told of it, by Supervisor's wording.
    #[must_use]
    pub fn payload(&self) -> String {
        match self {
            Self::ProcessState {
                name,
                group,
                from,
                to,
                ..
            } => {
                let from = from.name();
                format!("processname:{name} groupname:{group} from_state:{from}{to}")
            }
            // The end of the line is part of it.
            Self::GroupAdded(group) | Self::GroupRemoved(group) => format!("groupname:{group}\n"),
            Self::SupervisorRunning | Self::SupervisorStopping => String::new(),
            Self::ProcessSaid {
                name,
                group,
                pid,
                channel,
                said,
                data,
            } => {
                let head = format!("processname:{name} groupname:{group} pid:{pid}");
                let data = Text(data);
                match said {
                    Said::Log => format!("{head} channel:{channel}\n{data}"),
                    Said::Communication => format!("{head}\n{data}"),
                }
            }
            Self::RemoteCommunication { kind, data } => {
                format!("type:{}\n{}", Text(kind.as_bytes()), Text(data.as_bytes()))
            }
            Self::Tick { when, .. } => format!("when:{when}"),
        }
    }
}

impl Said {
    /// The type of an event about it.
    #[must_use]
    pub fn kind(self, channel: Channel) -> EventType {
        match (self, channel) {
            (Self::Log, Channel::Stdout) => EventType::ProcessLogStdout,
            (Self::Log, Channel::Stderr) => EventType::ProcessLogStderr,
            (Self::Communication, Channel::Stdout) => EventType::ProcessCommunicationStdout,
            (Self::Communication, Channel::Stderr) => EventType::ProcessCommunicationStderr,
        }
    }
}

impl Entered {
    fn kind(self) -> EventType {
        match self {
            Self::Starting { .. } => EventType::ProcessStateStarting,
            Self::Backoff { .. } => EventType::ProcessStateBackoff,
            Self::Running { .. } => EventType::ProcessStateRunning,
            Self::Stopping { .. } => EventType::ProcessStateStopping,
            Self::Stopped { .. } => EventType::ProcessStateStopped,
            Self::Exited { .. } => EventType::ProcessStateExited,
            Self::Fatal => EventType::ProcessStateFatal,
            Self::Unknown => EventType::ProcessStateUnknown,
        }
    }
}

impl fmt::Display for Entered {
    /// What is told of it beside the states, with a blank before each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { tries } | Self::Backoff { tries } => write!(f, " tries:{tries}"),
            Self::Running { pid } | Self::Stopping { pid } | Self::Stopped { pid } => {
                write!(f, " pid:{pid}")
            }
            Self::Exited { pid, expected } => {
                write!(f, " expected:{} pid:{pid}", u8::from(*expected))
            }
            Self::Fatal | Self::Unknown => Ok(()),
        }
    }
}

/// Bytes as a listener, or a reader of the log, is told them: at most [`MAX_DATA`] of them, and as
/// Python shows them if they are no text.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = &self.0[..self.0.len().min(MAX_DATA)];
        let is_cut = kept.len() < self.0.len();
        match core::str::from_utf8(kept) {
            Ok(text) => f.write_str(text),
            // The cut went through a character, which is left out.
            Err(error) if is_cut && error.error_len().is_none() => {
                f.write_str(&String::from_utf8_lossy(&kept[..error.valid_up_to()]))
            }
            Err(_) => write!(f, "Undecodable: {}", BytesRepr(kept)),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    fn state(from: ProcessState, to: Entered) -> Event {
        Event::ProcessState {
            process: ProcessId(1),
            name: "q".into(),
            group: "g".into(),
            from,
            to,
        }
    }

    fn said(said: Said, data: &[u8]) -> Event {
        Event::ProcessSaid {
            name: "q".into(),
            group: "g".into(),
            pid: 7,
            channel: Channel::Stderr,
            said,
            data: data.into(),
        }
    }

    #[test]
    fn each_event_has_supervisors_name_and_words() {
        let (pid, tries) = (18880, 1);
        for (event, name, payload) in [
            (
                state(ProcessState::Backoff, Entered::Starting { tries }),
                "PROCESS_STATE_STARTING",
                "processname:q groupname:g from_state:BACKOFF tries:1",
            ),
            (
                state(ProcessState::Starting, Entered::Backoff { tries }),
                "PROCESS_STATE_BACKOFF",
                "processname:q groupname:g from_state:STARTING tries:1",
            ),
            (
                state(ProcessState::Starting, Entered::Running { pid }),
                "PROCESS_STATE_RUNNING",
                "processname:q groupname:g from_state:STARTING pid:18880",
            ),
            (
                state(ProcessState::Running, Entered::Stopping { pid }),
                "PROCESS_STATE_STOPPING",
                "processname:q groupname:g from_state:RUNNING pid:18880",
            ),
            (
                state(ProcessState::Backoff, Entered::Stopped { pid: 0 }),
                "PROCESS_STATE_STOPPED",
                "processname:q groupname:g from_state:BACKOFF pid:0",
            ),
            (
                state(
                    ProcessState::Running,
                    Entered::Exited {
                        pid,
                        expected: true,
                    },
                ),
                "PROCESS_STATE_EXITED",
                "processname:q groupname:g from_state:RUNNING expected:1 pid:18880",
            ),
            (
                state(ProcessState::Backoff, Entered::Fatal),
                "PROCESS_STATE_FATAL",
                "processname:q groupname:g from_state:BACKOFF",
            ),
            (
                state(ProcessState::Running, Entered::Unknown),
                "PROCESS_STATE_UNKNOWN",
                "processname:q groupname:g from_state:RUNNING",
            ),
            (
                Event::GroupAdded("g".into()),
                "PROCESS_GROUP_ADDED",
                "groupname:g\n",
            ),
            (
                Event::GroupRemoved("g".into()),
                "PROCESS_GROUP_REMOVED",
                "groupname:g\n",
            ),
            (
                Event::SupervisorRunning,
                "SUPERVISOR_STATE_CHANGE_RUNNING",
                "",
            ),
            (
                Event::SupervisorStopping,
                "SUPERVISOR_STATE_CHANGE_STOPPING",
                "",
            ),
            (
                said(Said::Log, b"one\ntwo"),
                "PROCESS_LOG_STDERR",
                "processname:q groupname:g pid:7 channel:stderr\none\ntwo",
            ),
            (
                said(Said::Communication, b"x\xe9\n"),
                "PROCESS_COMMUNICATION_STDERR",
                "processname:q groupname:g pid:7\nUndecodable: b'x\\xe9\\n'",
            ),
            (
                Event::RemoteCommunication {
                    kind: "é ☃".into(),
                    data: "größe".into(),
                },
                "REMOTE_COMMUNICATION",
                "type:é ☃\ngröße",
            ),
            (
                Event::Tick {
                    period: Period::Minute,
                    when: 1_700_000_040,
                },
                "TICK_60",
                "when:1700000040",
            ),
        ] {
            assert_eq!(event.kind().name(), name);
            assert_eq!(event.payload(), payload);
        }
    }

    #[test]
    fn who_asks_for_a_type_is_told_of_all_below_it_and_of_nothing_else() {
        let told = |asked: EventType| {
            let all = EventType::ALL.iter();
            all.filter(|kind| kind.is_a(asked)).count()
        };
        assert_eq!(told(EventType::Event), EventType::ALL.len());
        assert_eq!(told(EventType::ProcessState), 9);
        assert_eq!(told(EventType::Tick), 4);
        assert_eq!(told(EventType::Tick5), 1);
    }

    #[test]
    fn a_type_is_found_by_its_name_alone() {
        for kind in EventType::ALL {
            assert_eq!(EventType::named(kind.name()), Some(*kind));
        }
        assert_eq!(EventType::named("TICK_"), None);
        assert_eq!(EventType::named("tick"), None);
    }

    #[test]
    fn what_is_too_much_is_cut_between_two_characters() {
        let text = "é".repeat(MAX_DATA);
        let shown = Text(text.as_bytes()).to_string();
        assert_eq!(shown, text[..MAX_DATA]);
        let mut odd = vec![b'x'];
        odd.extend_from_slice(text.as_bytes());
        let shown = Text(&odd).to_string();
        assert_eq!(shown.len(), MAX_DATA - 1);
    }
}
