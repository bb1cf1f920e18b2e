//! The states that users see.

/// The state of a process, by Supervisor's names and codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProcessState {
    /// Not started yet, or stopped on request.
    Stopped,
    /// Started, and not up for `startsecs` yet.
    Starting,
    /// Up.
    Running,
    /// Ended too soon after its start; will be tried again.
    Backoff,
    /// Told to stop, and not gone yet.
    Stopping,
    /// Ended by itself after having been up.
    Exited,
    /// Given up.
    Fatal,
    /// A signal to it failed, so nothing can be said about it.
    Unknown,
}

impl ProcessState {
    /// Every state, by code.
    pub const ALL: [Self; 8] = [
        Self::Stopped,
        Self::Starting,
        Self::Running,
        Self::Backoff,
        Self::Stopping,
        Self::Exited,
        Self::Fatal,
        Self::Unknown,
    ];

    /// Supervisor's number for it.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Stopped => 0,
            Self::Starting => 10,
            Self::Running => 20,
            Self::Backoff => 30,
            Self::Stopping => 40,
            Self::Exited => 100,
            Self::Fatal => 200,
            Self::Unknown => 1000,
        }
    }

    /// Supervisor's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether nothing runs and nothing is about to: what `remove` asks for.
    #[must_use]
    pub fn is_stopped(self) -> bool {
        matches!(
            self,
            Self::Stopped | Self::Exited | Self::Fatal | Self::Unknown
        )
    }

    /// Whether it runs or is on its way there: what start and stop requests test.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Backoff)
    }

    /// Whether there is a child to send a signal to.
    #[must_use]
    pub fn is_signallable(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Stopping)
    }
}

/// What the whole daemon is up to; Supervisor calls it the supervisor state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Minding its processes.
    Running,
    /// Stopping everything in order to begin anew.
    Restarting,
    /// Stopping everything in order to end.
    ShuttingDown,
}
