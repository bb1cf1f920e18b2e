//! The bodies of answers.
//!
//! Times are seconds since 1970 with a fraction; durations are seconds; sizes are bytes. Members may
//! be added to any of these; those that are there keep their meaning. A member that is `null` is not
//! known, or there is none.
//!
//! `supervisorctl top` reads what another release may have written: a member that is added needs a
//! default, or to be an `Option`.

use serde::{Deserialize, Serialize};

/// Seconds since 1970.
pub type Time = f64;

macro_rules! bodies {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$member_doc:meta])* pub $member:ident: $kind:ty,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub struct $name {
            $($(#[$member_doc])* pub $member: $kind,)*
        }
    )*};
}

bodies! {
    /// Who answers.
    pub struct Daemon {
        /// The version of Minder.
        pub version: String,
        /// The release of Supervisor whose behaviour it has.
        pub supervisor_version: String,
        /// The `identifier` of the configuration.
        pub identifier: String,
        /// What the daemon is up to: RUNNING, RESTARTING or SHUTDOWN.
        pub state: String,
        /// How many daemons have died since the start or the last restart.
        pub generation: u32,
        /// The pid of the keeper, which the pidfile holds and which signals go to.
        pub keeper_pid: u32,
        /// The pid of the daemon.
        pub daemon_pid: u32,
        /// When this daemon began.
        pub started: Time,
        /// Now, by the clock of the daemon.
        pub now: Time,
        /// The number of the last event.
        pub last_event: u64,
        /// What the keeper consumes.
        pub keeper_figures: Option<Figures>,
        /// What the daemon consumes.
        pub daemon_figures: Option<Figures>,
    }

    /// Processes, by the names of groups and then their own.
    pub struct Processes {
        /// The number of the last event that is certainly in here: streams can go on from it.
        pub last_event: u64,
        /// Now, by the clock of the daemon.
        pub now: Time,
        /// The processes.
        pub processes: Vec<Process>,
    }

    /// How a process is.
    pub struct Process {
        /// What users call it: `group:process`, or `process` if its group is called the same.
        pub name: String,
        /// Its group.
        pub group: String,
        /// Its name within its group.
        pub process: String,
        /// Its state: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN.
        pub state: String,
        /// Supervisor's number for the state.
        pub state_code: i32,
        /// Supervisor's description of it.
        pub description: String,
        /// The pid of its child.
        pub pid: Option<u32>,
        /// When it was last started.
        pub started: Option<Time>,
        /// When a child of it last ended.
        pub stopped: Option<Time>,
        /// For how long it has been up.
        pub uptime: Option<f64>,
        /// The exit code of the child that ended last: -1 if a signal ended it, 0 until one has ended.
        pub exit_status: i32,
        /// Why its last start failed or its last end was unexpected.
        pub error: Option<String>,
        /// How often a child was asked for.
        pub starts: u64,
        /// How many of these followed an end that nobody had asked for.
        pub restarts: u64,
        /// How many starts of the last 24 hours were not the first one.
        pub restarts_of_day: u64,
        /// Whether it has ended unexpectedly three times within ten minutes, the last time less than
        /// half an hour ago.
        pub flapping: bool,
        /// How its last child ended.
        pub last_end: Option<End>,
        /// The file that its standard output goes to.
        pub stdout_log: Option<String>,
        /// The file that its standard error goes to.
        pub stderr_log: Option<String>,
        /// What its child consumes, if that was asked for.
        pub figures: Option<Figures>,
    }

    /// How a child ended.
    pub struct End {
        /// When.
        pub at: Time,
        /// In which way: expected, unexpected, signal, `too_quick`, `spawn_error`, stopped, unknown or
        /// `out_of_memory`.
        pub reason: String,
        /// Its exit code.
        pub exit_code: Option<u8>,
        /// The signal that ended it.
        pub signal: Option<String>,
        /// Whether a core file was written.
        pub core_dumped: bool,
        /// Why there was no child.
        pub error: Option<String>,
    }

    /// What a process consumes; its children are not counted.
    pub struct Figures {
        /// When this was measured.
        pub at: Time,
        /// The time that processors have spent on it.
        pub cpu_seconds: f64,
        /// The same as a part of the time that has passed since it was measured before: 1 is a whole
        /// processor. `null` at the first time.
        pub cpu_load: Option<f64>,
        /// The memory that it has at the moment (resident set).
        pub memory: u64,
        /// How many threads it has.
        pub threads: u64,
        /// How many descriptors it has open; `null` if the daemon may not know.
        pub open_files: Option<u64>,
    }

    /// How a process is, and how it was.
    pub struct ProcessDetail {
        /// The number of the last event that is certainly in here.
        pub last_event: u64,
        /// How it is.
        pub process: Process,
        /// Its last changes of state, the oldest first. At most 100.
        pub changes: Vec<Change>,
        /// What it consumed in the last hour, as far as somebody looked; the oldest first.
        pub curve: Vec<Point>,
    }

    /// A change of state.
    pub struct Change {
        /// When.
        pub at: Time,
        /// The state that it entered.
        pub state: String,
        /// The pid of its child.
        pub pid: Option<u32>,
        /// How many starts in a row had failed by then.
        pub tries: u32,
        /// How its child ended, if that is what happened.
        pub end: Option<End>,
    }

    /// What a process consumed at some time.
    pub struct Point {
        /// When.
        pub at: Time,
        /// The part of a processor that it took since the point before.
        pub cpu_load: Option<f64>,
        /// Its memory.
        pub memory: u64,
    }

    /// What processes consume.
    pub struct AllFigures {
        /// Now, by the clock of the daemon.
        pub now: Time,
        /// By process; those without a child are left out.
        pub figures: Vec<NamedFigures>,
    }

    /// What one process consumes.
    pub struct NamedFigures {
        /// What users call the process.
        pub name: String,
        /// The pid of its child.
        pub pid: u32,
        /// What it consumes.
        pub figures: Figures,
    }

    /// What became of what was asked for.
    pub struct Outcomes {
        /// Whether all went well.
        pub ok: bool,
        /// What became of each process. Those that were as wished already are left out.
        pub outcomes: Vec<Outcome>,
    }

    /// What became of one process.
    pub struct Outcome {
        /// What users call the process, or the target as given if there is no such process.
        pub name: String,
        /// Whether it went well.
        pub ok: bool,
        /// Supervisor's name for the fault, if it did not.
        pub fault: Option<String>,
        /// What the fault is about.
        pub detail: Option<String>,
    }

    /// What a process is configured with.
    pub struct Configuration {
        /// What users call the process.
        pub name: String,
        /// The section that it comes from, if the file still says the same.
        pub section: Option<String>,
        /// Whether the files say the same as what is in force; `null` if they cannot be read.
        pub on_disk: Option<bool>,
        /// Each option.
        pub options: Vec<OptionValue>,
        /// What is added to the environment of its children. Secrets are masked.
        pub environment: Vec<Variable>,
    }

    /// An option.
    pub struct OptionValue {
        /// Its name.
        pub name: String,
        /// Its value in force.
        pub value: String,
        /// Whether the files say so; otherwise this is the default.
        pub set: bool,
        /// The file that says so.
        pub file: Option<String>,
        /// The line of that file, from 1.
        pub line: Option<u64>,
    }

    /// A variable of the environment.
    pub struct Variable {
        /// Its name.
        pub name: String,
        /// Its value. Six dots if its name sounds like a secret; a password in a URL is masked too.
        pub value: String,
        /// Whether something is masked.
        pub masked: bool,
    }

    /// A part of a log.
    pub struct LogPart {
        /// The path of the file.
        pub path: String,
        /// What identifies the file while it is rotated, in hexadecimal digits.
        pub file_id: String,
        /// The first byte.
        pub offset: u64,
        /// The byte behind the last one.
        pub end: u64,
        /// The size of the file.
        pub size: u64,
        /// The bytes as text. What is not UTF-8 is replaced.
        pub text: String,
        /// Where to go on: what a stream of this log takes as its `after`.
        pub place: String,
    }

    /// The files of a log.
    pub struct LogFiles {
        /// The files, the newest first.
        pub files: Vec<LogFile>,
    }

    /// A file of a log.
    pub struct LogFile {
        /// 0 for the file that is written to, 1 for the one that was rotated away last, and so on.
        pub file: u32,
        /// What identifies it while it is rotated, in hexadecimal digits.
        pub id: String,
        /// Its path.
        pub path: String,
        /// Its size.
        pub size: u64,
        /// When it was last written to.
        pub modified: Option<Time>,
    }

    /// Where a text stands in a log.
    pub struct Matches {
        /// The places.
        pub matches: Vec<Match>,
        /// The byte to go on from, if not all of the file was looked at.
        pub next: Option<u64>,
        /// The size of the file.
        pub size: u64,
    }

    /// A place.
    pub struct Match {
        /// The first byte of the text.
        pub offset: u64,
        /// The first byte of the line.
        pub line_offset: u64,
        /// The line, or a part of it around the place. What is not UTF-8 is replaced.
        pub line: String,
    }

    /// What has happened.
    pub struct Events {
        /// The number of the last event there was.
        pub last_event: u64,
        /// The number of the oldest event that is kept.
        pub oldest: Option<u64>,
        /// The events, the newest first.
        pub events: Vec<Event>,
    }

    /// Something that happened.
    pub struct Event {
        /// Its number. They count up by one.
        pub id: u64,
        /// When.
        pub at: Time,
        /// Its type, by Supervisor's name where there is one.
        pub kind: String,
        /// What users call the process that it is about.
        pub name: Option<String>,
        /// The group that it is about.
        pub group: Option<String>,
        /// The state that the process left.
        pub from: Option<String>,
        /// How the process is since.
        pub change: Option<Change>,
        /// What a client said: what sort of thing.
        pub said: Option<String>,
        /// What a client or a program said, or the beginning of it.
        pub data: Option<String>,
    }

    /// Event listeners.
    pub struct Listeners {
        /// The pools.
        pub pools: Vec<Pool>,
    }

    /// A pool of event listeners.
    pub struct Pool {
        /// The group.
        pub name: String,
        /// How many events wait.
        pub waiting: u64,
        /// How many may wait, if `buffer_size` says so.
        pub buffer_size: Option<u64>,
        /// How many events it has accepted since it began to listen.
        pub accepted: u64,
        /// How many events there was no room for, since this daemon began.
        pub discarded: u64,
    }

    /// Groups.
    pub struct Groups {
        /// The groups that are active, in their order.
        pub groups: Vec<Group>,
    }

    /// A group.
    pub struct Group {
        /// Its name.
        pub name: String,
        /// What it is: program, fcgi-program or eventlistener.
        pub kind: String,
        /// Its `priority`.
        pub priority: i64,
        /// What users call its processes.
        pub processes: Vec<String>,
    }

    /// What an update would do.
    pub struct Plan {
        /// What is done, in order: groups that are removed, changed, added.
        pub steps: Vec<Step>,
        /// How many processes are not touched.
        pub untouched: u64,
        /// How long stopping may take at most: groups are stopped one after the other.
        pub longest_wait: f64,
        /// The files that were read.
        pub files: Vec<String>,
        /// What was accepted although it was hardly meant.
        pub warnings: Vec<String>,
    }

    /// What an update would do to one group.
    pub struct Step {
        /// What: removed, changed or added.
        pub change: String,
        /// The group.
        pub group: String,
        /// The processes that are stopped.
        pub stops: Vec<String>,
        /// The processes that are started.
        pub starts: Vec<String>,
    }

    /// What an update has done.
    pub struct Updated {
        /// Whether all went well.
        pub ok: bool,
        /// What became of each group.
        pub groups: Vec<UpdatedGroup>,
    }

    /// What an update has done to one group.
    pub struct UpdatedGroup {
        /// What: removed, changed or added.
        pub change: String,
        /// The group.
        pub group: String,
        /// Whether it went well.
        pub ok: bool,
        /// What went wrong.
        pub detail: Option<String>,
    }

    /// Bytes that were added to a log.
    pub struct Added {
        /// The path of the file.
        pub path: String,
        /// The first byte.
        pub offset: u64,
        /// The bytes as text. What is not UTF-8 is replaced.
        pub text: String,
    }

    /// A stream begins, or cannot go on where the reader was, who had better ask anew.
    pub struct Begun {
        /// The number of the last event there was.
        pub last_event: u64,
        /// How many daemons have died since the start or the last restart.
        pub generation: u32,
    }

    /// A stream of a log cannot go on where the reader was.
    pub struct LogReset {
        /// Why: gone, truncated or missing.
        pub reason: String,
    }
}
