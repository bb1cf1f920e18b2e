//! supervisord's own log.
//!
//! Lines go to a file or to syslog, and in the foreground to standard output as well. A line is
//! `YYYY-MM-DD HH:MM:SS,mmm LEVL message`, in local time. Lines that come before the log is open
//! are kept until it is. Nothing that goes wrong with the log is an error of whoever has something
//! to say: it is dropped and counted, and the log says so itself once it works again.
//!
//! The file is rotated as the logs of programs are, and like them never waited for: a terminal
//! that was stopped does not stop the daemon.

use std::fmt::{self, Write};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use minder_core::Level;

use crate::outlet::{Outlet, Ties};
use crate::sink::{Opened, Sink, SinkSpec};
use crate::syslog::Connection;

/// How many lines are kept before the log is open. Those of a start are a few dozen.
const MAX_EARLY: usize = 1000;

/// Where standard output is found by name, to be opened anew: then it can be made non-blocking
/// without anybody else noticing.
const STANDARD_OUTPUT: &str = "/proc/self/fd/1";

/// What the log is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainLogSpec {
    /// Where it goes.
    pub target: Target,
    /// Lines of lesser importance are left out.
    pub level: Level,
    /// Whether it goes to standard output as well.
    pub to_stdout: bool,
}

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nowhere.
    Off,
    /// To the system's log daemon.
    Syslog,
    /// To a file or device.
    File {
        /// Which.
        path: PathBuf,
        /// From how many bytes on it is rotated; 0 is never.
        max_bytes: u64,
        /// How many rotated files are kept; with none the file is emptied instead.
        backups: u32,
    },
}

/// Why the log cannot be cleared.
#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    /// It does not go to a file, or the file is gone.
    #[error("cannot find the log")]
    NoFile,
    /// The file cannot be removed or made anew.
    #[error("cannot clear the log")]
    Failed(#[source] io::Error),
}

/// The log. May be used from several threads; lines are never mixed.
pub struct MainLog(Mutex<State>);

enum State {
    /// Lines wait for it to be opened.
    Early {
        lines: Vec<(DateTime, Level, String)>,
        /// What it is to be, if that is known and could not be had yet.
        wanted: Option<MainLogSpec>,
    },
    Open(Box<Log>),
}

struct Log {
    level: Level,
    stdout: Option<Outlet>,
    target: OpenTarget,
    ties: Ties,
    /// The line being made.
    line: String,
}

enum OpenTarget {
    Off,
    Syslog(SyslogLog),
    File(Outlet),
}

/// The log in the hands of the system's log daemon. A line that it does not take at once is lost,
/// and told of as soon as it takes one again: Supervisor would wait, and everybody with it.
struct SyslogLog {
    connection: Connection,
    /// How many lines were lost since then.
    lost: u64,
}

