//! The messages themselves.

/// From the daemon to the keeper.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one message is alive at a time: a box would save nothing"
)]
pub enum ToKeeper {
    /// The daemon is there and speaks this version. The keeper answers with
    /// [`ToDaemon::Welcome`].
    Hello {
        /// The highest version that the daemon speaks.
        version: u16,
    },
    /// Asks for the next item of the inventory: a [`ToDaemon::Child`], a [`ToDaemon::Held`], or
    /// [`ToDaemon::InventoryEnd`]. Pulled one by one, because a socket buffer holds only some
    /// hundred frames that carry descriptors.
    Next,
    /// Start a child. Answered by [`ToDaemon::Spawned`] or [`ToDaemon::SpawnFailed`]. For a plan
    /// of at most [`MAX_INLINE_PLAN`](crate::MAX_INLINE_PLAN) bytes.
    Spawn {
        /// The daemon's name for it, never used before.
        child: u64,
        /// Whose run it is, as text for a daemon that lost its snapshot.
        label: Vec<u8>,
        /// What to do between clone and exec.
        plan: Plan,
    },
    /// The same, with the encoded plan in a sealed memfd, the one descriptor of this message.
    SpawnFrom {
        /// The daemon's name for it, never used before.
        child: u64,
        /// Whose run it is, as text for a daemon that lost its snapshot.
        label: Vec<u8>,
    },
    /// This process, which an earlier keeper started and nobody minds, is a child from now on: the one
    /// descriptor of this message is its pidfd. It has no pipes.
    Adopt {
        /// The name that an earlier daemon gave it, under which the register tells of it.
        child: u64,
        /// Its pid.
        pid: u32,
        /// Whose run it is.
        label: Vec<u8>,
    },
    /// Send a signal to a child, if it is still there.
    Signal {
        /// Which child.
        child: u64,
        /// The signal's number.
        signal: i32,
        /// Whether to its whole process group.
        group: bool,
    },
    /// The end of this child has been taken note of; it need not be reported again. It stays in
    /// the inventory until the keeper's copies of its pipe ends are closed as well, since a
    /// descendant may still write to them.
    Forget {
        /// Which child.
        child: u64,
    },
    /// The keeper's copy of a pipe end is no longer needed. That of standard input it closes by
    /// itself when the child ends.
    Close {
        /// Whose.
        child: u64,
        /// Which end.
        stream: Stream,
    },
    /// Hold the one descriptor of this message under this name, in place of an earlier one.
    Hold {
        /// At most [`MAX_NAME`] bytes.
        name: Vec<u8>,
    },
    /// Close what is held under this name.
    Release {
        /// As it was held.
        name: Vec<u8>,
    },
    /// A [`Signalled`](ToDaemon::Signalled) has been acted upon; it need not be told again.
    Heard {
        /// The signal's number.
        signal: i32,
    },
    /// Start-up is complete: whoever waits for it may be told.
    Ready,
    /// Where the daemon writes its log: the keeper writes there what no daemon is left to tell.
    /// `None` if that is no ordinary file.
    Log {
        /// Its path, at most [`MAX_PATH`] bytes.
        path: Option<Vec<u8>>,
    },
    /// Look whether the program that is installed now could go on in our place. Answered by
    /// [`ToDaemon::UpgradePossible`] or [`ToDaemon::UpgradeRefused`], when that is known.
    Upgrade,
    /// The daemon is about to exit on purpose.
    Leave(Departure),
}

/// How the daemon leaves on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// For good: the keeper exits with this code. `text` is what to tell whoever started it, if
    /// start-up had not been completed; empty if nothing.
    Exit {
        /// The exit code of the whole.
        code: u8,
        /// For standard error of whoever waits for the start.
        text: Vec<u8>,
    },
    /// To begin anew: the keeper drops all that it holds but the [`HEIRLOOM`], and starts another
    /// daemon.
    Restart,
    /// To make room for another program: the keeper executes what it found
    /// [possible](ToDaemon::UpgradePossible), which starts a daemon of its own.
    Upgrade,
}

