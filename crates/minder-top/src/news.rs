//! What is heard of a daemon and its processes.
//!
//! Times are seconds since 1970 by the daemon's clock, which need not be ours; sizes are bytes.

use minder_core::ProcessState;

/// Which processes are to be shown: all, unless something is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(Vec<(String, Option<String>)>);

impl Wanted {
    /// Wants a group as well, or one process of it.
    pub fn add(&mut self, group: &str, process: Option<&str>) {
        self.0.push((group.to_owned(), process.map(str::to_owned)));
    }

    /// Whether all processes are wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a process is wanted.
    #[must_use]
    pub fn has(&self, group: &str, process: &str) -> bool {
        let is_it = |(wanted, name): &(String, Option<String>)| {
            wanted == group && name.as_ref().is_none_or(|it| it == process)
        };
        self.is_all() || self.0.iter().any(is_it)
    }
}

/// Something that was heard.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The daemon cannot be reached, for this reason, and is tried again.
    Lost(String),
    /// Who answers.
    Server(Server),
    /// All processes there are.
    All {
        /// The processes.
        processes: Vec<Process>,
        /// Now, by the daemon's clock.
        now: f64,
    },
    /// How one process is.
    One(Box<Process>),
    /// There is no process of this name any more.
    Gone(String),
    /// A process has entered a state. What else has changed about it is told after this.
    Turned(Turn),
    /// What processes consume: all that do, or all that are looked at.
    Consumed(Vec<(String, Figures)>),
    /// Something about the log that is followed.
    Log(LogNews),
    /// What became of something that was asked for: a sentence, and whether all went well.
    Done {
        /// The sentence.
        said: String,
        /// Whether all went well.
        ok: bool,
    },
}

/// What sort of daemon answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Minder, which tells what happens when it happens, and what processes consume.
    Minder,
    /// Another that has Supervisor's interface, which is asked again and again.
    Supervisor,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// What sort of daemon it is.
    pub source: Source,
    /// Its version.
    pub version: String,
    /// The `identifier` of its configuration.
    pub identifier: String,
    /// What it is up to: RUNNING, RESTARTING or SHUTDOWN.
    pub state: String,
    /// The pid that its pidfile has, if it is known.
    pub pid: Option<u32>,
    /// When it began, if that is known.
    pub started: Option<f64>,
    /// How many daemons have died before this one.
    pub deaths: u32,
}

/// How a process is.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// What users call it: `group:process`, or `process` if its group is called the same.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Its name within its group.
    pub process: String,
    /// Its state.
    pub state: ProcessState,
    /// Supervisor's description of it.
    pub description: String,
    /// The pid of its child.
    pub pid: Option<u32>,
    /// When its child was started, while there is one.
    pub started: Option<f64>,
    /// How often it was started again within a day, if that is known.
    pub restarts: Option<u64>,
    /// Whether it ends unexpectedly again and again.
    pub flapping: bool,
    /// How its last child ended.
    pub last_end: Option<End>,
    /// What its child consumes.
    pub figures: Option<Figures>,
}

/// How a child ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// When.
    pub at: f64,
    /// How: `exit 3`, `SIGSEGV`.
    pub how: String,
    /// Whether somebody should look at it.
    pub bad: bool,
}

/// What a process consumes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// The part of one processor's time that it takes, if that is known already.
    pub load: Option<f64>,
    /// Its memory (resident set).
    pub memory: u64,
}

/// A process has entered a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Which process.
    pub name: String,
    /// When.
    pub at: f64,
    /// The state.
    pub state: ProcessState,
    /// The pid of its child.
    pub pid: Option<u32>,
    /// How its child ended, if that is what happened.
    pub end: Option<End>,
}

/// Something about the log that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogNews {
    /// What follows is told from the beginning.
    Begun,
    /// Text was added. Control characters may be in it.
    Added(String),
    /// What follows does not follow what was told before, for this reason.
    Broken(String),
    /// Nothing more will be told, for this reason.
    Ended(String),
}