impl MainLog {
    /// A log that keeps what it is told until it is opened.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(State::new()))
    }

    /// Opens the log, or changes what it is, and writes down what has come before.
    pub fn open(&self, spec: &MainLogSpec) -> io::Result<()> {
        self.state().open(spec)
    }

    /// The same, but if it cannot be opened now, it is tried again with each line.
    pub fn open_when_possible(&self, spec: &MainLogSpec) -> io::Result<()> {
        let mut state = self.state();
        let opened = state.open(spec);
        if let (Err(_), State::Early { wanted, .. }) = (&opened, &mut *state) {
            *wanted = Some(spec.clone());
        }
        opened
    }

    /// Writes a line.
    pub fn write(&self, level: Level, message: impl fmt::Display) {
        let now = now();
        let mut state = self.state();
        if let State::Early {
            wanted: Some(spec), ..
        } = &*state
        {
            let spec = spec.clone();
            // Until it works, lines are kept as they were before.
            let _ = state.open(&spec);
        }
        match &mut *state {
            State::Early { lines, .. } if lines.len() < MAX_EARLY => {
                lines.push((now, level, message.to_string()));
            }
            State::Early { .. } => {}
            State::Open(log) => log.write(now, level, message),
        }
    }

    /// Whether a line of this importance would be written.
    pub fn is_enabled(&self, level: Level) -> bool {
        match &*self.state() {
            State::Early { .. } => true,
            State::Open(log) => level >= log.level,
        }
    }

    /// Where the log can be read, if it goes to a file.
    pub fn path(&self) -> Option<PathBuf> {
        match &*self.state() {
            State::Early { .. } => None,
            State::Open(log) => log.file().map(|file| file.path().to_path_buf()),
        }
    }

    /// Whether the log goes to the system's log daemon.
    pub fn is_syslog(&self) -> bool {
        match &*self.state() {
            State::Early { .. } => false,
            State::Open(log) => matches!(log.target, OpenTarget::Syslog(_)),
        }
    }

    /// Closes the file and opens it again by its name.
    pub fn reopen(&self) {
        if let State::Open(log) = &mut *self.state()
            && let OpenTarget::File(file) = &mut log.target
        {
            file.reopen_by_name(&log.ties);
        }
    }

    /// Removes the file and begins it anew.
    pub fn clear(&self) -> Result<(), ClearError> {
        match &mut *self.state() {
            State::Early { .. } => Err(ClearError::NoFile),
            State::Open(log) => log.clear(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked has at worst left half a line.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MainLog {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MainLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MainLog").finish_non_exhaustive()
    }
}

impl State {
    const fn new() -> Self {
        Self::Early {
            lines: Vec::new(),
            wanted: None,
        }
    }

    /// Opens the log, or changes what it is, and writes down what has come before.
    fn open(&mut self, spec: &MainLogSpec) -> io::Result<()> {
        let log = Log::open(spec)?;
        if let Self::Early { lines, .. } = mem::replace(self, Self::Open(Box::new(log)))
            && let Self::Open(log) = self
        {
            for (time, level, text) in lines {
                log.write(time, level, &text);
            }
        }
        Ok(())
    }
}

impl Log {
    fn open(spec: &MainLogSpec) -> io::Result<Self> {
        let ties = Ties::none();
        let target = match &spec.target {
            Target::Off => OpenTarget::Off,
            Target::Syslog => OpenTarget::Syslog(SyslogLog::new(Connection::default())),
            Target::File {
                path,
                max_bytes,
                backups,
            } => OpenTarget::File(open(path, *max_bytes, *backups, &ties)?),
        };
        // Somebody may have closed it; then there is nobody to read it either.
        let stdout = spec
            .to_stdout
            .then(|| standard_output(&ties).ok())
            .flatten();
        Ok(Self {
            level: spec.level,
            stdout,
            target,
            ties,
            line: String::new(),
        })
    }

    fn write(&mut self, time: DateTime, level: Level, message: impl fmt::Display) {
        if level < self.level {
            return;
        }
        self.line.clear();
        start_line(&mut self.line, time, level);
        let start = self.line.len();
        // Writing to a string does not fail, but a message may; then it ends there.
        let _ = writeln!(self.line, "{message}");
        if let Some(stdout) = &mut self.stdout {
            stdout.write(self.line.as_bytes(), &self.ties);
        }
        match &mut self.target {
            OpenTarget::Off => {}
            OpenTarget::Syslog(syslog) => {
                for text in self.line[start..].trim_end_matches('\n').split('\n') {
                    syslog.write(time, level, text);
                }
            }
            OpenTarget::File(file) => file.write(self.line.as_bytes(), &self.ties),
        }
    }

    fn file(&self) -> Option<&Outlet> {
        match &self.target {
            OpenTarget::Off | OpenTarget::Syslog(_) => None,
            OpenTarget::File(file) => Some(file),
        }
    }

    fn clear(&mut self) -> Result<(), ClearError> {
        let Some(file) = self.file() else {
            return Err(ClearError::NoFile);
        };
        match file.path().try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(ClearError::NoFile),
            Err(error) => return Err(ClearError::Failed(error)),
        }
        // Supervisor says so of each place that it writes to, and of a file before it is cleared.
        for _ in 0..=usize::from(self.stdout.is_some()) {
            self.write(now(), Level::Info, "reopening log file");
        }
        match &mut self.target {
            OpenTarget::File(file) => file.clear(&self.ties).map_err(ClearError::Failed),
            OpenTarget::Off | OpenTarget::Syslog(_) => Err(ClearError::NoFile),
        }
    }
}

impl SyslogLog {
    fn new(connection: Connection) -> Self {
        let lost = 0;
        Self { connection, lost }
    }

    fn write(&mut self, time: DateTime, level: Level, text: &str) {
        if self.lost > 0 {
            let told = format!(
                "{} lines of this log are missing: syslog did not take them",
                self.lost
            );
            if !self.send(time, Level::Warn, &told) {
                self.lost += 1;
                return;
            }
            self.lost = 0;
        }
        if !self.send(time, level, text) {
            self.lost += 1;
        }
    }

    fn send(&mut self, time: DateTime, level: Level, text: &str) -> bool {
        let mut line = String::new();
        start_line(&mut line, time, level);
        line.push_str(text);
        self.connection.send(time, &line)
    }
}

fn open(path: &Path, max_bytes: u64, backups: u32, ties: &Ties) -> io::Result<Outlet> {
    let sink = Sink::open(&spec(path, max_bytes, backups))?;
    Ok(Outlet::new(sink, ties))
}

/// Standard output, even if it belongs to somebody else since privileges were dropped.
fn standard_output(ties: &Ties) -> io::Result<Outlet> {
    let path = Path::new(STANDARD_OUTPUT);
    open(path, 0, 0, ties).or_else(|_| {
        let opened = Opened::own_output()?;
        let spec = spec(path, 0, 0);
        Ok(Outlet::new(Sink { spec, opened }, ties))
    })
}

fn spec(path: &Path, max_bytes: u64, backups: u32) -> SinkSpec {
    SinkSpec {
        path: path.into(),
        max_bytes,
        backups,
        mode: 0o666,
        strip_ansi: false,
    }
}

/// The local time. The library keeps the zone, and looks now and then whether it has changed.
pub(crate) fn now() -> DateTime {
    TimeZone::system().to_datetime(jiff::Timestamp::now())
}

/// Writes what stands before the message.
fn start_line(line: &mut String, time: DateTime, level: Level) {
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let (milli, tag) = (time.millisecond(), level.tag());
    let _ = write!(
        line,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{milli:03} {tag} "
    );
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixDatagram;

    use jiff::civil::date;
    use tempfile::TempDir;

    use super::*;

    fn spec(folder: &TempDir, max_bytes: u64, backups: u32) -> MainLogSpec {
        MainLogSpec {
            target: Target::File {
                path: folder.path().join("log"),
                max_bytes,
                backups,
            },
            level: Level::Info,
            to_stdout: false,
        }
    }

    /// The messages in a file, without date and level.
    fn messages(folder: &TempDir, name: &str) -> Vec<String> {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.lines().map(|line| line[29..].to_owned()).collect()
    }

    #[test]
    fn a_line_begins_with_date_milliseconds_and_level() {
        let mut line = String::new();
        start_line(
            &mut line,
            date(2026, 3, 4).at(5, 6, 7, 89_000_000),
            Level::Warn,
        );
        assert_eq!(line, "2026-03-04 05:06:07,089 WARN ");
    }

    #[test]
    fn what_was_said_early_is_written_first_and_only_what_matters() {
        let folder = tempfile::tempdir().unwrap();
        let log = MainLog::new();
        log.write(Level::Debug, "not this");
        log.write(Level::Critical, "one");
        log.open(&spec(&folder, 0, 0)).unwrap();
        log.write(Level::Trace, "nor this");
        log.write(Level::Info, "two");
        assert_eq!(messages(&folder, "log"), ["one", "two"]);
        assert!(log.is_enabled(Level::Info) && !log.is_enabled(Level::Debug));
    }

    #[test]
    fn it_is_rotated_after_a_write_that_reaches_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let log = MainLog::new();
        log.open(&spec(&folder, 60, 2)).unwrap();
        for line in ["a", "b", "c", "d", "e", "f", "g"] {
            log.write(Level::Info, line);
        }
        assert_eq!(messages(&folder, "log"), ["g"]);
        assert_eq!(messages(&folder, "log.1"), ["e", "f"]);
        assert_eq!(messages(&folder, "log.2"), ["c", "d"]);
        assert!(!folder.path().join("log.3").exists());
    }

    #[test]
    fn clearing_begins_the_file_anew_and_needs_one() {
        let folder = tempfile::tempdir().unwrap();
        let log = MainLog::new();
        assert!(matches!(log.clear(), Err(ClearError::NoFile)));
        log.open(&spec(&folder, 0, 0)).unwrap();
        log.write(Level::Info, "old");
        log.clear().unwrap();
        log.write(Level::Info, "new");
        assert_eq!(messages(&folder, "log"), ["new"]);
        fs::remove_file(folder.path().join("log")).unwrap();
        assert!(matches!(log.clear(), Err(ClearError::NoFile)));
    }

    #[test]
    fn a_log_that_cannot_be_opened_yet_is_opened_with_a_later_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = MainLog::new();
        let mut spec = spec(&folder, 0, 0);
        let below = folder.path().join("below");
        spec.target = Target::File {
            path: below.join("log"),
            max_bytes: 0,
            backups: 0,
        };
        log.open_when_possible(&spec).unwrap_err();
        log.write(Level::Info, "one");
        fs::create_dir(&below).unwrap();
        log.write(Level::Info, "two");
        assert_eq!(messages(&folder, "below/log"), ["one", "two"]);
    }

    #[test]
    fn reopening_continues_in_the_file_that_bears_the_name_now() {
        let folder = tempfile::tempdir().unwrap();
        let log = MainLog::new();
        log.open(&spec(&folder, 0, 0)).unwrap();
        log.write(Level::Info, "old");
        fs::rename(folder.path().join("log"), folder.path().join("moved")).unwrap();
        log.write(Level::Info, "still old");
        log.reopen();
        log.write(Level::Info, "new");
        assert_eq!(messages(&folder, "moved"), ["old", "still old"]);
        assert_eq!(messages(&folder, "log"), ["new"]);
    }

    #[test]
    fn a_log_that_cannot_be_written_to_harms_nobody() {
        let log = MainLog::new();
        let mut spec = spec(&tempfile::tempdir().unwrap(), 10, 0);
        spec.target = Target::File {
            path: "/dev/full".into(),
            max_bytes: 10,
            backups: 1,
        };
        log.open(&spec).unwrap();
        log.write(Level::Info, "lost");
        log.reopen();
        log.clear().unwrap();
        assert!(Path::new("/dev/full").exists());
    }

    #[test]
    fn lines_that_syslog_does_not_take_are_counted_and_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let time = date(2026, 11, 27).at(10, 3, 10, 0);
        let mut log = SyslogLog::new(Connection::to(path.clone()));
        let write = |log: &mut SyslogLog, text: &str| log.write(time, Level::Info, text);
        // Nobody is there.
        write(&mut log, "lost");
        let reader = UnixDatagram::bind(path).unwrap();
        reader.set_nonblocking(true).unwrap();
        let read = || {
            let mut buffer = [0; 200];
            let length = reader.recv(&mut buffer).ok()?;
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let line = text.split_once("supervisord: 2026-11-27 10:03:10,000 ");
            Some(line.expect("a date and a name").1.to_owned())
        };
        let missing = |lost: usize| {
            format!("WARN {lost} lines of this log are missing: syslog did not take them")
        };
        write(&mut log, "one");
        assert_eq!(read(), Some(missing(1)));
        assert_eq!(read(), Some("INFO one".to_owned()));
        // Nobody reads.
        let mut written = 0;
        while log.lost < 3 {
            write(&mut log, "more");
            written += 1;
        }
        let taken: Vec<_> = std::iter::from_fn(read).collect();
        assert_eq!(taken.len(), written - 3);
        write(&mut log, "last");
        assert_eq!(read(), Some(missing(3)));
        assert_eq!(read(), Some("INFO last".to_owned()));
        assert_eq!(read(), None);
    }
}