/// How an upgrade went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUpgrade {
    /// What became of it.
    pub outcome: UpgradeOutcome,
    /// The version that was to be replaced.
    pub from: Vec<u8>,
    /// The version that was to replace it; empty if it was never known.
    pub to: Vec<u8>,
    /// Why it failed; empty if it did not.
    pub why: Vec<u8>,
    /// Whether no daemon that got [ready](ToKeeper::Ready) has been told of this.
    pub is_news: bool,
}

/// What became of an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeOutcome {
    /// The new program runs, and no daemon of it has been ready yet.
    Trying,
    /// The new program runs, and so does its daemon.
    Done,
    /// Nothing was given up for it.
    Refused,
    /// The new program did not come up, and the old one goes on.
    RolledBack,
}

/// From the keeper to the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToDaemon {
    /// The answer to [`ToKeeper::Hello`].
    Welcome {
        /// The version that is spoken from here on.
        version: u16,
        /// The pid that the world knows.
        keeper_pid: u32,
        /// How many daemons there were before this one since the start or the last restart.
        generation: u32,
        /// How many restarts on purpose there were before this daemon: 0 is the first start.
        restarts: u32,
        /// How the daemon before this one ended (a wait status), if it was not on purpose.
        last_end: Option<i32>,
        /// The bytes of [`Launch::note`].
        note: Vec<u8>,
        /// How the latest upgrade went, if there was one.
        upgrade: Option<LastUpgrade>,
    },
    /// A child of the inventory, with the keeper's copies of those pipe ends that `streams`
    /// names, in that order. Behind them may ride a pidfd of it, unless it has been reaped.
    Child {
        /// The daemon's name for it.
        child: u64,
        /// Its pid.
        pid: u32,
        /// As given at its start.
        label: Vec<u8>,
        /// Whether it runs.
        state: ChildState,
        /// Which signals have been sent to it: bit n stands for signal n.
        signals: u64,
        /// The pipe ends that ride beside.
        streams: Vec<Stream>,
    },
    /// A held descriptor, which rides beside.
    Held {
        /// As it was held.
        name: Vec<u8>,
    },
    /// The inventory has no further item. From here on the keeper tells by itself of ends
    /// ([`Exited`](Self::Exited), [`Orphan`](Self::Orphan)) and signals
    /// ([`Signalled`](Self::Signalled)); what came up meanwhile has waited.
    InventoryEnd,
    /// A child runs. Our ends of its pipes ride beside, as `streams` names them; the keeper
    /// keeps copies. Behind them may ride a pidfd of it.
    Spawned {
        /// Which.
        child: u64,
        /// Its pid.
        pid: u32,
        /// The pipe ends that ride beside.
        streams: Vec<Stream>,
    },
    /// A child could not be made; nothing is left of it.
    SpawnFailed {
        /// Which.
        child: u64,
        /// What was tried.
        step: SpawnStep,
        /// The system's error number.
        errno: i32,
    },
    /// A child has ended. Repeated in the inventory until it is forgotten.
    Exited {
        /// Which.
        child: u64,
        /// Its wait status, or [`UNKNOWN_STATUS`].
        status: i32,
        /// When it was reaped: nanoseconds of the monotonic clock.
        mono_nanos: u64,
        /// The same on the wall clock: nanoseconds since 1970.
        wall_nanos: u64,
    },
    /// A process that was not started through here has ended below the keeper.
    Orphan {
        /// Its pid.
        pid: u32,
        /// Its wait status.
        status: i32,
    },
    /// The keeper was sent a signal. Told again to the next daemon, until one has
    /// [heard](ToKeeper::Heard) it.
    Signalled {
        /// Its number.
        signal: i32,
    },
    /// The program that is installed can go on in our place. The daemon is expected to leave by
    /// [`Departure::Upgrade`].
    UpgradePossible {
        /// Its version.
        to: Vec<u8>,
    },
    /// The program that is installed cannot go on in our place, and nothing was given up for it.
    UpgradeRefused {
        /// Why not.
        why: Vec<u8>,
    },
    /// A signal could not be sent, for another reason than that the child is gone.
    SignalFailed {
        /// To which child.
        child: u64,
        /// The signal's number.
        signal: i32,
        /// The system's error number.
        errno: i32,
    },
}

