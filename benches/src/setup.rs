//! What a subject is given to run.

use std::path::{Path, PathBuf};

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) programs: Vec<Program>,
    /// Whether an event listener is told of every change of state; its notes go to [`notes`].
    pub(crate) listener: bool,
}

/// A program: this project's own, in one of its modes.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    /// When its log is rotated.
    pub(crate) log: LogLimit,
    /// Whether there is a log of its own for standard error.
    pub(crate) stderr: bool,
}

/// When a log is rotated, and how much of it is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogLimit {
    pub(crate) bytes: u64,
    pub(crate) backups: u64,
}

impl LogLimit {
    /// Supervisor's default.
    const DEFAULT: Self = Self {
        bytes: 50 << 20,
        backups: 10,
    };
}

impl Setup {
    /// Programs that wait to be ended.
    pub(crate) fn waiting(count: usize, here: &Path) -> Self {
        let wait = |n| Program::new(format!("p{n}"), ["wait".to_owned(), shown(&births(here))]);
        Self {
            programs: (0..count).map(wait).collect(),
            listener: false,
        }
    }
}

impl Program {
    pub(crate) fn new(name: String, args: impl IntoIterator<Item = String>) -> Self {
        Self {
            name,
            args: args.into_iter().collect(),
            log: LogLimit::DEFAULT,
            stderr: true,
        }
    }
}

/// The FIFO that programs tell of their birth, below a subject's folder.
pub(crate) fn births(here: &Path) -> PathBuf {
    here.join("births")
}

/// What the listener was told.
pub(crate) fn notes(here: &Path) -> PathBuf {
    here.join("events")
}

/// The folder with the logs of a program.
pub(crate) fn logs(here: &Path, program: &str) -> PathBuf {
    here.join("logs").join(program)
}

pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The program that is started, which lies beside this one.
pub(crate) fn executable() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("minder-bench-program")
}