/// Whether a child of the inventory runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// It does.
    Running,
    /// It has ended, and has not been forgotten.
    Exited {
        /// Its wait status, or [`UNKNOWN_STATUS`].
        status: i32,
        /// When it was reaped: nanoseconds of the monotonic clock.
        mono_nanos: u64,
        /// The same on the wall clock: nanoseconds since 1970.
        wall_nanos: u64,
    },
}

/// Stands for the wait status of a child whose end nobody saw: it is that of a process that has
/// not ended.
pub const UNKNOWN_STATUS: i32 = 0x7f;

/// What failed when a child could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnStep {
    /// The plan could not be read.
    Plan,
    /// A pipe could not be made.
    Pipe,
    /// The process could not be made.
    Clone,
}

/// One of a child's three standard streams; our end of it is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// What we write and it reads.
    Stdin,
    /// What it writes to standard output.
    Stdout,
    /// What it writes to standard error.
    Stderr,
}

/// What the keeper does between clone and exec, as plain data: it decides nothing.
///
/// A step that fails in the child is told on the child's standard error in Supervisor's words, and
/// the child exits with 127.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The file to execute.
    pub file: Vec<u8>,
    /// Its arguments, the zeroth included.
    pub argv: Vec<Vec<u8>>,
    /// Its whole environment, as `NAME=value`.
    pub envp: Vec<Vec<u8>>,
    /// Where to change to before exec.
    pub directory: Option<Vec<u8>>,
    /// The umask to set.
    pub umask: Option<u32>,
    /// Whom to become.
    pub credentials: Credentials,
    /// What standard input is.
    pub stdin: Stdin,
    /// Whether standard error is standard output's pipe instead of one of its own.
    pub stderr_to_stdout: bool,
    /// Signals to ignore (numbers). HUP, INT, QUIT, TERM, USR2 and CHLD are set to their
    /// default; all others stay as the keeper was started with.
    pub ignored_signals: Vec<i32>,
    /// The `oom_score_adj` to ask for.
    pub oom_score_adj: Option<i32>,
    /// Limits to set: resource number, soft, hard.
    pub limits: Vec<(i32, u64, u64)>,
}

/// What standard input is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stdin {
    /// A pipe, whose other end is ours.
    #[default]
    Pipe,
    /// The descriptor held under this name.
    Held(Vec<u8>),
}

/// Whom the child becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Whoever the keeper is.
    #[default]
    Keep,
    /// This user.
    Become {
        /// User id.
        uid: u32,
        /// Primary group id.
        gid: u32,
        /// All group ids, the primary one first.
        groups: Vec<u32>,
    },
    /// Nobody: the daemon has found that it cannot be done. The child says so and exits.
    Refuse {
        /// User id.
        uid: u32,
        /// Why not, in Supervisor's words.
        why: Vec<u8>,
    },
}

/// What the launcher leaves for the keeper that it becomes, in a memfd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// The descriptor on which somebody waits for the outcome of the start, if anybody does.
    pub report_fd: Option<i32>,
    /// For the daemon; the keeper does not look inside.
    pub note: Vec<u8>,
    /// Where the program is installed: what is found there later is what an upgrade goes over to.
    pub program: Vec<u8>,
    /// The descriptor of what is to be held as [`GIVEN`], if there is anything.
    pub given_fd: Option<i32>,
}

/// The name under which that is held until a restart which the launcher leaves for the daemon and
/// which may be too long for a note.
pub const GIVEN: &[u8] = b"given";

/// The one name under which something is held beyond a restart.
pub const HEIRLOOM: &[u8] = b"heirloom";

/// The longest name that something can be held under: a path and a word before it.
pub const MAX_NAME: usize = 4096 + 64;

/// A child has three streams, each named at most once.
pub(crate) const STREAMS: usize = 3;

/// Linux has 64 signals.
pub(crate) const MAX_SIGNALS: usize = 64;

/// The longest path: Linux takes no longer one.
pub const MAX_PATH: usize = 4096;
